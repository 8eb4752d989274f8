"""Fingerprints, and the ring of keys that they are made with."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import pytest

from declarative_kv.engine.fingerprint import RECOVERED, KeyRing, digest, proof, same_print, same_value, stamp
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.secret import Key, Sensitive
from tests.unit.engine.fakes import at
from tests.unit.engine.keys import PLACE, VAULT, MemoryKeys

OPS = VAULT[:-2] + "ops"
SHARED = f"{OPS}/secrets/team-key"
OTHER = VAULT + "2"
KEY = Key("k/1", Sensitive("k" * 44))


async def ignored(vault: str, facts: Mapping[str, Any]) -> None:
    """Whoever is not interested in what is about to be made."""


@pytest.fixture
def store() -> MemoryKeys:
    return MemoryKeys()


def test_a_fingerprint_is_the_documented_one() -> None:
    message = (13).to_bytes(4, "big") + b"secret.kv/pwd" + "wörd".encode()
    expected = hmac.new(b"k" * 44, message, hashlib.sha256).hexdigest()
    assert digest(KEY, at("secret.kv/pwd"), Sensitive("wörd")) == expected


def test_the_length_keeps_address_and_value_apart() -> None:
    assert digest(KEY, at("secret.kv/a"), Sensitive("bc")) != digest(KEY, at("secret.kv/ab"), Sensitive("c"))


def test_a_value_that_is_no_unicode_text_has_a_fingerprint_too() -> None:
    assert len(digest(KEY, at("secret.kv/a"), Sensitive("\ud800"))) == 64


def test_a_key_does_not_print() -> None:
    assert "kkk" not in f"{KEY!r} {KEY} {[KEY]}"


def test_a_stamp_names_the_key_and_is_empty_without_one() -> None:
    place, value = at("secret.kv/a"), Sensitive("v")
    assert stamp(KEY, place, value) == {"fingerprint": digest(KEY, place, value), "fingerprint_key": "k/1"}
    assert stamp(None, place, value) == {}


@pytest.mark.parametrize(
    ("one", "other", "equal"), [("a", "a", True), ("a", "b", False), (None, None, False), ("a", None, False)]
)
def test_only_fingerprints_that_are_there_can_be_equal(one: str | None, other: str | None, equal: bool) -> None:
    assert same_print(one, other) is equal


def test_values_are_compared_as_bytes() -> None:
    assert same_value(Sensitive("ä\ud800"), Sensitive("ä\ud800"))
    assert not same_value(Sensitive("ä"), Sensitive("a"))


async def test_a_vaults_key_is_asked_for_once(store: MemoryKeys) -> None:
    key = store.add()
    ring = KeyRing(store)
    assert await asyncio.gather(ring.existing(VAULT), ring.existing(VAULT.upper()), ring.existing(VAULT)) == [key] * 3
    assert await ring.ensure(VAULT, ignored) == key
    assert store.asked == ["find /secrets/dkv-fingerprint-key"]


async def test_a_key_that_nobody_made_is_not_made_by_looking(store: MemoryKeys) -> None:
    ring = KeyRing(store)
    assert await ring.existing(VAULT) is None
    assert await ring.existing(VAULT) is None
    assert store.asked == ["find /secrets/dkv-fingerprint-key"]
    assert ring.facts == {}


async def test_writers_side_by_side_get_one_new_key(store: MemoryKeys) -> None:
    ring = KeyRing(store)
    await ring.existing(VAULT)
    made = await asyncio.gather(*(ring.ensure(VAULT, ignored) for _ in range(5)))
    assert len(set(made)) == 1
    assert [asked for asked in store.asked if asked.startswith("make")] == ["make /secrets/dkv-fingerprint-key"]
    assert ring.facts == {VAULT.lower(): {"id": f"{PLACE}/1", "made": True}}


async def test_a_key_that_was_there_is_not_recorded_as_ours(store: MemoryKeys) -> None:
    store.add()
    ring = KeyRing(store)
    await ring.ensure(VAULT, ignored)
    assert ring.facts == {VAULT.lower(): {"id": f"{PLACE}/1", "made": False}}


async def test_a_key_that_an_earlier_run_made_stays_ours(store: MemoryKeys) -> None:
    store.add()
    ring = KeyRing(store, recorded={VAULT.lower(): {"id": f"{PLACE}/1", "made": True}})
    await ring.existing(VAULT)
    assert ring.facts[VAULT.lower()]["made"] is True


async def test_entries_that_name_the_latest_version_cost_one_request(store: MemoryKeys) -> None:
    key = store.add()
    ring = KeyRing(store)
    assert [await ring.by_id(key.id) for _ in range(3)] == [key] * 3
    assert store.asked == ["find /secrets/dkv-fingerprint-key"]


async def test_an_older_version_is_fetched_once(store: MemoryKeys) -> None:
    old, new = store.add(), store.add(text="n" * 44)
    ring = KeyRing(store)
    assert [await ring.by_id(old.id), await ring.by_id(old.id), await ring.existing(VAULT)] == [old, old, new]
    assert store.asked == ["find /secrets/dkv-fingerprint-key", "version /secrets/dkv-fingerprint-key/1"]


async def test_a_version_that_is_gone_is_none(store: MemoryKeys) -> None:
    store.add()
    assert await KeyRing(store).by_id(f"{PLACE}/gone") is None


async def test_a_shared_key_serves_every_vault(store: MemoryKeys) -> None:
    ring = KeyRing(store, shared=SHARED)
    assert await ring.ensure(VAULT, ignored) == await ring.ensure(OTHER, ignored)
    assert (ring.holder(VAULT), ring.holder(OTHER)) == (OPS.lower(), OPS.lower())
    assert list(ring.facts) == [OPS.lower()]


async def test_entries_from_before_the_key_was_shared_are_still_told(store: MemoryKeys) -> None:
    own, shared = store.add(), store.add(SHARED)
    ring = KeyRing(store, shared=SHARED)
    assert [await ring.by_id(own.id), await ring.existing(VAULT)] == [own, shared]


async def test_without_fingerprints_nothing_is_asked(store: MemoryKeys) -> None:
    key = store.add()
    ring = KeyRing(store, off=True)
    assert [await ring.existing(VAULT), await ring.by_id(key.id), await ring.ensure(VAULT, ignored)] == [None] * 3
    assert store.asked == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [("ForbiddenByRbac", "there is no right to read or make it"), ("SecretDisabled", "it is disabled")],
)
async def test_a_key_that_must_not_be_read_is_noted_once(store: MemoryKeys, code: str, reason: str) -> None:
    key = store.add()
    store.refuse = {"find": code, "version": code}
    ring = KeyRing(store)
    assert [await ring.existing(VAULT), await ring.by_id(key.id), await ring.ensure(VAULT, ignored)] == [None] * 3
    assert ring.notes == (f"The fingerprint key dkv-fingerprint-key of kv is not used: {reason}.",)


async def test_a_writer_that_waits_for_a_grant_sees_the_refusal_and_then_the_key(store: MemoryKeys) -> None:
    store.refuse = {"find": "ForbiddenByRbac"}
    ring = KeyRing(store)
    assert await ring.existing(VAULT) is None
    with pytest.raises(Forbidden):
        await ring.ensure(VAULT, ignored, patient=True)
    store.refuse = {}
    key = await ring.ensure(VAULT, ignored, patient=True)
    assert key is not None
    assert await ring.existing(VAULT) == key


async def test_a_key_that_could_be_guessed_is_not_used(store: MemoryKeys) -> None:
    store.add(text="k" * 31)
    ring = KeyRing(store)
    assert await ring.ensure(VAULT, ignored) is None
    assert ring.notes == ("The fingerprint key dkv-fingerprint-key of kv is not used: it is shorter than 32 bytes.",)


async def test_a_key_is_deleted_where_the_state_recorded_it(store: MemoryKeys) -> None:
    store.add(SHARED)
    ring = KeyRing(store, shared=SHARED, recorded={OPS.lower(): {"id": f"{SHARED}/1", "made": True}})
    await ring.existing(VAULT)
    await ring.delete(OPS)
    assert store.keys == {}
    assert ring.facts == {}


async def test_a_key_is_deleted_under_its_usual_name_where_nothing_is_recorded(store: MemoryKeys) -> None:
    store.add()
    await KeyRing(store).delete(VAULT)
    assert store.keys == {}


async def interrupted(store: MemoryKeys) -> dict[str, dict[str, Any]]:
    """What a run that ended right after it made a key has recorded."""
    recorded: dict[str, dict[str, Any]] = {}

    async def record(vault: str, facts: Mapping[str, Any]) -> None:
        recorded[vault] = dict(facts)

    await KeyRing(store).ensure(VAULT, record)
    return recorded


async def test_a_key_is_announced_by_what_only_its_maker_knows(store: MemoryKeys) -> None:
    recorded = await interrupted(store)
    assert recorded == {VAULT.lower(): {"made": False, "pending": proof(PLACE, store.keys[PLACE][0].secret)}}


async def test_a_key_that_an_interrupted_run_made_is_ours(store: MemoryKeys) -> None:
    ring = KeyRing(store, recorded=await interrupted(store))
    await ring.ensure(VAULT, ignored)
    assert [facts["made"] for facts in ring.facts.values()] == [True]


async def test_a_key_that_somebody_else_made_meanwhile_is_not_ours(store: MemoryKeys) -> None:
    recorded = await interrupted(store)
    store.keys.clear()
    store.add()
    ring = KeyRing(store, recorded=recorded)
    await ring.ensure(VAULT, ignored)
    assert [facts["made"] for facts in ring.facts.values()] == [False]


async def test_a_key_that_an_interrupted_run_brought_back_is_ours(store: MemoryKeys) -> None:
    store.add()
    await store.delete(PLACE)
    recorded = await interrupted(store)
    assert recorded[VAULT.lower()]["pending"] == RECOVERED
    ring = KeyRing(store, recorded=recorded)
    await ring.existing(VAULT)
    assert [facts["made"] for facts in ring.facts.values()] == [True]


@pytest.mark.parametrize("ours", [True, False])
async def test_what_an_interrupted_run_made_is_deleted_only_where_it_is_ours(ours: bool, store: MemoryKeys) -> None:
    recorded = await interrupted(store)
    if not ours:
        store.keys.clear()
        store.add()
    assert await KeyRing(store, recorded=recorded).delete(VAULT) is ours
    assert (PLACE in store.keys) is not ours
