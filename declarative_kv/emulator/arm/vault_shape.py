"""A vault's properties: checked and kept as they were sent, and shown as each api-version shows them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from declarative_kv.emulator.arm.call import GUID, Call
from declarative_kv.emulator.arm.deleted import SERVICE_HEADERS
from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault

MAX_POLICIES = 1024
MAX_ADDRESSES, MAX_SUBNETS = 1000, 200  # Key Vault's network-security; the texts of the refusals are unverified
# From this day on a vault has soft delete, whatever its creator asked for (Key Vault docs).
SOFT_DELETE_FOR_ALL = "2020-12-15"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERMISSIONS: Mapping[str, frozenset[str]] = {
    "keys": _words(
        "all encrypt decrypt wrapkey unwrapkey sign verify get list create update import delete backup restore "
        "recover purge release rotate getrotationpolicy setrotationpolicy"
    ),
    "secrets": _words("all get list set delete backup restore recover purge"),
    "certificates": _words(
        "all get list delete create import update managecontacts getissuers listissuers setissuers deleteissuers "
        "manageissuers recover purge backup restore"
    ),
    "storage": _words(
        "all get list delete set update regeneratekey recover purge backup restore setsas listsas getsas deletesas"
    ),
}
_FLAGS = (
    "enabledForDeployment",
    "enabledForDiskEncryption",
    "enabledForTemplateDeployment",
    "enableRbacAuthorization",
)


def bad_request(message: str) -> AzureFault:
    """A 400 of the vault service."""
    return AzureFault(400, "BadRequest", message, headers=SERVICE_HEADERS)


def bad_value(name: str) -> AzureFault:
    """The 400 for a property whose value is not one it can have."""
    return bad_request(f"An invalid value was provided for '{name}'.")


def policies(value: object) -> list[dict[str, Any]]:
    """Access policy entries as they are kept: letter case as sent, unknown members left out.

    Raises a 400 for an entry without tenant, principal or permissions, and for a permission that does not exist.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_POLICIES:
        raise bad_value("accessPolicies")
    return [_policy(entry) for entry in value]


def _policy(entry: object) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("permissions"), Mapping):
        raise bad_value("accessPolicies")
    kept: dict[str, Any] = {}
    for name in ("tenantId", "objectId", "applicationId"):
        identifier = entry.get(name)
        if name == "applicationId" and identifier is None:
            continue
        if not isinstance(identifier, str) or GUID.fullmatch(identifier) is None:
            raise bad_value("accessPolicies")
        kept[name] = identifier
    kept["permissions"] = {}
    for kind, granted in entry["permissions"].items():
        if granted is None:
            continue
        if kind not in PERMISSIONS or not isinstance(granted, list):
            raise bad_value("accessPolicies")
        if not all(isinstance(item, str) and item.lower() in PERMISSIONS[kind] for item in granted):
            raise bad_value("accessPolicies")
        kept["permissions"][kind] = list(granted)
    return kept


def network(value: object) -> dict[str, Any] | None:
    """The network rules as they are kept; None for the default ones, which Azure does not show (recorded)."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise bad_value("networkAcls")
    bypass, action = value.get("bypass") or "AzureServices", value.get("defaultAction") or "Allow"
    if str(bypass).lower() not in ("azureservices", "none") or str(action).lower() not in ("allow", "deny"):
        raise bad_value("networkAcls")
    addresses = [{"value": _address(rule)} for rule in _rules(value, "ipRules", MAX_ADDRESSES)]
    subnets = [dict(rule) for rule in _rules(value, "virtualNetworkRules", MAX_SUBNETS)]
    if not addresses and not subnets and str(bypass).lower() == "azureservices" and str(action).lower() == "allow":
        return None
    return {"bypass": bypass, "defaultAction": action, "ipRules": addresses, "virtualNetworkRules": subnets}


def _rules(value: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    rules = value.get(name) or []
    if isinstance(rules, list) and len(rules) > most:
        raise bad_value(f"networkAcls.{name}")
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        raise bad_value(f"networkAcls.{name}")
    return rules


def _address(rule: Mapping[str, Any]) -> str:
    text = rule.get("value")
    try:
        return str(ipaddress.IPv4Network(str(text), strict=False))
    except ValueError as error:
        raise bad_value("networkAcls.ipRules") from error


def merged(call: Call, sent: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The properties to keep after a write of `sent`; `before` is what is kept now, None for a new vault.

    What is not sent stays as it was, the access policies aside, which a caller of PATCH must leave to this function
    and a caller of PUT must have put into `sent`. Raises Azure's 400s.
    """
    kept = dict(before or {})
    _identity(kept, sent)
    _protection(call, kept, sent, is_new=before is None)
    for name in _FLAGS:
        if sent.get(name) is None:
            continue
        if not isinstance(sent[name], bool):
            raise bad_value(name)
        kept[name] = sent[name]
    if before is None and kept.get("enableRbacAuthorization") is None and call.since("2026-02-01"):
        kept["enableRbacAuthorization"] = True
    if "networkAcls" in sent:
        kept["networkAcls"] = network(sent["networkAcls"])
    if sent.get("publicNetworkAccess") is not None:
        if str(sent["publicNetworkAccess"]).lower() not in ("enabled", "disabled"):
            raise bad_value("publicNetworkAccess")
        kept["publicNetworkAccess"] = str(sent["publicNetworkAccess"]).capitalize()
    if sent.get("accessPolicies") is not None:
        kept["accessPolicies"] = policies(sent["accessPolicies"])
    kept.setdefault("accessPolicies", [])
    kept.setdefault("enabledForDeployment", False)
    return kept


def _identity(kept: dict[str, Any], sent: Mapping[str, Any]) -> None:
    """Product and tenant: both are needed at first, the tenant never changes."""
    sku, tenant = sent.get("sku"), sent.get("tenantId")
    if sku is not None:
        name = sku.get("name") if isinstance(sku, Mapping) else None
        if not isinstance(name, str) or name.lower() not in ("standard", "premium"):
            raise bad_value("sku")
        kept["sku"] = {"family": sku.get("family") or "A", "name": name}
    if tenant is not None:
        if not isinstance(tenant, str) or GUID.fullmatch(tenant) is None:
            raise bad_value("tenantId")
        if kept.get("tenantId") is not None and kept["tenantId"].lower() != tenant.lower():
            raise bad_request('The property "tenantId" has been set already and it can\'t be modified.')
        kept.setdefault("tenantId", tenant)
    for name in ("sku", "tenantId"):
        if kept.get(name) is None:
            raise bad_request(f"The parameter {name} is not specified.")


def _protection(call: Call, kept: dict[str, Any], sent: Mapping[str, Any], *, is_new: bool) -> None:
    """Retention is for the creation alone, purge protection is a one-way street (recorded), soft delete is on."""
    days, purge_protection = sent.get("softDeleteRetentionInDays"), sent.get("enablePurgeProtection")
    if purge_protection is False:
        raise bad_request(
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is '
            "an irreversible action."
        )
    if purge_protection is not None and purge_protection is not True:
        raise bad_value("enablePurgeProtection")
    if purge_protection:
        kept["enablePurgeProtection"] = True
    if since(call.world, SOFT_DELETE_FOR_ALL):
        kept["enableSoftDelete"] = True  # whatever was sent (recorded)
    elif isinstance(sent.get("enableSoftDelete"), bool):
        kept["enableSoftDelete"] = sent["enableSoftDelete"]
    elif is_new and call.since("2019-09-01"):
        kept["enableSoftDelete"] = True  # this version's default (recorded)
    if days is None:
        return
    if isinstance(days, bool) or not isinstance(days, int) or not 7 <= days <= 90:
        raise bad_value("softDeleteRetentionInDays")
    if not is_new and days != (kept.get("softDeleteRetentionInDays") or 90):
        raise bad_request('The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.')
    kept["softDeleteRetentionInDays"] = days


def shown(call: Call, record: Mapping[str, Any], *, registering: bool, first: bool = False) -> dict[str, Any]:
    """A vault as the api-version of the call shows it (recorded): what was never sent is mostly not there.

    `first` is the answer to the PUT that made it, whose `vaultUri` has no closing slash.
    """
    kept = record["properties"]
    suffix = cloud_of(call.request.host).vault_suffix
    properties: dict[str, Any] = {"sku": kept["sku"], "tenantId": kept["tenantId"]}
    if kept.get("networkAcls") is not None:
        properties["networkAcls"] = kept["networkAcls"]
    if record.get("endpoints"):
        properties["privateEndpointConnections"] = _connections(record)
    properties["accessPolicies"] = kept["accessPolicies"]
    for name in _FLAGS[:3]:
        if kept.get(name) is not None:
            properties[name] = kept[name]
    if call.since("2016-10-01"):
        if kept.get("enableSoftDelete") is not None:
            properties["enableSoftDelete"] = kept["enableSoftDelete"]
        retention = kept.get("softDeleteRetentionInDays") or (90 if call.since("2023-07-01") else None)
        if retention is not None and call.since("2019-09-01"):
            properties["softDeleteRetentionInDays"] = retention
    for name in ("enableRbacAuthorization", "enablePurgeProtection"):
        if kept.get(name) is not None:
            properties[name] = kept[name]
    properties["vaultUri"] = f"https://{record['name'].lower()}{suffix}{'' if first else '/'}"
    if call.since("2016-10-01"):
        properties["provisioningState"] = "RegisteringDns" if registering else "Succeeded"
    if call.since("2021-11-01"):
        properties["publicNetworkAccess"] = kept.get("publicNetworkAccess", "Enabled")
    shape: dict[str, Any] = {
        "id": record["id"],
        "name": record["name"],
        "type": "Microsoft.KeyVault/vaults",
        "location": record["location"],
        "tags": record["tags"],
    }
    if call.since("2021-04-01"):
        shape["systemData"] = record["systemData"]
    return {**shape, "properties": properties}


def _connections(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A vault's private endpoint connections, as the vault itself shows them (recorded)."""
    return [
        {
            "id": f"{record['id']}/privateEndpointConnections/{name}",
            "properties": {"provisioningState": "Succeeded", **endpoint["properties"]},
        }
        for name, endpoint in record["endpoints"].items()
    ]
