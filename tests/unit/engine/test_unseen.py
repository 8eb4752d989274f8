"""What is decided where a vault's secrets are known from Resource Manager, which shows no soft-deleted ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.engine.drift import drift_of
from declarative_kv.engine.plan import only_drift, plan
from declarative_kv.model.found import Listing
from declarative_kv.model.plan import Action, Options, Plan, Reason
from declarative_kv.model.resource import Barrier, Desired, Reading
from declarative_kv.model.state import State
from tests.unit.engine.cloud import BOX, LIVING, item, kept, lying
from tests.unit.engine.fakes import HEAD, at

X = at("item.x")
CLOSED = Reading({}, listed={BOX: Barrier.RULES})


def planned(desired: Desired, state: State, reading: Reading = CLOSED, **options: bool) -> Plan:
    return plan(LIVING, desired, state, reading, {}, HEAD, Options(**options))


@pytest.mark.parametrize("barrier", [*Barrier, None])
def test_what_is_ours_and_not_live_may_be_soft_deleted(barrier: Barrier | None) -> None:
    reading = Reading({}, listed={BOX: barrier})
    (change,) = planned({X: item("item.x")}, State(entries={X: kept("item.x")}), reading).changes
    assert (change.action, change.reason) == (Action.CREATE, Reason.UNSEEN if barrier else Reason.VANISHED)


def test_what_is_new_is_created_and_what_is_undeclared_forgotten_as_ever() -> None:
    (new,) = planned({X: item("item.x")}, State()).changes
    assert (new.action, new.reason) == (Action.CREATE, Reason.NEW)
    (gone,) = planned({}, State(entries={X: kept("item.x")})).changes
    assert (gone.action, gone.reason) == (Action.FORGET, Reason.GONE)


def test_taking_over_what_moved_forgets_nothing_that_may_come_back() -> None:
    state = State(entries={X: kept("item.x")})
    (stays,) = planned({X: item("item.x")}, state, refresh_only=True).changes
    assert (stays.action, stays.known) == (Action.NOOP, False)
    (goes,) = planned({X: item("item.x")}, state, Reading({}, listed={BOX: None}), refresh_only=True).changes
    assert goes.action is Action.FORGET


def test_a_name_that_was_handed_to_others_by_nobody_is_looked_up_where_the_state_has_it() -> None:
    elsewhere = kept("item.x")
    elsewhere = replace(elsewhere, spec=replace(elsewhere.spec, vault="/w"))
    (gone,) = planned({}, State(entries={X: elsewhere})).changes
    assert gone.action is Action.FORGET


def test_drift_says_that_it_is_gone() -> None:
    from declarative_kv.engine.changes import Inputs

    inputs = Inputs(LIVING, {}, State(entries={X: kept("item.x")}), CLOSED, {}, Options(), frozenset({X}))
    (drift,) = drift_of(inputs)
    assert (drift.action, drift.live) == (Action.DESTROY, None)
    assert only_drift(inputs, HEAD).listings == (Listing("vault v", Barrier.RULES),)


def test_a_plan_names_the_source_of_each_list_by_the_vaults_address() -> None:
    box = replace(item("vault.kv"), address=at("vault.kv"))
    reading = Reading({X: lying("item.x")}, listed={BOX: None, "/subscriptions/s/vaults/other": Barrier.SILENT})
    listings = planned({at("vault.kv"): box}, State(), replace(reading, live={})).listings
    assert listings == (Listing("vault other", Barrier.SILENT), Listing("vault.kv"))
