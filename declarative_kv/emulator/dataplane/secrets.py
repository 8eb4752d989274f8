"""Live secrets: set, get, change, list; every set makes a new version under a random id."""

from __future__ import annotations

import uuid
from bisect import bisect_right
from typing import Any

from declarative_kv.emulator.dataplane import input as given
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.pages import page, window
from declarative_kv.emulator.dataplane.records import (
    LIVE,
    bundle,
    deleted,
    existing,
    find_version,
    item,
    live,
    managed,
)
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record


def set_secret(call: VaultCall) -> Response:
    """PUT /secrets/{name}: 200 with a new version, also for a new secret (recorded)."""
    body = call.body()
    fields = {"value": given.value(body), **given.changes(body)}
    _refuse_reserved(call)
    now = int(call.world.clock.now())
    version = given.compact({"version": uuid.uuid4().hex, "created": now, "updated": now, **fields})
    record = live(call)
    if record is not None:
        managed(call, record, "set")
    name = call.name if record is None else record["name"]
    versions = [] if record is None else record["versions"]
    record = {"name": name, "versions": [*versions, version]}
    call.world.store.put(LIVE, call.key, record)
    return json_response(200, bundle(call, record, version, with_value=True))


def get_secret(call: VaultCall) -> Response:
    """GET /secrets/{name} or …/{version}: 403 if disabled; dates outside nbf and exp are no hindrance (documented)."""
    record = existing(call)
    version = _version(call, record)
    refuse_disabled(version)
    return json_response(200, bundle(call, record, version, with_value=True))


def change_secret(call: VaultCall) -> Response:
    """PATCH: the same version with other metadata; sent tags replace all; the answer has no value (recorded)."""
    fields = given.changes(call.body())
    record = existing(call)
    managed(call, record, "update")
    place, version = len(record["versions"]) - 1, record["versions"][-1]
    if len(call.segments) > 2:
        place, version = find_version(record, call.segments[2])
    changed = given.compact({**version, **fields, "updated": int(call.world.clock.now())})
    versions = [*record["versions"]]
    versions[place] = changed
    record = {**record, "versions": versions}
    call.world.store.put(LIVE, call.key, record)
    return json_response(200, bundle(call, record, changed, with_value=False))


def list_secrets(call: VaultCall) -> Response:
    """GET /secrets: the current version of each, without values, in order of the lower-case names (recorded)."""
    now = call.world.clock.now()
    part, prefix = window(call.request), f"{call.vault['uid']}/"
    keys = call.world.store.keys(LIVE, prefix, after=prefix + part.after, limit=part.size + 1)
    shown = [call.world.store.table(LIVE)[key] for key in keys[: part.size]]
    items = [
        item(call, record, record["versions"][-1], with_version=False)
        for record in shown
        if record.get("ready", 0.0) <= now
    ]
    marker = keys[part.size - 1].removeprefix(prefix) if len(keys) > part.size else None
    return page(call.request, part, items, marker)


def list_versions(call: VaultCall) -> Response:
    """GET /secrets/{name}/versions: in order of the random ids, not of time; none for an unknown name (recorded)."""
    part, record = window(call.request), live(call)
    by_id: dict[str, Record] = {} if record is None else {v["version"]: v for v in record["versions"]}
    ids = sorted(by_id)
    start = bisect_right(ids, part.after)
    shown = ids[start : start + part.size]
    items: list[dict[str, Any]] = []
    if record is not None:
        items = [item(call, record, by_id[version], with_version=True) for version in shown]
    return page(call.request, part, items, shown[-1] if start + part.size < len(ids) else None)


def refuse_disabled(version: Record) -> None:
    """403 for reading a version that is switched off (recorded)."""
    if not version.get("enabled", True):
        text = "Operation get is not allowed on a disabled secret."
        raise AzureFault(403, "Forbidden", text, inner="SecretDisabled")


def _version(call: VaultCall, record: Record) -> Record:
    current: Record = record["versions"][-1]
    return find_version(record, call.segments[2])[1] if len(call.segments) > 2 else current


def _refuse_reserved(call: VaultCall) -> None:
    """409 for a name that a deleted secret still holds, or one that is on its way back (recorded)."""
    record = deleted(call)
    if record is None:
        waiting = call.world.store.get(LIVE, call.key)
        if waiting is not None and live(call) is None:
            text = "Secret is currently being recovered."
            raise AzureFault(409, "Conflict", text, inner="ObjectIsBeingRecovered")
        return
    if record["ready"] > call.world.clock.now() or "purged" in record:
        raise AzureFault(409, "Conflict", "Secret is currently being deleted.", inner="ObjectIsBeingDeleted")
    text = (
        f"Secret {record['name']} is currently in a deleted but recoverable state, and its name cannot be reused; "
        "in this state, the secret can only be recovered or purged."
    )
    raise AzureFault(409, "Conflict", text, inner="ObjectIsDeletedButRecoverable")
