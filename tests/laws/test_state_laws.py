"""Laws of the state: nothing that was acknowledged is ever lost, and whatever is on disk can be read."""

from __future__ import annotations

import os
import random
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declarative_kv.model.address import Address
from declarative_kv.model.source import CommandSource, EnvSource, FileSource, GenerateSource, Kept
from declarative_kv.model.specs import AccessPolicySpec, NetworkSpec, RoleAssignmentSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, State, Status
from declarative_kv.state import Journal, LocalStore, decode_state, encode_state
from declarative_kv.state.mend import moved
from tests.counts import count

SPECS: dict[str, type] = {
    "vault": VaultSpec,
    "secret": SecretSpec,
    "access_policy": AccessPolicySpec,
    "role_assignment": RoleAssignmentSpec,
}
NOW = datetime(2026, 11, 22, tzinfo=UTC)

text = st.text(max_size=12)
word = st.text(string.ascii_lowercase + '-/.$"\\ü\n', min_size=1, max_size=8)
tags = st.none() | st.dictionaries(text | st.just("$type"), text, max_size=3)
times = st.none() | st.datetimes(timezones=st.just(UTC))
words = st.lists(word, max_size=3).map(tuple)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text | st.just("$type"), inner, max_size=3),
    max_leaves=8,
)
facts = st.dictionaries(text | st.just("$type"), json_values, max_size=4)
sources = (
    st.none()
    | st.builds(EnvSource, word)
    | st.builds(FileSource, word, word)
    | st.builds(CommandSource, words.map(lambda w: ("cmd", *w)), word)
    | st.builds(GenerateSource, st.integers(1, 99))
    | st.just(Kept())
)
networks = st.none() | st.builds(
    NetworkSpec, public=st.none() | st.booleans(), default=st.none() | word, ip_rules=st.none() | words
)
known_specs = {
    "vault": st.builds(
        VaultSpec,
        subscription=word,
        resource_group=st.none() | word,
        name=word,
        retention_days=st.none() | st.integers(7, 90),
        purge_protection=st.none() | st.booleans(),
        network=networks,
        enabled_for=st.none() | words,
        tags=tags,
    ),
    "secret": st.builds(
        SecretSpec,
        vault=word,
        name=word,
        not_before=times,
        expires=times,
        tags=tags,
        source=sources,
        value=st.none(),
    ),
    "access_policy": st.builds(AccessPolicySpec, vault=word, principal=word, secrets=words, keys=words),
    "role_assignment": st.builds(
        RoleAssignmentSpec, scope=word, role=word, principal=word, principal_type=st.none() | word, description=text
    ),
    "widget": st.dictionaries(text, json_values, max_size=3),
}
addresses = st.builds(Address, st.sampled_from(sorted(known_specs)), word)


@st.composite
def entries(draw: Any) -> Entry:
    address = draw(addresses)
    return Entry(
        address,
        draw(text),
        draw(known_specs[address.kind]),
        frozenset(draw(st.lists(addresses, max_size=2))),
        draw(st.sampled_from(Status)),
        draw(facts),
        draw(st.booleans()),
    )


states = st.builds(
    State,
    lineage=text,
    serial=st.integers(0, 10**9),
    entries=st.lists(entries(), max_size=5).map(lambda es: {e.address: e for e in es}),
    keys=st.dictionaries(text, facts, max_size=2),
)


@dataclass(frozen=True)
class Edit:
    """One call on a journal, and what it means for a plain state."""

    name: str
    arguments: tuple[Any, ...]

    async def on(self, journal: Journal) -> None:
        await getattr(journal, self.name)(*self.arguments)

    def applied(self, state: State) -> State:
        held, keys = dict(state.entries), dict(state.keys)
        match self.name, self.arguments:
            case "put", (entry,):
                held[entry.address] = entry
            case "drop", (address,):
                held.pop(address, None)
            case "key", (vault, None):
                keys.pop(vault.lower(), None)
            case "key", (vault, found):
                keys[vault.lower()] = found
        return replace(state, entries=held, keys=keys)


edits = st.lists(
    st.builds(Edit, st.just("put"), st.tuples(entries()))
    | st.builds(Edit, st.just("drop"), st.tuples(addresses))
    | st.builds(Edit, st.just("key"), st.tuples(text, st.none() | facts))
    | st.just(Edit("checkpoint", ())),
    max_size=8,
)


@contextmanager
def temporary_store() -> Iterator[LocalStore]:
    with tempfile.TemporaryDirectory() as folder:
        yield LocalStore(Path(folder) / "dkv.json", SPECS, lambda: NOW)


def content(state: State) -> tuple[Any, Any]:
    return dict(state.entries), dict(state.keys)


@settings(deadline=None, max_examples=count(40, 200))
@given(states)
def test_a_state_comes_back_from_its_snapshot_as_it_was(state: State) -> None:
    back = decode_state(encode_state(state, "journal-id"), SPECS)

    assert back.state == state
    assert back.journal == "journal-id"
    assert all(
        getattr(a.spec, "source", 0) == getattr(state.entries[k].spec, "source", 0)
        for k, a in back.state.entries.items()
    )
    assert encode_state(back.state) == encode_state(state)


@settings(deadline=None, max_examples=40)
@given(states, edits)
async def test_folding_a_journal_equals_editing_the_state(state: State, changes: list[Edit]) -> None:
    with temporary_store() as store:
        store.path.write_bytes(encode_state(state))
        expected = state
        async with store.locked("apply") as journal:
            for edit in changes:
                await edit.on(journal)
                expected = edit.applied(expected)
                assert content(journal.state) == content(await store.read()) == content(expected)
        assert content(await store.read()) == content(expected)
        assert (await store.read()).serial >= state.serial


@settings(deadline=None, max_examples=12)
@given(states, edits.filter(lambda e: any(x.name != "checkpoint" for x in e)), st.randoms(use_true_random=False))
async def test_a_journal_cut_at_any_byte_still_reads(state: State, changes: list[Edit], chance: random.Random) -> None:
    changes = [edit for edit in changes if edit.name != "checkpoint"]
    with temporary_store() as store:
        snapshot = encode_state(replace(state, lineage=state.lineage or "lineage"))
        store.path.write_bytes(snapshot)
        async with store.locked("apply") as journal:
            for edit in changes:
                await edit.on(journal)
            whole = store.paths.journal.read_bytes()
        store.path.write_bytes(snapshot)

        for cut in {0, len(whole), *(chance.randrange(len(whole) + 1) for _ in range(60))}:
            store.paths.journal.write_bytes(whole[:cut])
            done = changes[: max(0, whole[:cut].count(b"\n") - 1)]
            expected = state
            for edit in done:
                expected = edit.applied(expected)
            assert_same_but_one_pending((await store.read()), expected)


def assert_same_but_one_pending(found: State, expected: State) -> None:
    """The expected state, or it with one entry made pending: the one that a cut line was about."""
    assert found.keys == expected.keys
    assert found.entries.keys() == expected.entries.keys()
    differing = [a for a in found.entries if found.entries[a] != expected.entries[a]]
    assert len(differing) <= 1
    for address in differing:
        assert found.entries[address] == replace(expected.entries[address], status=Status.PENDING)


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Kill:
    """Ends the process's way to the disk at its n-th system call; half a write is done of the one it ends in."""

    after: int
    partly: bool
    calls: int = 0
    undo: list[Callable[[], None]] = field(default_factory=list)

    NAMES = ("open", "write", "fsync", "replace", "unlink", "mkdir", "ftruncate")

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls <= self.after:
                return call(*arguments, **named)
            if self.calls == self.after + 1 and name == "write" and self.partly:
                call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            raise Killed

        return counted

    def __enter__(self) -> Kill:
        for name in self.NAMES:
            real = getattr(os, name)
            self.undo.append(lambda name=name, real=real: setattr(os, name, real))  # type: ignore[misc]
            setattr(os, name, self.wrap(name, real))
        return self

    def __exit__(self, *_: object) -> None:
        for undo in self.undo:
            undo()


def numbered(number: int, status: Status = Status.APPLIED) -> Entry:
    return Entry(
        Address("secret", f"kv/s{number}"),
        f"id{number}",
        SecretSpec(vault="kv", name=f"s{number}"),
        status=status,
        facts={"version": str(number) * 8},
    )


STORY = (
    Edit("put", (numbered(1, Status.PENDING),)),
    Edit("put", (numbered(1),)),
    Edit("key", ("KV", {"id": "key/1", "made": True})),
    Edit("checkpoint", ()),
    Edit("put", (numbered(2, Status.PENDING),)),
    Edit("put", (numbered(2),)),
    Edit("drop", (numbered(1).address,)),
    Edit("put", (replace(numbered(2), facts={"version": "again"}),)),
)


async def tell_story(store: LocalStore, done: list[Edit]) -> None:
    async with store.locked("apply") as journal:
        for edit in STORY[len(done) :]:
            await edit.on(journal)
            done.append(edit)


def after(done: list[Edit]) -> State:
    state = State()
    for edit in done:
        state = edit.applied(state)
    return state


@pytest.mark.parametrize("partly", [False, True])
async def test_a_run_that_ends_at_any_system_call_loses_nothing(partly: bool) -> None:
    calls = 0
    with temporary_store() as store, Kill(10_000, partly) as kill:
        await tell_story(store, [])
        calls = kill.calls
    assert calls > 40

    for point in range(calls):
        with temporary_store() as killed, temporary_store() as store:
            done: list[Edit] = []
            with Kill(point, partly), suppress(Killed):
                await tell_story(killed, done)
            # This process lives on with its lock, which a killed one would have lost: so on with a copy.
            shutil.copytree(killed.path.parent, store.path.parent, dirs_exist_ok=True)

            found, acknowledged = (await store.read()), after(done)
            if content(found) != content(after(list(STORY[: len(done) + 1]))):
                assert_same_but_one_pending(found, acknowledged)

            await tell_story(store, done)
            assert content(await store.read()) == content(after(list(STORY)))


async def moved_by_hand(store: LocalStore) -> tuple[State, State]:
    """What `dkv state mv` does; gives what was there and what is there afterwards."""
    async with store.locked("dkv state mv") as journal:
        before = journal.state
        mended, _ = moved(before, numbered(1).address, Address("secret", "kv/renamed"))
        await journal.replace(mended)
        return before, journal.state


@pytest.mark.parametrize("partly", [False, True])
@pytest.mark.parametrize("left", [False, True], ids=["folded", "with the journal of a killed run"])
async def test_a_move_that_ends_at_any_system_call_is_done_or_not_done(partly: bool, left: bool) -> None:
    with temporary_store() as start:
        async with start.locked("apply") as journal:
            await journal.put(numbered(1), numbered(2))
            kept = {path.name: path.read_bytes() for path in start.path.parent.glob("dkv.json*")}
        if left:
            for name, data in kept.items():
                (start.path.parent / name).write_bytes(data)
            start.path.unlink()
        files = {path.name: path.read_bytes() for path in start.path.parent.iterdir()}
        with Kill(10_000, partly) as kill:
            before, after = await moved_by_hand(start)
    assert kill.calls > 20
    assert content(before) != content(after)

    ended = []
    for point in range(kill.calls):
        with temporary_store() as killed, temporary_store() as store:
            for name, data in files.items():
                (killed.path.parent / name).write_bytes(data)
            with Kill(point, partly), suppress(Killed):
                await moved_by_hand(killed)
            shutil.copytree(killed.path.parent, store.path.parent, dirs_exist_ok=True)

            found = content(await store.read())
            assert found in (content(before), content(after)), point
            ended.append(found == content(after))
            if not ended[-1]:
                await moved_by_hand(store)
            assert content(await store.read()) == content(after)
            assert (await store.read()).serial > before.serial
    assert ended == sorted(ended), "once it is done it stays done"
    assert {*ended} == {False, True}


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from declarative_kv.model.address import Address
from declarative_kv.model.specs import SecretSpec
from declarative_kv.model.state import Entry, Status
from declarative_kv.state import LocalStore

store = LocalStore(Path(sys.argv[1]), {"secret": SecretSpec}, lambda: datetime.now(UTC))
first = int(sys.argv[2])
print("ready", flush=True)

async def write():
    async with store.locked("apply") as journal:
        for number in range(first, first + 100_000):
            name = f"s{number}"
            entry = Entry(Address("secret", f"kv/{name}"), name, SecretSpec(vault="kv", name=name))
            await journal.put(entry)
            print(number, flush=True)
            if number % 7 == 0:
                await journal.checkpoint()

asyncio.run(write())
"""


async def test_a_reader_beside_a_writer_sees_every_acknowledged_change(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "dkv.json", SPECS, lambda: NOW)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.path), "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seen = State()
        for line in (process.stdout.readline() for _ in range(count(60, 150))):
            state = await store.read()
            assert len(state.entries) > int(line)
            assert state.serial >= seen.serial
            assert state.entries.keys() >= seen.entries.keys()
            seen = state
        process.kill()
    assert seen.serial > 5


@pytest.mark.parametrize("seed", range(int(os.environ.get("DKV_TEST_KILLS", "2"))))
async def test_a_process_killed_while_it_writes_loses_no_acknowledged_change(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    store = LocalStore(tmp_path / "dkv.json", SPECS, lambda: NOW)
    number = 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.path), str(number)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(timedelta(milliseconds=chance.uniform(0, 120)).total_seconds())
            process.send_signal(signal.SIGKILL)
            acknowledged = [int(line) for line in process.stdout.read().splitlines() if line]

        state = await store.read()
        numbers = sorted(int(address.key[1:]) for address in state.entries)
        last = acknowledged[-1] + 1 if acknowledged else number
        assert numbers in (list(range(last)), list(range(last + 1)))
        assert all(entry.status is Status.APPLIED for entry in state.entries.values())
        number = len(numbers)
    assert number > 0
