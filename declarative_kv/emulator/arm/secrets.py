"""Resource Manager: the list of a vault's secrets, which shows no value and asks for no right on the data plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.arm.call import Call, Route, page
from declarative_kv.emulator.arm.vaults import VAULT, require_vault
from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.http import Response

_TYPE = "Microsoft.KeyVault/vaults/secrets"


def _list(call: Call, names: Mapping[str, str]) -> Response:
    """Every live secret by its latest version (Key Vault's specification, `Secrets_List`)."""
    vault = require_vault(call, names)
    now = call.now()
    keys = call.store.keys("secrets", f"{vault['uid']}/")
    records = [record for key in keys if (record := call.store.table("secrets")[key]).get("ready", 0.0) <= now]
    host = f"{vault['name'].lower()}{cloud_of(call.request.host).vault_suffix}"
    return page(call, [_shape(vault, host, record) for record in records], [one["name"].lower() for one in records])


def _shape(vault: Mapping[str, Any], host: str, record: Mapping[str, Any]) -> dict[str, Any]:
    version = record["versions"][-1]
    attributes = {"enabled": version.get("enabled", True)}
    attributes |= {name: version[name] for name in ("nbf", "exp", "created", "updated") if name in version}
    uri = f"https://{host}/secrets/{record['name']}"
    properties = {"attributes": attributes, "secretUri": uri, "secretUriWithVersion": f"{uri}/{version['version']}"}
    if "contentType" in version:
        properties["contentType"] = version["contentType"]
    return {
        "id": f"{vault['id']}/secrets/{record['name']}",
        "name": record["name"],
        "type": _TYPE,
        "location": vault["location"],
        "tags": version.get("tags", {}),
        "properties": properties,
    }


ROUTES = (Route("GET", VAULT + "/secrets", _list, f"{_TYPE}/read", VAULT),)
