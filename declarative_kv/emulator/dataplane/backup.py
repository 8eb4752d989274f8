"""Backup and restore of a secret: a blob that only the emulator can read, with every version in it."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.records import LIVE, bundle, deleted, existing
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.world import World


def back_up(call: VaultCall) -> Response:
    """POST /secrets/{name}/backup: 200 with the blob."""
    record = existing(call)
    content = json.dumps({"name": record["name"], "versions": record["versions"]})
    blob = _cipher(call.world).encrypt(content.encode()).decode()
    return json_response(200, {"value": blob.rstrip("=")})  # clients drop the padding when they send it again


def restore(call: VaultCall) -> Response:
    """POST /secrets/restore: 200 with the current version; 409 while the name is in use, also by a deleted one."""
    record = _opened(call)
    at = VaultCall(call.world, call.request, call.vault, call.caller, ("secrets", record["name"]))
    current = record["versions"][-1]
    if call.world.store.get(LIVE, at.key) is not None or deleted(at) is not None:
        text = (
            f"Conflict while restoring secret {call.base}/secrets/{record['name']}/{current['version']} - "
            "secret already exists or concurrent access"
        )
        raise AzureFault(409, "Conflict", text)
    call.world.store.put(LIVE, at.key, record)
    return json_response(200, bundle(at, record, current, with_value=False))


def _opened(call: VaultCall) -> dict[str, Any]:
    blob = call.body().get("value")
    text = blob.rstrip("=") if isinstance(blob, str) else ""
    try:
        content = _cipher(call.world).decrypt((text + "=" * (-len(text) % 4)).encode())
    except InvalidToken as error:
        raise AzureFault(400, "Malformed backup blob", "Backup blob is corrupt.") from error
    record: dict[str, Any] = json.loads(content)
    return record


def _cipher(world: World) -> Fernet:
    record = world.store.get("meta", "backup")
    if record is None:
        record = {"key": Fernet.generate_key().decode()}
        world.store.put("meta", "backup", record)
    return Fernet(record["key"])
