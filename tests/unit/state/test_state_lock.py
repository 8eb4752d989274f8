"""The lock: one run at a time, named, and gone with its process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.model.errors import StateError, StateLocked
from declarative_kv.state import LocalStore

HOLDING = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from declarative_kv.state import LocalStore
async def hold():
    async with LocalStore(Path(sys.argv[1]), {}, lambda: datetime.now(UTC)).locked("dkv apply"):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


async def touched(store: LocalStore, wait: float = 0) -> None:
    """Take the lock and give it back."""
    async with store.locked("apply", wait):
        pass


@pytest.fixture
def holding(store: LocalStore) -> Any:
    """A process of its own that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(store.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


async def test_the_error_names_who_holds_the_lock(store: LocalStore, holding: Any) -> None:
    with pytest.raises(StateLocked) as caught:
        await touched(store)

    detail = caught.value.diagnostics[0].detail
    holder = json.loads(store.paths.holder.read_text())
    assert f"(process {holding.pid}) runs `dkv apply` since {holder['since'][:19]}" in detail
    assert f"{holder['who']} on {holder['host']}" in detail
    assert holder["id"] in detail


async def test_reading_needs_no_lock(store: LocalStore, holding: Any) -> None:
    assert (await store.read()).serial == 0


async def test_the_lock_is_gone_with_its_process(store: LocalStore, holding: Any, entry: Any) -> None:
    os.kill(holding.pid, signal.SIGKILL)
    holding.wait()
    assert store.paths.holder.exists()

    async with store.locked("apply") as journal:
        await journal.put(entry("a"))

    assert not store.paths.holder.exists()
    assert len((await store.read()).entries) == 1


async def test_unlock_clears_what_a_killed_run_left_and_says_who_it_was(store: LocalStore, holding: Any) -> None:
    with pytest.raises(StateLocked):
        await store.unlock()
    os.kill(holding.pid, signal.SIGKILL)
    holding.wait()

    stale = await store.unlock()

    assert stale is not None
    assert (stale.pid, stale.operation) == (holding.pid, "dkv apply")
    assert not store.paths.holder.exists()
    assert (await store.unlock()) is None


async def test_unlock_of_a_state_that_never_was_creates_nothing(store: LocalStore, tmp_path: Path) -> None:
    assert (await store.unlock()) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_run_waits_for_the_lock_as_long_as_it_is_told_and_says_once_for_whom(store: LocalStore) -> None:
    told: list[StateLocked] = []
    async with store.locked("first"):
        began = time.monotonic()
        with pytest.raises(StateLocked):
            async with store.locked("second", 0.25, told.append):
                pass
        assert time.monotonic() - began >= 0.25
        assert ["runs `first`" in one.diagnostics[0].detail for one in told] == [True]
        third = asyncio.create_task(touched(store, 20))
        await asyncio.sleep(0.15)
        assert not third.done()
    await third


async def test_the_same_process_does_not_get_it_twice(store: LocalStore) -> None:
    async with store.locked("outer"):
        with pytest.raises(StateLocked, match="state-locked"):
            await touched(store, 0.1)


@pytest.mark.parametrize("text", ["", "{", '{"id": "x"}'])
async def test_a_holder_file_that_says_nothing_is_no_error(store: LocalStore, text: str) -> None:
    async with store.locked("outer"):
        store.paths.holder.write_text(text)
        with pytest.raises(StateLocked) as caught:
            await touched(store)
    assert "Another process holds it." in caught.value.diagnostics[0].detail


async def test_a_user_without_a_name_is_a_number(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4242424)
    async with store.locked("apply"):
        assert json.loads(store.paths.holder.read_text())["who"] == "user 4242424"


async def test_a_lock_that_cannot_name_its_holder_is_given_back(store: LocalStore) -> None:
    store.paths.holder.mkdir(parents=True)
    with pytest.raises(StateError, match="state-not-written"):
        await touched(store)
    store.paths.holder.rmdir()
    await touched(store)
