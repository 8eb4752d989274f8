"""Snapshots: what moves from one world to another, and what belongs to the emulator itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from declarative_kv.emulator.host import snapshots
from declarative_kv.emulator.host.failure import EmulatorError
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.world import World, new_world


def world_with_a_vault() -> World:
    """A world with a vault whose policy names the main identity, and a group with that identity in it."""
    world = new_world()
    main = world.identity()["object_id"]
    policy = {"objectId": main, "tenantId": TENANT, "permissions": {"secrets": ["get"]}}
    world.store.put("vaults", "kv-a", {"name": "kv-a", "properties": {"accessPolicies": [policy]}})
    world.store.put("directory", "g1", {"kind": "group", "id": "g1", "displayName": "Team", "members": [main]})
    return world


def test_the_loading_worlds_identity_takes_the_place_of_the_snapshots() -> None:
    other = new_world()
    snapshots.load(other, snapshots.snapshot(world_with_a_vault()))

    ours = other.identity()["object_id"]
    (policy,) = other.store.table("vaults")["kv-a"]["properties"]["accessPolicies"]
    assert policy["objectId"] == ours
    assert other.store.table("directory")["g1"]["members"] == [ours]
    assigned = [(row["principalId"], row["scope"]) for row in other.store.table("role_assignments").values()]
    assert assigned == [(ours, f"/subscriptions/{SUBSCRIPTION}")] * 2


def test_identities_clock_signing_key_and_faults_are_not_in_a_snapshot() -> None:
    world = world_with_a_vault()
    world.keyring.key_id()
    world.fail("GET", "*", status=500)
    world.clock.shift(86400)
    content = snapshots.snapshot(world)
    assert set(content["tables"]) & {"meta", "faults", "identities"} == set()
    assert world.identity()["client_secret"] not in json.dumps(content)
    assert [row["displayName"] for row in content["tables"]["directory"].values()] == ["Team"]


def test_load_replaces_what_was_there_and_keeps_the_clock() -> None:
    world = world_with_a_vault()
    fresh = snapshots.snapshot(new_world())
    world.clock.shift(86400)
    before = world.clock.offset()
    snapshots.load(world, fresh)
    assert not world.store.table("vaults")
    assert "g1" not in world.store.table("directory")
    assert world.clock.offset() == before


def test_a_snapshot_written_by_hand_may_hold_one_table() -> None:
    world = world_with_a_vault()
    group = {"kind": "group", "id": "G2", "displayName": "Other", "members": []}
    snapshots.load(world, {"format": "dkv-emulator/1", "tables": {"directory": {"G2": group}}})
    assert world.store.get("directory", "g2") == group
    assert list(world.store.table("tenants")) == [TENANT]
    assert list(world.store.table("subscriptions")) == [SUBSCRIPTION]
    assert len(world.store.table("role_assignments")) == 2


def test_loading_twice_gives_the_same_world() -> None:
    content = snapshots.snapshot(world_with_a_vault())
    world = new_world()
    snapshots.load(world, content)
    once = snapshots.snapshot(world)
    snapshots.load(world, content)
    assert snapshots.snapshot(world) == once


def test_reset_forgets_the_clock_and_faults_but_not_who_it_is() -> None:
    world = world_with_a_vault()
    identity, key = world.identity(), world.keyring.key_id()
    world.fail("GET", "*", status=500)
    world.clock.shift(86400)
    snapshots.reset(world)
    assert (world.identity(), world.keyring.key_id()) == (identity, key)
    assert (world.clock.offset(), world.faults.listed(), dict(world.store.table("vaults"))) == (0, [], {})
    assert snapshots.is_unwritten(world)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {"tables": {}},
        {"format": "dkv-emulator/2", "tables": {}},
        {"format": "dkv-emulator/1"},
        {"format": "dkv-emulator/1", "tables": {"vaults": []}},
        {"format": "dkv-emulator/1", "tables": {"vaults": {"kv": "text"}}},
        {"format": "dkv-emulator/1", "tables": {}, "identities": ["main"]},
    ],
)
def test_what_is_no_snapshot_is_refused_and_changes_nothing(content: Any) -> None:
    world = world_with_a_vault()
    before = world.store.dump()
    with pytest.raises(EmulatorError):
        snapshots.load(world, content)
    assert world.store.dump() == before
