"""Reading, writing and folding a state on disk."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.errors import StateConflict, StateError, StateLocked
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import SecretSpec
from declarative_kv.model.state import Entry, State, Status
from declarative_kv.state import LocalStore, decode_state, local_store
from declarative_kv.state.files import save_file

VAULT = "/subscriptions/2/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/KV"
MADE = 1_700_000_000


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def run(store: LocalStore, entry: Entry, meanwhile: Callable[[], object]) -> None:
    """Save an entry in a run during which something else happens."""
    async with store.locked("apply") as journal:
        await journal.put(entry)
        meanwhile()


async def test_no_file_is_an_empty_state_and_reading_writes_nothing(store: LocalStore, tmp_path: Path) -> None:
    assert (await store.read()) == State()
    assert names(tmp_path) == []


async def test_a_new_state_gets_the_lineage_that_it_is_begun_with_and_keeps_it(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        journal.begin("mine")
        assert (journal.state.lineage, (await store.read()).lineage) == ("mine", "")
        await journal.put(entry("a"))
        assert (await store.read()).lineage == "mine"
    async with store.locked("apply") as journal:
        journal.begin("another")
        await journal.put(entry("b"))
    assert (await store.read()).lineage == "mine"


async def test_the_lock_of_a_file_is_ours_for_as_long_as_the_process_lives(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        with pytest.raises(StateLocked):
            await store.unlock()
        await journal.check()
        await journal.prove()
        await journal.put(entry("a"))
    assert len((await store.read()).entries) == 1


async def test_another_state_lies_beside(store: LocalStore, entry: Any, tmp_path: Path) -> None:
    other = store.beside(str(tmp_path / "other.json"))
    async with other.locked("apply") as journal:
        await journal.put(entry("a"))
    assert (await store.read()) == State()
    assert (tmp_path / "other.json").exists()


async def test_a_change_is_readable_as_soon_as_it_is_acknowledged(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a", Status.PENDING))
        assert (await store.read()).entries == {entry("a").address: entry("a", Status.PENDING)}
        await journal.put(entry("a", version="1"))
        assert (await store.read()) == journal.state
        await journal.drop(entry("a").address)
        assert (await store.read()).entries == {}


async def test_the_end_of_a_run_folds_the_journal_into_the_next_serial(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("b"))
        await journal.put(entry("a"))
        await journal.key(VAULT, {"id": "k/1", "made": True})
        inside = await store.read()

    after = await store.read()
    assert (inside.serial, after.serial) == (0, 1)
    assert (inside.lineage, inside.entries, inside.keys) == (after.lineage, after.entries, after.keys)
    assert after.lineage
    assert list(after.entries) == [entry("a").address, entry("b").address]
    assert names(store.path.parent) == ["dkv.json", "dkv.json.lock"]


async def test_the_lineage_stays_and_the_serial_grows(store: LocalStore, entry: Any) -> None:
    for name in "abc":
        async with store.locked("apply") as journal:
            await journal.put(entry(name))
    first = decode_state((store.paths.backup).read_bytes(), store.specs).state

    assert (await store.read()).serial == 3
    assert first.base == ((await store.read()).lineage, 2)


async def test_a_run_that_writes_nothing_leaves_no_trace(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
    before = store.path.read_bytes()
    async with store.locked("apply") as journal:
        await journal.checkpoint()

    assert store.path.read_bytes() == before
    assert names(store.path.parent) == ["dkv.json", "dkv.json.lock"]


async def test_a_failed_run_is_folded_too(store: LocalStore, entry: Any) -> None:
    def fail() -> None:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await run(store, entry("a"), fail)

    assert (await store.read()).base[1] == 1
    assert entry("a").address in (await store.read()).entries


async def test_a_checkpoint_saves_and_the_run_goes_on(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        await journal.checkpoint()
        assert not store.paths.journal.exists()
        await journal.put(entry("b"))
        assert (await store.read()) == journal.state

    assert (await store.read()).serial == 2
    assert len((await store.read()).entries) == 2


async def test_the_state_as_of_now_is_asked_for_by_address_and_vault(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        await journal.key(VAULT, {"id": "k/1"})

        assert journal.get(entry("a").address) == entry("a")
        assert journal.get(Address("vault", "kv")) is None
        assert journal.state_key(VAULT.lower()) == {"id": "k/1"}

        await journal.key(VAULT, None)
        await journal.drop(Address("vault", "kv"))
        assert journal.state_key(VAULT) is None
        assert journal.state.keys == {}
    assert (await store.read()).keys == {}


async def test_the_backup_is_the_snapshot_before(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
    before = store.path.read_bytes()
    async with store.locked("apply") as journal:
        await journal.put(entry("b"))

    assert store.paths.backup.read_bytes() == before


async def test_replacing_the_content_keeps_what_was_there_as_the_backup(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
    async with store.locked("state push") as journal:
        await journal.replace(State(serial=7, entries={entry("b").address: entry("b")}))
        assert journal.state.serial == 8
        await journal.put(entry("c"))

    assert (await store.read()).serial == 9
    assert list((await store.read()).entries) == [entry("b").address, entry("c").address]


async def test_the_first_state_may_be_a_replacement(store: LocalStore, entry: Any) -> None:
    async with store.locked("state push") as journal:
        await journal.replace(State(lineage="known", serial=3, entries={entry("b").address: entry("b")}))

    assert (await store.read()).base == ("known", 4)


async def test_files_are_private_and_missing_folders_too(tmp_path: Path, entry: Any) -> None:
    old = os.umask(0)
    try:
        store = LocalStore(tmp_path / "a" / "b" / "dkv.json", {}, lambda: datetime.now(UTC))
        for _ in range(2):
            async with store.locked("apply") as journal:
                await journal.put(entry("a"))
                files = [store.paths.journal, store.paths.holder, store.paths.lock]
                assert [stat.S_IMODE(f.stat().st_mode) for f in files] == [0o600] * 3
    finally:
        os.umask(old)

    assert [stat.S_IMODE(f.stat().st_mode) for f in (store.path, store.paths.backup)] == [0o600] * 2
    assert [stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700] * 2


async def test_a_value_is_refused_and_nothing_of_it_is_written(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        with pytest.raises(TypeError):
            await journal.put(entry("b", value=Sensitive("hunter2-hunter2")))
        with pytest.raises(TypeError):
            await journal.key(VAULT, {"key": Sensitive("hunter2-hunter2")})
        spec = SecretSpec(vault=VAULT, name="c", value=Sensitive("hunter2-hunter2"))
        await journal.put(Entry(Address("secret", "kv/c"), "id", spec))

    assert {a.key for a in (await store.read()).entries} == {"a", "c"}
    assert all(b"hunter2" not in path.read_bytes() for path in store.path.parent.iterdir())


async def test_the_spec_of_a_kind_that_is_not_known_here_survives(store: LocalStore) -> None:
    future = Entry(Address("widget", "a"), "id", {"colour": "red", "deep": [{"x": None}]})
    async with store.locked("apply") as journal:
        await journal.put(future)
    async with store.locked("apply") as journal:
        await journal.drop(Address("vault", "none"))

    assert (await store.read()).entries == {future.address: future}


async def test_a_snapshot_that_something_else_wrote_is_not_overwritten(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
    foreign = store.path.read_bytes().replace(b'"serial": 1', b'"serial": 5')
    with pytest.raises(StateConflict) as caught:
        await run(store, entry("b"), lambda: store.path.write_bytes(foreign))

    assert caught.value.diagnostics[0].code == "state-moved"
    assert store.path.read_bytes() == foreign
    assert str(store.paths.journal) in caught.value.diagnostics[0].detail
    with pytest.raises(StateConflict, match="state-moved"):
        (await store.read())


async def test_a_snapshot_that_vanished_during_a_run_is_a_conflict(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
    with pytest.raises(StateConflict):
        await run(store, entry("b"), store.path.unlink)


async def test_the_cost_of_a_change_does_not_grow_with_the_state(store: LocalStore, entry: Any) -> None:
    async def seconds() -> float:
        async with store.locked("apply") as journal:
            await journal.put(entry("first"))
            began = time.process_time()
            for number in range(200):
                await journal.put(entry(f"s{number}"))
            return time.process_time() - began

    small = await seconds()
    many = {e.address: e for e in (entry(f"s{number}") for number in range(10_000))}
    async with store.locked("state push") as journal:
        await journal.replace(State(entries=many))
    large = await seconds()

    assert large < 10 * small + 0.2
    assert len((await store.read()).entries) == 10_001


async def test_a_link_to_a_state_stays_a_link(tmp_path: Path, entry: Any) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "real.json")
    async with local_store(str(link), {}, clock=lambda: datetime.now(UTC)).locked("apply") as journal:
        await journal.put(entry("a"))

    assert link.is_symlink()
    assert names(tmp_path) == ["link.json", "real.json", "real.json.lock"]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("s3://bucket/key", "no such kind"),
        ("", "names no file"),
        ("/tmp", "is a folder"),
        ("/dev/null", "not a plain file"),
        ("a\0b", "no path"),
    ],
)
def test_a_location_that_can_hold_no_state_is_an_error(location: str, words: str) -> None:
    with pytest.raises(StateError) as caught:
        local_store(location, {}, clock=lambda: datetime.now(UTC))
    assert caught.value.diagnostics[0].code == "state-location"
    assert words in caught.value.diagnostics[0].detail


def test_a_loop_of_links_is_no_location(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(StateError, match="state-location"):
        local_store(str(tmp_path / "a"), {}, clock=lambda: datetime.now(UTC))


async def test_a_folder_that_cannot_be_made_is_an_error_with_its_path(tmp_path: Path, entry: Any) -> None:
    (tmp_path / "file").write_text("")
    store = LocalStore(tmp_path / "file" / "dkv.json", {}, lambda: datetime.now(UTC))

    with pytest.raises(StateError, match="state-not-written"):
        await run(store, entry("a"), lambda: None)
    with pytest.raises(StateError, match="state-damaged"):
        (await store.read())


async def test_a_full_disk_stops_one_change_and_leaves_the_journal_whole(
    store: LocalStore, entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: Any) -> int:
        write(descriptor, bytes(data)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    write = os.write
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(StateError) as caught:
            await journal.put(entry("b"))
        monkeypatch.setattr(os, "write", write)

        assert caught.value.diagnostics[0].code == "state-not-written"
        assert f"{store.paths.journal}: No space left on device" in caught.value.diagnostics[0].detail
        assert (await store.read()) == journal.state
        await journal.put(entry("c"))
    assert [address.key for address in (await store.read()).entries] == ["a", "c"]


async def test_after_a_write_that_could_not_be_undone_nothing_is_appended(
    store: LocalStore, entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            patch.setattr(os, "ftruncate", fail)
            with pytest.raises(StateError):
                await journal.put(entry("b"))
        with pytest.raises(StateError, match="state-not-written"):
            await journal.put(entry("c"))

    assert [address.key for address in (await store.read()).entries] == ["a"]


async def test_short_writes_are_continued(store: LocalStore, entry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:7]))
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))

    assert (await store.read()).entries == {entry("a").address: entry("a")}


def test_a_file_for_the_user_is_whole_private_and_beside_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    save_file(path, b"one")
    save_file(path, b"two")

    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["plan"]


def test_a_file_for_the_user_may_be_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    save_file(pipe, b"data")

    assert os.read(reader, 10) == b"data"
    os.close(reader)
    with pytest.raises(StateError, match="state-not-written"):
        save_file(tmp_path, b"data")


async def test_a_writer_that_is_ended_with_the_loop_answers_who_waits(store: LocalStore, entry: Any) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a"))
        waiting = asyncio.ensure_future(journal.put(entry("b")))
        async with journal._turn:
            await asyncio.sleep(0.01)
            assert journal._writer is not None
            journal._writer.cancel()
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        journal._writer = None
    assert [address.key for address in (await store.read()).entries] == ["a"]


LAYOUTS: dict[str, Callable[[bytes], bytes]] = {
    "on one line": lambda data: json.dumps(json.loads(data)).encode(),
    "a line a value": lambda data: json.dumps(json.loads(data), indent=2).encode(),
    "two entries on a line": lambda data: data.replace(b"},\n    ", b"}, "),
    "blank lines": lambda data: data.replace(b"},\n    ", b"},\n\n    "),
}


@pytest.mark.parametrize("laid_out", LAYOUTS.values(), ids=LAYOUTS.keys())
async def test_a_state_that_another_program_laid_out_reads_the_same(
    store: LocalStore, entry: Callable[..., Entry], laid_out: Callable[[bytes], bytes]
) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a", version="1"), entry("b", version="1"), entry("c"))
    data = store.path.read_bytes()
    changed = laid_out(data)
    assert changed != data
    assert decode_state(changed, store.specs) == decode_state(data, store.specs)


async def test_what_the_entries_of_a_state_have_alike_is_held_once(
    store: LocalStore, entry: Callable[..., Entry]
) -> None:
    async with store.locked("apply") as journal:
        await journal.put(entry("a", version="1" * 32, created=MADE), entry("b", version="1" * 32, created=MADE))
    one, other = decode_state(store.path.read_bytes(), store.specs).state.entries.values()
    assert one.spec.vault is other.spec.vault
    assert one.spec.tags is other.spec.tags
    assert one.facts["version"] is other.facts["version"]
    assert one.facts["created"] is other.facts["created"]
    assert next(iter(one.facts)) is next(iter(other.facts))
