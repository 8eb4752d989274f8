"""A saved plan fits as long as what it saw is as it was."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from declarative_kv.engine.stale import check_fresh, desired_of
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import StalePlan
from declarative_kv.model.plan import Action, Change, Plan, Reason
from declarative_kv.model.resource import Observed, Reading
from declarative_kv.model.state import Entry, State
from tests.unit.engine.fakes import HEAD, at, entry, live, thing

A, STRAY = "thing.a", "thing.stray"
UPDATE = Change(at(A), Action.UPDATE, Reason.CONFIG_MOVED, desired=thing(A, "blue"), prior=entry(A), live=live(A))
DESTROY = Change(at(STRAY), Action.DESTROY, Reason.OTHERS_DELETE, live=live(STRAY))
MADE = Plan(HEAD, (UPDATE, DESTROY), base=("line", 1))


def now(
    *, known: Entry | None = UPDATE.prior, there: Observed | None = UPDATE.live, stray: Observed | None = DESTROY.live
) -> tuple[State, Reading]:
    """What is found when the plan is to be applied."""
    entries = {known.address: known} if known is not None else {}
    objects = {at(A): there} if there is not None else {}
    return State("line", 7, entries), Reading(live=objects, rest=(stray,) if stray is not None else ())


def test_a_plan_fits_what_it_was_made_of_although_the_serial_moved() -> None:
    check_fresh(MADE, *now())


def test_a_plan_wants_what_it_declares() -> None:
    assert desired_of(MADE) == {at(A): UPDATE.desired}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (now(known=entry(A, "green")), "thing.a has changed in the state"),
        (now(known=None), "thing.a has changed in the state"),
        (now(there=live(A, "green")), "thing.a has changed in Azure"),
        (now(there=replace(live(A), facts={"updated": 5})), "thing.a has changed in Azure"),
        (now(there=None), "thing.a has changed in Azure"),
        (now(stray=None), "thing.stray has changed in Azure"),
    ],
)
def test_what_moved_since_makes_a_plan_stale(found: tuple[State, Reading], says: str) -> None:
    with pytest.raises(StalePlan) as caught:
        check_fresh(MADE, *found)
    assert [problem.detail for problem in caught.value.diagnostics] == [f"{says} since the plan was made."]


@pytest.mark.parametrize(("then", "stale"), [({"version": "v1"}, True), ({}, False)])
def test_a_version_counts_where_both_lists_tell_it(then: dict[str, str], stale: bool) -> None:
    plan = replace(MADE, changes=(replace(UPDATE, live=live(A, facts=then)), DESTROY))
    with pytest.raises(StalePlan) if stale else nullcontext():
        check_fresh(plan, *now(there=live(A, facts={"version": "v2"})))


def test_what_can_no_longer_be_read_makes_a_plan_stale() -> None:
    state, reading = now()
    hidden = replace(reading, live={}, unread={at(A): Diagnostic("forbidden", "Azure refused the operation")})
    with pytest.raises(StalePlan, match="stale-plan") as caught:
        check_fresh(MADE, state, hidden)
    assert "thing.a can no longer be read" in caught.value.diagnostics[0].detail


def test_another_state_says_it_all() -> None:
    state, reading = now(known=None, there=None)
    with pytest.raises(StalePlan) as caught:
        check_fresh(MADE, replace(state, lineage="other"), reading)
    (problem,) = caught.value.diagnostics
    assert "its lineage differs" in problem.detail


def test_what_was_not_there_and_is_not_there_has_not_moved() -> None:
    create = Change(at(A), Action.CREATE, Reason.NEW, desired=thing(A))
    check_fresh(replace(MADE, changes=(create,)), *now(known=None, there=None, stray=None))
