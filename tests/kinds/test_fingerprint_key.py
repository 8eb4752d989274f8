"""The fingerprint key in a real vault: made once, tagged, never listed as a secret of anybody's."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from declarative_kv.azure.session import Session
from declarative_kv.emulator.world import World
from declarative_kv.kinds.fingerprint_key import FingerprintKeys
from declarative_kv.kinds.secret import SecretKind
from declarative_kv.model.errors import Conflict, Forbidden, NotFound
from declarative_kv.model.resource import Scope
from declarative_kv.model.secret import Key, Sensitive
from declarative_kv.model.specs import SecretSpec
from tests.kinds.cases import CASES, VAULT_ID
from tests.kinds.conftest import needs_of

PLACE = f"{VAULT_ID}/secrets/dkv-fingerprint-key"


@pytest.fixture
async def keys(azure: Session) -> FingerprintKeys:
    await replace(CASES["secret"], needs=await needs_of(CASES["secret"], azure)).prepare(azure)
    return FingerprintKeys(azure)


async def made_at(keys: FingerprintKeys, place: str = PLACE) -> Key:
    """A new key, where none is in the way."""
    made = await keys.make(place, keys.draw())
    assert made is not None
    return made


async def test_a_key_is_found_as_it_was_made(keys: FingerprintKeys) -> None:
    assert await keys.find(PLACE) is None
    made = await made_at(keys)
    assert made.made
    assert made.id.startswith(f"{PLACE}/")
    assert await keys.find(PLACE) == await keys.version(made.id) == replace(made, made=False)


async def test_two_keys_differ_and_are_random_bytes(keys: FingerprintKeys) -> None:
    first, second = await made_at(keys), await made_at(keys, f"{VAULT_ID}/secrets/other-key")
    assert first.secret != second.secret
    assert len(base64.b64decode(first.secret.reveal(), validate=True)) == 32


async def test_a_version_that_was_never_made_is_none(keys: FingerprintKeys) -> None:
    await made_at(keys)
    assert await keys.version(f"{PLACE}/{'0' * 32}") is None


async def test_the_key_counts_as_part_of_the_system(keys: FingerprintKeys, azure: Session) -> None:
    await made_at(keys)
    (listed,) = await SecretKind().read(azure, Scope("secret", VAULT_ID))
    assert (listed.system, listed.label, listed.spec.tags) == (True, "dkv-fingerprint-key", {"dkv": "fingerprint"})


async def test_a_deleted_key_comes_back_with_its_old_fingerprints(keys: FingerprintKeys) -> None:
    made = await made_at(keys)
    await keys.delete(PLACE)
    assert await keys.find(PLACE) is None
    assert await keys.make(PLACE, keys.draw()) is None
    assert await keys.recover(PLACE) == made


async def test_deleting_a_key_that_is_gone_is_no_error(keys: FingerprintKeys) -> None:
    await keys.delete(PLACE)


async def test_a_disabled_key_is_refused_with_its_reason(keys: FingerprintKeys, azure: Session) -> None:
    spec = SecretSpec(vault=VAULT_ID, name="dkv-fingerprint-key", enabled=False, value=Sensitive("k" * 44))
    await SecretKind().create(azure, spec)
    with pytest.raises(Forbidden) as caught:
        await keys.find(PLACE)
    assert caught.value.code == "SecretDisabled"


async def test_a_conflict_that_is_no_deletion_is_told(keys: FingerprintKeys, world: World) -> None:
    world.fail("PUT", "/secrets/dkv-fingerprint-key", status=409, times=1)
    with pytest.raises(Conflict):
        await made_at(keys)


async def test_a_key_that_goes_again_while_it_comes_back_is_told(keys: FingerprintKeys, world: World) -> None:
    await made_at(keys)
    await keys.delete(PLACE)
    world.fail("GET", "/secrets/dkv-fingerprint-key", status=404)
    with pytest.raises(NotFound):
        await keys.recover(PLACE)
