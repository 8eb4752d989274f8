"""Resource Manager: a vault's private endpoint connections, which its owner approves or rejects.

The endpoints themselves belong to the network's service and are not emulated; a connection is there once that service
(or whoever fills the world) has put it into the vault's record, `endpoints`: name -> etag, endpoint id and state.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.arm.call import Call, Route, not_found, region
from declarative_kv.emulator.arm.deleted import SERVICE_HEADERS
from declarative_kv.emulator.arm.vault_shape import bad_request, bad_value
from declarative_kv.emulator.arm.vaults import VAULT, require_vault
from declarative_kv.emulator.http import Response, json_response

_TYPE = "Microsoft.KeyVault/vaults/privateEndpointConnections"
_ALL = VAULT + "/privateEndpointConnections"
_ONE = _ALL + "/{c}"
_UPDATE_SECONDS = 60.0  # between the recorded states Updating and Succeeded
_STATES = ("Approved", "Rejected", "Pending", "Disconnected")


def _shape(call: Call, vault: Mapping[str, Any], name: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    state = "Updating" if kept.get("ready_at", 0.0) > call.now() else "Succeeded"
    shape: dict[str, Any] = {
        "id": f"{vault['id']}/privateEndpointConnections/{name}",
        "name": name,
        "type": _TYPE,
        "location": region(vault["location"]),
    }
    if kept.get("etag"):
        done = kept.get("ready_at") is not None and state == "Succeeded"
        # Recorded: the end of an update brings a new one.
        shape["etag"] = uuid.uuid5(uuid.NAMESPACE_OID, kept["etag"]).hex if done else kept["etag"]
    return {**shape, "properties": {"provisioningState": state, **kept["properties"]}}


def _find(call: Call, names: Mapping[str, str]) -> tuple[dict[str, Any], str, Mapping[str, Any]]:
    vault = require_vault(call, names)
    for name, kept in (vault.get("endpoints") or {}).items():
        if name.lower() == names["c"].lower():
            return vault, name, kept
    raise not_found(call, _TYPE, names["c"], names["g"])


def _get(call: Call, names: Mapping[str, str]) -> Response:
    return json_response(200, _shape(call, *_find(call, names)), SERVICE_HEADERS)


def _list(call: Call, names: Mapping[str, str]) -> Response:
    vault = require_vault(call, names)
    items = [_shape(call, vault, name, kept) for name, kept in (vault.get("endpoints") or {}).items()]
    return json_response(200, {"value": items}, SERVICE_HEADERS)


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """Approve or reject: 200 with the new etag and an operation to poll, done a minute later (recorded)."""
    vault, name, kept = _find(call, names)
    sent = call.body().get("properties")
    if not isinstance(sent, Mapping) or not isinstance(sent.get("privateLinkServiceConnectionState"), Mapping):
        raise bad_request("The parameter privateLinkServiceConnectionState is not specified.")
    wanted = sent["privateLinkServiceConnectionState"]
    if wanted.get("status") not in _STATES:
        raise bad_value("privateLinkServiceConnectionState.status")
    state = {key: wanted[key] for key in ("status", "description") if isinstance(wanted.get(key), str)}
    state["actionsRequired"] = str(wanted.get("actionsRequired") or "None")
    changed: dict[str, Any] = {
        "etag": uuid.uuid4().hex,
        "ready_at": call.now() + _UPDATE_SECONDS * call.world.settings.time_scale,
        "properties": {**kept["properties"], "privateLinkServiceConnectionState": state},
    }
    endpoints = {**vault["endpoints"], name: changed}
    call.store.put("vaults", vault["name"].lower(), {**vault, "endpoints": endpoints})
    operation = {"azure-asyncoperation": call.link(call.request.path, **{"kv-operation": changed["etag"]})}
    return json_response(200, _shape(call, vault, name, changed), {**SERVICE_HEADERS, **operation})


ROUTES = (
    Route("GET", _ALL, _list, f"{_TYPE}/read", VAULT),
    Route("GET", _ONE, _get, f"{_TYPE}/read", _ONE),
    Route("PUT", _ONE, _put, f"{_TYPE}/write", _ONE),
)
