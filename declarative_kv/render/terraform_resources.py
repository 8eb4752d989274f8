"""Each of our kinds as a resource of azurerm, with what must not be changed or destroyed.

What azurerm wants to know, by its source (hashicorp/terraform-provider-azurerm, internal/services/keyvault and
…/authorization): a secret needs a value, so that one comes from a variable and is ignored where the secret is there;
`all` is no permission; what a block leaves out is set to azurerm's default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from declarative_kv.engine.export import Item
from declarative_kv.model.permissions import PERMISSIONS
from declarative_kv.model.roles import builtin_roles
from declarative_kv.model.specs import (
    AccessPolicySpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)
from declarative_kv.render.hcl import Code, Stanza, expression
from declarative_kv.render.terraform import TYPES, permission, values_of
from declarative_kv.render.terraform_home import Home, import_id, subscription_of

Json = dict[str, Any]
_DEFINITIONS: Final = "/providers/Microsoft.Authorization/roleDefinitions/"
_UNWRITTEN: Final = "not written by Terraform"
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


def resource_of(home: Home, item: Item) -> Stanza:
    """The block of one object."""
    resource = item.resource
    attributes, inner = _SHAPES[type(resource.spec)](home, item)
    said = {name: value for name, value in attributes.items() if value is not None}
    lifecycle = _lifecycle(home, item, attributes)
    blocks = (*inner, *((lifecycle,) if lifecycle.attributes else ()))
    labels = (TYPES[resource.address.kind], home.names[resource.address])
    return Stanza("resource", labels, {"provider": home.provider(item), **said}, blocks, tuple(_remarks(home, item)))


def _lifecycle(home: Home, item: Item, attributes: Json) -> Stanza:
    """What dkv protects is not destroyed, and what it leaves as it is stays so."""
    ignored = {name for name, value in attributes.items() if value is None}
    ignored |= {name for one in item.resource.lifecycle.ignore for name in _ATTRIBUTES.get(one, (one,))}
    spec = item.resource.spec
    if isinstance(spec, SecretSpec) and import_id(home, item) is not None:
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


def _remarks(home: Home, item: Item) -> Iterator[str]:
    spec, at = item.resource.spec, item.resource.address
    principal = home.export.principals.get(str(getattr(spec, "principal", "")).lower())
    yield f"{at}, for {principal}" if principal else str(at)
    if item.pending:
        yield "A run was interrupted here, so that it may be there or not: run `dkv apply` first."
    elif item.entry is None:
        yield "Not in the state, so Terraform would make it."
    elif import_id(home, item) is None:
        yield "The state knows no version of it, without which azurerm imports none."
    elif item.entry.facts.get("shared"):
        yield "Somebody else made this one; dkv would never delete it."
    if isinstance(spec, SecretSpec):
        if spec.source is not None:
            yield f"Its value: {spec.source}"
        if spec.enabled is False:
            yield "It is disabled, which azurerm cannot say."


Shape = tuple[Json, tuple[Stanza, ...]]


def _group(home: Home, item: Item) -> Shape:
    values = values_of(item.resource.spec, {})
    return {name: home.text(values[name]) for name in ("name", "location", "tags")}, ()


def _vault(home: Home, item: Item) -> Shape:
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


def _policy(home: Home, item: Item) -> Shape:
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


def _secret(home: Home, item: Item) -> Shape:
    spec = item.resource.spec
    values = values_of(spec, {})
    key = expression(item.resource.address.path)
    there = import_id(home, item) is not None
    value = f'lookup(var.secret_values, {key}, "{_UNWRITTEN}")' if there else f"var.secret_values[{key}]"
    return {**values, "key_vault_id": home.reference(spec.vault), "value": Code(value)}, ()


def _assignment(home: Home, item: Item) -> Shape:
    spec, entry = item.resource.spec, item.entry
    (role,) = home.export.parts(spec.role)
    known = builtin_roles().get(role) if isinstance(role, str) else role
    name = known.name if known is not None else None
    definition = f"/subscriptions/{subscription_of(item) or home.export.subscription}{_DEFINITIONS}{role}"
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


_SHAPES: Final[Mapping[type, Callable[[Home, Item], Shape]]] = MappingProxyType(
    {
        ResourceGroupSpec: _group,
        VaultSpec: _vault,
        AccessPolicySpec: _policy,
        SecretSpec: _secret,
        RoleAssignmentSpec: _assignment,
    }
)
