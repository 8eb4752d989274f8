"""The walker: order, bounds, failures and stops."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from declarative_kv.engine.walk import Walked, walk
from declarative_kv.model.address import Address
from tests.unit.engine.fakes import at


def graph(**needs: str) -> dict[Address, frozenset[Address]]:
    return {at(f"thing.{name}"): frozenset(at(f"thing.{one}") for one in text.split()) for name, text in needs.items()}


async def run(after: Mapping[Address, frozenset[Address]], *, fails: str = "", parallelism: int = 4) -> Walked:
    async def step(address: Address) -> bool:
        await asyncio.sleep(0)
        return address.path not in fails.split()

    return await walk(after, step, parallelism=parallelism, stop=asyncio.Event())


async def test_every_step_comes_after_what_it_waits_for() -> None:
    walked = await run(graph(a="b c", b="c", c=""))
    assert [one.path for one in walked.done] == ["c", "b", "a"]


async def test_a_failure_stops_only_what_depends_on_it() -> None:
    walked = await run(graph(a="", b="a", c="b", d=""), fails="a")
    assert [one.path for one in walked.failed] == ["a"]
    assert walked.skipped == {at("thing.b"): at("thing.a"), at("thing.c"): at("thing.a")}
    assert [one.path for one in walked.done] == ["d"]


async def test_no_more_steps_are_in_flight_than_allowed() -> None:
    running, most = 0, 0

    async def step(address: Address) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return True

    await walk(graph(a="", b="", c="", d="", e=""), step, parallelism=2, stop=asyncio.Event())
    assert most == 2


async def test_a_stop_finishes_what_is_in_flight_and_starts_nothing_new() -> None:
    stop = asyncio.Event()

    async def step(address: Address) -> bool:
        stop.set()
        await asyncio.sleep(0.001)
        return True

    walked = await walk(graph(a="", b="", c="a"), step, parallelism=1, stop=stop)
    assert [one.path for one in walked.done] == ["a"]
    assert [one.path for one in walked.unstarted] == ["b", "c"]


async def test_a_bug_in_a_step_ends_the_walk() -> None:
    async def step(address: Address) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await walk(graph(a=""), step, parallelism=1, stop=asyncio.Event())


async def test_a_mistake_in_a_step_ends_the_walk_and_what_is_in_flight() -> None:
    ended = []

    async def step(address: Address) -> bool:
        if address.path == "broken":
            raise ZeroDivisionError
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(address.path)
        return True

    with pytest.raises(ZeroDivisionError):
        await walk(graph(broken="", slow=""), step, parallelism=2, stop=asyncio.Event())
    assert ended == ["slow"]


async def test_what_a_stop_kept_from_beginning_has_neither_been_done_nor_failed() -> None:
    stop = asyncio.Event()

    async def step(address: Address) -> bool | None:
        if address.path == "b":
            return None
        stop.set()
        return True

    walked = await walk(graph(a="", b="", c="b"), step, parallelism=4, stop=stop)
    assert ([one.path for one in walked.done], walked.failed) == (["a"], [])
    assert [one.path for one in walked.unstarted] == ["b", "c"]
