"""What the emulator's store promises: order, durability, all or nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from declarative_kv.emulator.store import Store
from declarative_kv.emulator.world import Settings, new_world


def fail_after(store: Store, change: Callable[[], None]) -> None:
    """A transaction that makes the change and then breaks off."""

    def broken() -> None:
        with store.transaction():
            change()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()


def test_a_store_without_a_folder_forgets_and_one_with_a_folder_remembers(tmp_path: Path) -> None:
    Store().put("t", "a", {"n": 1})
    first = Store(tmp_path)
    first.put("t", "a", {"n": 1})
    first.put("t", "b", {"n": 2})
    first.put("t", "a", {"n": 3})
    first.delete("t", "b")
    first.close()

    assert Store().dump() == {}
    assert Store(tmp_path).dump() == {"t": {"a": {"n": 3}}}


def test_tables_keep_the_order_of_insertion_across_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key in ("c", "a", "b"):
        store.put("t", key, {})
    store.put("t", "c", {"again": True})
    store.close()

    assert list(store.table("t")) == ["c", "a", "b"]
    assert list(Store(tmp_path).table("t")) == ["c", "a", "b"]


def test_keys_of_a_prefix_come_sorted_and_in_parts() -> None:
    store = Store()
    for key in ("u/c", "v/a", "u/a", "u", "u/b", "t/z"):
        store.put("t", key, {})

    assert store.keys("t", "u/") == ["u/a", "u/b", "u/c"]
    assert store.keys("t", "u/", after="u/a", limit=1) == ["u/b"]
    assert store.keys("t", "u/", limit=2) == ["u/a", "u/b"]
    assert store.keys("nothing", "u/") == []


def test_keys_follow_later_writes_and_deletions() -> None:
    store = Store()
    store.put("t", "u/b", {})
    assert store.keys("t", "u/") == ["u/b"]
    store.put("t", "u/a", {})
    store.delete("t", "u/b")
    store.delete("t", "u/never")

    assert store.keys("t", "u/") == ["u/a"]


@pytest.mark.parametrize("durable", [True, False])
def test_a_transaction_that_fails_leaves_nothing_behind(tmp_path: Path, durable: bool) -> None:
    store = Store(tmp_path if durable else None)
    store.put("t", "kept", {"n": 1})
    store.put("t", "gone", {"n": 1})
    assert store.keys("t", "") == ["gone", "kept"]

    def change() -> None:
        store.put("t", "kept", {"n": 2})
        store.put("t", "new", {})
        store.delete("t", "gone")

    fail_after(store, change)

    assert store.dump() == {"t": {"kept": {"n": 1}, "gone": {"n": 1}}}
    assert store.keys("t", "") == ["gone", "kept"]
    store.close()
    if durable:
        assert Store(tmp_path).dump() == {"t": {"kept": {"n": 1}, "gone": {"n": 1}}}


def test_only_the_outermost_transaction_ends_one(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def inner() -> None:
        with store.transaction():
            store.put("t", "inner", {})

    fail_after(store, inner)

    assert store.dump() == {}


def test_clear_empties_every_table(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("a", "1", {})
    store.put("b", "2", {})
    store.clear()
    store.close()
    store.close()

    assert Store(tmp_path).dump() == {}


def test_a_derived_value_is_made_again_only_after_a_write_to_its_tables() -> None:
    store = Store()
    made: list[int] = []

    def build() -> int:
        made.append(len(store.table("t")))
        return made[-1]

    assert store.derived("size", ("t",), build) == 0
    store.put("other", "a", {})
    assert store.derived("size", ("t",), build) == 0
    store.put("t", "a", {})
    assert store.derived("size", ("t",), build) == 1

    def change() -> None:
        store.put("t", "b", {})
        assert store.derived("size", ("t",), build) == 2

    fail_after(store, change)
    assert store.derived("size", ("t",), build) == 1
    assert made == [0, 1, 2, 1]


def test_a_killed_process_loses_no_finished_transaction(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from declarative_kv.emulator.store import Store\n"
        "store, n = Store(Path(sys.argv[1])), 0\n"
        "while True:\n"
        "    n += 1\n"
        "    with store.transaction():\n"
        "        store.put('t', str(n), {}); store.put('twin', str(n), {})\n"
        "    print(n, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        seen = [int(child.stdout.readline()) for _ in range(50)]
        os.kill(child.pid, signal.SIGKILL)

    store = Store(tmp_path)
    assert len(store.table("t")) >= seen[-1]
    assert list(store.table("t")) == list(store.table("twin"))
    store.close()


def test_the_file_with_the_values_is_its_owners_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    store.put("t", "a", {})

    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()} == {0o600}
    store.close()


def test_a_world_keeps_its_identities_clock_and_signing_key(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    world.clock.shift(90 * 86400)
    token, identity = world.keyring.sign({"a": 1}), world.identity()
    world.close()
    again = new_world(tmp_path, Settings(time_scale=1))

    assert again.identity() == identity
    assert again.keyring.claims(token) == {"a": 1}
    assert again.clock.offset() == 90 * 86400
    again.close()


def test_a_world_signs_with_the_key_that_its_folder_keeps(tmp_path: Path) -> None:
    made = new_world(tmp_path / "made")
    made.keyring.sign({})
    assert made.store.get("meta", "signing") is not None
    made.close()

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    given = new_world(tmp_path / "given")
    given.store.put("meta", "signing", {"pem": pem})
    assert jwt.decode(given.keyring.sign({"a": 1}), key.public_key(), algorithms=["RS256"]) == {"a": 1}
    assert given.keyring.claims(jwt.encode({"a": 2}, key, algorithm="RS256")) == {"a": 2}
    given.close()


def test_two_worlds_have_different_client_secrets(tmp_path: Path) -> None:
    one, two = new_world(tmp_path / "one"), new_world(tmp_path / "two")

    assert one.identity()["client_secret"] != two.identity()["client_secret"]
    assert one.identity()["client_secret"] not in str(one.store.table("directory"))
    one.close()
    two.close()


def test_a_world_without_identities_says_so() -> None:
    with pytest.raises(LookupError, match="main"):
        new_world(seed_identity=False).identity()


def test_faults_match_by_glob_count_down_and_add_up() -> None:
    faults = new_world().faults
    faults.add("PUT", "/secrets/*", status=429, times=2)
    faults.add("*", "/SECRETS/db", delay=1.5)
    faults.add("GET", "/secrets/db", delay=0.5)

    first = faults.strike("PUT", "/secrets/db/")
    assert first is not None
    assert first.status == 429
    assert faults.strike("PUT", "/keys/db") is None
    assert faults.strike("PUT", "/secrets/other") is not None
    assert faults.strike("PUT", "/secrets/other") is None
    slow = faults.strike("GET", "/secrets/db")
    assert slow is not None
    assert (slow.delay, slow.status, slow.drop) == (2.0, None, False)
    faults.clear()
    assert faults.listed() == []


@pytest.mark.parametrize("fault", [{}, {"status": 200}, {"drop": True, "times": 0}])
def test_a_fault_that_would_do_nothing_is_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        new_world().faults.add("GET", "/", **fault)
