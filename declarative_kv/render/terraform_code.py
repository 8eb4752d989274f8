"""What we keep, as Terraform would say it: azurerm's resources, and blocks that import what is there.

What azurerm wants to know, by its source (hashicorp/terraform-provider-azurerm, internal/services/keyvault and
…/authorization): the id of a secret must have its version; a secret needs a value, so that one comes from a variable
and is ignored where the secret is there; role assignments have a tenant after a `|` only where they are delegated from
another one, which ours never are; `all` is no permission; what a block leaves out is set to azurerm's default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from declarative_kv.engine.export import Export, Item, Missing, Unknown
from declarative_kv.model.address import Address
from declarative_kv.model.document import Cloud, Principal
from declarative_kv.model.permissions import PERMISSIONS
from declarative_kv.model.roles import builtin_roles
from declarative_kv.model.specs import (
    AccessPolicySpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)
from declarative_kv.render.hcl import Code, Stanza, expression, hcl, template
from declarative_kv.render.terraform import TYPES, permission, values_of

Json = dict[str, Any]
_ENVIRONMENTS: Final[Mapping[str, str]] = MappingProxyType({"usgov": "usgovernment", "china": "china"})
_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
_MAPS: Final[Mapping[Missing, str]] = MappingProxyType(
    {Missing.PRINCIPAL: "principals", Missing.GROUP: "resource_groups"}
)
"""The variables that hold what only Azure knows, by name."""
_WORDS: Final[Mapping[Missing, str]] = MappingProxyType(
    {Missing.PRINCIPAL: "Object ids of principals", Missing.GROUP: "The resource groups of vaults"}
)
_DEFINITIONS: Final = "/providers/Microsoft.Authorization/roleDefinitions/"
_VERSION: Final = ">= 4.42, < 6.0"
"""From the first that calls the access model `rbac_authorization_enabled`."""
_UNWRITTEN: Final = "not written by Terraform"
_CONFIG: Final = "data.azurerm_client_config.current"
_NEVER_PURGE: Final = Stanza(
    "key_vault",
    attributes={"purge_soft_delete_on_destroy": False, "purge_soft_deleted_secrets_on_destroy": False},
    remarks=("Left to itself, azurerm purges what it destroys.",),
)
_ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "access": ("rbac_authorization_enabled",),
        "sku": ("sku_name",),
        "retention_days": ("soft_delete_retention_days",),
        "purge_protection": ("purge_protection_enabled",),
        "network": ("network_acls", "public_network_access_enabled"),
        "enabled_for": tuple(f"enabled_for_{use}" for use in ("deployment", "disk_encryption", "template_deployment")),
        "not_before": ("not_before_date",),
        "expires": ("expiration_date",),
        **{kind: (f"{kind.removesuffix('s')}_permissions",) for kind in PERMISSIONS},
    }
)
"""Our attributes in azurerm's words, where those are others."""


@dataclass(frozen=True, slots=True)
class _Home:
    """Everything that the resources are written against. `references` maps remote ids, lower case, to their blocks."""

    export: Export
    cloud: Cloud
    names: Mapping[Address, str]
    references: Mapping[str, str]

    def text(self, value: Any) -> Any:
        """A value whose texts say what is not known by a variable."""
        if isinstance(value, str):
            return template(one if isinstance(one, str) else _known_later(one) for one in self.export.parts(value))
        if isinstance(value, list):
            return [self.text(one) for one in value]
        return {key: self.text(one) for key, one in value.items()} if isinstance(value, dict) else value

    def reference(self, identifier: str, attribute: str = "id") -> Any:
        """An id as the block says it whose id it is, else the id itself."""
        block = self.references.get(identifier.lower())
        return Code(f"{block}.{attribute}") if block else self.text(identifier)

    def provider(self, item: Item) -> Code | None:
        """The provider of another subscription than the one that most are in."""
        subscription = _subscription_of(item)
        if subscription is None or subscription.lower() == self.export.subscription.lower():
            return None
        return Code(f"azurerm.{self.alias(subscription)}")

    def alias(self, subscription: str) -> str:
        """What the provider of a subscription is called."""
        keys = {identifier.lower(): key for key, identifier in self.export.subscriptions.items()}
        return _identifier(keys.get(subscription.lower(), subscription))


def terraform_files(export: Export, cloud: Cloud, principals: Mapping[str, Principal]) -> Mapping[str, str]:
    """The files of a Terraform module, by name; no value of a secret is in them."""
    names = dict(_names(item.resource.address for item in export.items))
    blocks = {item.remote_id.lower(): _block_of(item, names) for item in export.items}
    home = _Home(export, cloud, names, blocks)
    files = {
        "versions.tf": hcl(_versions(home)),
        "variables.tf": hcl(_variables(home, principals)),
        "main.tf": hcl(_resource(home, item) for item in export.items),
        "imports.tf": hcl(_imports(home)),
    }
    return {name: text for name, text in files.items() if text}


def _block_of(item: Item, names: Mapping[Address, str]) -> str:
    return f"{TYPES[item.resource.address.kind]}.{names[item.resource.address]}"


def _names(addresses: Iterable[Address]) -> Iterator[tuple[Address, str]]:
    """A name for each address, no two of one type alike."""
    taken: set[tuple[str, str]] = set()
    for at in addresses:
        base = _identifier(at.path)
        names = (base if number == 1 else f"{base}_{number}" for number in count(1))
        name = next(one for one in names if (TYPES[at.kind], one) not in taken)
        taken.add((TYPES[at.kind], name))
        yield at, name


def _identifier(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", text)
    return plain if re.match("[A-Za-z_]", plain) else f"_{plain}"


def _subscription_of(item: Item) -> str | None:
    match = _SUBSCRIPTION.match(item.remote_id)
    return match[1] if match else None


def _known_later(one: Unknown) -> Code:
    """The expression for what only Azure knows."""
    match one.what:
        case Missing.CURRENT:
            return Code(f"{_CONFIG}.object_id")
        case Missing.TENANT:
            return Code(f"{_CONFIG}.tenant_id")
        case Missing.SUBSCRIPTION:
            return Code("var.subscription_id")
    return Code(f"var.{_MAPS[one.what]}[{expression(one.name)}]")


def _versions(home: _Home) -> Iterator[Stanza]:
    azurerm = {"source": "hashicorp/azurerm", "version": _VERSION}
    needed = Stanza("required_providers", attributes={"azurerm": azurerm})
    yield Stanza("terraform", attributes={"required_version": ">= 1.5"}, blocks=(needed,), remarks=_head(home.export))
    yield _provider(home, home.export.subscription, None)
    others = {found for item in home.export.items if home.provider(item) and (found := _subscription_of(item))}
    for subscription in sorted(others):
        yield _provider(home, subscription, home.alias(subscription))
    if any(one.what in (Missing.CURRENT, Missing.TENANT) for one in home.export.unknown):
        yield Stanza("data", ("azurerm_client_config", "current"))


def _head(export: Export) -> tuple[str, ...]:
    said = ["Written by `dkv export terraform`. What the first plan shows beside imports is worth a look: azurerm sets"]
    said.append("tags as a whole, and its state will hold the values of the secrets.")
    if export.existing:
        said.append(f"Somebody else's, and so not here: {', '.join(map(str, export.existing))}")
    if export.leaving:
        said.append(f"In the state but no longer declared, and so not here: {', '.join(map(str, export.leaving))}")
    return tuple(said)


def _provider(home: _Home, subscription: str, alias: str | None) -> Stanza:
    remarks = ("A cloud of its own: azurerm finds its endpoints by `metadata_host`.",)
    attributes = {
        "alias": alias,
        "subscription_id": home.text(subscription),
        "environment": _ENVIRONMENTS.get(home.cloud.name),
    }
    features = Stanza("features", blocks=(_NEVER_PURGE,))
    return Stanza("provider", ("azurerm",), attributes, (features,), remarks if home.cloud.name == "custom" else ())


def _variables(home: _Home, principals: Mapping[str, Principal]) -> Iterator[Stanza]:
    if home.export.missing(Missing.SUBSCRIPTION):
        yield _variable("subscription_id", "The subscription.", Code("string"))
    for what, name in _MAPS.items():
        if missing := home.export.missing(what):
            told = ", ".join(_told(one, principals) for one in missing)
            yield _variable(name, f"{_WORDS[what]}, by name: {told}.", Code("map(string)"))
    if any(isinstance(item.resource.spec, SecretSpec) for item in home.export.items):
        told = "The values of secrets that are yet to be made, by vault and name."
        yield _variable("secret_values", told, Code("map(string)"), sensitive=True, default={})


def _told(key: str, principals: Mapping[str, Principal]) -> str:
    one = principals.get(key)
    return f"{key} ({one.selector.value} {one.name})" if one is not None else key


def _variable(name: str, description: str, kind: Code, **more: Any) -> Stanza:
    return Stanza("variable", (name,), {"type": kind, "description": description, **more})


def _imports(home: _Home) -> Iterator[Stanza]:
    for item in home.export.items:
        if (identifier := _import_id(home, item)) is not None:
            to = Code(_block_of(item, home.names))
            yield Stanza("import", attributes={"to": to, "id": identifier, "provider": home.provider(item)})


def _import_id(home: _Home, item: Item) -> str | None:
    """The id that azurerm imports by; None for what no run has finished, and for a secret of no known version."""
    if item.entry is None or not isinstance(item.resource.spec, SecretSpec):
        return item.entry.remote_id if item.entry else None
    vault, _, name = item.entry.remote_id.partition("/secrets/")
    version = item.entry.facts.get("version")
    host = f"{vault.rpartition('/')[2].lower()}.{home.cloud.key_vault_suffix.lstrip('.')}"
    return f"https://{host}/secrets/{name}/{version}" if version else None


def _resource(home: _Home, item: Item) -> Stanza:
    resource = item.resource
    attributes, inner = _SHAPES[type(resource.spec)](home, item)
    said = {name: value for name, value in attributes.items() if value is not None}
    lifecycle = _lifecycle(home, item, attributes)
    blocks = (*inner, *((lifecycle,) if lifecycle.attributes else ()))
    labels = (TYPES[resource.address.kind], home.names[resource.address])
    return Stanza("resource", labels, {"provider": home.provider(item), **said}, blocks, tuple(_remarks(home, item)))


def _lifecycle(home: _Home, item: Item, attributes: Json) -> Stanza:
    """What dkv protects is not destroyed, and what it leaves as it is stays so."""
    ignored = {name for name, value in attributes.items() if value is None}
    ignored |= {name for one in item.resource.lifecycle.ignore for name in _ATTRIBUTES.get(one, (one,))}
    spec = item.resource.spec
    if isinstance(spec, SecretSpec) and _import_id(home, item) is not None:
        ignored.add("value")
    if isinstance(spec, VaultSpec):
        ignored |= {"sku_name"} if spec.sku is None else set()
        ignored |= {"network_acls"} if spec.network is None else set()
    known = sorted(name for name in ignored if name in attributes or name == "network_acls")
    protected = True if item.resource.lifecycle.protect else None
    return Stanza(
        "lifecycle",
        attributes={
            **({"prevent_destroy": protected} if protected else {}),
            **({"ignore_changes": [Code(name) for name in known]} if known else {}),
        },
    )


def _remarks(home: _Home, item: Item) -> Iterator[str]:
    spec, at = item.resource.spec, item.resource.address
    principal = home.export.principals.get(str(getattr(spec, "principal", "")).lower())
    yield f"{at}, for {principal}" if principal else str(at)
    if item.pending:
        yield "A run was interrupted here, so that it may be there or not: run `dkv apply` first."
    elif item.entry is None:
        yield "Not in the state, so Terraform would make it."
    elif _import_id(home, item) is None:
        yield "The state knows no version of it, without which azurerm imports none."
    elif item.entry.facts.get("shared"):
        yield "Somebody else made this one; dkv would never delete it."
    if isinstance(spec, SecretSpec):
        if spec.source is not None:
            yield f"Its value: {spec.source}"
        if spec.enabled is False:
            yield "It is disabled, which azurerm cannot say."


Shape = tuple[Json, tuple[Stanza, ...]]


def _group(home: _Home, item: Item) -> Shape:
    values = values_of(item.resource.spec, {})
    return {name: home.text(values[name]) for name in ("name", "location", "tags")}, ()


def _vault(home: _Home, item: Item) -> Shape:
    spec = item.resource.spec
    values = values_of(spec, {})
    acls = values.pop("network_acls")
    del values["enable_rbac_authorization"]  # the same under the name that goes
    group = f"/subscriptions/{spec.subscription}/resourceGroups/{spec.resource_group}"
    values["resource_group_name"] = home.reference(group, "name")
    if isinstance(values["resource_group_name"], str):
        values["resource_group_name"] = spec.resource_group
    values["sku_name"] = values["sku_name"] or "standard"
    return {name: home.text(value) for name, value in values.items()}, tuple(_network(acls))


def _network(acls: list[Json]) -> Iterator[Stanza]:
    """Both of the rules that azurerm wants to be told, Azure's own where the YAML leaves them as they are."""
    for one in acls:
        rules = {"default_action": one["default_action"] or "Allow", "bypass": one["bypass"] or "AzureServices"}
        yield Stanza("network_acls", attributes={**one, **rules})


def _policy(home: _Home, item: Item) -> Shape:
    spec = item.resource.spec
    granted = {
        f"{kind.removesuffix('s')}_permissions": [permission(word) for word in _spelled_out(kind, getattr(spec, kind))]
        for kind in ("secrets", "keys", "certificates", "storage")
    }
    return {
        "key_vault_id": home.reference(spec.vault),
        "tenant_id": home.text(home.export.tenant),
        "object_id": home.text(spec.principal),
        **({"application_id": spec.application} if spec.application else {}),
        **{name: words for name, words in granted.items() if words},
    }, ()


def _spelled_out(kind: str, words: Iterable[str]) -> list[str]:
    """`all` is no permission to azurerm."""
    every = PERMISSIONS[kind] - {"all"}
    return sorted(every) if "all" in words else list(words)


def _secret(home: _Home, item: Item) -> Shape:
    spec = item.resource.spec
    values = values_of(spec, {})
    key = expression(item.resource.address.path)
    there = _import_id(home, item) is not None
    value = f'lookup(var.secret_values, {key}, "{_UNWRITTEN}")' if there else f"var.secret_values[{key}]"
    return {**values, "key_vault_id": home.reference(spec.vault), "value": Code(value)}, ()


def _assignment(home: _Home, item: Item) -> Shape:
    spec, entry = item.resource.spec, item.entry
    (role,) = home.export.parts(spec.role)
    known = builtin_roles().get(role) if isinstance(role, str) else role
    name = known.name if known is not None else None
    definition = f"/subscriptions/{_subscription_of(item) or home.export.subscription}{_DEFINITIONS}{role}"
    kind = entry.spec.principal_type if entry else spec.principal_type
    principal = home.text(spec.principal)
    return {
        "scope": home.reference(spec.scope, "resource_versionless_id" if "/secrets/" in spec.scope else "id"),
        **({"role_definition_name": name} if name else {"role_definition_id": home.text(definition)}),
        "principal_id": principal,
        **({"principal_type": kind} if kind and isinstance(principal, str) else {}),
        "description": spec.description,
        "condition": spec.condition,
        **({"condition_version": "2.0"} if spec.condition else {}),
    }, ()


_SHAPES: Final[Mapping[type, Callable[[_Home, Item], Shape]]] = MappingProxyType(
    {
        ResourceGroupSpec: _group,
        VaultSpec: _vault,
        AccessPolicySpec: _policy,
        SecretSpec: _secret,
        RoleAssignmentSpec: _assignment,
    }
)
