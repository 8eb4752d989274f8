"""The lists of a vault: its objects, the versions of one of them, its deleted objects; none shows a value."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.kind import Kind
from declarative_kv.emulator.dataplane.pages import Window, page, window
from declarative_kv.emulator.dataplane.records import deletion, is_gone, live
from declarative_kv.emulator.http import Response
from declarative_kv.emulator.store import Record


def _window(call: VaultCall) -> Window:
    return window(call.request, ragged=call.world.settings.ragged_pages)


def list_current(kind: Kind, call: VaultCall) -> Response:
    """GET /{kind}: the current version of each, in order of the lower-case names (recorded)."""
    now = call.world.clock.now()
    part, prefix = _window(call), f"{call.vault['uid']}/"
    keys = call.world.store.keys(kind.live, prefix, after=prefix + part.after, limit=part.room + 1)
    shown = [call.world.store.table(kind.live)[key] for key in keys[: part.room]]
    items = [
        kind.item(call, record, record["versions"][-1], with_version=False)
        for record in shown
        if record.get("ready", 0.0) <= now
    ]
    marker = keys[part.room - 1].removeprefix(prefix) if len(keys) > part.room > 0 else None
    return page(call.request, part, items, marker)


def list_versions(kind: Kind, call: VaultCall) -> Response:
    """GET /{kind}/{name}/versions: in order of the random ids, not of time; none for an unknown name (recorded)."""
    part, record = _window(call), live(kind, call)
    by_id: dict[str, Record] = {} if record is None else {v["version"]: v for v in record["versions"]}
    ids = sorted(by_id)
    start = bisect_right(ids, part.after)
    shown = ids[start : start + part.room]
    items: list[dict[str, Any]] = []
    if record is not None:
        items = [kind.item(call, record, by_id[version], with_version=True) for version in shown]
    return page(call.request, part, items, shown[-1] if shown and start + part.room < len(ids) else None)


def list_deleted(kind: Kind, call: VaultCall) -> Response:
    """GET /deleted{kind}: those whose deletion is done and that are not purged, in order of the names."""
    now = call.world.clock.now()
    part, prefix = _window(call), f"{call.vault['uid']}/"
    keys = call.world.store.keys(kind.deleted, prefix, after=prefix + part.after, limit=part.room + 1)
    shown = [call.world.store.table(kind.deleted)[key] for key in keys[: part.room]]
    items = [
        deletion(kind, call, record) | kind.item(call, record, record["versions"][-1], with_version=False)
        for record in shown
        if record["ready"] <= now and not is_gone(call, record)
    ]
    marker = keys[part.room - 1].removeprefix(prefix) if len(keys) > part.room > 0 else None
    return page(call.request, part, items, marker)
