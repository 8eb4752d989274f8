"""Whole worlds as files: snapshot, load, reset; the built-in identities outlive them all."""

from __future__ import annotations

import json
from typing import Any, Final

from declarative_kv.emulator.host.failure import EmulatorError
from declarative_kv.emulator.seed import (
    FORMAT,
    IDENTITIES,
    KEY_VAULT_ADMINISTRATOR,
    OWNER,
    seed_assignment,
    seed_identity_objects,
    seed_tenant,
)
from declarative_kv.emulator.store import Record, Store
from declarative_kv.emulator.world import World

# What belongs to the running emulator and not to the Azure it emulates.
_OWN_TABLES: Final = frozenset({"meta", "faults", "identities"})

Tables = dict[str, dict[str, Record]]


def snapshot(world: World) -> dict[str, Any]:
    """The world as one JSON object, secret values included; no credential, signing key or fault is in it.

    The ids of the built-in identities are named, so that `load` can put another emulator's in their place.
    """
    own = _own_objects(world.store)
    tables = {name: rows for name, rows in world.store.dump().items() if name not in _OWN_TABLES}
    directory = {key: row for key, row in tables.get("directory", {}).items() if key not in own}
    return {
        "format": FORMAT,
        "identities": {name: _public(row) for name, row in world.store.table("identities").items()},
        "tables": {**tables, "directory": directory},
    }


def load(world: World, content: Any) -> None:
    """Replace the world by a snapshot; clock, signing key and the built-in identities with their rights stay.

    Raises `EmulatorError` where `content` is no snapshot, and changes nothing then.
    """
    tables = _checked(content)
    store = world.store
    tables = _adopted(store, tables, content.get("identities", {}))
    with store.transaction():
        _clear(store, keep=_OWN_TABLES)
        for name, rows in tables.items():
            for key, record in rows.items():
                store.put(name, key.lower(), record)
        _reseed(world)


def reset(world: World) -> None:
    """Back to a fresh world of the present day; the built-in identities and their tokens stay valid."""
    store = world.store
    with store.transaction():
        _clear(store, keep=frozenset({"meta", "identities"}))
        store.delete("meta", "clock")
        _reseed(world)
        store.put("meta", "world", {"format": FORMAT, "created": world.clock.now(), "written": False})


def is_unwritten(world: World) -> bool:
    """Whether no client has changed anything yet, so that a snapshot may be loaded unasked."""
    record = world.store.get("meta", "world")
    return record is not None and not record.get("written", False)


def _checked(content: Any) -> Tables:
    """The tables of a snapshot that may be loaded."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise EmulatorError(
            f"This is not a snapshot of the emulator: `format` should be {FORMAT!r}.",
            "Make one with `dkv emulator snapshot FILE`.",
        )
    tables = content.get("tables")
    if not isinstance(tables, dict) or not all(_is_table(rows) for rows in tables.values()):
        raise EmulatorError("The snapshot is damaged: `tables` should map each table to its records by key.")
    if not _is_table(content.get("identities", {})):
        raise EmulatorError("The snapshot is damaged: `identities` should map each name to its ids.")
    return {name: rows for name, rows in tables.items() if name not in _OWN_TABLES}


def _is_table(rows: Any) -> bool:
    return isinstance(rows, dict) and all(isinstance(record, dict) for record in rows.values())


def _adopted(store: Store, tables: Tables, identities: dict[str, Any]) -> Tables:
    """The tables with the running built-in identities in place of the snapshot's, wherever named."""
    text = json.dumps(tables)
    for name, theirs in identities.items():
        ours = store.get("identities", name)
        if ours is None:
            continue
        for field in ("client_id", "object_id"):
            if theirs.get(field):
                text = text.replace(str(theirs[field]), ours[field])
    adopted: Tables = json.loads(text)
    return adopted


def _clear(store: Store, *, keep: frozenset[str]) -> None:
    """Remove every record but those of the kept tables."""
    for name, rows in store.dump().items():
        if name in keep:
            continue
        for key in rows:
            store.delete(name, key)


def _reseed(world: World) -> None:
    """Put back what every world has: the built-in identities, and where they are missing a tenant and their rights."""
    store, now = world.store, world.clock.now()
    for name in store.table("identities"):
        seed_identity_objects(store, name, IDENTITIES[name], now)
    if not store.table("tenants") or not store.table("subscriptions"):
        seed_tenant(store)
    main = store.get("identities", "main")
    if main is None:
        return
    held = {
        (row["principalId"], row["roleDefinitionId"].rpartition("/")[2].lower(), row["scope"].count("/"))
        for row in store.table("role_assignments").values()
    }
    for role in (OWNER, KEY_VAULT_ADMINISTRATOR):
        if (main["object_id"], role, 2) not in held:
            seed_assignment(store, main["object_id"], role, now)


def _own_objects(store: Store) -> frozenset[str]:
    """The directory ids of the built-in identities: their service principals and their applications."""
    clients = {row["client_id"] for row in store.table("identities").values()}
    return frozenset(key for key, row in store.table("directory").items() if row.get("appId") in clients)


def _public(identity: Record) -> Record:
    return {"client_id": identity["client_id"], "object_id": identity["object_id"]}
