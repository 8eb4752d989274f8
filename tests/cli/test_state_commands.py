"""`dkv state`: what it prints, what it changes, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.cli.app import main
from declarative_kv.model.address import Address
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import NetworkSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, State, Status
from declarative_kv.state import LocalStore
from declarative_kv.state.lock import Lock

KV = "/subscriptions/2/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
VAULT = Address("vault", "kv")
SECRET = Address("secret", "kv/db")
SPECS = {"vault": VaultSpec, "secret": SecretSpec}


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Dkv = Callable[..., Said]


def held(store: LocalStore) -> State:
    """What is saved."""
    return asyncio.run(store.read())


def save(store: LocalStore, *entries: Entry) -> None:
    """Put entries into the state."""

    async def put() -> None:
        async with store.locked("test") as journal:
            await journal.put(*entries)

    asyncio.run(put())


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "dkv.json", SPECS, lambda: datetime(2026, 11, 22, tzinfo=UTC))
    vault = VaultSpec(subscription="2", resource_group="rg", name="kv", network=NetworkSpec(default="deny"))
    secret = SecretSpec(vault=KV, name="db", tags={"a\nb": ""}, source=EnvSource("DB"))
    facts = {"version": "1", "fingerprint": "ab", "fingerprint_key": "key/1"}
    save(
        store,
        Entry(VAULT, KV, vault, protect=True),
        Entry(SECRET, f"{KV}/secrets/db", secret, frozenset({VAULT}), facts=facts),
    )
    return store


@pytest.fixture
def dkv(store: LocalStore, capsys: pytest.CaptureFixture[str]) -> Dkv:
    def run(*arguments: str) -> Said:
        code = main(["state", *arguments, "--state", str(store.path)])
        return Said(code, *capsys.readouterr())

    return run


def test_list_prints_addresses_one_a_line(dkv: Dkv) -> None:
    assert dkv("list") == Said(0, "secret.kv/db\nvault.kv\n", "")
    assert dkv("list", "vault").out == "vault.kv\n"
    assert dkv("list", "secret.*").out == "secret.kv/db\n"
    assert dkv("list", "secret.other/*") == Said(0, "", "")


def test_list_says_beside_the_data_what_is_pending(dkv: Dkv, store: LocalStore) -> None:
    save(store, Entry(Address("secret", "kv/new"), "id", SecretSpec(vault=KV, name="new"), status=Status.PENDING))

    said = dkv("list")

    assert said.out.splitlines() == ["secret.kv/db", "secret.kv/new", "vault.kv"]
    assert "secret.kv/new" in said.err
    assert "secret.kv/db" not in said.err


def test_show_prints_settings_and_facts(dkv: Dkv) -> None:
    assert dkv("show", "vault.kv").out == (
        "vault.kv\n"
        f"  id: {KV}\n"
        "  status: applied\n"
        "  protect: true\n"
        "  settings:\n"
        "    name: kv\n"
        "    network.default: deny\n"
    )
    shown = dkv("show", "secret.kv/db").out
    assert "  depends on: vault.kv\n" in shown
    assert '    tags: {a\\x0ab: ""}\n' in shown
    assert "  facts:\n    fingerprint: ab\n" in shown


def test_show_of_what_is_not_there_is_an_error(dkv: Dkv) -> None:
    said = dkv("show", "vault.none")

    assert said.code == 1
    assert "state-address" in said.err
    assert "vault.none" in said.err
    assert dkv("show", "nonsense").code == 64


def test_reading_leaves_no_trace(dkv: Dkv, store: LocalStore) -> None:
    before = {path.name: path.read_bytes() for path in store.path.parent.iterdir()}
    for command in (["list"], ["show", "vault.kv"], ["pull"]):
        assert dkv(*command).code == 0

    assert {path.name: path.read_bytes() for path in store.path.parent.iterdir()} == before


def test_mv_takes_along_what_is_below_a_vault(dkv: Dkv, store: LocalStore) -> None:
    save(
        store,
        Entry(Address("secret", "kv2/x"), "id", SecretSpec(vault=KV, name="x")),
        Entry(Address("widget", "kv"), "id", {}),
    )

    assert dkv("mv", "vault.kv", "vault.pay") == Said(0, "secret.kv/db -> secret.pay/db\nvault.kv -> vault.pay\n", "")

    after = held(store).entries
    assert [str(a) for a in after] == ["secret.kv2/x", "secret.pay/db", "vault.pay", "widget.kv"]
    moved = after[Address("secret", "pay/db")]
    assert moved.depends_on == {Address("vault", "pay")}
    assert moved.remote_id == f"{KV}/secrets/db"
    assert moved.facts == {"version": "1"}


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("vault.kv", "secret.kv/x", "different kinds"),
        ("vault.none", "vault.x", "has no vault.none"),
        ("secret.kv/db", "secret.kv/db", "is in the state already"),
    ],
)
def test_mv_refuses_what_makes_no_sense(dkv: Dkv, store: LocalStore, source: str, target: str, words: str) -> None:
    before = held(store)
    said = dkv("mv", source, target)

    assert said.code == 1
    assert words in said.err
    assert held(store) == before


def test_mv_refuses_a_vault_whose_content_would_land_on_something(dkv: Dkv, store: LocalStore) -> None:
    save(store, Entry(Address("secret", "pay/db"), "id", SecretSpec(vault=KV, name="x")))

    assert "secret.pay/db is in the state already" in dkv("mv", "vault.kv", "vault.pay").err


def test_rm_forgets_and_says_what_stays(dkv: Dkv, store: LocalStore) -> None:
    assert dkv("rm", "secret.kv/db").out == f"forgotten: secret.kv/db ({KV}/secrets/db stays in Azure)\n"
    assert list(held(store).entries) == [VAULT]


def test_rm_of_something_unknown_forgets_nothing(dkv: Dkv, store: LocalStore) -> None:
    before = held(store)
    said = dkv("rm", "secret.kv/db", "secret.kv/none")

    assert said.code == 1
    assert "The state has no secret.kv/none." in said.err
    assert held(store) == before


def test_unlock_explains_and_clears_away(dkv: Dkv, store: LocalStore) -> None:
    said = dkv("unlock")
    assert said.code == 0
    assert "a local lock goes with the process" in said.err
    assert "Removed" not in said.err
    lock = Lock(store.paths)
    lock.acquire("dkv apply", store.clock)
    left = store.paths.holder.read_bytes()
    said = dkv("unlock")
    lock.release()
    assert said.code == 1
    assert "runs `dkv apply` since 2026-11-22" in said.err
    store.paths.holder.write_bytes(left)
    assert "Removed what was left of" in dkv("unlock").err
    assert not store.paths.holder.exists()


def test_a_copy_that_was_pulled_can_be_pushed_back(dkv: Dkv, store: LocalStore, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert dkv("pull", "--out", str(copy)) == Said(0, "", "")
    assert dkv("pull").out == copy.read_text()
    before = held(store)
    data = json.loads(copy.read_text())
    del data["entries"]["secret.kv/db"]
    copy.write_text(json.dumps(data))

    assert dkv("push", str(copy)).err == "Pushed: 1 entries, serial 2.\n"
    assert list(held(store).entries) == [VAULT]
    assert held(store).base == (before.lineage, 2)


def test_a_copy_from_before_or_from_elsewhere_needs_force(dkv: Dkv, store: LocalStore, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    dkv("pull", "--out", str(copy))
    dkv("rm", "secret.kv/db")
    after = held(store)

    said = dkv("push", str(copy))
    assert said.code == 1
    assert "The file has serial 1, the state has moved on to 2." in said.err
    copy.write_text(copy.read_text().replace(after.lineage, "elsewhere").replace('"serial": 1', '"serial": 9'))
    assert "The file's lineage is elsewhere" in dkv("push", str(copy)).err
    assert held(store) == after

    assert dkv("push", str(copy), "--force").code == 0
    assert held(store).base == ("elsewhere", 10)
    assert SECRET in held(store).entries


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "there is no such file"), ("{", "it is not JSON"), ('{"format": 99}', "it has format 99")],
)
def test_what_is_no_state_is_not_pushed(
    dkv: Dkv, store: LocalStore, tmp_path: Path, text: str | None, words: str
) -> None:
    before = held(store)
    if text is not None:
        (tmp_path / "copy").write_text(text)
    said = dkv("push", str(tmp_path / "copy"), "--force")

    assert said.code == 1
    assert words in said.err
    assert held(store) == before


def test_the_state_that_the_yaml_names_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: LocalStore
) -> None:
    (tmp_path / "dkv.yaml").write_text("version: 1\ncloud: emulator\nstate: dkv.json\n")
    monkeypatch.chdir(tmp_path)

    assert main(["state", "list"]) == 0
    assert capsys.readouterr().out == "secret.kv/db\nvault.kv\n"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("azblob://account/container", "It names no account, container and key."),
        (
            "azblob://attacker.example/container/key",
            "A storage account's name has 3 to 24 lower-case letters and digits.",
        ),
        ("azblob://account/Container/key", "A container's name has 3 to 63"),
        ("azblob://account/container/a//b", "in parts between single slashes"),
        ("azblob://account/container/a?b", "in parts between single slashes"),
        ("azblob://account/container/../b", "may end in a dot"),
        ("s3://bucket/key", "there is no such kind of store"),
    ],
)
def test_a_location_that_can_be_no_state_is_refused(
    location: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["list"], ["push", "--from", "a.json"], ["unlock", "--force"]):
        assert main(["state", *command, "--state", location]) == 1
        said = capsys.readouterr().err
        assert "error[state-location]" in said
        assert words in said


def test_push_takes_one_source(dkv: Dkv) -> None:
    assert dkv("push").code == 64
    assert dkv("push", "a", "--from", "b").code == 64


def test_a_state_is_moved_from_one_file_to_another(dkv: Dkv, store: LocalStore, tmp_path: Path) -> None:
    other = tmp_path / "other.json"

    assert main(["state", "push", "--from", str(store.path), "--state", str(other)]) == 0

    moved = asyncio.run(LocalStore(other, SPECS, store.clock).read())
    assert (moved.entries, moved.lineage, moved.serial) == (held(store).entries, held(store).lineage, 2)


def test_an_earlier_state_is_pulled_by_its_serial(dkv: Dkv, store: LocalStore) -> None:
    dkv("rm", "secret.kv/db")

    earlier = json.loads(dkv("pull", "--serial", "1").out)
    assert list(earlier["entries"]) == ["secret.kv/db", "vault.kv"]
    said = dkv("pull", "--serial", "7")
    assert said.code == 1
    assert "has no earlier snapshot with serial 7. Kept are: 1." in said.err


def test_a_damaged_state_is_replaced_only_by_force(dkv: Dkv, store: LocalStore, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    dkv("pull", "--out", str(copy))
    store.path.write_bytes(b"{")

    assert "state-damaged" in dkv("push", str(copy)).err
    assert dkv("push", str(copy), "--force").code == 0
    assert list(held(store).entries) == [SECRET, VAULT]


def test_an_empty_state_is_pulled_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[Any]) -> None:
    assert main(["state", "pull", "--state", str(tmp_path / "none.json")]) == 0
    assert json.loads(capsys.readouterr().out)["serial"] == State().serial
