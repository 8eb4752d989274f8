"""An entry that gets another key keeps its object: it is let go under the old address and taken over under the new."""

from __future__ import annotations

from dataclasses import replace

from declarative_kv.engine.order import in_order
from declarative_kv.engine.plan import plan
from declarative_kv.model.plan import Action, Change, Options, Plan, Reason
from declarative_kv.model.resource import Observed, OtherPolicy, Reading, Resource
from declarative_kv.model.state import Entry, State
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


def test_what_a_replaced_grant_wants_is_not_deleted_as_a_strangers() -> None:
    stranger = replace(live("grant.theirs"), parent="/v", label="theirs")
    vault = replace(thing("vault.v", others={"grant": OtherPolicy.DELETE}), spec=Thing(name="v"))
    kinds = {**KINDS, "vault": KINDS["thing"]}
    there = replace(live("thing.v"), kind="vault", remote_id="/v")
    reading = Reading(live={at("vault.v"): there, at("grant.mine"): live("grant.mine")}, rest=(stranger,))
    entries = {at("vault.v"): replace(entry("thing.v"), address=at("vault.v")), at("grant.mine"): entry("grant.mine")}
    wanted = {at("vault.v"): vault, at("grant.mine"): named("grant.mine", "theirs")}
    made = plan(kinds, wanted, State("line", 1, entries), reading, {}, HEAD, Options())
    assert [change.action for change in made.changes if change.live is stranger] == []


def test_a_resource_waits_for_what_lies_behind_a_need_that_does_not_change() -> None:
    container = Change(at("thing.c"), Action.RECOVER, Reason.SOFT_DELETED, desired=thing("thing.c"))
    inside = Change(at("item.b"), Action.NOOP, Reason.EQUAL, desired=thing("item.b", needs=("thing.c",)))
    grant = Change(at("grant.a"), Action.CREATE, Reason.NEW, desired=thing("grant.a", needs=("item.b",)))
    ordered = in_order(KINDS, [grant, inside, container], frozenset())
    assert {str(change.address): set(map(str, change.after)) for change in ordered}["grant.a"] == {"thing.c"}
