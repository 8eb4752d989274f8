"""The lock: one run at a time, named, and gone with its process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.model.errors import StateLocked
from declarative_kv.state import LocalStore

HOLDING = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from declarative_kv.state import LocalStore
with LocalStore(Path(sys.argv[1]), {}, lambda: datetime.now(UTC)).locked("dkv apply"):
    print("held", flush=True)
    time.sleep(60)
"""


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


def test_the_error_names_who_holds_the_lock(store: LocalStore, holding: Any) -> None:
    with pytest.raises(StateLocked) as caught, store.locked("apply"):
        pass

    detail = caught.value.diagnostics[0].detail
    holder = json.loads(store.paths.holder.read_text())
    assert f"(process {holding.pid}) runs `dkv apply` since {holder['since'][:19]}" in detail
    assert f"{holder['who']} on {holder['host']}" in detail
    assert holder["id"] in detail


def test_reading_needs_no_lock(store: LocalStore, holding: Any) -> None:
    assert store.read().serial == 0


def test_the_lock_is_gone_with_its_process(store: LocalStore, holding: Any, entry: Any) -> None:
    os.kill(holding.pid, signal.SIGKILL)
    holding.wait()
    assert store.paths.holder.exists()

    with store.locked("apply") as journal:
        journal.put(entry("a"))

    assert not store.paths.holder.exists()
    assert len(store.read().entries) == 1


def test_unlock_clears_what_a_killed_run_left_and_says_who_it_was(store: LocalStore, holding: Any) -> None:
    with pytest.raises(StateLocked):
        store.unlock()
    os.kill(holding.pid, signal.SIGKILL)
    holding.wait()

    stale = store.unlock()

    assert stale is not None
    assert (stale.pid, stale.operation) == (holding.pid, "dkv apply")
    assert not store.paths.holder.exists()
    assert store.unlock() is None


def test_unlock_of_a_state_that_never_was_creates_nothing(store: LocalStore, tmp_path: Path) -> None:
    assert store.unlock() is None
    assert list(tmp_path.iterdir()) == []


def test_a_run_waits_for_the_lock_as_long_as_it_is_told(store: LocalStore) -> None:
    release = threading.Event()
    taken = threading.Event()

    def hold() -> None:
        with store.locked("first"):
            taken.set()
            release.wait(5)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(5)
    began = time.monotonic()
    with pytest.raises(StateLocked), store.locked("second", timeout=0.2):
        pass
    assert time.monotonic() - began >= 0.2
    threading.Timer(0.1, release.set).start()
    with store.locked("third", timeout=5):
        pass
    thread.join()


def test_the_same_process_does_not_get_it_twice(store: LocalStore) -> None:
    with store.locked("outer"), pytest.raises(StateLocked, match="state-locked"), store.locked("inner", timeout=0.1):
        pass


@pytest.mark.parametrize("text", ["", "{", '{"id": "x"}'])
def test_a_holder_file_that_says_nothing_is_no_error(store: LocalStore, text: str) -> None:
    with store.locked("outer"):
        store.paths.holder.write_text(text)
        with pytest.raises(StateLocked) as caught, store.locked("inner"):
            pass
    assert "Another process holds it." in caught.value.diagnostics[0].detail


def test_a_user_without_a_name_is_a_number(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4242424)
    with store.locked("apply"):
        assert json.loads(store.paths.holder.read_text())["who"] == "user 4242424"
