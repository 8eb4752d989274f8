"""The YAML's shape as Pydantic models. Everything may be left out or null here; what is required is checked later.

Missing settings are judged after environments and defaults are merged, and with the other mistakes of an entry known,
so that one mistake gives one error.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from declarative_kv.config.claims import Guards, Ignored, Invariant, Lint
from declarative_kv.config.frozen import Model
from declarative_kv.config.scalars import (
    ContentType,
    Flag,
    Guid,
    IpRule,
    Length,
    Location,
    Moment,
    Name,
    Retention,
    Subnet,
    Suffix,
    Text,
    Url,
    refuse,
)


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _entry(value: Any) -> Any:
    """An entry without settings (`rg-payments:`) is an empty one."""
    return {} if value is None else value


def _importing(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = {"true": "this", "yes": "this", "on": "this", "false": "no", "off": "no"}.get(value.lower(), value.lower())
    if word not in ("no", "this", "all"):
        refuse("not-one-of", f"`{value}` is none of true, false and all.", "Write `true`, or `all` on a vault.")
    return word


Import = Annotated[
    Literal["no", "this", "all"],
    BeforeValidator(_importing, json_schema_input_type=bool | Literal["all"]),
]
Access = Annotated[Literal["policies", "rbac"], BeforeValidator(_lowered)]
Sku = Annotated[Literal["standard", "premium"], BeforeValidator(_lowered)]
Policy = Literal["report", "alarm", "delete", "ignore"]
Tags = dict[str, Text | None]
Roles = dict[str, list[Name] | None]


class Common(Model):
    """What every entry may have."""

    protect: Flag | None = None
    ignore: list[Name] | None = None
    import_: Import | None = Field(None, alias="import")
    existing: Flag | None = None
    lint: Ignored | None = None


class CustomCloud(Model):
    """The endpoints of a cloud that is none of Microsoft's; works only with DKV_ALLOW=cloud."""

    authority: Url | None = None
    resource_manager: Url | None = None
    key_vault_suffix: Suffix | None = None
    graph: Url | None = None


def _cloud(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class NamedCloud(CustomCloud):
    """A cloud by name, or by its endpoints."""

    name: Literal["public", "usgov", "china", "emulator"] | None = None


CloudSetting = Annotated[
    NamedCloud,
    BeforeValidator(_cloud, json_schema_input_type=Literal["public", "usgov", "china", "emulator"] | CustomCloud),
]


class Principal(Model):
    """Who somebody is: exactly one selector, or one together with the object id that pins it."""

    current: Flag | None = None
    app_id: Guid | None = None
    group: Name | None = None
    user: Name | None = None
    service_principal: Name | None = None
    managed_identity: Name | None = None
    object_id: Guid | None = None
    type: Literal["user", "group", "service_principal"] | None = None


class ResourceGroup(Common):
    """A resource group; the key is its name unless `name` says otherwise."""

    name: Name | None = None
    subscription: Name | None = None
    location: Location | None = None
    tags: Tags | None = None


class Network(Model):
    """A vault's firewall."""

    public: Flag | None = None
    default: Annotated[Literal["allow", "deny"], BeforeValidator(_lowered)] | None = None
    bypass: list[Literal["azure_services"]] | None = None
    ip_rules: list[IpRule] | None = None
    subnets: list[Subnet] | None = None


class Permissions(Common):
    """What an access policy grants: a template of the portal, lists of permissions, or both."""

    template: Name | None = None
    secrets: list[Name] | None = None
    keys: list[Name] | None = None
    certificates: list[Name] | None = None
    storage: list[Name] | None = None
    application: Guid | None = None


class Generate(Model):
    """A random value."""

    length: Length | None = None
    alphabet: Name | None = None


def _value_from(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lower() != "kept":
        refuse("value-source", "`value_from` is `kept` or a map that names one source.", SOURCE_HINT)
    return {"kept": "true"}


SOURCE_HINT = """\
Write one of
    value_from: {env: NAME}
    value_from: {file: PATH}
    value_from: {command: [PROGRAM, ARGUMENT]}
    value_from: {generate: {length: 48}}
    value_from: kept"""


class ValueFrom(Model):
    """Where a value comes from: exactly one."""

    env: Name | None = None
    file: Name | None = None
    command: list[Text] | None = None
    generate: Generate | None = None
    kept: Flag | None = None


class Secret(Common):
    """A secret; the key is its name unless `name` says otherwise."""

    name: Name | None = None
    value_from: (
        Annotated[ValueFrom, BeforeValidator(_value_from, json_schema_input_type=Literal["kept"] | ValueFrom)] | None
    ) = None
    content_type: ContentType | None = None
    enabled: Flag | None = None
    not_before: Moment | None = None
    expires: Moment | None = None
    tags: Tags | None = None
    version: Name | None = None
    roles: Roles | None = None


class Others(Model):
    """What to do about objects that the vault holds and the YAML does not."""

    access_policies: Policy | None = None
    role_assignments: Policy | None = None
    secrets: Policy | None = None


class VaultSettings(Model):
    """The settings of a vault that `defaults` may give."""

    subscription: Name | None = None
    resource_group: Name | None = None
    location: Location | None = None
    access: Access | None = None
    sku: Sku | None = None
    retention_days: Retention | None = None
    purge_protection: Flag | None = None
    network: Network | None = None
    enabled_for: list[Literal["deployment", "disk_encryption", "template_deployment"]] | None = None
    tags: Tags | None = None
    others: Others | None = None


class Defaults(VaultSettings):
    """For the resource groups and vaults of the same file."""

    protect: Flag | None = None


class Vault(VaultSettings, Common):
    """A vault with everything in it; the key is its address, `name` its global name."""

    name: Name | None = None
    access_policies: (
        dict[str, Annotated[Permissions, BeforeValidator(_entry, json_schema_input_type=Permissions | None)]] | None
    ) = None
    roles: Roles | None = None
    secrets: dict[str, Annotated[Secret, BeforeValidator(_entry, json_schema_input_type=Secret | None)]] | None = None


class PolicyGrant(Permissions):
    """One access policy on many vaults."""

    principal: Name | None = None
    on: list[Name] | None = None


class RoleGrant(Common):
    """A role for a principal at a scope."""

    principal: Name | None = None
    role: Name | None = None
    scope: Name | None = None
    description: Text | None = None
    condition: Text | None = None


class Settings(Model):
    """What the root file and an environment may hold."""

    vars: dict[str, Text | None] | None = None
    cloud: CloudSetting | None = None
    tenant: Guid | None = None
    subscriptions: dict[str, Guid | None] | None = None
    subscription: Name | None = None
    state: Name | None = None
    fingerprint: Name | None = None
    guards: Guards | None = None
    lint: Lint | None = None
    invariants: (
        dict[str, Annotated[Invariant, BeforeValidator(_entry, json_schema_input_type=Invariant | None)]] | None
    ) = None
    defaults: Defaults | None = None
    principals: (
        dict[str, Annotated[Principal, BeforeValidator(_entry, json_schema_input_type=Principal | None)]] | None
    ) = None
    resource_groups: (
        dict[str, Annotated[ResourceGroup, BeforeValidator(_entry, json_schema_input_type=ResourceGroup | None)]] | None
    ) = None
    vaults: dict[str, Annotated[Vault, BeforeValidator(_entry, json_schema_input_type=Vault | None)]] | None = None
    access_policies: (
        dict[str, Annotated[PolicyGrant, BeforeValidator(_entry, json_schema_input_type=PolicyGrant | None)]] | None
    ) = None
    reader_roles: (
        dict[str, Annotated[RoleGrant, BeforeValidator(_entry, json_schema_input_type=RoleGrant | None)]] | None
    ) = None
    role_assignments: (
        dict[str, Annotated[RoleGrant, BeforeValidator(_entry, json_schema_input_type=RoleGrant | None)]] | None
    ) = None


class Root(Settings):
    """The root file."""

    version: Literal["1"] | None = None
    include: list[Name] | None = None
    moved: dict[str, Name | None] | None = None
    removed: dict[str, Literal["forget"] | None] | None = None
    environments: (
        dict[str, Annotated[Settings, BeforeValidator(_entry, json_schema_input_type=Settings | None)]] | None
    ) = None
