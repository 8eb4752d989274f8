"""Resource Manager: user-assigned managed identities, as far as something else needs to find their principals."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.arm.call import Call, Route, not_found, page, region, tags_of
from declarative_kv.emulator.arm.deleted import forget_assignments_below
from declarative_kv.emulator.arm.groups import GROUP, IDENTITY_TYPE, require_group, require_writable_group
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.seed import principal_record

_IDENTITY = GROUP + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{i}"


def _key(call: Call) -> str:
    return call.path.lower()


def _shape(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "location": record["location"],
        "tags": record["tags"],
        "id": record["id"],
        "name": record["name"],
        "type": IDENTITY_TYPE,
        "properties": {name: record[name] for name in ("tenantId", "principalId", "clientId")},
    }


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """A new one gets a service principal in the directory, as any principal that a role is assigned to needs."""
    group = require_writable_group(call, names)
    body, key = call.body(), _key(call)
    record = call.store.get("managed_identities", key)
    made = record is None
    if record is None:
        principal, client = str(uuid.uuid4()), str(uuid.uuid4())
        entry = principal_record(principal, client, names["i"], call.now())
        entry |= {"tenant": call.caller.tenant, "servicePrincipalType": "ManagedIdentity"}
        call.store.put("directory", principal, entry)
        record = {
            "id": f"{group['id']}/providers/{IDENTITY_TYPE}/{names['i']}",
            "name": names["i"],
            "location": region(str(body.get("location") or group["location"])),
            "tenantId": call.caller.tenant,
            "principalId": principal,
            "clientId": client,
        }
    record = {**record, "tags": tags_of(body) or {}}
    call.store.put("managed_identities", key, record)
    return json_response(201 if made else 200, _shape(record))


def _get(call: Call, names: Mapping[str, str]) -> Response:
    require_group(call, names)
    record = call.store.get("managed_identities", _key(call))
    if record is None:
        raise not_found(call, IDENTITY_TYPE, names["i"], names["g"])
    return json_response(200, _shape(record))


def _delete(call: Call, names: Mapping[str, str]) -> Response:
    require_group(call, names)
    record = call.store.get("managed_identities", _key(call))
    if record is None:
        return Response(204)
    call.store.delete("managed_identities", _key(call))
    call.store.delete("directory", record["principalId"])
    forget_assignments_below(call, record["id"])
    return Response(200)


def _list(call: Call, names: Mapping[str, str]) -> Response:
    require_group(call, names)
    keys = call.store.keys("managed_identities", call.path.lower() + "/")
    return page(call, [_shape(call.store.table("managed_identities")[key]) for key in keys], keys)


ROUTES = (
    Route("GET", _IDENTITY, _get, f"{IDENTITY_TYPE}/read", _IDENTITY),
    Route("PUT", _IDENTITY, _put, f"{IDENTITY_TYPE}/write", _IDENTITY),
    Route("DELETE", _IDENTITY, _delete, f"{IDENTITY_TYPE}/delete", _IDENTITY),
    Route("GET", f"{GROUP}/providers/{IDENTITY_TYPE}", _list, f"{IDENTITY_TYPE}/read", GROUP),
)
