"""Azure's vault in our words, and ours in Azure's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.kinds.base import merged_tags, place
from declarative_kv.model.resource import Condition, Observed
from declarative_kv.model.specs import AccessPolicySpec, NetworkSpec, VaultSpec

_ENABLED_FOR: Final[Mapping[str, str]] = {
    "deployment": "enabledForDeployment",
    "disk_encryption": "enabledForDiskEncryption",
    "template_deployment": "enabledForTemplateDeployment",
}
DEFAULT_RETENTION: Final = 90
PERMISSIONS: Final = ("secrets", "keys", "certificates", "storage")
_CASING: Final[Mapping[str, str]] = {"wrapkey": "wrapKey", "unwrapkey": "unwrapKey"}
"""The permissions that the API's own list of them does not write in lower case."""


def observed_vault(vault: Mapping[str, Any]) -> Observed:
    """A live vault. Azure leaves out what has its default (recorded): that is filled in here."""
    properties = vault.get("properties") or {}
    name, where = str(vault["name"]), ids.parse_vault(vault["id"])
    spec = VaultSpec(
        subscription=where.subscription,
        resource_group=where.resource_group,
        name=name,
        tenant=str(properties.get("tenantId", "")).lower(),
        location=place(vault.get("location")),
        access="rbac" if properties.get("enableRbacAuthorization") else "policies",
        sku=str(properties.get("sku", {}).get("name", "")).lower(),
        retention_days=int(properties.get("softDeleteRetentionInDays") or DEFAULT_RETENTION),
        purge_protection=bool(properties.get("enablePurgeProtection")),
        network=_network(properties),
        enabled_for=tuple(sorted(ours for ours, theirs in _ENABLED_FOR.items() if properties.get(theirs))),
        tags=vault.get("tags") or {},
    )
    system = vault.get("systemData") or {}
    created, changed = system.get("createdAt"), str(system.get("lastModifiedAt") or "")
    facts = {"created": created} if created else {}
    return Observed("vault", str(vault["id"]), spec, facts=facts, label=name, changed=changed)


def observed_deleted(vault: Mapping[str, Any]) -> Observed:
    """A soft-deleted vault; Azure shows little of it until it is recovered."""
    properties = vault["properties"]
    identifier = str(properties["vaultId"])
    where = ids.parse_vault(identifier)
    spec = VaultSpec(
        subscription=where.subscription,
        resource_group=where.resource_group,
        name=where.name,
        location=place(properties.get("location")),
        purge_protection=properties.get("purgeProtectionEnabled"),
        tags=properties.get("tags") or {},
    )
    facts = {"deleted": properties.get("deletionDate"), "purge": properties.get("scheduledPurgeDate")}
    return Observed("vault", identifier, spec, Condition.SOFT_DELETED, facts, label=where.name)


def observed_policies(vault: Mapping[str, Any]) -> tuple[Observed, ...]:
    """The vault's access policies, one for each principal (and application that may stand in for it)."""
    entries = (vault.get("properties") or {}).get("accessPolicies") or ()
    return tuple(observed_policy(str(vault["id"]), entry) for entry in entries)


def observed_policy(vault: str, entry: Mapping[str, Any]) -> Observed:
    """One entry; its permissions as Azure has them are kept, since removing echoes their letter case."""
    principal, application = str(entry["objectId"]).lower(), entry.get("applicationId")
    application = str(application).lower() if application else None
    granted = {kind: list(entry.get("permissions", {}).get(kind) or ()) for kind in PERMISSIONS}
    lowered = {kind: tuple(sorted({item.lower() for item in granted[kind]})) for kind in PERMISSIONS}
    spec = AccessPolicySpec(vault=vault, principal=principal, application=application, **lowered)
    facts = {"permissions": entry.get("permissions") or {}, "tenant": entry.get("tenantId")}
    return Observed(
        "access_policy", ids.policy_id(vault, principal, application), spec, facts=facts, parent=vault, label=principal
    )


def new_vault(desired: VaultSpec, tenant: str) -> dict[str, Any]:
    """The body that creates a vault: every setting explicit, with Azure's documented default for what is unwritten.

    Purge protection false is left out: Azure refuses to be told so.
    """
    retention = desired.retention_days or DEFAULT_RETENTION
    properties: dict[str, Any] = {
        "tenantId": tenant,
        "sku": _sku(desired),
        "accessPolicies": [],
        "enableRbacAuthorization": desired.access == "rbac",
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": retention,
        **_network_body(desired.network or NetworkSpec(), NetworkSpec()),
        **_enabled_for_body(desired),
    }
    if desired.purge_protection:
        properties["enablePurgeProtection"] = True
    return {"location": desired.location, "tags": dict(desired.tags or {}), "properties": properties}


def changed_vault(desired: VaultSpec, live: VaultSpec, changed: Collection[str]) -> dict[str, Any]:
    """The body that changes a vault's attributes named in `changed`, and nothing else."""
    body: dict[str, Any] = {"properties": {}}
    if "tags" in changed:
        body["tags"] = merged_tags(desired.tags, live.tags)
    properties = body["properties"]
    if "sku" in changed:
        properties["sku"] = _sku(desired)
    if "access" in changed:
        properties["enableRbacAuthorization"] = desired.access == "rbac"
    if "purge_protection" in changed:
        properties["enablePurgeProtection"] = desired.purge_protection
    if "retention_days" in changed:
        properties["softDeleteRetentionInDays"] = desired.retention_days
    if "network" in changed:
        properties.update(_network_body(desired.network or NetworkSpec(), live.network or NetworkSpec()))
    if "enabled_for" in changed:
        properties.update(_enabled_for_body(desired))
    return body


def recovered_vault(live: Observed, tenant: str) -> dict[str, Any]:
    """The body that brings a soft-deleted vault back; Azure wants tenant and sku, and keeps the old ones (recorded)."""
    properties = {"tenantId": tenant, "sku": {"family": "A", "name": "standard"}, "createMode": "recover"}
    return {"location": live.spec.location, "properties": {**properties, "accessPolicies": []}}


def permissions(spec: AccessPolicySpec) -> dict[str, list[str]]:
    """The entry's permissions in the letter case that Azure documents."""
    return {kind: [_CASING.get(item, item) for item in getattr(spec, kind)] for kind in PERMISSIONS}


def policies_body(principal: str, application: str | None, tenant: str, granted: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an access policy operation for one principal."""
    entry = {"tenantId": tenant, "objectId": principal, "permissions": dict(granted)}
    if application:
        entry["applicationId"] = application
    return {"properties": {"accessPolicies": [entry]}}


def _network(properties: Mapping[str, Any]) -> NetworkSpec:
    rules = properties.get("networkAcls") or {}
    bypass = str(rules.get("bypass") or "AzureServices").lower()
    addresses = (_cidr(str(rule["value"])) for rule in rules.get("ipRules") or ())
    subnets = (str(rule["id"]).lower() for rule in rules.get("virtualNetworkRules") or ())
    return NetworkSpec(
        public=str(properties.get("publicNetworkAccess") or "Enabled").lower() == "enabled",
        default=str(rules.get("defaultAction") or "Allow").lower(),
        bypass=("azure_services",) if bypass == "azureservices" else (),
        ip_rules=tuple(sorted(addresses)),
        subnets=tuple(sorted(subnets)),
    )


def _network_body(desired: NetworkSpec, live: NetworkSpec) -> dict[str, Any]:
    """The firewall, which Azure takes only whole: what is unwritten stays as it is live, or is Azure's default."""

    def setting(name: str, default: Any) -> Any:
        written, there = getattr(desired, name), getattr(live, name)
        return written if written is not None else there if there is not None else default

    return {
        "publicNetworkAccess": "Enabled" if setting("public", True) else "Disabled",
        "networkAcls": {
            "bypass": "AzureServices" if "azure_services" in setting("bypass", ("azure_services",)) else "None",
            "defaultAction": str(setting("default", "allow")).capitalize(),
            "ipRules": [{"value": address} for address in setting("ip_rules", ())],
            "virtualNetworkRules": [{"id": subnet} for subnet in setting("subnets", ())],
        },
    }


def _enabled_for_body(desired: VaultSpec) -> dict[str, bool]:
    wanted = desired.enabled_for or ()
    return {theirs: ours in wanted for ours, theirs in _ENABLED_FOR.items()}


def _sku(desired: VaultSpec) -> dict[str, str]:
    return {"family": "A", "name": desired.sku or "standard"}


def _cidr(address: str) -> str:
    """An address rule with its prefix length: Azure may or may not add the /32 itself."""
    return address if "/" in address else f"{address}/32"
