"""The applier and fingerprint keys: made with the first value, gone after the last and before our grant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.events import Note, Skipped
from declarative_kv.model.address import Address
from declarative_kv.model.errors import Forbidden, StateError
from declarative_kv.model.plan import Action, Change, Options, Reason
from declarative_kv.model.state import Entry
from tests.unit.engine.cloud import BOX, Cloud, MemoryJournal, applied, kept, lying, refusal
from tests.unit.engine.doing import destroy, writing
from tests.unit.engine.fakes import Thing, at, entry, live
from tests.unit.engine.keys import MemoryKeys


async def test_a_value_is_fingerprinted_with_the_key_of_its_vault_which_the_state_remembers() -> None:
    cloud = Cloud()
    changes = [writing("item.x"), writing("item.y")]
    over = await applied(cloud, changes, values={"item.x": "some value", "item.y": "some value"})
    (key,) = [place for place in over.keys.asked if place.startswith("make")]
    assert over.journal.keys[BOX] == {"id": f"{key.removeprefix('make ')}/1", "made": True}
    prints = [over.journal.entries[at(name)].facts["fingerprint"] for name in ("item.x", "item.y")]
    assert prints[0] != prints[1]
    assert {one.spec.value for one in over.journal.entries.values()} == {None}


OURS = frozenset({"red"})
"""Whom the grant that goes is to."""


def all_goes(*, made: bool = True) -> tuple[list[Change], MemoryJournal, MemoryKeys]:
    """Destroys of a secret and of our grant, in a vault that stays; the key in it was made by us or not."""
    keys = MemoryKeys()
    key = keys.add(f"{BOX}/secrets/dkv-fingerprint-key")
    mine, theirs = kept("item.x"), entry("grant.g")
    journal = MemoryJournal(mine, theirs, keys={BOX: {"id": key.id, "made": made}})
    changes = [
        destroy(mine, lying("item.x"), Reason.DESTROYING),
        destroy(theirs, live("grant.g"), Reason.DESTROYING, "item.x"),
    ]
    return changes, journal, keys


async def test_our_key_goes_after_the_last_secret_and_before_our_grant() -> None:
    changes, journal, keys = all_goes()
    cloud = Cloud(lying("item.x"), live("grant.g"))
    over = await applied(cloud, changes, journal, keys=keys, options=Options(destroy=True))
    assert (over.codes, journal.entries, journal.keys, keys.keys) == ([], {}, {}, {})
    assert [event.text for event in over.events if isinstance(event, Note)] == ["the fingerprint key in v is deleted"]
    assert cloud.writes() == ["delete x", "delete g"]


async def test_a_key_that_cannot_be_deleted_keeps_the_grant_that_it_takes_to_try_again() -> None:
    changes, journal, keys = all_goes()
    keys.refuse["delete"] = "ForbiddenByPolicy"
    cloud = Cloud(lying("item.x"), live("grant.g"))
    over = await applied(cloud, changes, journal, keys=keys, helpful=OURS, options=Options(destroy=True))
    assert cloud.writes() == ["delete x"]
    assert list(journal.entries) == [at("grant.g")]
    assert BOX in journal.keys
    assert [event.change.address for event in over.events if isinstance(event, Skipped)] == [at("grant.g")]


async def interrupted(keys: MemoryKeys, **recorded: Any) -> tuple[list[Change], MemoryJournal]:
    """The rest of a destroy that was ended after the last secret; what it recorded of the key."""
    key = keys.add(f"{BOX}/secrets/dkv-fingerprint-key")
    theirs = entry("grant.g")
    journal = MemoryJournal(theirs, keys={BOX: {"id": key.id, **recorded}})
    return [destroy(theirs, live("grant.g"), Reason.DESTROYING)], journal


async def test_a_key_that_an_interrupted_destroy_left_goes_before_our_grant() -> None:
    keys = MemoryKeys()
    changes, journal = await interrupted(keys, made=True, going=True)
    keys.refuse["delete"] = "ForbiddenByPolicy"
    cloud = Cloud(live("grant.g"))
    await applied(cloud, changes, journal, keys=keys, helpful=OURS, options=Options(destroy=True))
    assert (cloud.writes(), list(journal.keys)) == ([], [BOX])
    keys.refuse.clear()
    await applied(cloud, changes, journal, keys=keys, helpful=OURS, options=Options(destroy=True))
    assert (cloud.writes(), journal.keys, keys.keys) == (["delete g"], {}, {})


async def test_a_key_that_was_only_announced_is_looked_at_before_it_goes() -> None:
    keys = MemoryKeys()
    changes, journal = await interrupted(keys, made=False, pending="somebody else's")
    await applied(Cloud(live("grant.g")), changes, journal, keys=keys, options=Options(destroy=True))
    assert (journal.keys, len(keys.keys)) == ({}, 1)


async def test_a_key_whose_secrets_went_another_way_is_left_alone() -> None:
    keys = MemoryKeys()
    changes, journal = await interrupted(keys, made=True)
    await applied(Cloud(live("grant.g")), changes, journal, keys=keys, options=Options(destroy=True))
    assert (list(journal.keys), len(keys.keys)) == ([BOX], 1)


async def test_a_destroy_says_in_the_state_which_keys_go_before_anything_does() -> None:
    changes, journal, keys = all_goes()
    cloud = Cloud(lying("item.x"), live("grant.g"))
    cloud.refusals["delete x"] = [refusal(Forbidden, 403)]
    await applied(cloud, changes, journal, keys=keys, options=Options(destroy=True))
    assert journal.keys[BOX]["going"] is True


async def test_a_grant_to_somebody_else_or_elsewhere_does_not_wait_for_the_key() -> None:
    keys = MemoryKeys()
    changes, journal = await interrupted(keys, made=True, going=True)
    elsewhere = replace(live("grant.h"), spec=Thing(name="h", vault="/w", colour="red"))
    changes.append(destroy(replace(entry("grant.h"), spec=elsewhere.spec), elsewhere, Reason.DESTROYING))
    keys.refuse["delete"] = "ForbiddenByPolicy"
    cloud = Cloud(live("grant.g"), elsewhere)
    await applied(cloud, changes, journal, keys=keys, helpful=OURS, options=Options(destroy=True))
    assert cloud.writes() == ["delete h"]


class Ending(MemoryJournal):
    """A journal of a run that is ended at its first drop."""

    async def drop(self, address: Address) -> None:
        raise StateError


async def test_the_key_of_a_vault_is_forgotten_before_the_vault_itself() -> None:
    box = replace(entry("thing.v"), remote_id=BOX)
    journal = Ending(box, keys={BOX: {"id": f"{BOX}/secrets/dkv-fingerprint-key/1", "made": True}})
    await applied(Cloud(), [Change(at("thing.v"), Action.FORGET, Reason.GONE, prior=box)], journal)
    assert (list(journal.entries), journal.keys) == ([at("thing.v")], {})


async def test_the_key_of_a_vault_that_is_gone_is_forgotten() -> None:
    box = replace(entry("thing.v"), remote_id=BOX)
    journal = MemoryJournal(box, keys={BOX: {"id": f"{BOX}/secrets/dkv-fingerprint-key/1", "made": True}})
    await applied(Cloud(), [Change(at("thing.v"), Action.FORGET, Reason.GONE, prior=box)], journal)
    assert journal.keys == {}


async def test_a_secret_that_cannot_be_deleted_keeps_the_key_and_the_grant() -> None:
    changes, journal, keys = all_goes()
    cloud = Cloud(lying("item.x"), live("grant.g"))
    cloud.refusals["delete x"] = [refusal(Forbidden, 403)]
    over = await applied(cloud, changes, journal, keys=keys, options=Options(destroy=True))
    assert (over.codes, keys.asked) == (["refused"], [])
    assert [event.change.address for event in over.events if isinstance(event, Skipped)] == [at("grant.g")]


@pytest.mark.parametrize(
    ("made", "destroy_all", "left"), [(False, True, ()), (True, False, ()), (True, True, ("item.z",))]
)
async def test_a_key_stays_that_is_not_ours_or_still_serves(
    made: bool, destroy_all: bool, left: tuple[str, ...]
) -> None:
    changes, journal, keys = all_goes(made=made)
    for name in left:
        await journal.put(kept(name))
    cloud = Cloud(lying("item.x"), live("grant.g"))
    await applied(cloud, changes, journal, keys=keys, options=Options(destroy=destroy_all))
    assert keys.keys
    assert BOX in journal.keys


async def test_a_vault_that_is_destroyed_takes_its_key_along() -> None:
    changes, journal, keys = all_goes()
    vault = Entry(at("vault.kv"), BOX, Thing(name="kv"))
    cloud = Cloud(lying("item.x"), live("grant.g"))
    gone = destroy(vault, cloud.objects[BOX], Reason.DESTROYING, "item.x")
    over = await applied(cloud, [*changes, gone], journal, keys=keys, options=Options(destroy=True))
    assert (over.codes, journal.keys, keys.asked) == ([], {}, [])
