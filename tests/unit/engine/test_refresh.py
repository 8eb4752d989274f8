"""What a refresh counts as nobody's, when a run is about some of the addresses only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.refresh import refresh
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import AzureError, Forbidden, Throttled, Unavailable
from declarative_kv.model.resource import Barrier, Condition, Observed, Resource, Scope
from declarative_kv.model.state import State
from tests.unit.engine.cloud import BOX, LIVING, Cloud, item, lying, refusal

from .fakes import FakeKind, at, entry, live, thing


class Listed(FakeKind):
    """Things of a vault that is listed whole, whoever was asked for."""

    def __init__(self, *there: Observed) -> None:
        self.there = there

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        return self.there


async def test_what_is_declared_or_in_state_is_somebodys_even_when_it_is_left_out() -> None:
    kinds: Mapping[str, Any] = {"thing": Listed(*(live(f"thing.{name}") for name in ("a", "b", "c", "stray")))}
    desired = {at(f"thing.{name}"): thing(f"thing.{name}") for name in ("a", "b")}
    state = State(entries={at("thing.c"): entry("thing.c")})

    reading = await refresh(kinds, None, desired, state, [at("thing.a")])

    assert list(reading.live) == [at("thing.a"), at("thing.b"), at("thing.c")]
    assert [one.spec.name for one in reading.rest] == ["stray"]


class Slow(FakeKind):
    """Things that lie in a place each, whose reads wait until so many are under way as there may be."""

    def __init__(self) -> None:
        self.under_way, self.most, self.full = 0, 0, asyncio.Event()

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == 64:
            asyncio.get_running_loop().call_soon(self.full.set)  # after those that begin in the same turn
        await self.full.wait()
        self.under_way -= 1
        return [replace(live("thing.x"), remote_id=one) for one in scope.wanted]


async def test_of_many_places_some_are_read_at_once_and_in_the_end_all() -> None:
    kind, desired = Slow(), dict[Address, Resource]()
    for number in range(100):
        one = thing(f"thing.{number}")
        desired[one.address] = replace(one, spec=replace(one.spec, vault=f"/v{number}"))
    reading = await refresh({"thing": kind}, None, desired, State())
    assert (kind.most, len(reading.live)) == (64, 100)


@pytest.mark.parametrize(("condition", "version"), [(Condition.LIVE, "v1"), (Condition.SOFT_DELETED, None)])
async def test_a_pinned_version_is_looked_up_and_the_value_that_comes_along_is_dropped(
    condition: Condition, version: str | None
) -> None:
    cloud = Cloud(replace(lying("item.x"), condition=condition))
    pinned = item("item.x", existing=True)
    pinned = replace(pinned, spec=replace(pinned.spec, version="v1"))
    reading = await refresh(LIVING, cloud, {pinned.address: pinned}, State())
    seen = reading.live[pinned.address]
    assert (seen.spec.version, seen.spec.value) == (version, None)
    assert ("examine x" in cloud.calls) is (condition is Condition.LIVE)


async def test_a_pinned_version_that_may_not_be_looked_up_makes_the_reading_incomplete_at_its_place() -> None:
    cloud = Cloud(lying("item.x"), lying("item.y"))
    cloud.refusals["examine x"] = [refusal(Forbidden, 403, "ForbiddenByPolicy")]
    pinned = [replace(one, spec=replace(one.spec, version="v1")) for one in _existing("item.x", "item.y")]
    reading = await refresh(LIVING, cloud, {one.address: one for one in pinned}, State())
    assert list(reading.live) == [at("item.y")]
    assert [(d.address, d.span) for d in reading.unreadable] == [(at("item.x"), pinned[0].span)]
    assert list(reading.unread) == [at("item.x")]


@pytest.mark.parametrize(
    ("error", "barrier"),
    [
        (refusal(Forbidden, 403, "ForbiddenByRbac"), Barrier.RIGHT),
        (refusal(Forbidden, 403, "ForbiddenByPolicy"), Barrier.RIGHT),
        (refusal(Forbidden, 403, "AccessDenied"), Barrier.RIGHT),
        (refusal(Forbidden, 403, "ForbiddenByFirewall"), Barrier.RULES),
        (refusal(Forbidden, 403, "ForbiddenByConnection"), Barrier.PRIVATE),
        (Unavailable(Diagnostic("unavailable", "Azure did not answer")), Barrier.SILENT),
    ],
)
async def test_where_the_data_plane_is_closed_the_list_comes_from_elsewhere(
    error: AzureError, barrier: Barrier
) -> None:
    cloud = Cloud(lying("item.x"))
    cloud.refusals["read item"] = [error]
    wanted = {at("item.x"): item("item.x"), at("item.y"): item("item.y")}
    reading = await refresh(LIVING, cloud, wanted, State())
    assert cloud.calls.count("read item") == 2
    assert (list(reading.live), reading.unread, dict(reading.listed)) == ([at("item.x")], {}, {BOX: barrier})


@pytest.mark.parametrize(
    "error",
    [
        refusal(Forbidden, 403, "SecretDisabled"),
        refusal(Unavailable, 503),
        refusal(Throttled, 429, "VaultOperationLimitReached"),
    ],
)
async def test_a_failure_that_passes_is_no_reason_to_look_elsewhere(error: AzureError) -> None:
    cloud = Cloud(lying("item.x"))
    cloud.refusals["read item"] = [error]
    reading = await refresh(LIVING, cloud, {at("item.x"): item("item.x")}, State())
    assert cloud.calls.count("read item") == 1
    assert (list(reading.unread), dict(reading.listed)) == ([at("item.x")], {})


async def test_where_both_lists_are_refused_the_first_refusal_says_what_is_missing() -> None:
    cloud = Cloud(lying("item.x"))
    cloud.refusals["read item"] = [refusal(Forbidden, 403, "ForbiddenByRbac"), refusal(Forbidden, 403, "Other")]
    reading = await refresh(LIVING, cloud, {at("item.x"): item("item.x")}, State())
    assert [problem.code for problem in reading.unreadable] == ["forbiddenbyrbac"]
    assert dict(reading.listed) == {}


async def test_a_vault_that_lists_what_it_holds_is_its_own_source() -> None:
    reading = await refresh(LIVING, Cloud(lying("item.x")), {at("item.x"): item("item.x")}, State())
    assert dict(reading.listed) == {BOX: None}


async def test_a_pinned_version_that_the_list_shows_needs_no_request() -> None:
    cloud = Cloud(lying("item.x", version="v7"))
    pinned = item("item.x", existing=True)
    pinned = replace(pinned, spec=replace(pinned.spec, version="v7"))
    reading = await refresh(LIVING, cloud, {pinned.address: pinned}, State())
    assert reading.live[pinned.address].spec.version == "v7"
    assert "examine x" not in cloud.calls


def _existing(*addresses: str) -> list[Resource]:
    return [item(address, existing=True) for address in addresses]
