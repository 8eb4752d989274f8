"""An entry that gets another key keeps its object: it is let go under the old address and taken over under the new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.engine.order import in_order
from declarative_kv.engine.plan import plan
from declarative_kv.model.plan import Action, Change, Options, Plan, Reason
from declarative_kv.model.resource import Importing, Observed, OtherPolicy, Reading, Resource
from declarative_kv.model.state import Entry, State, Status
from tests.unit.engine.fakes import HEAD, KINDS, Thing, at, entry, live, thing


def named(address: str, name: str) -> Resource:
    """A declared thing whose name is not its key."""
    return replace(thing(address), spec=Thing(name=name, colour="red"))


def make(wanted: list[Resource], prior: list[Entry], azure: dict[str, Observed]) -> Plan:
    reading = Reading(live={at(address): one for address, one in azure.items()})
    entries = {one.address: one for one in prior}
    return plan(KINDS, {one.address: one for one in wanted}, State("line", 1, entries), reading, {}, HEAD, Options())


def shown(made: Plan) -> dict[str, tuple[Action, Reason]]:
    return {str(change.address): (change.action, change.reason) for change in made.changes}


def test_a_renamed_entry_is_let_go_and_taken_over_without_asking() -> None:
    azure = {"thing.old": live("thing.old"), "thing.new": live("thing.old")}
    assert shown(make([named("thing.new", "old")], [entry("thing.old")], azure)) == {
        "thing.old": (Action.FORGET, Reason.HANDED_OVER),
        "thing.new": (Action.IMPORT, Reason.IMPORTING),
    }


def test_a_grant_that_takes_the_place_of_a_removed_one_is_not_deleted_with_it() -> None:
    azure = {"grant.gone": live("grant.gone"), "grant.moved": live("grant.moved")}
    made = make([named("grant.moved", "gone")], [entry("grant.gone"), entry("grant.moved")], azure)
    assert shown(made) == {
        "grant.gone": (Action.FORGET, Reason.HANDED_OVER),
        "grant.moved": (Action.REPLACE, Reason.CONFIG_MOVED),
    }


def test_two_grants_that_change_places_delete_nothing() -> None:
    azure = {"grant.a": live("grant.a"), "grant.b": live("grant.b")}
    made = make([named("grant.a", "b"), named("grant.b", "a")], [entry("grant.a"), entry("grant.b")], azure)
    assert shown(made) == {
        "grant.a": (Action.REPLACE, Reason.HANDED_OVER),
        "grant.b": (Action.REPLACE, Reason.HANDED_OVER),
    }


@pytest.mark.parametrize("remote_id", ["/v/grant/theirs", "/v/grant/another-id"])
def test_what_a_replaced_grant_wants_is_not_deleted_as_a_strangers(remote_id: str) -> None:
    stranger = replace(live("grant.theirs"), remote_id=remote_id, parent="/v", label="theirs")
    vault = replace(thing("vault.v", others={"grant": OtherPolicy.DELETE}), spec=Thing(name="v"))
    kinds = {**KINDS, "vault": KINDS["thing"]}
    there = replace(live("thing.v"), kind="vault", remote_id="/v")
    reading = Reading(live={at("vault.v"): there, at("grant.mine"): live("grant.mine")}, rest=(stranger,))
    entries = {at("vault.v"): replace(entry("thing.v"), address=at("vault.v")), at("grant.mine"): entry("grant.mine")}
    wanted = {at("vault.v"): vault, at("grant.mine"): named("grant.mine", "theirs")}
    made = plan(kinds, wanted, State("line", 1, entries), reading, {}, HEAD, Options())
    assert [change.action for change in made.changes if change.live is stranger] == []


@pytest.mark.parametrize("shared", [False, True])
def test_a_grant_under_an_id_of_its_own_goes_on_for_the_one_that_takes_its_place(shared: bool) -> None:
    taken = replace(live("grant.gone"), remote_id="/v/grant/imported")
    prior = replace(entry("grant.gone", facts={"shared": True} if shared else {}), remote_id="/v/grant/imported")
    azure = {"grant.gone": taken, "grant.moved": live("grant.moved")}
    made = make([named("grant.moved", "gone")], [prior, entry("grant.moved")], azure)
    gone, moved = sorted(made.changes, key=lambda change: change.address)
    assert (gone.action, moved.action, moved.facts) == (Action.FORGET, Action.REPLACE, {"shared": shared})


def test_a_resource_waits_for_what_lies_behind_a_need_that_does_not_change() -> None:
    container = Change(at("thing.c"), Action.RECOVER, Reason.SOFT_DELETED, desired=thing("thing.c"))
    inside = Change(at("item.b"), Action.NOOP, Reason.EQUAL, desired=thing("item.b", needs=("thing.c",)))
    grant = Change(at("grant.a"), Action.CREATE, Reason.NEW, desired=thing("grant.a", needs=("item.b",)))
    ordered = in_order(KINDS, [grant, inside, container], frozenset())
    assert {str(change.address): set(map(str, change.after)) for change in ordered}["grant.a"] == {"thing.c"}


def interrupted(address: str, replaces: str) -> Entry:
    """A grant that an earlier run was about to make in the place of another."""
    return replace(entry(address), status=Status.PENDING, facts={"replaces": f"/v/grant/{replaces}"})


def test_an_interrupted_replacement_is_finished_where_the_new_grant_is_not_there() -> None:
    made = make([thing("grant.a")], [interrupted("grant.a", "old")], {})
    assert shown(made) == {"grant.a": (Action.REPLACE, Reason.INTERRUPTED)}


def test_an_interrupted_replacement_is_finished_where_the_new_grant_is_there() -> None:
    made = make([thing("grant.a")], [interrupted("grant.a", "old")], {"grant.a": live("grant.a")})
    assert shown(made) == {"grant.a": (Action.REPLACE, Reason.INTERRUPTED)}


def test_an_interrupted_replacement_that_nobody_wants_any_more_takes_the_old_grant_along() -> None:
    made = make([], [interrupted("grant.a", "old")], {})
    assert shown(made) == {"grant.a": (Action.DESTROY, Reason.UNDECLARED)}


def test_an_interrupted_replacement_leaves_what_another_address_wants_now() -> None:
    prior = [interrupted("grant.a", "old")]
    made = make([thing("grant.a"), named("grant.b", "old")], prior, {"grant.a": live("grant.a")})
    assert shown(made)["grant.a"] == (Action.REPLACE, Reason.HANDED_OVER)
    made = make([named("grant.b", "old")], prior, {"grant.a": live("grant.a")})
    (gone,) = (change for change in made.changes if change.address == at("grant.a"))
    assert gone.action is Action.DESTROY
    assert gone.prior is not None
    assert gone.prior.facts == {}


def test_what_is_let_go_leaves_the_state_after_somebody_else_has_it() -> None:
    azure = {"thing.a": live("thing.a"), "thing.z": live("thing.a")}
    made = make([named("thing.z", "a")], [entry("thing.a")], azure)
    assert [str(change.address) for change in made.changes] == ["thing.z", "thing.a"]


def test_an_import_under_another_id_takes_an_object_over_too() -> None:
    azure = {"grant.a": live("grant.a"), "grant.z": live("grant.a")}
    wanted = replace(thing("grant.z", importing=Importing.THIS), spec=Thing(name="a", vault="/other", colour="red"))
    made = make([wanted], [entry("grant.a")], azure)
    assert [(str(change.address), change.action) for change in made.changes] == [
        ("grant.z", Action.IMPORT),
        ("grant.a", Action.FORGET),
    ]
