"""Our kinds in the words of Terraform's azurerm provider, so that policy tools written for it read our plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from declarative_kv.model.address import Address
from declarative_kv.model.specs import (
    AccessPolicySpec,
    NetworkSpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)

PROVIDER: Final = "registry.terraform.io/hashicorp/azurerm"
TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "resource_group": "azurerm_resource_group",
        "vault": "azurerm_key_vault",
        "access_policy": "azurerm_key_vault_access_policy",
        "secret": "azurerm_key_vault_secret",
        "role_assignment": "azurerm_role_assignment",
        "reader_role": "azurerm_role_assignment",
    }
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PERMISSION_WORDS: Final = re.compile(
    "get|list|set|delete|recover|backup|restore|purge|create|import|update|decrypt|encrypt|unwrap|wrap|verify|sign"
    "|release|rotate|all|manage|regenerate|rotation|policy|contacts|issuers|key|sas"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A Terraform address in parts; `index` is the key of `for_each`, or None."""

    type: str
    name: str
    index: str | None = None

    @property
    def block(self) -> str:
        """The address of the configuration block."""
        return f"{self.type}.{self.name}"

    def __str__(self) -> str:
        if self.index is None:
            return self.block
        quoted = self.index.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.block}["{quoted}"]'


def name_of(address: Address) -> Name:
    """The Terraform address: what lies below a vault is indexed by its key under the vault's name.

    Grants beside the vaults stand under their collection's name; so does a key that Terraform could not take as a name.
    """
    kind = TYPES[address.kind]
    if address.key:
        if _IDENTIFIER.fullmatch(address.container):
            return Name(kind, address.container, address.key)
        return Name(kind, f"{address.kind}s", address.path)
    if address.kind in ("role_assignment", "reader_role") or not _IDENTIFIER.fullmatch(address.path):
        return Name(kind, f"{address.kind}s", address.path)
    return Name(kind, address.path)


def values_of(spec: Any, roles: Mapping[str, str]) -> dict[str, Any]:
    """A spec's attributes in azurerm's names; null for what it does not say, and always for a secret's value."""
    return _CONVERTERS[type(spec)](spec, roles)


def sensitive_of(spec: Any) -> dict[str, Any]:
    """The mask of what must never be shown."""
    return {"value": True} if isinstance(spec, SecretSpec) else {}


def unknown_of(spec: Any) -> dict[str, Any]:
    """The mask of what only Azure can tell once the object is there."""
    if isinstance(spec, SecretSpec):
        return {"id": True, "version": True, "versionless_id": True}
    return {"id": True}


def permission(word: str) -> str:
    """A permission as azurerm spells it: `get` is `Get`, `setrotationpolicy` is `SetRotationPolicy`."""
    found = "".join(part.capitalize() for part in _PERMISSION_WORDS.findall(word))
    spelled = found.replace("Sas", "SAS")
    return spelled if spelled.lower() == word.lower() else word


def _group(spec: ResourceGroupSpec, _: Mapping[str, str]) -> dict[str, Any]:
    return {"name": spec.name, "location": spec.location, "managed_by": None, "tags": _tags(spec.tags)}


def _vault(spec: VaultSpec, _: Mapping[str, str]) -> dict[str, Any]:
    enabled_for = None if spec.enabled_for is None else set(spec.enabled_for)
    rbac = None if spec.access is None else spec.access == "rbac"
    return {
        "name": spec.name,
        "location": spec.location,
        "resource_group_name": spec.resource_group,
        "tenant_id": spec.tenant,
        "sku_name": spec.sku,
        "enable_rbac_authorization": rbac,
        "rbac_authorization_enabled": rbac,
        "soft_delete_retention_days": spec.retention_days,
        "purge_protection_enabled": spec.purge_protection,
        "public_network_access_enabled": spec.network.public if spec.network else None,
        "network_acls": _network(spec.network),
        "enabled_for_deployment": None if enabled_for is None else "deployment" in enabled_for,
        "enabled_for_disk_encryption": None if enabled_for is None else "disk_encryption" in enabled_for,
        "enabled_for_template_deployment": None if enabled_for is None else "template_deployment" in enabled_for,
        "tags": _tags(spec.tags),
    }


def _network(spec: NetworkSpec | None) -> list[dict[str, Any]]:
    if spec is None or (spec.default is None and spec.bypass is None and not spec.ip_rules and not spec.subnets):
        return []
    bypass = "AzureServices" if spec.bypass else "None"
    return [
        {
            "default_action": None if spec.default is None else spec.default.capitalize(),
            "bypass": None if spec.bypass is None else bypass,
            "ip_rules": None if spec.ip_rules is None else list(spec.ip_rules),
            "virtual_network_subnet_ids": None if spec.subnets is None else list(spec.subnets),
        }
    ]


def _policy(spec: AccessPolicySpec, _: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key_vault_id": spec.vault,
        "object_id": spec.principal,
        "application_id": spec.application,
        "secret_permissions": list(map(permission, spec.secrets)),
        "key_permissions": list(map(permission, spec.keys)),
        "certificate_permissions": list(map(permission, spec.certificates)),
        "storage_permissions": list(map(permission, spec.storage)),
    }


def _secret(spec: SecretSpec, _: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": spec.name,
        "key_vault_id": spec.vault,
        "value": None,
        "content_type": spec.content_type,
        "not_before_date": _time(spec.not_before),
        "expiration_date": _time(spec.expires),
        "tags": _tags(spec.tags),
    }


def _assignment(spec: RoleAssignmentSpec, roles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "scope": spec.scope,
        "role_definition_id": f"/providers/Microsoft.Authorization/roleDefinitions/{spec.role}",
        "role_definition_name": roles.get(str(spec.role).lower()),
        "principal_id": spec.principal,
        "principal_type": spec.principal_type,
        "description": spec.description,
        "condition": spec.condition,
        "condition_version": "2.0" if spec.condition else None,
    }


def _tags(tags: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if tags is None else dict(tags)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_CONVERTERS: Final[Mapping[type, Callable[[Any, Mapping[str, str]], dict[str, Any]]]] = MappingProxyType(
    {
        ResourceGroupSpec: _group,
        VaultSpec: _vault,
        AccessPolicySpec: _policy,
        SecretSpec: _secret,
        RoleAssignmentSpec: _assignment,
    }
)
