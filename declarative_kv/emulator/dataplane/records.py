"""The objects of a vault as the emulator keeps them, whatever their kind, and what all of them show.

A record of the tables `secrets`, `deleted_secrets`, `keys` and `deleted_keys`: `{"name", "versions": [...]}`, oldest
version first, the last one being the current one. A version: `{"version", "created", "updated"}`, what its kind
needs, and, only where they say something, `enabled` (false), `nbf`, `exp`, `tags`. Records are many, so they stay
small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.kind import Kind
from declarative_kv.emulator.era import since, supports
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.store import Record

DAY = 86400
# From 15 December 2020 on every new vault has soft delete (Key Vault's soft-delete-overview).
_FOR_ALL = 1_607_990_400
# Recorded: with the same api-version the answers of 2019 have no `recoverableDays`, those of March 2020 have it.
_WITH_DAYS = "2020-01-01"
# Recorded: the short texts were last seen in March 2020, the ones with a link first in July.
_LONG_TEXTS = "2020-06-01"


def attributes(call: VaultCall, version: Record) -> dict[str, Any]:
    """The attributes that every kind shows; `recoverableDays` came with version 7.1 of the API."""
    properties = call.vault["properties"]
    days = retention_days(call.vault)
    level = "Recoverable" if days == 90 else "CustomizedRecoverable"
    shown: dict[str, Any] = {"enabled": version.get("enabled", True)}
    shown |= {name: version[name] for name in ("nbf", "exp") if name in version}
    shown |= {"created": version["created"], "updated": version["updated"]}
    if not days:
        shown["recoveryLevel"] = "Purgeable"
    else:
        shown["recoveryLevel"] = level if properties.get("enablePurgeProtection") else f"{level}+Purgeable"
    if since(call.world, _WITH_DAYS) and supports(call.request.parameter("api-version"), "7.1"):
        shown["recoverableDays"] = days
    return shown


def deletion(kind: Kind, call: VaultCall, record: Record) -> dict[str, Any]:
    """What a deleted object shows on top: where it can be recovered from, and when it is purged."""
    return {
        "recoveryId": f"{call.base}/deleted{kind.collection}/{record['name']}",
        "deletedDate": int(record["deleted"]),
        "scheduledPurgeDate": int(record["scheduled"]),
    }


def retention_days(vault: Mapping[str, Any]) -> int:
    """How long the vault keeps what is deleted: 90 days unless it was made with another number, 0 for not at all."""
    protected = vault["properties"].get("enableSoftDelete")
    if protected is False or (protected is None and vault.get("created", _FOR_ALL) < _FOR_ALL):
        return 0
    return int(vault["properties"].get("softDeleteRetentionInDays") or 90)


def live(kind: Kind, call: VaultCall) -> Record | None:
    """The object that the call names, unless it is deleted or still being recovered; read-only."""
    record = call.world.store.get(kind.live, call.key)
    if record is None or record.get("ready", 0.0) > call.world.clock.now():
        return None
    return record


def existing(kind: Kind, call: VaultCall) -> Record:
    """The same, or 404 with what was asked for (recorded)."""
    record = live(kind, call)
    if record is None:
        # A read of a version says which one, a change of it does not (recorded).
        versioned = call.request.method == "GET" and len(call.segments) == 3
        raise not_found(kind, call, "/".join(call.segments[1:]) if versioned else call.name)
    return record


def deleted(kind: Kind, call: VaultCall) -> Record | None:
    """The deleted object that the call names, in any stage of its deletion, unless it is purged; read-only."""
    record = call.world.store.get(kind.deleted, call.key)
    return None if record is None or is_gone(call, record) else record


def is_gone(call: VaultCall, record: Record) -> bool:
    """Whether a deleted object is purged, by request or because its retention is over."""
    now = call.world.clock.now()
    scheduled, purged = float(record["scheduled"]), float(record.get("purged", now + 1))
    return scheduled <= now or purged <= now


def find_version(kind: Kind, call: VaultCall, record: Record) -> tuple[int, Record]:
    """The version that the call names, else the current one, and its place among the record's; raises 404."""
    if not call.version:
        return len(record["versions"]) - 1, record["versions"][-1]
    for place, candidate in enumerate(record["versions"]):
        if candidate["version"] == call.version.lower():
            return place, candidate
    raise not_found(kind, call, f"{record['name']}/{call.version}")


def change_version(kind: Kind, call: VaultCall, fields: Mapping[str, Any]) -> tuple[Record, Record]:
    """Give the version that the call names other fields, in place; the record and the version as they are then."""
    record = existing(kind, call)
    managed(kind, record, "update")
    place, version = find_version(kind, call, record)
    changed = compact({**version, **fields, "updated": int(call.world.clock.now())})
    versions = [*record["versions"]]
    versions[place] = changed
    record = {**record, "versions": versions}
    call.world.store.put(kind.live, call.key, record)
    return record, changed


def compact(version: Record) -> Record:
    """The version without what says nothing: `enabled` is true unless it says otherwise."""
    return {name: field for name, field in version.items() if not (name == "enabled" and field is True)}


def add_version(kind: Kind, call: VaultCall, version: Record) -> Record:
    """Make the version the current one of the object, which may be new; refused while the name is held."""
    refuse_reserved(kind, call)
    record = live(kind, call)
    if record is None:
        record = {"name": call.name, "versions": []}
    managed(kind, record, "set")
    record = {**record, "versions": [*record["versions"], version]}
    call.world.store.put(kind.live, call.key, record)
    return record


def not_found(kind: Kind, call: VaultCall, what: str) -> AzureFault:
    """The refusal for an object that is not there (recorded)."""
    text = f"{kind.noun} not found: {what}"
    if since(call.world, _LONG_TEXTS):
        noun = kind.noun.lower()
        text = (
            f"A {noun} with (name/id) {what} was not found in this key vault. If you recently deleted this {noun} you "
            "may be able to recover it using the correct recovery command. For help resolving this issue, please see "
            "https://go.microsoft.com/fwlink/?linkid=2125182"
        )
    return AzureFault(404, f"{kind.noun}NotFound", text)


def not_deleted(kind: Kind, call: VaultCall) -> AzureFault:
    """The refusal for an object that is not among the deleted ones, or not yet (recorded).

    For a name that was never there, 2019 has the general text (recorded); what it is today is unverified.
    """
    store = call.world.store
    known = store.get(kind.live, call.key) is not None or store.get(kind.deleted, call.key) is not None
    if not known and not since(call.world, _LONG_TEXTS):
        return not_found(kind, call, call.name)
    return AzureFault(404, f"{kind.noun}NotFound", f"Deleted {kind.noun} not found: {call.name}")


def being_deleted(kind: Kind, call: VaultCall) -> AzureFault:
    """The refusal while a deletion or a purge is under way: without the name in 2019, with it in 2023 (recorded)."""
    named = f" {call.name}" if since(call.world, _LONG_TEXTS) else ""
    text = f"{kind.noun}{named} is currently being deleted."
    return AzureFault(409, "Conflict", text, inner="ObjectIsBeingDeleted")


def refuse_reserved(kind: Kind, call: VaultCall) -> None:
    """409 for a name that a deleted object still holds, or one that is on its way back (recorded)."""
    record = deleted(kind, call)
    if record is None:
        waiting = call.world.store.get(kind.live, call.key)
        if waiting is not None and live(kind, call) is None:
            text = f"{kind.noun} is currently being recovered."
            raise AzureFault(409, "Conflict", text, inner="ObjectIsBeingRecovered")
        return
    if record["ready"] > call.world.clock.now() or "purged" in record:
        raise being_deleted(kind, call)
    text = (
        f"{kind.noun} {record['name']} is currently in a deleted but recoverable state, and its name cannot be reused; "
        "in this state, the "
        f"{kind.noun.lower()} can only be recovered or purged."
    )
    raise AzureFault(409, "Conflict", text, inner="ObjectIsDeletedButRecoverable")


def managed(kind: Kind, record: Record, operation: str) -> None:
    """Refuse to change an object that belongs to a certificate (recorded for delete)."""
    if record.get("managed"):
        text = f'Operation "{operation}" is not allowed as this object\'s lifetime is managed by Key Vault.'
        raise AzureFault(403, "Forbidden", text, inner=f"{kind.noun}ManagedByKeyVault")


def closing(record: Record, version: Record) -> dict[str, Any]:
    """What stands at the end of every object: its tags, if any were given, and whether a certificate owns it."""
    shown: dict[str, Any] = {"tags": version["tags"]} if "tags" in version else {}
    if record.get("managed"):
        shown["managed"] = True
    return shown
