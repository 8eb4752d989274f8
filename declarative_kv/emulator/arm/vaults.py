"""Resource Manager: vaults - create, recover, update, read, list, delete."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.arm.call import Call, Route, hurry, not_found, page, region, system_data, tags_of
from declarative_kv.emulator.arm.deleted import (
    SERVICE_HEADERS,
    deleted_vault_missing,
    is_vault_name,
    name_invalid,
    name_taken,
    soft_delete,
)
from declarative_kv.emulator.arm.groups import GROUP, VAULT_TYPE, require_group, require_writable_group
from declarative_kv.emulator.arm.subscriptions import LOCATIONS
from declarative_kv.emulator.arm.vault_shape import bad_request, bad_value, merged, shown
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

VAULT = GROUP + "/providers/Microsoft.KeyVault/vaults/{v}"
REGISTER_SECONDS = 30.0  # the median of recorded creations
_IN_DELETED_STATE = (
    "A vault with the same name already exists in deleted state. You need to either recover or purge existing key "
    "vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete."
)


def require_vault(call: Call, names: Mapping[str, str]) -> dict[str, Any]:
    """A copy of the vault's record; raises Azure's 404 for a missing group or vault."""
    group = require_group(call, names)
    record = call.store.get("vaults", names["v"].lower())
    if record is None or not _is_in(record, group):
        raise not_found(call, VAULT_TYPE, names["v"], names["g"])
    return dict(record)


def _is_in(record: Mapping[str, Any], group: Mapping[str, Any]) -> bool:
    return bool(record["id"].lower().startswith(group["id"].lower() + "/"))


def _answer(call: Call, record: Mapping[str, Any], *, first: bool = False) -> Response:
    registering = record["ready_at"] > call.now()
    patience = hurry(call, REGISTER_SECONDS) if registering else {}
    shape = shown(call, record, registering=registering, first=first)
    return json_response(200, shape, {**SERVICE_HEADERS, **patience})


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """Create, recover or update; always 200 (recorded, against the specification's 201)."""
    group = require_writable_group(call, names)
    name, body = names["v"], call.body()
    if not is_vault_name(name):
        raise AzureFault(400, "VaultNameNotValid", name_invalid(name), headers=SERVICE_HEADERS)
    sent, location = _properties(body), _location(body)
    live = call.store.get("vaults", name.lower())
    if live is not None:
        if not _is_in(live, group):
            raise AzureFault(409, "VaultAlreadyExists", name_taken(name), headers=SERVICE_HEADERS)
        return _update(call, live, body, sent, location)
    deleted = call.store.get("deleted_vaults", name.lower())
    recover = str(sent.get("createMode") or "default").lower() == "recover"
    if deleted is None and recover:
        raise deleted_vault_missing(call, name)
    if deleted is None:
        return _create(call, group, name, body, sent, location)
    here = deleted["id"].lower().startswith(f"/subscriptions/{names['s']}/".lower())
    if not here or region(deleted["location"]) != region(location):
        raise AzureFault(409, "VaultAlreadyExists", name_taken(name), headers=SERVICE_HEADERS)
    if not recover or not _is_in(deleted, group):
        raise AzureFault(409, "ConflictError", _IN_DELETED_STATE, headers=SERVICE_HEADERS)
    return _recover(call, deleted)


def _properties(body: Mapping[str, Any]) -> Mapping[str, Any]:
    sent = body.get("properties")
    if not isinstance(sent, Mapping):
        raise bad_request("The parameter properties is not specified.")
    mode = str(sent.get("createMode") or "default").lower()
    if mode not in ("default", "recover"):
        raise bad_value("createMode")
    return sent


def _location(body: Mapping[str, Any]) -> str:
    """The location as it was sent, which is how it is shown again (recorded)."""
    location = body.get("location")
    if not isinstance(location, str) or not location.strip():
        raise AzureFault(400, "LocationRequired", "The location property is required for this definition.")
    if region(location) not in LOCATIONS:
        message = (
            f"The provided location '{location}' is not available for resource type '{VAULT_TYPE}'. List of available "
            f"regions for the resource type is '{','.join(LOCATIONS)}'."
        )
        raise AzureFault(400, "LocationNotAvailableForResourceType", message)
    return location.strip()


def _create(
    call: Call,
    group: Mapping[str, Any],
    name: str,
    body: Mapping[str, Any],
    sent: Mapping[str, Any],
    location: str,
) -> Response:
    now = call.now()
    record = {
        "uid": uuid.uuid4().hex,
        "id": f"{group['id']}/providers/Microsoft.KeyVault/vaults/{name}",
        "name": name,
        "location": location,
        "tags": tags_of(body) or {},
        "properties": merged(call, sent, None),
        "systemData": system_data(call),
        "created": now,
        "ready_at": now + REGISTER_SECONDS * call.world.settings.time_scale,
    }
    call.store.put("vaults", name.lower(), record)
    return _answer(call, record, first=True)


def _update(
    call: Call, live: Mapping[str, Any], body: Mapping[str, Any], sent: Mapping[str, Any], location: str
) -> Response:
    """A PUT of a vault that exists says what its policies, tags and network are from now on, all of them."""
    if region(location) != region(live["location"]):
        group = live["id"].split("/")[4]
        message = (
            f"The resource '{live['name']}' already exists in location '{live['location']}' in resource group "
            f"'{group}'. A resource with the same name cannot be created in location '{location}'. Please select a "
            "new resource name."
        )
        raise AzureFault(409, "InvalidResourceLocation", message)
    whole = {**sent, "accessPolicies": sent.get("accessPolicies") or [], "networkAcls": sent.get("networkAcls")}
    return _save(call, {**live, "tags": tags_of(body) or {}}, whole)


def _save(call: Call, record: Mapping[str, Any], sent: Mapping[str, Any]) -> Response:
    properties = merged(call, sent, record["properties"])
    if _by_roles(properties) is not _by_roles(record["properties"]):
        # Who may not give roles without limits may not change the access model either (Key Vault's guide to roles).
        call.require("Microsoft.Authorization/roleAssignments/write", record["id"])
    changed = {
        **record,
        "properties": properties,
        "systemData": system_data(call, record["systemData"]),
    }
    call.store.put("vaults", changed["name"].lower(), changed)
    return _answer(call, changed)


def _by_roles(properties: Mapping[str, Any]) -> bool:
    return bool(properties.get("enableRbacAuthorization"))


def _recover(call: Call, deleted: Mapping[str, Any]) -> Response:
    """The vault as it was before it was deleted, whatever was sent (recorded); role assignments do not return."""
    record = {name: value for name, value in deleted.items() if name not in ("deleted", "purge_at")}
    record["ready_at"] = call.now()
    key = record["name"].lower()
    call.store.delete("deleted_vaults", key)
    call.store.put("vaults", key, record)
    return _answer(call, record)


def _patch(call: Call, names: Mapping[str, str]) -> Response:
    """Only what is sent changes; lists and tags that are sent replace what is there."""
    record, body = require_vault(call, names), call.body()
    sent = body.get("properties") or {}
    if not isinstance(sent, Mapping):
        raise bad_value("properties")
    tags = tags_of(body)
    if tags is not None:
        record["tags"] = tags
    return _save(call, record, {name: value for name, value in sent.items() if value is not None})


def _get(call: Call, names: Mapping[str, str]) -> Response:
    return _answer(call, require_vault(call, names))


def _delete(call: Call, names: Mapping[str, str]) -> Response:
    """200 and soft-deleted at once; 204 where there is none (the specification's word for it)."""
    group = require_group(call, names)
    record = call.store.get("vaults", names["v"].lower())
    if record is None or not _is_in(record, group):
        return Response(204, SERVICE_HEADERS)
    soft_delete(call, names["v"].lower())
    return Response(200, SERVICE_HEADERS)


def _list(call: Call, names: Mapping[str, str]) -> Response:
    if "g" in names:
        require_group(call, names)
    below = call.path.lower().split("/providers/")[0] + "/"
    records = [r for r in call.store.table("vaults").values() if r["id"].lower().startswith(below)]
    records.sort(key=_mark)
    items = [shown(call, record, registering=record["ready_at"] > call.now()) for record in records]
    return page(call, items, [_mark(record) for record in records], ends_empty=True)


def _mark(record: Mapping[str, Any]) -> str:
    parts = record["id"].lower().split("/")
    return f"{parts[4]}|{parts[-1]}"


_READ = "Microsoft.KeyVault/vaults/read"
_WRITE = "Microsoft.KeyVault/vaults/write"
ROUTES = (
    Route("GET", "/subscriptions/{s}/providers/Microsoft.KeyVault/vaults", _list, _READ, "/subscriptions/{s}"),
    Route("GET", GROUP + "/providers/Microsoft.KeyVault/vaults", _list, _READ, GROUP),
    Route("GET", VAULT, _get, _READ, VAULT),
    Route("PUT", VAULT, _put, _WRITE, VAULT),
    Route("PATCH", VAULT, _patch, _WRITE, VAULT),
    Route("DELETE", VAULT, _delete, "Microsoft.KeyVault/vaults/delete", VAULT),
)
