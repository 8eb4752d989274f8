"""Places in Azure: free for another change while one waits for the state to be saved."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from declarative_kv.engine.slots import Aside, begun_at_once
from declarative_kv.model.state import Entry
from tests.unit.engine.cloud import MemoryJournal
from tests.unit.engine.fakes import at

ENTRY = Entry(at("thing.a"), "/a", {})


class SlowJournal(MemoryJournal):
    """A journal that saves nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()

    async def put(self, *entries: Entry) -> None:
        await self.open.wait()
        await super().put(*entries)


def test_alone_a_change_begins_when_the_one_before_has_ended() -> None:
    assert [begun_at_once(parallelism) for parallelism in (1, 2, 32)] == [1, 5, 125]


async def test_who_waits_for_the_journal_gives_the_place_to_another_and_takes_it_back() -> None:
    slots, slow = asyncio.Semaphore(1), SlowJournal()
    held: list[str] = []

    async def save() -> None:
        async with slots:
            await Aside(slow, slots).put(ENTRY)
            held.append("saved")

    async def call() -> None:
        async with slots:
            held.append("called")
            slow.open.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert held == ["called"], "there is one place, and this change has it"

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(save())
        group.create_task(call())
    assert held == ["called", "saved"]
    assert not slots.locked()


async def test_it_is_the_journal_that_it_stands_for() -> None:
    journal = MemoryJournal()
    slots = asyncio.Semaphore(1)
    aside = Aside(journal, slots)
    async with slots:
        await aside.check()
        await aside.prove()
        await aside.put(ENTRY)
        assert aside.get(ENTRY.address) == ENTRY
        await aside.key("/V", {"id": "1"})
        assert (journal.keys, aside.state) == ({"/v": {"id": "1"}}, journal.state)
        await aside.drop(ENTRY.address)
    assert journal.entries == {}


async def test_what_cannot_be_saved_is_told_with_the_place_taken_back() -> None:
    class Refusing(MemoryJournal):
        async def put(self, *entries: Entry) -> None:
            raise OSError("the disk is full")

    slots = asyncio.Semaphore(1)
    async with slots:
        with pytest.raises(OSError, match="full"):
            await Aside(Refusing(), slots).put(replace(ENTRY, protect=True))
        assert slots.locked()
