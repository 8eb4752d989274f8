"""Backup and restore of an object: a blob that only the emulator can read, with every version in it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.kind import Kind
from declarative_kv.emulator.dataplane.records import deleted, existing
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.world import World

# A blob opens with the version of its format; what is shorter than this has no header to speak of.
_SHORTEST = 64
_FORMAT = 0x80


def back_up(kind: Kind, call: VaultCall) -> Response:
    """POST /{kind}/{name}/backup: 200 with the blob."""
    record = existing(kind, call)
    kept = {name: field for name, field in record.items() if name != "ready"}
    content = json.dumps({"collection": kind.collection, "record": kept})
    blob = _cipher(call.world).encrypt(content.encode()).decode()
    return json_response(200, {"value": blob.rstrip("=")})  # clients drop the padding when they send it again


def restore(kind: Kind, call: VaultCall) -> Response:
    """POST /{kind}/restore: 200 with the current version; 409 while the name is in use, also by a deleted one."""
    record = _opened(kind, call)
    at = VaultCall(call.world, call.request, call.vault, call.caller, (kind.collection, record["name"]))
    current = record["versions"][-1]
    if call.world.store.get(kind.live, at.key) is not None or deleted(kind, at) is not None:
        noun = kind.noun.lower()
        text = (
            f"Conflict while restoring {noun} {call.base}/{kind.collection}/{record['name']}/{current['version']} - "
            f"{noun} already exists or concurrent access"
        )
        raise AzureFault(409, "Conflict", text)
    call.world.store.put(kind.live, at.key, record)
    return json_response(200, kind.bundle(at, record, current))


def _opened(kind: Kind, call: VaultCall) -> dict[str, Any]:
    blob = call.body().get("value")
    text = blob.rstrip("=") if isinstance(blob, str) else ""
    padded = (text + "=" * (-len(text) % 4)).encode()
    try:
        content = json.loads(_cipher(call.world).decrypt(padded))
    except InvalidToken as error:
        raise AzureFault(400, "Malformed backup blob", _complaint(padded)) from error
    if content["collection"] != kind.collection:
        raise AzureFault(400, "Malformed backup blob", "Backup blob is corrupt.")
    record: dict[str, Any] = content["record"]
    return record


def _complaint(blob: bytes) -> str:
    """Recorded: a few bytes are corrupt, many without the format's version at their start have a corrupt version."""
    try:
        start = base64.urlsafe_b64decode(blob)
    except (binascii.Error, ValueError):
        return "Backup blob is corrupt."
    if len(start) >= _SHORTEST and start[0] != _FORMAT:
        return "Backup blob contains invalid or corrupt version."
    return "Backup blob is corrupt."


def _cipher(world: World) -> Fernet:
    record = world.store.get("meta", "backup")
    if record is None:
        record = {"key": Fernet.generate_key().decode()}
        world.store.put("meta", "backup", record)
    return Fernet(record["key"])
