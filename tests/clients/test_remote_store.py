"""The contract of a store, over a file and over real blobs in Azurite; then what only blobs can get wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.azure.blobs import open_blobs
from declarative_kv.azure.storage_access import storage_access
from declarative_kv.azure.transport import shared_transport
from declarative_kv.model.blob_place import BlobPlace
from declarative_kv.model.errors import (
    StateConflict,
    StateError,
    StateLocked,
    StateUnreadable,
)
from declarative_kv.model.state import State, Status
from declarative_kv.state import BlobStore, Journal, LocalStore, Store, blob, decode_state
from tests.clients.azurite_server import ACCOUNT, CONTAINER, Azurite, needs_azurite
from tests.clients.remote import SPECS, VAULT, Line, blob_store, entry, names, now, run

pytestmark = needs_azurite


@pytest.fixture(params=["file", "blob"])
async def store(request: pytest.FixtureRequest, server: Azurite, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "file":
        yield LocalStore(tmp_path / "dkv.json", SPECS, now)
        return
    async with blob_store(server) as (remote, _):
        yield remote


@asynccontextmanager
async def killed(store: Store) -> AsyncIterator[Journal]:
    """A run that ends without a word: nothing is folded, and the lock is free."""
    hand = await store.take("apply")
    yield Journal(hand, await store._look())
    await hand.release()


# What every store does.


async def test_where_nothing_is_the_state_is_empty(store: Store) -> None:
    assert await store.read() == State()
    assert await store.holder() is None


async def test_a_change_is_readable_when_it_is_acknowledged_and_folded_at_the_end(store: Store) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a", Status.PENDING))
        assert (await store.read()).entries == {entry("a").address: entry("a", Status.PENDING)}
        await journal.put(entry("a", version="1"), entry("b"))
        await journal.drop(entry("b").address)
        await journal.key(VAULT, {"id": "key/1"})
        assert await store.read() == journal.state
        holder = await store.holder()
        assert holder is not None
        assert holder.operation == "apply"

    after = await store.read()
    assert (after.serial, names(after), after.keys) == (1, ["a"], {VAULT.lower(): {"id": "key/1"}})
    await run(store, entry("c"))
    assert (await store.read()).base == (after.lineage, 2)
    assert await store.holder() is None


async def test_what_many_tasks_report_at_once_is_all_there_in_order(store: Store) -> None:
    async with store.locked("apply") as journal:
        entries = [entry(f"s{number:03}", Status.PENDING) for number in range(200)]
        await asyncio.gather(*(journal.put(one) for one in entries))
        await asyncio.gather(*(journal.put(replace(one, status=Status.APPLIED)) for one in entries))
        assert await store.read() == journal.state
    assert {one.status for one in (await store.read()).entries.values()} == {Status.APPLIED}
    assert len((await store.read()).entries) == 200


async def test_a_killed_run_loses_nothing_and_the_next_one_goes_on(store: Store) -> None:
    await run(store, entry("a"))
    async with killed(store) as journal:
        await journal.put(entry("b", Status.PENDING))
    left = await store.read()
    assert (left.serial, left.entries[entry("b").address].status) == (1, Status.PENDING)

    async with store.locked("apply") as journal:
        assert journal.state == left
        await journal.put(entry("b"), entry("c"))
        assert names(await store.read()) == ["a", "b", "c"]

    assert names(await store.read()) == ["a", "b", "c"]
    async with killed(store) as journal:
        await journal.put(entry("d"))
    async with store.locked("state push") as journal:
        await journal.replace(State(entries={entry("z").address: entry("z")}))
    assert names(await store.read()) == ["z"]


async def test_a_run_that_writes_nothing_changes_nothing(store: Store) -> None:
    await run(store, entry("a"))
    before = await store.fetch()
    async with store.locked("apply") as journal:
        await journal.check()
        await journal.prove()
        await journal.checkpoint()
    assert await store.fetch() == before


async def test_a_call_that_is_cancelled_while_it_waits_is_carried_out(store: Store) -> None:
    async with store.locked("apply") as journal:
        waiting = asyncio.ensure_future(journal.put(entry("a")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert names(await store.read()) == ["a"]


async def test_a_run_that_is_cancelled_is_folded_before_it_ends(store: Store) -> None:
    async def work() -> None:
        async with store.locked("apply") as journal:
            await asyncio.gather(*(journal.put(entry(f"s{number}")) for number in range(20)))
            put.set()
            await asyncio.sleep(60)

    put = asyncio.Event()
    task = asyncio.ensure_future(work())
    await put.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len((await store.read()).entries) == 20
    assert (await store.read()).serial == 1
    async with store.locked("the lock is free"):
        pass


async def test_the_second_run_is_refused_by_name_or_waits(store: Store) -> None:
    told: list[StateLocked] = []
    async with store.locked("dkv apply") as journal:
        with pytest.raises(StateLocked) as caught:
            await run(store, entry("b"))
        assert "runs `dkv apply` since" in caught.value.diagnostics[0].detail

        async def second() -> list[str]:
            async with store.locked("second", 30, told.append) as mine:
                return names(mine.state)

        waiting = asyncio.ensure_future(second())
        while not told:
            await asyncio.sleep(0.01)
        await journal.put(entry("a"))
    assert await waiting == ["a"], "who waited goes on with what the first one left"


async def test_an_earlier_state_is_kept(store: Store) -> None:
    for name in "abc":
        await run(store, entry(name))
    assert names(decode_state(await store.earlier(2), SPECS).state) == ["a", "b"]
    with pytest.raises(StateError, match="state-serial"):
        await store.earlier(9)


async def test_what_is_damaged_is_left_alone_unless_it_is_replaced(store: Store, server: Azurite) -> None:
    await run(store, entry("a"))
    await run(store, entry("b"))
    await _overwrite(store, b"{")
    with pytest.raises(StateUnreadable, match="state-damaged"):
        await store.read()
    with pytest.raises(StateUnreadable, match="state-damaged"):
        await run(store, entry("c"))
    assert (await store.fetch()).snapshot == b"{"

    async with store.locked("state push", anyhow=True) as journal:
        await journal.replace(State("line", 7, {entry("z").address: entry("z")}))
    assert (await store.read()).base == ("line", 8)


async def test_a_newer_format_is_an_error_of_its_own(store: Store) -> None:
    await run(store, entry("a"))
    snapshot = (await store.fetch()).snapshot
    assert snapshot is not None
    await _overwrite(store, snapshot.replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(StateUnreadable, match="state-newer"):
        await store.read()


async def _overwrite(store: Store, data: bytes) -> None:
    """What something else does to the snapshot."""
    if isinstance(store, LocalStore):
        store.path.write_bytes(data)
        return
    assert isinstance(store, BlobStore)
    await store.blobs.write(store.place.key, data, replacing=(await store.fetch()).version)


# What only blobs can get wrong.


KINDS: dict[str, Callable[[Any], bool]] = {
    "the lock's blob": lambda r: r.method == "PUT" and ".lock" in r.url and "comp" not in r.url,
    "the lease": lambda r: "comp=lease" in r.url and r.headers.get("x-ms-lease-action") == "acquire",
    "the journal's beginning": lambda r: r.headers.get("x-ms-blob-type") == "AppendBlob",
    "an append": lambda r: "comp=appendblock" in r.url,
    "the kept snapshot": lambda r: "comp=snapshot" in r.url,
    "the snapshot": lambda r: r.method == "PUT" and r.url.endswith("a.json"),
    "the journal's end": lambda r: r.method == "DELETE",
    "the lease's end": lambda r: "comp=lease" in r.url and r.headers.get("x-ms-lease-action") == "release",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_write_whose_answer_is_lost_counts_once(kind: str, lined: tuple[BlobStore, Line]) -> None:
    store, line = lined
    if kind != "the lock's blob":
        await run(store, entry("first"))
    lost: list[str] = []

    def lose(request: Any) -> bool:
        if lost or not KINDS[kind](request):
            return False
        lost.append(request.url)
        return True

    line.loses = lose
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        await journal.put(entry("b"))
        assert await store.read() == journal.state
    assert lost, "nothing was lost"
    after = await store.read()
    assert names(after)[:2] == ["a", "b"]
    assert after.serial == (1 if kind == "the lock's blob" else 2)
    assert (await store.fetch()).journal is None


@pytest.mark.parametrize("kind", [name for name in KINDS if not name.endswith("end")] + ["the holder's name"])
async def test_a_write_that_does_not_get_through_is_an_error_and_loses_nothing(
    kind: str, lined: tuple[BlobStore, Line]
) -> None:
    store, line = lined
    if kind != "the lock's blob":
        await run(store, entry("first"))
    before = await store.read()
    named: Callable[[Any], bool] = lambda r: ".lock" in r.url and r.method == "PUT" and r.headers.get("x-ms-lease-id")  # noqa: E731
    line.cut = KINDS.get(kind, named)
    with pytest.raises(StateError, match="state-unreachable"):
        await run(store, entry("a"))
    line.cut = lambda _: False
    found = await store.read()
    assert set(before.entries) <= set(found.entries)
    assert (entry("a").address in found.entries) == (kind in ("the snapshot", "the kept snapshot"))
    await store.unlock()
    await run(store, entry("b"))
    assert "b" in names(await store.read())


async def test_a_journal_or_a_first_snapshot_that_somebody_else_made_is_left_alone(remote: BlobStore) -> None:
    async with remote.locked("apply") as journal:
        version = await remote.blobs.begin(remote.journal)
        await remote.blobs.append(remote.journal, b"theirs", 0, version)
        with pytest.raises(StateConflict, match="state-moved"):
            await journal.put(entry("a"))
    stored = await remote.fetch()
    assert stored.journal == b"theirs"
    await remote.blobs.delete(remote.journal, stored.journal_version)
    async with remote.locked("apply") as journal:
        await journal.put(entry("a"))
        await remote.blobs.write(remote.place.key, b"theirs")
        with pytest.raises(StateConflict, match="state-moved"):
            await journal.checkpoint()
        journal._written = False
    assert (await remote.fetch()).snapshot == b"theirs"


async def test_only_thirty_earlier_states_are_kept(remote: BlobStore) -> None:
    async with remote.locked("apply") as journal:
        for number in range(blob.KEPT + 3):
            await journal.put(entry(f"s{number}"))
            await journal.checkpoint()
    kept = [one.metadata["serial"] for one in await remote.blobs.kept(remote.place.key)]
    assert kept == [str(number) for number in range(3, blob.KEPT + 3)]


async def test_a_journal_is_folded_before_azure_takes_no_more_appends(
    remote: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob, "BLOCKS", 5)
    async with remote.locked("apply") as journal:
        for number in range(12):
            await journal.put(entry(f"s{number:02}"))
            assert await remote.read() == journal.state
    after = await remote.read()
    assert len(after.entries) == 12
    assert after.serial == 3


async def test_a_snapshot_that_somebody_else_wrote_is_not_overwritten(remote: BlobStore) -> None:
    await run(remote, entry("a"))
    async with remote.locked("apply") as journal:
        await journal.put(entry("b"))
        theirs = (await remote.fetch()).snapshot
        assert theirs is not None
        theirs = theirs.replace(b'"serial": 1', b'"serial": 5')
        await _overwrite(remote, theirs)
        with pytest.raises(StateConflict, match="state-moved"):
            await journal.checkpoint()
        journal._written = False  # the run ends here, its journal stays
    assert (await remote.fetch()).snapshot == theirs
    with pytest.raises(StateConflict, match="state-moved"):
        await remote.read()


async def test_an_append_to_a_journal_that_is_not_ours_any_longer_is_refused(remote: BlobStore) -> None:
    async with remote.locked("apply") as journal:
        await journal.put(entry("a"))
        version = (await remote.fetch()).journal_version
        await remote.blobs.append(remote.journal, b'{"drop": "secret.kv/x"}\n', (await _size(remote)), version)
        before = journal.state
        with pytest.raises(StateConflict, match="state-moved"):
            await journal.put(entry("b"))
        assert journal.state == before
        journal._written = False
    assert names(await remote.read()) == ["a"]


async def _size(store: BlobStore) -> int:
    found = await store.blobs.size(store.journal)
    assert found is not None
    return found[0]


async def test_a_container_that_is_not_there_is_named_with_the_command_that_makes_it(server: Azurite) -> None:
    async with (
        blob_store(server) as (store, line),
        open_blobs(storage_access(ACCOUNT, "core.windows.net", server.environ), "nowhere", None, line) as blobs,
    ):
        elsewhere = replace(store, place=BlobPlace(ACCOUNT, "nowhere", "a"), blobs=blobs)
        for attempt in (elsewhere.read, lambda: run(elsewhere, entry("a")), elsewhere.unlock, elsewhere.holder):
            with pytest.raises(StateError) as caught:
                await attempt()
            [problem] = caught.value.diagnostics
            assert problem.code == "state-container"
            assert "az storage container create --account-name dkvstates --name nowhere" in problem.hint


async def test_a_wrong_key_is_told_with_the_roles_and_without_the_key(server: Azurite) -> None:
    key = "d3Jvbmcga2V5"
    access = storage_access(ACCOUNT, "core.windows.net", {**server.environ, "AZURE_STORAGE_KEY": key})
    place = BlobPlace(ACCOUNT, CONTAINER, "a")
    async with shared_transport(None, {}) as transport, open_blobs(access, CONTAINER, None, transport) as blobs:
        store = BlobStore(place, blobs, SPECS, now)
        for attempt in (store.read, lambda: run(store, entry("a"))):
            with pytest.raises(StateError) as caught:
                await attempt()
            [problem] = caught.value.diagnostics
            assert problem.code == "state-access"
            assert "Storage Blob Data Contributor" in problem.hint
            assert key not in str(problem)


async def test_a_network_that_is_down_is_told(lined: tuple[BlobStore, Line]) -> None:
    store, line = lined
    line.cut = lambda _: True
    with pytest.raises(StateError, match="state-unreachable"):
        await store.read()


async def test_reading_sends_nothing_but_reads(lined: tuple[BlobStore, Line]) -> None:
    store, line = lined
    await run(store, entry("a"))
    line.seen.clear()
    await store.read()
    assert [one.split(" ")[0] for one in line.seen] == ["GET", "GET"]


async def test_changes_in_flight_share_appends(lined: tuple[BlobStore, Line]) -> None:
    store, line = lined

    async def change(journal: Journal, number: int) -> None:
        async with slots:
            await journal.put(entry(f"s{number}", Status.PENDING))
            await asyncio.sleep(0.001)
            await journal.put(entry(f"s{number}"))

    slots = asyncio.Semaphore(32)
    async with store.locked("apply") as journal:
        await asyncio.gather(*(change(journal, number) for number in range(500)))
    appends = sum("comp=appendblock" in one for one in line.seen)
    assert appends < 2 * 500 / 8, f"{appends} appends for 1000 records with 32 changes in flight"
    assert len((await store.read()).entries) == 500
