"""The directory's own questions: who is this, and which groups does that make them a member of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from declarative_kv.emulator.store import Record
from declarative_kv.emulator.world import World

TABLE = "directory"
Parents = Mapping[str, tuple[str, ...]]


def find(world: World, object_id: str, *kinds: str) -> Record | None:
    """The directory object of that id, if it is of one of the kinds (none given: of any); read-only."""
    record = world.store.get(TABLE, object_id.lower())
    if record is None or (kinds and record["kind"] not in kinds):
        return None
    return record


def all_of(world: World, *kinds: str) -> Iterator[Record]:
    """The objects of these kinds in order of creation; read-only."""
    return (record for record in world.store.table(TABLE).values() if record["kind"] in kinds)


def application_of(world: World, client_id: str) -> Record | None:
    """The application registration of a client id (`appId`)."""
    return _by_client_id(world, "application", client_id)


def service_principal_of(world: World, client_id: str) -> Record | None:
    """The service principal of a client id (`appId`)."""
    return _by_client_id(world, "servicePrincipal", client_id)


def groups_of(world: World, object_id: str) -> frozenset[str]:
    """The ids of every group that the object is in, directly or through other groups; circles are no harm."""
    parents = world.store.derived("parents", (TABLE,), lambda: _parents(world))
    found: set[str] = set()
    waiting = [object_id.lower()]
    while waiting:
        for group in parents.get(waiting.pop(), ()):
            if group not in found:
                found.add(group)
                waiting.append(group)
    return frozenset(found)


def direct_groups_of(world: World, object_id: str) -> tuple[str, ...]:
    """The ids of the groups that name the object itself as a member."""
    parents = world.store.derived("parents", (TABLE,), lambda: _parents(world))
    return parents.get(object_id.lower(), ())


def may_write(world: World, object_id: str) -> bool:
    """Whether the object may change the directory (its record says `directoryRoles: ["write"]`)."""
    record = find(world, object_id)
    return record is not None and "write" in record.get("directoryRoles", ())


def may_read(world: World, object_id: str) -> bool:
    """Whether the object may read others: writers, those with `directoryRoles: ["read"]`, and every user."""
    record = find(world, object_id)
    if record is None:
        return False
    return record["kind"] == "user" or not {"read", "write"}.isdisjoint(record.get("directoryRoles", ()))


def _parents(world: World) -> Parents:
    parents: dict[str, list[str]] = {}
    for record in all_of(world, "group"):
        for member in record.get("members", ()):
            parents.setdefault(member, []).append(record["id"])
    return {member: tuple(groups) for member, groups in parents.items()}


def _by_client_id(world: World, kind: str, client_id: str) -> Record | None:
    def build() -> dict[str, Record]:
        return {record["appId"].lower(): record for record in all_of(world, kind)}

    return world.store.derived(f"{kind} by appId", (TABLE,), build).get(client_id.lower())
