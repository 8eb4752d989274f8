"""Resource Manager: the keys of a vault, as deployments see them: made once, read, listed with their versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.arm.call import Call, Route, not_found
from declarative_kv.emulator.arm.deleted import SERVICE_HEADERS
from declarative_kv.emulator.arm.vault_shape import bad_request
from declarative_kv.emulator.arm.vaults import VAULT, require_vault
from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.dataplane import material
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.keys import create_key
from declarative_kv.emulator.http import Request, Response, json_response

_KIND = "Microsoft.KeyVault/vaults/keys"
_KEYS = VAULT + "/keys"
_KEY = _KEYS + "/{k}"
_VERSIONS = _KEY + "/versions"
_VERSION = _VERSIONS + "/{version}"
_EXPORTABLE_SINCE = "2022-01-01"


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """The first version of a new key; a key that is there is only shown (Key Vault's ARM reference)."""
    vault, body = require_vault(call, names), call.body()
    key = _store_key(vault, names)
    if call.store.get("keys", key) is None:
        _create(call, vault, names["k"], body)
    record = call.store.get("keys", key)
    if record is None:
        raise not_found(call, _KIND, names["k"], names["g"])
    return json_response(200, _one(call, vault, record, record["versions"][-1]), SERVICE_HEADERS)


def _create(call: Call, vault: Mapping[str, Any], name: str, body: Mapping[str, Any]) -> None:
    """Make the key on the vault's own plane, past its permissions: the right to write it here is enough."""
    sent = body.get("properties")
    if not isinstance(sent, Mapping):
        raise bad_request("The parameter properties is not specified.")
    names = {"kty": "kty", "keySize": "key_size", "curveName": "crv", "keyOps": "key_ops", "attributes": "attributes"}
    wanted = {there: sent[here] for here, there in names.items() if sent.get(here) is not None}
    if isinstance(body.get("tags"), dict):
        wanted["tags"] = body["tags"]
    host = f"{vault['name'].lower()}{cloud_of(call.request.host).vault_suffix}"
    content = json.dumps(wanted).encode()
    request = Request("POST", host, f"/keys/{name}/create", (("api-version", "7.4"),), {}, content)
    create_key(VaultCall(call.world, request, vault, call.caller, ("keys", name, "create")))


def _get(call: Call, names: Mapping[str, str]) -> Response:
    vault, record = _existing(call, names)
    shape = _one(call, vault, record, record["versions"][-1])
    rotation = record.get("rotation") or {
        "lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}]
    }
    # With a capital, as the vault itself spells it, though Resource Manager's files say `notify` (recorded).
    actions = {"lifetimeActions": rotation["lifetimeActions"]}
    attributes = shape["properties"]["attributes"]
    shape["properties"] = {"attributes": attributes, "rotationPolicy": actions} | shape["properties"]
    return json_response(200, shape, SERVICE_HEADERS)


def _get_version(call: Call, names: Mapping[str, str]) -> Response:
    vault, record = _existing(call, names)
    for version in record["versions"]:
        if version["version"] == names["version"].lower():
            return json_response(200, _one(call, vault, record, version, versioned=True), SERVICE_HEADERS)
    raise not_found(call, f"{_KIND}/versions", names["version"], names["g"])


def _list(call: Call, names: Mapping[str, str]) -> Response:
    vault = require_vault(call, names)
    records = [call.store.table("keys")[key] for key in call.store.keys("keys", f"{vault['uid']}/")]
    items = [_item(call, vault, record, record["versions"][-1]) for record in records if _is_there(call, record)]
    return json_response(200, {"value": items}, SERVICE_HEADERS)


def _list_versions(call: Call, names: Mapping[str, str]) -> Response:
    vault, record = _existing(call, names)
    items = [_item(call, vault, record, version, versioned=True) for version in record["versions"]]
    return json_response(200, {"value": items}, SERVICE_HEADERS)


def _existing(call: Call, names: Mapping[str, str]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    vault = require_vault(call, names)
    record = call.store.get("keys", _store_key(vault, names))
    if record is None or not _is_there(call, record):
        raise not_found(call, _KIND, names["k"], names["g"])
    return vault, record


def _is_there(call: Call, record: Mapping[str, Any]) -> bool:
    return float(record.get("ready", 0.0)) <= call.now()


def _store_key(vault: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return f"{vault['uid']}/{names['k'].lower()}"


def _item(
    call: Call,
    vault: Mapping[str, Any],
    record: Mapping[str, Any],
    version: Mapping[str, Any],
    *,
    versioned: bool = False,
) -> dict[str, Any]:
    """A key, or one of its versions, as the lists show it (recorded)."""
    uri = f"https://{vault['name'].lower()}{cloud_of(call.request.host).vault_suffix}/keys/{record['name']}"
    identifier = f"{vault['id']}/keys/{record['name']}"
    shape: dict[str, Any] = {"id": identifier, "name": record["name"], "type": _KIND, "location": vault["location"]}
    if versioned:
        shape["id"], shape["name"] = f"{identifier}/versions/{version['version']}", version["version"]
        shape["type"] = f"{_KIND}/versions"
    if version.get("tags"):
        shape["tags"] = version["tags"]
    shape["properties"] = {"attributes": _attributes(call, vault, version), "keyUri": uri}
    if versioned:
        shape["properties"]["keyUriWithVersion"] = f"{uri}/{version['version']}"
    return shape


def _one(
    call: Call,
    vault: Mapping[str, Any],
    record: Mapping[str, Any],
    version: Mapping[str, Any],
    *,
    versioned: bool = False,
) -> dict[str, Any]:
    """The same with what the key is (recorded)."""
    shape = _item(call, vault, record, version, versioned=versioned)
    uri = shape["properties"]["keyUri"]
    attributes = shape["properties"]["attributes"]
    if call.since(_EXPORTABLE_SINCE):
        attributes["exportable"] = bool(version.get("exportable"))
    jwk = version["jwk"]
    shape["properties"] = {"attributes": attributes, "kty": version["kty"], "keyOps": list(version["ops"])}
    if "n" in jwk:
        shape["properties"]["keySize"] = material.number(jwk, "n").bit_length()
    else:
        shape["properties"]["curveName"] = jwk["crv"]
    shape["properties"] |= {"keyUri": uri, "keyUriWithVersion": f"{uri}/{version['version']}"}
    return shape


def _attributes(call: Call, vault: Mapping[str, Any], version: Mapping[str, Any]) -> dict[str, Any]:
    days = int(vault["properties"].get("softDeleteRetentionInDays") or 90)
    level = "Recoverable" if days == 90 else "CustomizedRecoverable"
    if not vault["properties"].get("enablePurgeProtection"):
        level += "+Purgeable"
    shown = {"enabled": version.get("enabled", True)}
    shown |= {name: version[name] for name in ("nbf", "exp") if name in version}
    return shown | {"created": version["created"], "updated": version["updated"], "recoveryLevel": level}


_READ = f"{_KIND}/read"
ROUTES = (
    Route("PUT", _KEY, _put, f"{_KIND}/write", _KEY),
    Route("GET", _KEY, _get, _READ, _KEY),
    Route("GET", _KEYS, _list, _READ, VAULT),
    Route("GET", _VERSIONS, _list_versions, f"{_KIND}/versions/read", _KEY),
    Route("GET", _VERSION, _get_version, f"{_KIND}/versions/read", _VERSION),
)
