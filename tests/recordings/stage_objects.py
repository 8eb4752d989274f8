"""What secrets and keys share before a request: how far a deletion is, whose name is held, which version sorts first.

Azure's own time and chance are not in a scenario's requests; the answer tells how they fell.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from declarative_kv.emulator.dataplane import material

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay

# What a backup blob that no scenario made looks like: long, and of no format that the service knows.
_FOREIGN_BLOB = material.encode(bytes(8000))


def prepare(replay: Replay, entry: Entry) -> None:
    """Set the stage of a deletion that the answer tells of, and the order of random versions that it shows."""
    vault = replay.world.store.get("vaults", entry.host.partition(".")[0])
    parts = [part for part in entry.path.split("/") if part]
    if vault is None or len(parts) < 2:
        return
    collection = parts[0].lower().removeprefix("deleted")
    key = f"{vault['uid']}/{parts[1].lower()}"
    if entry.code == "Conflict" and "currently being deleted" in entry.message:
        _delay(replay, f"deleted_{collection}", key)
    if "deleted but recoverable" in entry.message or "purge protection is enabled" in entry.message:
        _add_deleted(replay, vault, collection, parts[1])
    if parts[-1].lower() == "versions" and "$skiptoken" not in entry.query:
        _adopt(replay, collection, key)


def body_of(replay: Replay, entry: Entry, body: Any) -> Any:
    """A backup that none of the scenario's requests made is one that the service does not know."""
    if isinstance(body, dict) and str(body.get("value", "")).startswith("BACKUPBLOB-"):
        return {**body, "value": _FOREIGN_BLOB}
    return body


def _delay(replay: Replay, table: str, key: str) -> None:
    record = replay.world.store.get(table, key)
    if record is not None:
        replay.world.store.put(table, key, {**record, "ready": replay.world.clock.now() + 5})


def _add_deleted(replay: Replay, vault: dict[str, Any], collection: str, name: str) -> None:
    if "purge protection" in replay.entries[replay.place].message:
        properties = {**vault["properties"], "enablePurgeProtection": True}
        replay.world.store.put("vaults", vault["name"].lower(), {**vault, "properties": properties})
    key, now = f"{vault['uid']}/{name.lower()}", replay.world.clock.now()
    if collection != "secrets" or replay.world.store.get("deleted_secrets", key) is not None:
        return
    version = {"version": uuid.uuid4().hex, "value": "", "created": int(now), "updated": int(now)}
    record = {"name": name, "versions": [version], "deleted": now, "scheduled": now + 86400 * 90, "ready": 0.0}
    replay.world.store.put("deleted_secrets", key, record)


def _adopt(replay: Replay, collection: str, key: str) -> None:
    """Give versions the ids that they were recorded with: pages come in the order of ids, which are random."""
    record = replay.world.store.get(collection, key)
    if record is None:
        return
    tokens = replay.mapping.tokens
    recorded = {actual.lower(): name for name, actual in tokens.items() if len(name) == 32}
    versions = [{**one, "version": recorded.get(one["version"], one["version"])} for one in record["versions"]]
    for one in versions:
        if one["version"] in tokens:
            tokens[one["version"]] = one["version"]
    replay.world.store.put(collection, key, {**record, "versions": versions})
