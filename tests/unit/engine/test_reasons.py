"""Which side moved, what goes along, and how far a target reaches: over the real kinds' settings, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from declarative_kv.engine.plan import plan
from declarative_kv.engine.select import select
from declarative_kv.kinds import registry
from declarative_kv.model.plan import Action, Options, Plan, Reason
from declarative_kv.model.resource import Observed, Reading, Resource
from declarative_kv.model.specs import VaultSpec
from declarative_kv.model.state import Entry, State
from tests.unit.engine.fakes import HEAD, KINDS, at, entry, live, thing

V = at("vault.kv")


def vault(tags: Mapping[str, str] | None) -> VaultSpec:
    return VaultSpec(subscription="s", resource_group="g", name="kv", location="westeurope", access="rbac", tags=tags)


def planned(wanted: VaultSpec, applied: VaultSpec, there: VaultSpec) -> Plan:
    where = registry()["vault"].remote_id(wanted)
    state = State("line", 1, {V: Entry(V, where, applied)})
    reading = Reading(live={V: Observed("vault", where, there)})
    return plan(registry(), {V: Resource(V, wanted)}, state, reading, {}, HEAD, Options())


@pytest.mark.parametrize(
    ("wanted", "applied", "there", "reason"),
    [
        ({"team": "a"}, None, None, Reason.CONFIG_MOVED),
        ({"team": "a"}, {"cost": "7"}, {"cost": "7"}, Reason.CONFIG_MOVED),
        ({"team": "a"}, {"team": "a"}, {"team": "b"}, Reason.AZURE_MOVED),
        ({"team": "c"}, {"team": "a"}, {"team": "b"}, Reason.BOTH_MOVED),
    ],
)
def test_a_tag_tells_who_moved(
    wanted: dict[str, str], applied: dict[str, str] | None, there: dict[str, str] | None, reason: Reason
) -> None:
    (change,) = planned(vault(wanted), vault(applied), vault(there)).changes
    assert (change.action, change.reason) == (Action.UPDATE, reason)


def test_a_tag_that_leaves_the_yaml_is_named_alone() -> None:
    made = planned(vault({"team": "a"}), vault({"team": "a", "cost": "7"}), vault({"team": "a", "cost": "7"}))
    assert [one.attributes for one in made.unwritten] == [("tags.cost",)]


@pytest.mark.parametrize("strays", [0, 1, 30])
def test_what_goes_with_a_vault_unmanaged_is_said(strays: int) -> None:
    box = live("thing.box")
    inside = [replace(live(f"thing.n{n:02}", parent=box.remote_id), label=f"n{n:02}") for n in range(strays)]
    elsewhere = [live("thing.far", parent="/other"), replace(live("thing.own", parent=box.remote_id), system=True)]
    reading = Reading(live={at("thing.box"): box}, rest=(*inside, *elsewhere))
    state = State("line", 1, {at("thing.box"): entry("thing.box")})
    made = plan(KINDS, {}, state, reading, {}, HEAD, Options())
    said = [note for note in made.notes if "takes along" in note]
    assert len(said) == (1 if strays else 0)
    assert [("n00" in note, note.endswith("…")) for note in said] == [(True, strays > 1)] * bool(strays)


def test_a_target_that_is_needed_twice_is_brought_once() -> None:
    wanted = [
        thing("thing.top", needs=("thing.left", "thing.right")),
        thing("thing.left", needs=("thing.base",)),
        thing("thing.right", needs=("thing.base",)),
        thing("thing.base"),
        thing("thing.other"),
    ]
    desired = {one.address: one for one in wanted}
    chosen = select(desired, State(), Options(targets=(at("thing.top"),)))
    assert sorted(one.path for one in chosen) == ["base", "left", "right", "top"]
