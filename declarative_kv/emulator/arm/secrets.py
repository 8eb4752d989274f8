"""Resource Manager: a vault's secrets, read without values and written past the rights of the data plane."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from declarative_kv.emulator.arm.call import Call, Route, not_found, page, tags_of
from declarative_kv.emulator.arm.deleted import SERVICE_HEADERS
from declarative_kv.emulator.arm.groups import VAULT_TYPE
from declarative_kv.emulator.arm.vault_shape import bad_request, bad_value
from declarative_kv.emulator.arm.vaults import VAULT, require_vault
from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.dataplane import input as given
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.records import add_version, change_version, compact, live
from declarative_kv.emulator.dataplane.secrets import SECRETS
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record

_TYPE: Final = "Microsoft.KeyVault/vaults/secrets"
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
# What a new version takes over from the last one where a PATCH does not say it.
_INHERITED: Final = ("contentType", "tags", "enabled", "nbf", "exp")


def _list(call: Call, names: Mapping[str, str]) -> Response:
    """Every live secret by its latest version (recorded)."""
    vault = require_vault(call, names)
    now = call.now()
    keys = call.store.keys("secrets", f"{vault['uid']}/")
    records = [record for key in keys if (record := call.store.table("secrets")[key]).get("ready", 0.0) <= now]
    answer = page(call, [_shape(call, vault, record) for record in records], [one["name"].lower() for one in records])
    return Response(answer.status, {**answer.headers, **SERVICE_HEADERS}, answer.body)


def _get(call: Call, names: Mapping[str, str]) -> Response:
    vault = require_vault(call, names)
    record = live(SECRETS, _inside(call, vault, names["n"]))
    if record is None:
        raise not_found(call, VAULT_TYPE, f"{names['v']}/secrets/{names['n']}", names["g"])
    return json_response(200, _shape(call, vault, record), SERVICE_HEADERS)


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """200 with a new version (recorded); no right on the data plane is asked for, and no network rule."""
    vault = require_vault(call, names)
    if _NAME.fullmatch(names["n"]) is None:
        raise bad_request(f"The secret name '{names['n']}' is invalid.")
    fields = _fields(call)
    if "value" not in fields:
        raise bad_value("value")
    record = add_version(SECRETS, _inside(call, vault, names["n"]), _version(call, fields))
    return json_response(200, _shape(call, vault, record), SERVICE_HEADERS)


def _patch(call: Call, names: Mapping[str, str]) -> Response:
    """A new version where a value is sent (recorded), else a change of the current one (unverified)."""
    vault = require_vault(call, names)
    inside, fields = _inside(call, vault, names["n"]), _fields(call)
    before = live(SECRETS, inside)
    if before is None:
        raise not_found(call, VAULT_TYPE, f"{names['v']}/secrets/{names['n']}", names["g"])
    if "value" not in fields:
        record, _ = change_version(SECRETS, inside, fields)
        return json_response(200, _shape(call, vault, record), SERVICE_HEADERS)
    last = before["versions"][-1]
    kept = {name: last[name] for name in _INHERITED if name in last}
    record = add_version(SECRETS, inside, _version(call, kept | fields))
    return json_response(200, _shape(call, vault, record), SERVICE_HEADERS)


def _inside(call: Call, vault: Mapping[str, Any], name: str) -> VaultCall:
    """The same request as the data plane's functions take it."""
    return VaultCall(call.world, call.request, vault, call.caller, ("secrets", name))


def _fields(call: Call) -> dict[str, Any]:
    """The fields of a version that the body sets; raises 400s, with the data plane's texts (unverified here)."""
    body = call.body()
    properties = body.get("properties")
    if not isinstance(properties, Mapping):
        raise bad_value("properties")
    fields = given.content_type(dict(properties))
    fields |= given.changes({"attributes": properties.get("attributes"), "tags": tags_of(body)})
    return fields | ({"value": given.value(dict(properties))} if properties.get("value") is not None else {})


def _version(call: Call, fields: Mapping[str, Any]) -> Record:
    now = int(call.now())
    return compact({"version": uuid.uuid4().hex, "created": now, "updated": now, **fields})


def _shape(call: Call, vault: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A secret as Resource Manager shows it: never its value; tags only where there are any (recorded)."""
    version = record["versions"][-1]
    attributes = {"enabled": version.get("enabled", True)}
    attributes |= {name: version[name] for name in ("nbf", "exp", "created", "updated") if name in version}
    host = f"{vault['name'].lower()}{cloud_of(call.request.host).vault_suffix}"
    uri = f"https://{host}/secrets/{record['name']}"
    properties: dict[str, Any] = {"contentType": version["contentType"]} if "contentType" in version else {}
    properties |= {"attributes": attributes, "secretUri": uri, "secretUriWithVersion": f"{uri}/{version['version']}"}
    tags = {"tags": version["tags"]} if version.get("tags") else {}
    return {
        "id": f"{vault['id']}/secrets/{record['name']}",
        "name": record["name"],
        "type": _TYPE,
        "location": vault["location"],
        **tags,
        "properties": properties,
    }


_ONE = VAULT + "/secrets/{n}"
ROUTES = (
    Route("GET", VAULT + "/secrets", _list, f"{_TYPE}/read", VAULT),
    Route("GET", _ONE, _get, f"{_TYPE}/read", _ONE),
    Route("PUT", _ONE, _put, f"{_TYPE}/write", _ONE),
    Route("PATCH", _ONE, _patch, f"{_TYPE}/write", _ONE),
)
