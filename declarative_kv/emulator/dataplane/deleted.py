"""Deleted secrets: deleting, deleted, recovered or purged, with Azure's waiting times in between.

The recorded medians: 16 s until a deleted secret shows among the deleted ones, 19 s until a recovered one can be
read again, 1 s until a purged one is gone. The emulator's time scale multiplies them.
"""

from __future__ import annotations

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.pages import page, window
from declarative_kv.emulator.dataplane.records import (
    DAY,
    DELETED,
    LIVE,
    bundle,
    deleted,
    deletion,
    existing,
    is_gone,
    item,
    managed,
    retention_days,
)
from declarative_kv.emulator.dataplane.secrets import refuse_disabled
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record

_SECONDS_TO_DELETE = 16.0
_SECONDS_TO_RECOVER = 19.0
_SECONDS_TO_PURGE = 1.0


def delete_secret(call: VaultCall) -> Response:
    """DELETE /secrets/{name}: 200 at once, with the dates; among the deleted ones it shows only later."""
    record = existing(call)
    managed(call, record, "delete")
    now = call.world.clock.now()
    gone = {
        "name": record["name"],
        "versions": record["versions"],
        "deleted": now,
        "scheduled": now + retention_days(call.vault) * DAY,
        "ready": call.delay(_SECONDS_TO_DELETE),
    }
    call.world.store.delete(LIVE, call.key)
    call.world.store.put(DELETED, call.key, gone)
    return json_response(200, _shown(call, gone))


def get_deleted(call: VaultCall) -> Response:
    """GET /deletedsecrets/{name}: 404 until the deletion is done, 403 for a disabled one (recorded)."""
    record = _found(call)
    if record["ready"] > call.world.clock.now():
        raise _unknown(call)
    refuse_disabled(record["versions"][-1])
    return json_response(200, _shown(call, record))


def list_deleted(call: VaultCall) -> Response:
    """GET /deletedsecrets: those whose deletion is done and that are not purged, in order of the names."""
    now = call.world.clock.now()
    part, prefix = window(call.request), f"{call.vault['uid']}/"
    keys = call.world.store.keys(DELETED, prefix, after=prefix + part.after, limit=part.size + 1)
    shown = [call.world.store.table(DELETED)[key] for key in keys[: part.size]]
    items = [
        deletion(call, record) | item(call, record, record["versions"][-1], with_version=False)
        for record in shown
        if record["ready"] <= now and not is_gone(call, record)
    ]
    marker = keys[part.size - 1].removeprefix(prefix) if len(keys) > part.size else None
    return page(call.request, part, items, marker)


def recover_deleted(call: VaultCall) -> Response:
    """POST /deletedsecrets/{name}/recover: 200 at once; it can be read only later."""
    if call.world.store.get(LIVE, call.key) is not None:
        raise AzureFault(
            400,
            "MethodNotAllowed",
            f"Secret exists already: {call.name}",
            inner="RequestNotAllowedOnNonDeletedObject",
        )
    record = _settled(call)
    back: Record = {"name": record["name"], "versions": record["versions"]}
    ready = call.delay(_SECONDS_TO_RECOVER)
    if ready > call.world.clock.now():
        back["ready"] = ready
    call.world.store.delete(DELETED, call.key)
    call.world.store.put(LIVE, call.key, back)
    return json_response(200, bundle(call, back, back["versions"][-1], with_value=False))


def purge_deleted(call: VaultCall) -> Response:
    """DELETE /deletedsecrets/{name}: 204, refused on a vault with purge protection (quoted)."""
    record = _settled(call)
    if call.vault["properties"].get("enablePurgeProtection"):
        text = (
            'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault '
            "service will automatically purge it after the retention period has passed.\r\n"
            f"Vault: {call.vault['name']};location={call.vault['location']}"
        )
        raise AzureFault(403, "Forbidden", text)
    done = call.delay(_SECONDS_TO_PURGE)
    if done > call.world.clock.now():
        call.world.store.put(DELETED, call.key, {**record, "purged": done})
        return Response(204)
    call.world.store.delete(DELETED, call.key)
    return Response(204)


def _found(call: VaultCall) -> Record:
    record = deleted(call)
    if record is None:
        raise _unknown(call)
    return record


def _settled(call: VaultCall) -> Record:
    """The deleted secret once its deletion is done; 409 before that, and while it is being purged (recorded)."""
    record = _found(call)
    if record["ready"] > call.world.clock.now() or "purged" in record:
        raise AzureFault(409, "Conflict", "Secret is currently being deleted.", inner="ObjectIsBeingDeleted")
    return record


def _unknown(call: VaultCall) -> AzureFault:
    return AzureFault(404, "SecretNotFound", f"Deleted Secret not found: {call.name}")


def _shown(call: VaultCall, record: Record) -> dict[str, object]:
    return deletion(call, record) | bundle(call, record, record["versions"][-1], with_value=False)
