"""Resource Manager: soft-deleted vaults, their purge, and whether a vault's name is free."""

from __future__ import annotations

import re
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from declarative_kv.emulator.access.authz import ASSIGNMENTS
from declarative_kv.emulator.arm.call import Call, Route, page, region, retry_after, stamp
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

PURGE_SECONDS = 11.0  # the median of recorded purges
_POLL_SECONDS = 5.0
DEFAULT_RETENTION_DAYS = 90
SERVICE_HEADERS = {"x-ms-keyvault-service-version": "1.5.1455.0"}
_NAME = re.compile(r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]")
_DAY = 86_400.0
# What a vault holds, by table; the keys start with the vault's uid and a slash.
CONTENT_TABLES = ("secrets", "deleted_secrets", "keys", "deleted_keys")
_HERE = "/subscriptions/{s}/providers/Microsoft.KeyVault"
_DELETED = _HERE + "/locations/{location}/deletedVaults/{v}"


def name_taken(name: str) -> str:
    """The text for a vault name that is in use anywhere in Azure (quoted in an issue; older texts differ)."""
    return (
        f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name "
        "is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the "
        "same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a "
        "recoverable state then the vault will need to be purged before reusing the name. For more information about "
        "VaultAlreadyExists, soft delete and purging a vault follow this link "
        "https://go.microsoft.com/fwlink/?linkid=2147740."
    )


def name_invalid(name: str) -> str:
    """The text for a name that no vault can have (recorded)."""
    return (
        f"The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name "
        "must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link "
        "for more information: https://go.microsoft.com/fwlink/?linkid=2147742"
    )


def is_vault_name(name: str) -> bool:
    """3 to 24 letters, digits and hyphens, a letter first, no hyphen last, no two together (Key Vault docs)."""
    return _NAME.fullmatch(name) is not None


def deleted_vault_missing(call: Call, name: str) -> AzureFault:
    """The 404 for a soft-deleted vault that is not there (recorded)."""
    if not since(call.world, "2020-06-01"):
        return AzureFault(404, "ResourceNotFound", "The specified resource does not exist.", headers=SERVICE_HEADERS)
    return AzureFault(
        404,
        "DeletedVaultNotFound",
        f"The specified deleted vault '{name}' does not exist. Ensure that the vault was indeed deleted and that it is "
        "in recoverable state. If soft delete was not enabled then the vault is permanently deleted. Follow this link "
        "for more information: https://go.microsoft.com/fwlink/?linkid=2149745",
        headers=SERVICE_HEADERS,
    )


def soft_delete(call: Call, key: str) -> None:
    """Move a vault (by its key) to the deleted ones. Its content stays; its role assignments are lost for good."""
    record = call.store.get("vaults", key)
    if record is None:
        return
    if not record["properties"].get("enableSoftDelete"):
        _forget(call, key, record)  # a vault of the years when that could be turned off
        call.store.delete("vaults", key)
        forget_assignments_below(call, record["id"])
        return
    days = record["properties"].get("softDeleteRetentionInDays") or DEFAULT_RETENTION_DAYS
    now = call.now()
    call.store.delete("vaults", key)
    call.store.put("deleted_vaults", key, {**record, "deleted": now, "purge_at": now + days * _DAY})
    forget_assignments_below(call, record["id"])


def forget_assignments_below(call: Call, scope: str) -> None:
    """Delete the role assignments at a scope and at everything inside it."""
    for place in (scope.lower() + ASSIGNMENTS, scope.lower() + "/"):
        for key in call.store.keys("role_assignments", place):
            call.store.delete("role_assignments", key)


def forget_roles_below(call: Call, scope: str) -> None:
    """Delete the custom roles that can be assigned nowhere but inside a scope that is gone (recorded)."""
    inside = scope.lower().strip("/")
    for guid, record in list(call.store.table("role_definitions").items()):
        places = [place.lower().strip("/") for place in record["assignableScopes"]]
        if all(place == inside or place.startswith(inside + "/") for place in places):
            call.store.delete("role_definitions", guid)


def purge_overdue(call: Call) -> None:
    """Purge the soft-deleted vaults whose retention has passed, which Azure does by itself."""
    now = call.now()
    for key, record in list(call.store.table("deleted_vaults").items()):
        if record["purge_at"] <= now:
            _forget(call, key, record)


def _forget(call: Call, key: str, record: Mapping[str, Any]) -> None:
    for table in CONTENT_TABLES:
        for content in call.store.keys(table, f"{record['uid']}/"):
            call.store.delete(table, content)
    call.store.delete("deleted_vaults", key)


def _shape(record: Mapping[str, Any]) -> dict[str, Any]:
    subscription = record["id"].split("/")[2]
    place = f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{region(record['location'])}"
    properties = {
        "vaultId": record["id"],
        "location": record["location"],
        "tags": record["tags"],
        "deletionDate": stamp(record["deleted"]),
        "scheduledPurgeDate": stamp(record["purge_at"]),
    }
    if record["properties"].get("enablePurgeProtection"):
        properties["purgeProtectionEnabled"] = True
    return {
        "id": f"{place}/deletedVaults/{record['name']}",
        "name": record["name"],
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": properties,
    }


def _list(call: Call, names: Mapping[str, str]) -> Response:
    inside = f"/subscriptions/{names['s']}/".lower()
    records = [r for r in call.store.table("deleted_vaults").values() if r["id"].lower().startswith(inside)]
    records.sort(key=lambda record: str(record["name"]).lower())
    marks = [record["name"].lower() for record in records]
    return page(call, [_shape(record) for record in records], marks, ends_empty=True)


def _find(call: Call, names: Mapping[str, str]) -> Mapping[str, Any]:
    record = call.store.get("deleted_vaults", names["v"].lower())
    inside = f"/subscriptions/{names['s']}/".lower()
    if record is None or not record["id"].lower().startswith(inside):
        raise deleted_vault_missing(call, names["v"])
    if region(record["location"]) != region(names["location"]):
        raise deleted_vault_missing(call, names["v"])
    return record


def _get(call: Call, names: Mapping[str, str]) -> Response:
    return json_response(200, _shape(_find(call, names)), SERVICE_HEADERS)


def _purge(call: Call, names: Mapping[str, str]) -> Response:
    record = _find(call, names)
    if record["properties"].get("enablePurgeProtection"):
        raise AzureFault(400, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
    _forget(call, names["v"].lower(), record)
    created = call.now()
    operation = urlsafe_b64encode(f"DVP|{uuid.uuid4().hex.upper()}".encode()).decode().rstrip("=")
    done_at = created + PURGE_SECONDS * call.world.settings.time_scale
    call.store.put("operations", operation.lower(), {"created": created, "done_at": done_at})
    place = f"/subscriptions/{names['s']}/providers/Microsoft.KeyVault/locations/{region(names['location'])}"
    location = call.link(f"{place}/operationResults/{operation}")
    return Response(202, {**SERVICE_HEADERS, "location": location, **retry_after(call, _POLL_SECONDS)})


def _operation(call: Call, names: Mapping[str, str]) -> Response:
    operation = call.store.get("operations", names["o"].lower())
    if operation is None:
        message = "The specified resource does not exist."
        raise AzureFault(404, "ResourceNotFound", message, headers=SERVICE_HEADERS)
    body = {"createdDateTime": _spaced(operation["created"])}
    if operation["done_at"] > call.now():
        location = call.link(call.request.path)
        headers = {**SERVICE_HEADERS, "location": location, **retry_after(call, _POLL_SECONDS)}
        return json_response(202, {**body, "status": "NotStarted"}, headers)
    body |= {"lastActionDateTime": _spaced(operation["done_at"]), "status": "Succeeded"}
    return json_response(200, body, SERVICE_HEADERS)


def _spaced(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


def _check_name(call: Call, _: Mapping[str, str]) -> Response:
    name = str(call.body().get("name") or "")
    if not is_vault_name(name):
        answer = {"nameAvailable": False, "reason": "AccountNameInvalid", "message": name_invalid(name)}
        return json_response(200, answer, SERVICE_HEADERS)
    if name.lower() in call.store.table("vaults") or name.lower() in call.store.table("deleted_vaults"):
        message = name_taken(name)
        if not since(call.world, "2022-06-01"):  # recorded
            message = message.replace("globally", "globaly").replace("about VaultAlreadyExists, soft", "on soft")
        answer = {"nameAvailable": False, "reason": "AlreadyExists", "message": message}
        return json_response(200, answer, SERVICE_HEADERS)
    return json_response(200, {"nameAvailable": True}, SERVICE_HEADERS)


def _no_managed_hsms(call: Call, _: Mapping[str, str]) -> Response:
    """Managed HSMs are not emulated, so there are none: clients ask for them beside the vaults."""
    return json_response(200, {"value": []}, SERVICE_HEADERS)


_SUBSCRIPTION = "/subscriptions/{s}"
ROUTES = (
    Route("GET", _HERE + "/deletedVaults", _list, "Microsoft.KeyVault/deletedVaults/read", _SUBSCRIPTION),
    Route("GET", _DELETED, _get, "Microsoft.KeyVault/locations/deletedVaults/read", _DELETED),
    Route("POST", _DELETED + "/purge", _purge, "Microsoft.KeyVault/locations/deletedVaults/purge/action", _DELETED),
    Route(
        "GET",
        _HERE + "/locations/{location}/operationResults/{o}",
        _operation,
        "Microsoft.KeyVault/locations/operationResults/read",
        _SUBSCRIPTION,
    ),
    Route(
        "POST",
        _HERE + "/checkNameAvailability",
        _check_name,
        "Microsoft.KeyVault/checkNameAvailability/read",
        _SUBSCRIPTION,
    ),
    Route("GET", _HERE + "/managedHSMs", _no_managed_hsms, "Microsoft.KeyVault/managedHSMs/read", _SUBSCRIPTION),
    Route(
        "GET",
        _HERE + "/deletedManagedHSMs",
        _no_managed_hsms,
        "Microsoft.KeyVault/deletedManagedHsms/read",
        _SUBSCRIPTION,
    ),
)
