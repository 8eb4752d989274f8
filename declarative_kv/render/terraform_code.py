"""What we keep, as a Terraform module: azurerm's resources, and blocks that import what is there.

By azurerm's source (hashicorp/terraform-provider-azurerm) the id of a secret must have its version, and that of a role
assignment a tenant after a `|` only where it is delegated from another one, which ours never are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from declarative_kv.engine.export import Export, Missing
from declarative_kv.model.document import Cloud, Principal
from declarative_kv.model.specs import SecretSpec
from declarative_kv.render.hcl import Code, Stanza, hcl
from declarative_kv.render.terraform_home import CONFIG, MAPS, Home, block_of, import_id, names_of, subscription_of
from declarative_kv.render.terraform_resources import resource_of

_ENVIRONMENTS: Final[Mapping[str, str]] = MappingProxyType({"usgov": "usgovernment", "china": "china"})
_WORDS: Final[Mapping[Missing, str]] = MappingProxyType(
    {Missing.PRINCIPAL: "Object ids of principals", Missing.GROUP: "The resource groups of vaults"}
)
_VERSION: Final = ">= 4.42, < 6.0"
"""From the first that calls the access model `rbac_authorization_enabled`."""
_NEVER_PURGE: Final = Stanza(
    "key_vault",
    attributes={"purge_soft_delete_on_destroy": False, "purge_soft_deleted_secrets_on_destroy": False},
    remarks=("Left to itself, azurerm purges what it destroys.",),
)


def terraform_files(export: Export, cloud: Cloud, principals: Mapping[str, Principal]) -> Mapping[str, str]:
    """The files of a Terraform module, by name; no value of a secret is in them."""
    names = dict(names_of(item.resource.address for item in export.items))
    blocks = {item.remote_id.lower(): block_of(item, names) for item in export.items}
    home = Home(export, cloud, names, blocks)
    resources = hcl(resource_of(home, item) for item in export.items)
    files = {
        "versions.tf": hcl(_versions(home, resources)),
        "variables.tf": hcl(_variables(home, principals)),
        "main.tf": resources,
        "imports.tf": hcl(_imports(home)),
    }
    return {name: text for name, text in files.items() if text}


def _versions(home: Home, resources: str) -> Iterator[Stanza]:
    azurerm = {"source": "hashicorp/azurerm", "version": _VERSION}
    needed = Stanza("required_providers", attributes={"azurerm": azurerm})
    yield Stanza("terraform", attributes={"required_version": ">= 1.5"}, blocks=(needed,), remarks=_head(home.export))
    yield _provider(home, home.export.subscription, None)
    others = {found for item in home.export.items if home.provider(item) and (found := subscription_of(item))}
    for subscription in sorted(others):
        yield _provider(home, subscription, home.alias(subscription))
    if CONFIG in resources:
        yield Stanza("data", ("azurerm_client_config", "current"))


def _head(export: Export) -> tuple[str, ...]:
    said = ["Written by `dkv export terraform`. What the first plan shows beside imports is worth a look: azurerm sets"]
    said.append("tags as a whole, and its state will hold the values of the secrets.")
    if export.existing:
        said.append(f"Somebody else's, and so not here: {', '.join(map(str, export.existing))}")
    if export.leaving:
        said.append(f"In the state but no longer declared, and so not here: {', '.join(map(str, export.leaving))}")
    return tuple(said)


def _provider(home: Home, subscription: str, alias: str | None) -> Stanza:
    remarks = ("A cloud of its own: azurerm finds its endpoints by `metadata_host`.",)
    attributes = {
        "alias": alias,
        "subscription_id": home.text(subscription),
        "environment": _ENVIRONMENTS.get(home.cloud.name),
    }
    features = Stanza("features", blocks=(_NEVER_PURGE,))
    return Stanza("provider", ("azurerm",), attributes, (features,), remarks if home.cloud.name == "custom" else ())


def _variables(home: Home, principals: Mapping[str, Principal]) -> Iterator[Stanza]:
    if home.export.missing(Missing.SUBSCRIPTION):
        yield _variable("subscription_id", "The subscription.", Code("string"))
    for what, name in MAPS.items():
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


def _imports(home: Home) -> Iterator[Stanza]:
    for item in home.export.items:
        if (identifier := import_id(home, item)) is not None:
            to = Code(block_of(item, home.names))
            yield Stanza("import", attributes={"to": to, "id": identifier, "provider": home.provider(item)})
