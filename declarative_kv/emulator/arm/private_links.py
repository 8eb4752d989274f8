"""Resource Manager: what a private endpoint could be made for; endpoints themselves are not emulated."""

from __future__ import annotations

from collections.abc import Mapping

from declarative_kv.emulator.arm.call import Call, Route
from declarative_kv.emulator.arm.deleted import SERVICE_HEADERS
from declarative_kv.emulator.arm.vaults import VAULT, require_vault
from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.http import Response, json_response

_TYPE = "Microsoft.KeyVault/vaults/privateLinkResources"


def _list(call: Call, names: Mapping[str, str]) -> Response:
    """One, the vault itself (recorded)."""
    record = require_vault(call, names)
    zone = cloud_of(call.request.host).vault_suffix.removeprefix(".vault")
    found = {
        "id": f"{record['id']}/privateLinkResources/vault",
        "name": "vault",
        "type": _TYPE,
        "properties": {
            "groupId": "vault",
            "requiredMembers": ["default"],
            "requiredZoneNames": [f"privatelink.vaultcore{zone}"],
        },
    }
    return json_response(200, {"value": [found]}, SERVICE_HEADERS)


ROUTES = (Route("GET", VAULT + "/privateLinkResources", _list, f"{_TYPE}/read", VAULT),)
