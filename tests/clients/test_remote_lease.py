"""The lock of a state in a blob of Azurite: renewed, lost, taken, and over when its holder is dead."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from declarative_kv.azure.blobs import open_blobs
from declarative_kv.azure.storage_access import storage_access
from declarative_kv.azure.transport import shared_transport
from declarative_kv.cli.approval import typed
from declarative_kv.model.errors import StateLocked, StateLockLost
from declarative_kv.model.state import State
from declarative_kv.state import BlobStore
from declarative_kv.state.lease import Timing
from tests.clients.azurite_server import ACCOUNT, CONTAINER, Azurite, needs_azurite
from tests.clients.remote import Line, blob_store, entry, names

pytestmark = needs_azurite


async def test_a_renewal_that_gets_no_answer_is_given_up_and_tried_again(server: Azurite) -> None:
    timing = Timing(renewal=0.01, retry=0.01, margin=0.02)
    async with blob_store(server, timing) as (store, line), store.locked("apply") as journal:
        line.hangs = lambda request: request.headers.get("x-ms-lease-action") == "renew"
        while sum("comp=lease" in one for one in line.seen) < 5:
            await asyncio.sleep(0.01)
        line.hangs = lambda _: False
        await journal.put(entry("a"))
        assert names(await store.read()) == ["a"]


async def test_who_takes_the_lock_stops_the_other_before_its_next_write(remote: BlobStore) -> None:
    async with remote.locked("dkv apply") as journal:
        await journal.put(entry("a"))
        taken = await remote.unlock()
        assert taken is not None
        assert taken.operation == "dkv apply"
        async with remote.locked("another") as theirs:
            await theirs.put(entry("b"))
            for attempt in (journal.put(entry("c")), journal.check()):
                with pytest.raises(StateLockLost) as caught:
                    await attempt
                assert "runs `another` since" in caught.value.diagnostics[0].detail
    assert names(await remote.read()) == ["a", "b"]


async def test_a_run_that_has_not_written_yet_does_not_begin_after_its_lock_is_taken(remote: BlobStore) -> None:
    async with remote.locked("dkv apply") as journal:
        await remote.unlock()
        with pytest.raises(StateLockLost, match="state-lock-lost"):
            await journal.put(entry("a"))
    assert await remote.read() == State()
    assert (await remote.fetch()).journal is None


async def test_a_lease_is_renewed_and_a_lost_one_is_noticed_while_nothing_is_written(server: Azurite) -> None:
    async with blob_store(server, Timing(renewal=0.05, retry=0.05)) as (store, line), store.locked("apply") as journal:
        while sum("comp=lease" in one for one in line.seen) < 4:
            await asyncio.sleep(0.01)
        await journal.check()
        await store.unlock()
        async with asyncio.timeout(10):
            while journal._hand.lease.lost is None:  # type: ignore[attr-defined]
                await asyncio.sleep(0.01)
        with pytest.raises(StateLockLost):
            await journal.check()


async def test_a_lease_that_cannot_be_renewed_counts_as_lost_before_it_ends(lined: tuple[BlobStore, Line]) -> None:
    store, line = lined
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        lease = journal._hand.lease  # type: ignore[attr-defined]
        line.cut = lambda request: "comp=lease" in request.url
        await journal.check()
        lease.since -= 56
        with pytest.raises(StateLockLost, match="state-lock-lost"):
            await journal.check()
        with pytest.raises(StateLockLost):
            await journal.put(entry("b"))
        # The line is back, and nobody took the lease in the meantime: then it is ours still.
        line.cut = lambda request: False
        await journal.check()
        await journal.put(entry("c"))
    assert names(await store.read()) == ["a", "c"]


BRIEFLY = Timing(life=15, renewal=0.2, retry=0.2, margin=2)
"""A lease of the shortest life that Azure gives, renewed all the time."""


async def test_a_lease_is_kept_while_a_question_waits_and_one_that_was_taken_is_told_after_the_answer(
    server: Azurite,
) -> None:
    def renewals() -> int:
        return sum("comp=lease" in one for one in line.seen)

    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as keys:
        async with blob_store(server, BRIEFLY) as (store, line), store.locked("dkv apply") as journal:
            answer, before = asyncio.ensure_future(typed(keys)), renewals()
            async with asyncio.timeout(30):
                while renewals() < before + 3:
                    await asyncio.sleep(0.01)
            assert not answer.done()
            await journal.prove()
            line.cut = lambda request: request.headers.get("x-ms-lease-action") == "renew"
            await store.unlock()
            line.cut = lambda _: False
            os.write(writing, b"yes\n")
            os.close(writing)
            assert await answer == "yes"
            with pytest.raises(StateLockLost, match="state-lock-lost"):
                await journal.prove()
            with pytest.raises(StateLockLost, match="state-lock-lost"):
                await journal.put(entry("a"))
    assert await store_content(server, store) == []


async def store_content(server: Azurite, store: BlobStore) -> list[str]:
    """The names in a store whose way is closed already."""
    access = storage_access(ACCOUNT, "core.windows.net", server.environ)
    async with shared_transport(None, {}) as transport, open_blobs(access, CONTAINER, None, transport) as blobs:
        return names(await replace(store, blobs=blobs).read())


async def test_a_dead_holders_lease_ends_by_itself_and_of_two_who_wait_each_gets_the_lock(server: Azurite) -> None:
    async with blob_store(server, replace(BRIEFLY, renewal=1000)) as (store, _):
        dead = await store.take("the dead one")
        told: list[StateLocked] = []

        async def waiter(name: str) -> None:
            async with store.locked(name, 60, told.append) as journal:
                assert len(inside) == 0, "two hold the lock"
                inside.append(name)
                await journal.put(entry(name))
                inside.remove(name)

        inside: list[str] = []
        await asyncio.gather(waiter("a"), waiter("b"))
        assert names(await store.read()) == ["a", "b"]
        assert "runs `the dead one` since" in told[0].diagnostics[0].detail
        assert "holds the lock for 15 seconds at most" in told[0].diagnostics[0].hint
        with pytest.raises(StateLockLost):
            await dead.prove()
        await dead.release()
