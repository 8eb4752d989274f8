"""Containers that are destroyed: what else is in them is listed, blocks, and makes a saved plan stale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.plan import plan
from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.stale import check_fresh
from declarative_kv.model.errors import Forbidden, StalePlan
from declarative_kv.model.plan import Options, Plan
from declarative_kv.model.resource import Observed, Reading, Scope
from declarative_kv.model.state import State
from tests.unit.engine.cloud import refusal
from tests.unit.engine.fakes import HEAD, KINDS, FakeKind, at, entry, live, thing

A = "thing.a"
STRANGER = "/v/thing/stranger"


class BoxKind(FakeKind):
    """Things that hold others."""

    async def read(self, azure: Any, scope: Scope) -> list[Observed]:
        return [live(A)]

    async def contents(self, azure: Any, live: Observed) -> tuple[str, ...]:
        return (STRANGER,)


def doomed(*, allow: tuple[str, ...] = (), inside: tuple[str, ...] = ()) -> tuple[Plan, State, Reading]:
    """A plan that destroys a container, and what it was made of."""
    state = State("line", 1, {at(A): entry(A)})
    reading = Reading(live={at(A): live(A)}, contents={at(A): inside} if inside else {})
    return plan(KINDS, {}, state, reading, {}, HEAD, Options(allow=allow)), state, reading


@pytest.mark.parametrize(("destroying", "listed"), [(True, (STRANGER,)), (False, None)])
async def test_the_contents_of_a_declared_container_are_listed_where_all_is_destroyed(
    destroying: bool, listed: tuple[str, ...] | None
) -> None:
    state = State("line", 1, {at(A): entry(A)})
    reading = await refresh({"thing": BoxKind()}, None, {at(A): thing(A)}, state, destroying=destroying)
    assert reading.contents.get(at(A)) == listed


class ShutKind(BoxKind):
    """Boxes that nobody may look into."""

    async def contents(self, azure: Any, live: Observed) -> tuple[str, ...]:
        raise refusal(Forbidden, 403, "AuthorizationFailed")


async def test_a_container_that_cannot_be_looked_into_makes_the_reading_incomplete() -> None:
    state = State("line", 1, {at(A): entry(A)})
    reading = await refresh({"thing": ShutKind()}, None, {}, state)
    assert (dict(reading.live), [d.address for d in reading.unreadable]) == ({}, [at(A)])
    made = plan(KINDS, {}, state, reading, {}, HEAD, Options())
    assert (made.complete, [change.action for change in made.changes]) == (False, [])


def test_a_container_that_holds_a_stranger_is_not_destroyed_unasked() -> None:
    blocked, _, _ = doomed(inside=(STRANGER,))
    assert [(block.code, block.address) for block in blocked.blocked] == [("group-not-empty", at(A))]


def test_the_plan_says_that_the_stranger_goes_for_good() -> None:
    made, _, _ = doomed(allow=("group-not-empty",), inside=(STRANGER,))
    assert not made.blocked
    assert [(item.address, "stranger" in item.detail) for item in made.irreversible] == [(at(A), True)]


def test_a_stranger_that_came_after_the_plan_makes_it_stale() -> None:
    made, state, reading = doomed()
    check_fresh(made, state, reading)
    with pytest.raises(StalePlan, match="no longer matches"):
        check_fresh(made, state, replace(reading, contents={at(A): (STRANGER,)}))


def test_a_stranger_that_the_plan_knew_of_does_not() -> None:
    check_fresh(*doomed(allow=("group-not-empty",), inside=(STRANGER,)))
