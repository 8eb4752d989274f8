"""What is for a `kept` secret that has no value yet: Azure has no such secret, so it waits for the value."""

from __future__ import annotations

from dataclasses import replace

from declarative_kv.engine.entries import quiet_entry
from declarative_kv.engine.plan import plan
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, Change, Options, Plan, Reason, Value, Verdict
from declarative_kv.model.resource import Observed, Reading, Resource
from declarative_kv.model.state import Entry, State
from tests.unit.engine.cloud import LIVING, item, lying
from tests.unit.engine.fakes import HEAD, Thing, at, entry, live, thing

SECRET, GRANT, OTHER = at("item.x"), at("grant.g"), at("grant.h")
KEPT = {SECRET: Verdict(Value.NONE)}


def planned(
    *there: Observed,
    prior: tuple[Entry, ...] = (),
    wanted: tuple[Resource, ...] = (),
    verdicts: dict[Address, Verdict] | None = None,
) -> dict[Address, Change]:
    declared = (item("item.x"), thing("grant.g", needs=("item.x", "item.z")), thing("grant.h"), *wanted)
    reading = Reading({at(f"{one.kind}.{one.spec.name}"): one for one in there})
    state = State("line", 1, {one.address: one for one in prior})
    desired = {one.address: one for one in declared}
    made: Plan = plan(LIVING, desired, state, reading, KEPT if verdicts is None else verdicts, HEAD, Options())
    return {change.address: change for change in made.changes}


def test_a_grant_on_a_secret_without_a_value_waits_and_says_for_what() -> None:
    changes = planned(
        wanted=(item("item.z"),), verdicts={SECRET: Verdict(Value.NONE), at("item.z"): Verdict(Value.NEW)}
    )
    assert changes[SECRET].reason is Reason.WAITING
    assert (changes[GRANT].action, changes[GRANT].reason) == (Action.NOOP, Reason.WAITING)
    assert changes[GRANT].verdict == Verdict(
        Value.NONE, "item.x has no value in Azure yet; set one with: dkv secret set item.x"
    )
    assert changes[OTHER].action is Action.CREATE


def test_a_grant_on_a_secret_that_this_run_makes_waits_for_nobody() -> None:
    both = {SECRET: Verdict(Value.NEW), at("item.z"): Verdict(Value.NEW)}
    assert planned(wanted=(item("item.z"),), verdicts=both)[GRANT].action is Action.CREATE


def test_a_grant_is_made_once_the_secret_has_a_value() -> None:
    changes = planned(lying("item.x"), prior=(replace(entry("item.x"), spec=item("item.x").spec),))
    assert changes[GRANT].action is Action.CREATE


def test_a_grant_that_was_to_move_to_a_secret_without_a_value_stays_where_it_is() -> None:
    elsewhere = replace(entry("grant.g"), spec=Thing(name="elsewhere"))
    changes = planned(live("grant.g"), prior=(elsewhere,))
    assert (changes[GRANT].action, changes[GRANT].reason) == (Action.NOOP, Reason.WAITING)
    assert quiet_entry(LIVING["grant"], changes[GRANT]) is None, "the state must not say that it has moved"


def test_what_is_destroyed_waits_for_nothing() -> None:
    made = plan(
        LIVING,
        {SECRET: item("item.x")},
        State("line", 1, {GRANT: entry("grant.g", needs=("item.x",))}),
        Reading({GRANT: live("grant.g")}),
        KEPT,
        HEAD,
        Options(),
    )
    assert {change.address: change.action for change in made.changes}[GRANT] is Action.DESTROY
