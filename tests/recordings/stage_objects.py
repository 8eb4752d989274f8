"""What secrets and keys share before a request: how far a deletion is, whose name is held, which version sorts first.

Azure's own time and chance are not in a scenario's requests; the answer tells how they fell.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from declarative_kv.emulator.dataplane import material
from declarative_kv.emulator.dataplane.operations import operation_at
from declarative_kv.emulator.throttle import cost_of
from tests.recordings import stage_keys, stage_vault

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay

# What a backup blob that no scenario made looks like: long, and of no format that the service knows.
_CLIENT = re.compile(r"Client address: ([\d.]+)")
_GROUPS = re.compile(r"numgroups=(\d+)")
# Sorts behind the name that it follows and before every longer one.
_HOLE = "!"
_SENT = ("enabled", "nbf", "exp")
_FOREIGN_BLOB = material.encode(bytes(8000))


def prepare(replay: Replay, entry: Entry) -> None:
    """Set the stage of a deletion that the answer tells of, and the order of random versions that it shows."""
    vault = replay.world.store.get("vaults", entry.host.partition(".")[0])
    parts = [part for part in entry.path.split("/") if part]
    if vault is None:
        return
    _retain(replay, entry, vault)
    _close(replay, entry, vault)
    replay.world.settings.throttle = entry.status == 429
    if entry.status == 429:
        _exhaust(replay, entry, vault, tuple(parts))
    if len(parts) == 1 and entry.method == "GET" and not _follows(entry):
        _leave_holes(replay, entry, vault, parts[0].lower())
    if len(parts) < 2:
        return
    collection = parts[0].lower().removeprefix("deleted")
    key = f"{vault['uid']}/{parts[1].lower()}"
    if entry.code == "Conflict" and "currently being deleted" in entry.message:
        _delay(replay, f"deleted_{collection}", key)
    groups = _GROUPS.search(entry.message)
    if groups is not None:
        _join(replay, int(groups[1]))
    if "deleted but recoverable" in entry.message or "purge protection is enabled" in entry.message:
        _add_deleted(replay, vault, collection, parts[1])
    if parts[-1].lower() == "versions" and "$skiptoken" not in entry.query:
        _adopt(replay, collection, key)


def body_of(replay: Replay, entry: Entry, body: Any) -> Any:
    """A lost body is read from the answer; a backup that the scenario did not make is foreign to the service."""
    shown = entry.answer if isinstance(entry.answer, dict) and entry.status < 300 else {}
    if body is None and "/secrets/" in entry.path and entry.method in ("PUT", "PATCH") and "attributes" in shown:
        attributes = {name: shown["attributes"][name] for name in _SENT if name in shown["attributes"]}
        kept = {name: shown[name] for name in ("value", "contentType", "tags") if name in shown}
        return {**kept, "attributes": attributes}
    if isinstance(body, dict) and str(body.get("value", "")).startswith("BACKUPBLOB-"):
        return {**body, "value": _FOREIGN_BLOB}
    return body


def _join(replay: Replay, number: int) -> None:
    """Put the caller into so many groups, as the refusal counts them."""
    for place in range(number):
        identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, f"group-{place}"))
        group = {"kind": "group", "id": identifier, "displayName": f"group-{place}"}
        replay.world.store.put("directory", identifier, {**group, "members": [replay.people.object_id]})


def _retain(replay: Replay, entry: Entry, vault: dict[str, Any]) -> None:
    """How long a vault that was found keeps what is deleted: the first object of it that is shown tells."""
    shown = next(_recovery(entry.answer), None)
    if shown is None or not vault.get("staged") or vault.get("told"):
        return
    level, days = shown["recoveryLevel"], shown.get("recoverableDays")
    properties = {**vault["properties"], "enableSoftDelete": level != "Purgeable"}
    if days is None:
        known = properties.get("softDeleteRetentionInDays")
        days = 90 if level.startswith("Recoverable") else known if known and known != 90 else 7
    if days:
        properties["softDeleteRetentionInDays"] = days
    replay.world.store.put("vaults", vault["name"].lower(), {**vault, "properties": properties, "told": True})


def _recovery(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "recoveryLevel" in value:
            yield value
        for item in value.values():
            yield from _recovery(item)
    elif isinstance(value, list):
        for item in value:
            yield from _recovery(item)


def _close(replay: Replay, entry: Entry, vault: dict[str, Any]) -> None:
    """Give the vault the network rules that a refusal tells of, and the client its address."""
    rules: dict[str, Any] = {}
    client = _CLIENT.search(entry.message)
    if client is not None:
        replay.world.settings.public_ip = client[1]
        rules["networkAcls"] = {"bypass": "None", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []}
    if entry.message.startswith("Public network access is disabled"):
        rules["publicNetworkAccess"] = "Disabled"
    if rules and vault.get("staged"):
        properties = {**vault["properties"], **rules}
        replay.world.store.put("vaults", vault["name"].lower(), {**vault, "properties": properties})


def _exhaust(replay: Replay, entry: Entry, vault: dict[str, Any], parts: tuple[str, ...]) -> None:
    """Others have just asked the vault as often as it allows."""
    operation = operation_at(entry.method, parts)
    if operation is None:
        return
    now = replay.world.clock.now()
    for cost in (cost_of(operation.action, None), cost_of(operation.action, (False, 2048))):
        while replay.world.limits.admit(vault, cost, now):
            continue


def _follows(entry: Entry) -> bool:
    return any(name.lower() == "$skiptoken" for name in entry.query)


def _leave_holes(replay: Replay, entry: Entry, vault: dict[str, Any], path: str) -> None:
    """Pages are short or empty where something on its way in or out takes up room: put such things into the vault."""
    table = path if not path.startswith("deleted") else f"deleted_{path.removeprefix('deleted')}"
    prefix, store = f"{vault['uid']}/", replay.world.store
    for key in store.keys(table, prefix):
        if _HOLE in key:
            store.delete(table, key)
    last = ""
    for page in _pages(replay, entry, path):
        stage_vault.prepare(replay, page)  # a page that has a next one shows so only if there is something on it
        if page.service == "kv-keys":
            stage_keys.prepare(replay, page)
        items = page.answer.get("value") or []
        names = [str(item.get("id") or item.get("kid")).rstrip("/").split("/")[4].lower() for item in items]
        last = names[-1] + _HOLE if names else last or _HOLE
        size = int(page.query.get("maxresults") or 25)
        for place in range(size - len(items) if page.answer.get("nextLink") else 0):
            last = f"{last.partition(_HOLE)[0]}{_HOLE}{len(store.keys(table, prefix)):05}-{place}"
            hole = {"name": "", "versions": [], "ready": 9e9, "deleted": 0.0, "scheduled": 0.0}
            store.put(table, prefix + last, hole)


def _pages(replay: Replay, entry: Entry, path: str) -> Iterator[Entry]:
    """The page that is asked for and those that were asked for through its link."""
    yield entry
    last = entry
    for later in replay.later:
        if not (isinstance(last.answer, dict) and last.answer.get("nextLink")):
            return
        is_next = _follows(later) or later.lost_its_query
        if is_next and later.host == entry.host and later.path.strip("/").lower() == path and later.status == 200:
            last = later
            yield later


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
