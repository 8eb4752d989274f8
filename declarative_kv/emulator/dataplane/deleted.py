"""Deleted objects: deleting, deleted, recovered or purged, with Azure's waiting times in between.

The recorded medians: 16 s until a deleted object shows among the deleted ones, 19 s until a recovered one can be
read again, 1 s until a purged one is gone. The emulator's time scale multiplies them.
"""

from __future__ import annotations

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.kind import Kind
from declarative_kv.emulator.dataplane.records import (
    DAY,
    being_deleted,
    deleted,
    deletion,
    existing,
    managed,
    not_deleted,
    retention_days,
)
from declarative_kv.emulator.dataplane.secrets import SECRETS, refuse_deleted_disabled
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record

_SECONDS_TO_DELETE = 16.0
_SECONDS_TO_RECOVER = 19.0
_SECONDS_TO_PURGE = 1.0
# What belongs to the deletion and not to the object.
_DELETION = frozenset({"deleted", "scheduled", "ready", "purged"})


def delete(kind: Kind, call: VaultCall) -> Response:
    """DELETE /{kind}/{name}: 200 at once, with the dates; among the deleted ones it shows only later.

    In a vault without soft delete it is gone, and the answer has no dates (recorded).
    """
    record = existing(kind, call)
    managed(kind, record, "delete")
    now, days = call.world.clock.now(), retention_days(call.vault)
    call.world.store.delete(kind.live, call.key)
    if not days:
        return json_response(200, kind.bundle(call, record, record["versions"][-1]))
    kept = {name: field for name, field in record.items() if name not in _DELETION}
    gone = {**kept, "deleted": now, "scheduled": now + days * DAY, "ready": call.delay(_SECONDS_TO_DELETE)}
    call.world.store.put(kind.deleted, call.key, gone)
    return json_response(200, _shown(kind, call, gone))


def get_deleted(kind: Kind, call: VaultCall) -> Response:
    """GET /deleted{kind}/{name}: 404 until the deletion is done, 403 for a disabled secret (recorded)."""
    record = _found(kind, call)
    if record["ready"] > call.world.clock.now():
        raise not_deleted(kind, call)
    if kind is SECRETS:
        refuse_deleted_disabled(call, record["versions"][-1])
    return json_response(200, _shown(kind, call, record))


def recover(kind: Kind, call: VaultCall) -> Response:
    """POST /deleted{kind}/{name}/recover: 200 at once; it can be read only later."""
    if call.world.store.get(kind.live, call.key) is not None:
        text = f"{kind.noun} exists already: {call.name}"
        raise AzureFault(400, "MethodNotAllowed", text, inner="RequestNotAllowedOnNonDeletedObject")
    record = _settled(kind, call)
    back: Record = {name: field for name, field in record.items() if name not in _DELETION}
    ready = call.delay(_SECONDS_TO_RECOVER)
    if ready > call.world.clock.now():
        back["ready"] = ready
    call.world.store.delete(kind.deleted, call.key)
    call.world.store.put(kind.live, call.key, back)
    return json_response(200, kind.bundle(call, back, back["versions"][-1]))


def purge(kind: Kind, call: VaultCall) -> Response:
    """DELETE /deleted{kind}/{name}: 204, refused on a vault with purge protection (quoted)."""
    record = _settled(kind, call)
    if call.vault["properties"].get("enablePurgeProtection"):
        text = (
            'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault '
            "service will automatically purge it after the retention period has passed.\r\n"
            f"Vault: {call.vault['name']};location={call.vault['location']}"
        )
        raise AzureFault(403, "Forbidden", text)
    done = call.delay(_SECONDS_TO_PURGE)
    if done > call.world.clock.now():
        call.world.store.put(kind.deleted, call.key, {**record, "purged": done})
        return Response(204)
    call.world.store.delete(kind.deleted, call.key)
    return Response(204)


def _found(kind: Kind, call: VaultCall) -> Record:
    record = deleted(kind, call)
    if record is None:
        raise not_deleted(kind, call)
    return record


def _settled(kind: Kind, call: VaultCall) -> Record:
    """The deleted object once its deletion is done; 409 before that, and while it is being purged (recorded)."""
    record = _found(kind, call)
    if record["ready"] > call.world.clock.now() or "purged" in record:
        raise being_deleted(kind, call)
    return record


def _shown(kind: Kind, call: VaultCall, record: Record) -> dict[str, object]:
    return deletion(kind, call, record) | kind.bundle(call, record, record["versions"][-1])
