"""States that cannot be used: said plainly, with the backup's name, and left as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from declarative_kv.model.errors import StateConflict, StateUnreadable
from declarative_kv.model.state import Status
from declarative_kv.state import LocalStore


@pytest.fixture
async def saved(store: LocalStore, entry: Any) -> LocalStore:
    """A state with two serials and so with a backup."""
    for name in "ab":
        async with store.locked("apply") as journal:
            await journal.put(entry(name))
    return store


@pytest.fixture
async def interrupted(saved: LocalStore, entry: Any) -> LocalStore:
    """The same, after a run that was killed: its journal is still there."""
    journal = await leave_a_journal(saved, entry("c", Status.PENDING), entry("a", version="2"))
    saved.paths.journal.write_bytes(journal)
    return saved


async def leave_a_journal(store: LocalStore, *entries: Any) -> bytes:
    """The journal of a run as it is before the fold; the state is then put back."""
    snapshot, backup = store.path.read_bytes(), store.paths.backup.read_bytes()
    async with store.locked("apply") as journal:
        await journal.put(*entries)
        data = store.paths.journal.read_bytes()
    store.path.write_bytes(snapshot)
    store.paths.backup.write_bytes(backup)
    return data


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "binary": lambda data: b"\x00\xff\xfe" * 50,
    "another JSON": lambda data: b'{"resources": []}',
    "a list": lambda data: b"[]",
    "deeply nested": lambda data: b"[" * 100_000,
    "a huge number": lambda data: data.replace(b'"serial": 2', b'"serial": ' + b"9" * 5000),
    "serial of a wrong type": lambda data: data.replace(b'"serial": 2', b'"serial": "2"'),
    "format of a wrong type": lambda data: data.replace(b'"format": 1', b'"format": true'),
    "format zero": lambda data: data.replace(b'"format": 1', b'"format": 0'),
    "a field too many": lambda data: data.replace(b'"serial"', b'"colour": 1, "serial"'),
    "entries no object": lambda data: data.replace(b'"keys": {}', b'"keys": 5'),
    "the same key twice": lambda data: data.replace(b"secret.kv/b", b"secret.kv/a"),
    "an entry that is none": lambda data: data.replace(b'"remote_id"', b'"remote"'),
    "an entry with an address": lambda data: data.replace(b'"protect"', b'"address": "x.y", "protect"'),
    "a comma missing": lambda data: data.replace(b"},\n    ", b"}\n    "),
    "a comma too many": lambda data: data.replace(b"}\n  },\n", b"},\n  },\n"),
    "no address": lambda data: data.replace(b'"secret.kv/a"', b'"nowhere"'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_a_damaged_snapshot_is_an_error_that_names_the_backup(
    saved: LocalStore, damage: Callable[[bytes], bytes]
) -> None:
    broken = damage(saved.path.read_bytes())
    assert broken != saved.path.read_bytes()
    saved.path.write_bytes(broken)
    backup = saved.paths.backup.read_bytes()

    for attempt in (saved.read, lambda: saved.locked("apply").__aenter__()):
        with pytest.raises(StateUnreadable) as caught:
            await attempt()
        assert caught.value.diagnostics[0].code == "state-damaged"
        assert str(saved.paths.backup) in caught.value.diagnostics[0].hint
    assert saved.path.read_bytes() == broken
    assert saved.paths.backup.read_bytes() == backup


async def test_the_way_back_in_the_hint_works(saved: LocalStore) -> None:
    import subprocess

    saved.path.write_bytes(b"{")
    with pytest.raises(StateUnreadable) as caught:
        (await saved.read())

    subprocess.run(caught.value.diagnostics[0].hint.splitlines()[-1].strip(), shell=True, check=True)

    assert (await saved.read()).serial == 1
    assert saved.path.with_name("dkv.json.damaged").read_bytes() == b"{"


async def test_without_a_backup_the_error_says_so(store: LocalStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"{")

    with pytest.raises(StateUnreadable) as caught:
        (await store.read())

    assert f"There is no backup ({store.paths.backup})" in caught.value.diagnostics[0].hint


@pytest.mark.parametrize("name", ["snapshot", "journal"])
async def test_a_newer_format_is_an_error_of_its_own(interrupted: LocalStore, name: str) -> None:
    path = getattr(interrupted.paths, name)
    newer = path.read_bytes().replace(b'"format": 1', b'"format": 2')
    path.write_bytes(newer)

    with pytest.raises(StateUnreadable) as caught:
        (await interrupted.read())

    assert caught.value.diagnostics[0].code == "state-newer"
    assert "has format 2; this version knows formats up to 1" in caught.value.diagnostics[0].detail
    assert str(interrupted.paths.backup) in caught.value.diagnostics[0].hint
    assert path.read_bytes() == newer


async def test_a_journal_that_a_killed_run_left_is_read_and_then_folded(interrupted: LocalStore, entry: Any) -> None:
    state = await interrupted.read()
    assert state.serial == 2
    assert state.entries[entry("c").address].status is Status.PENDING
    assert state.entries[entry("a").address].facts == {"version": "2"}

    async with interrupted.locked("apply") as journal:
        assert journal.state == state
        await journal.put(entry("c"))

    after = await interrupted.read()
    assert after.serial == 4, "what was left is folded first, then what is new"
    assert after.entries == {**state.entries, entry("c").address: entry("c")}


async def test_a_run_that_changes_nothing_leaves_the_journal_and_a_checkpoint_folds_it(interrupted: LocalStore) -> None:
    before = await interrupted.read()
    async with interrupted.locked("apply"):
        pass
    assert (await interrupted.read()) == before
    async with interrupted.locked("apply") as journal:
        await journal.checkpoint()
    assert not interrupted.paths.journal.exists()
    assert (await interrupted.read()).entries == before.entries


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"put": "secret.kv/b", "entry": {"remote', Status.PENDING),
        (b'{"drop": "secret.kv/b"', Status.PENDING),
        (b'{"put": "secret.kv/b"', Status.PENDING),
        (b'{"put": "secret.kv/', Status.APPLIED),
        (b'{"put": "nowhere", "en', Status.APPLIED),
        (b'{"put": "\\ud8', Status.APPLIED),
        (b'{"put": "\\x", ', Status.APPLIED),
        (b"\x00" * 40, Status.APPLIED),
    ],
)
async def test_a_line_that_was_cut_short_makes_its_entry_pending(
    interrupted: LocalStore, entry: Any, line: bytes, found: Status
) -> None:
    with interrupted.paths.journal.open("ab") as file:
        file.write(line)

    state = await interrupted.read()
    assert state.entries[entry("b").address].status is found
    assert len(state.entries) == 3

    async with interrupted.locked("apply") as journal:
        assert journal.state == state
        await journal.put(entry("d"))
        assert (await interrupted.read()).entries == {**state.entries, entry("d").address: entry("d")}
    assert (await interrupted.read()).entries[entry("b").address].status is found


async def test_a_cut_line_about_something_new_is_as_if_it_had_not_been(interrupted: LocalStore) -> None:
    before = await interrupted.read()
    with interrupted.paths.journal.open("ab") as file:
        file.write(b'{"put": "secret.kv/new", "entry": {"remote')

    assert (await interrupted.read()) == before


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"put": "secret.kv/a"}',
        b'{"put": "secret.kv/a", "entry": {}}',
        b'{"drop": "nowhere"}',
        b'{"key": "v", "facts": 1}',
        b'{"put": 1}',
    ],
)
async def test_a_whole_line_that_is_no_record_is_damage(interrupted: LocalStore, line: bytes) -> None:
    with interrupted.paths.journal.open("ab") as file:
        file.write(line + b"\n")
    damaged = interrupted.paths.journal.read_bytes()

    with pytest.raises(StateUnreadable) as caught:
        (await interrupted.read())

    assert "line 4" in caught.value.diagnostics[0].detail
    assert str(interrupted.paths.journal) in caught.value.diagnostics[0].detail
    assert interrupted.paths.journal.read_bytes() == damaged


@pytest.mark.parametrize("first", [b"{}", b"[]", b'{"format": 1}', b'{"format": 0}', b"x"])
async def test_a_journal_without_its_first_line_is_damage(interrupted: LocalStore, first: bytes) -> None:
    interrupted.paths.journal.write_bytes(first + b"\n")

    with pytest.raises(StateUnreadable, match="state-damaged"):
        (await interrupted.read())


async def test_a_journal_of_another_snapshot_is_a_conflict(interrupted: LocalStore) -> None:
    interrupted.path.write_bytes(interrupted.paths.backup.read_bytes())

    with pytest.raises(StateConflict) as caught:
        (await interrupted.read())

    assert caught.value.diagnostics[0].code == "state-moved"


async def test_a_journal_of_another_lineage_is_a_conflict(interrupted: LocalStore) -> None:
    lineage = (await interrupted.read()).lineage.encode()
    interrupted.path.write_bytes(interrupted.path.read_bytes().replace(lineage, b"another"))

    with pytest.raises(StateConflict):
        (await interrupted.read())


async def test_a_journal_whose_snapshot_is_gone_is_an_error_with_the_way_back(interrupted: LocalStore) -> None:
    interrupted.path.unlink()

    with pytest.raises(StateUnreadable) as caught:
        (await interrupted.read())

    assert "is missing" in caught.value.diagnostics[0].detail
    assert caught.value.diagnostics[0].hint.splitlines()[-1].strip().startswith("cp ")


async def test_a_journal_that_was_folded_already_is_not_folded_again(saved: LocalStore, entry: Any) -> None:
    async with saved.locked("apply") as journal:
        await journal.put(entry("c"))
        await journal.drop(entry("a").address)
        left = saved.paths.journal.read_bytes()
    folded = await saved.read()
    saved.paths.journal.write_bytes(left)

    assert (await saved.read()) == folded
    async with saved.locked("apply") as journal:
        await journal.put(entry("a"))
    saved.paths.journal.write_bytes(left)
    with pytest.raises(StateConflict):
        (await saved.read())
