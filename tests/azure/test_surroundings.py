"""What decides over access beside the grants, read from the emulator."""

from __future__ import annotations

import uuid

from declarative_kv.azure.session import Session
from declarative_kv.azure.surroundings import surroundings
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.world import World
from declarative_kv.model.access import Denial, Permission, Questions

SUB = f"/subscriptions/{SUBSCRIPTION}"
CUSTOM, ALICE, CLUB = (str(uuid.UUID(int=number, version=4)) for number in (1, 2, 3))
BLOCK = {"actions": ["*"], "notActions": ["*/read"], "dataActions": [], "notDataActions": []}


def fill(world: World) -> None:
    """A custom role, a deny assignment, a user, and a group that she is in."""
    store = world.store
    store.put(
        "role_definitions",
        CUSTOM,
        {
            "roleName": "Ours",
            "type": "CustomRole",
            "description": "of our own",
            "permissions": [BLOCK],
            "assignableScopes": [SUB],
            "createdOn": "2026-01-01T00:00:00Z",
            "updatedOn": "2026-01-01T00:00:00Z",
        },
    )
    identifier = f"{SUB}/providers/Microsoft.Authorization/denyAssignments/{CUSTOM}"
    denial = {
        "id": identifier,
        "name": CUSTOM,
        "scope": SUB,
        "denyAssignmentName": "Of a stack",
        "permissions": [BLOCK],
        "principals": [{"id": ALICE, "type": "User"}],
        "doNotApplyToChildScopes": True,
    }
    store.put("deny_assignments", identifier.lower(), denial)
    user = {"kind": "user", "id": ALICE, "userPrincipalName": "alice@contoso.example", "displayName": "Alice"}
    group = {"kind": "group", "id": CLUB, "displayName": "Club", "members": [ALICE]}
    for record in (user, group):
        store.put("directory", str(record["id"]), {**record, "tenant": TENANT})


async def test_everything_that_is_asked_is_found(world: World, azure: Session) -> None:
    fill(world)
    nobody = str(uuid.UUID(int=9, version=4))
    asked = Questions(
        frozenset({SUBSCRIPTION}), {SUBSCRIPTION: frozenset({CUSTOM})}, frozenset({nobody}), frozenset({ALICE, CLUB})
    )
    found = await surroundings(azure, asked)
    block = Permission(("*",), ("*/read",))
    assert found.definitions[CUSTOM].permissions == (block,)
    assert found.denials == (Denial("Of a stack", SUB, (block,), frozenset({ALICE}), children=False),)
    assert found.members == {CLUB: frozenset({ALICE}), nobody: frozenset()}
    assert found.names == {ALICE: "alice@contoso.example", CLUB: "Club"}
    assert found.types == {ALICE: "User", CLUB: "Group"}
    assert found.unknown == ()


async def test_what_is_refused_is_told_and_nothing_is_raised(world: World, azure: Session) -> None:
    for path in ("*denyassignments", "*roledefinitions", "*getbyids", "*transitivemembers"):
        world.fail("*", path, status=403)
    asked = Questions(
        frozenset({SUBSCRIPTION}), {SUBSCRIPTION: frozenset({CUSTOM})}, frozenset({CLUB}), frozenset({ALICE})
    )
    found = await surroundings(azure, asked)
    assert found.unknown == (
        f"the deny assignments of subscription {SUBSCRIPTION} cannot be listed",
        "the directory cannot be read, so some principals have no name and may be groups",
        f"the members of group {CLUB} may not be listed",
        f"the roles of subscription {SUBSCRIPTION} cannot be listed",
    )


async def test_nothing_is_asked_where_nothing_is_wanted(azure: Session, requests_seen: list[dict[str, object]]) -> None:
    await surroundings(azure, Questions())
    assert requests_seen == []
