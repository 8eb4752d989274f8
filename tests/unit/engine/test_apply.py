"""The applier over an Azure of a few lines: what is saved when, what comes first, and what a refusal leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.events import Failed, Finished, Note, Skipped, Started
from declarative_kv.engine.lag import PAUSES
from declarative_kv.engine.steps import PROPAGATION
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Forbidden, NotFound, StateError, StateLockLost, Unavailable
from declarative_kv.model.plan import Action, AttrDiff, Change, Options, Reason
from declarative_kv.model.resource import Condition, Observed, Resource
from declarative_kv.model.state import Entry, Status
from tests.unit.engine.cloud import BOX, Applied, Cloud, MemoryJournal, applied, item, kept, lying, refusal
from tests.unit.engine.fakes import Thing, at, entry, live, thing
from tests.unit.engine.keys import MemoryKeys

A, B = "thing.a", "thing.b"
TO_BLUE = (AttrDiff(("colour",), "red", "blue"),)


def create(address: str = A, **fields: Any) -> Change:
    return Change(at(address), Action.CREATE, Reason.NEW, desired=thing(address), **fields)


def update(prior: Entry, there: Observed) -> Change:
    wanted = thing(str(prior.address), "blue")
    return Change(prior.address, Action.UPDATE, Reason.CONFIG_MOVED, TO_BLUE, desired=wanted, prior=prior, live=there)


def destroy(prior: Entry, there: Observed | None, reason: Reason = Reason.UNDECLARED, *after: str) -> Change:
    waits = frozenset(map(at, after))
    return Change(prior.address, Action.DESTROY, reason, after=waits, prior=prior, live=there)


def statuses(over: Applied) -> list[Status]:
    return [one.status for one in over.journal.written]


async def test_what_could_be_created_is_pending_in_the_state_before_the_call() -> None:
    cloud = Cloud()
    over = await applied(cloud, [create()])
    assert cloud.writes() == ["create a"]
    assert statuses(over) == [Status.PENDING, Status.APPLIED]
    assert [type(event) for event in over.events] == [Started, Finished]
    assert (over.outcome.counts.added, over.codes) == (1, [])


async def test_a_create_that_azure_refuses_leaves_no_entry() -> None:
    cloud = Cloud()
    cloud.refusals["create a"] = [refusal(Forbidden, 403)]
    over = await applied(cloud, [create(), create(B, after=frozenset({at(A)}))])
    assert over.journal.entries == {}
    assert [type(event) for event in over.events] == [Started, Failed, Skipped]
    assert [str(problem.address) for problem in over.outcome.failed] == [A]


async def test_a_create_that_may_have_happened_stays_pending() -> None:
    cloud = Cloud()
    cloud.refusals["create a"] = [refusal(Unavailable, 503)]
    over = await applied(cloud, [create()])
    assert over.journal.entries[at(A)].status is Status.PENDING


async def test_a_refused_create_of_something_known_leaves_the_entry_as_it_was() -> None:
    cloud = Cloud()
    cloud.refusals["create a"] = [refusal(Forbidden, 403)]
    over = await applied(cloud, [replace(create(), prior=entry(A, facts={"kept": 1}))])
    assert over.journal.entries[at(A)] == entry(A, facts={"kept": 1})


async def test_an_update_is_saved_when_it_is_done() -> None:
    cloud = Cloud(live(A))
    over = await applied(cloud, [update(entry(A), live(A))])
    assert cloud.writes() == ["update a"]
    assert over.journal.entries[at(A)].spec.colour == "blue"


async def test_a_refused_update_of_something_that_the_state_does_not_have_is_forgotten_quietly() -> None:
    cloud = Cloud(live(A))
    cloud.refusals["update a"] = [refusal(NotFound, 404)]
    change = replace(update(entry(A), live(A)), prior=None)
    assert (await applied(cloud, [change], MemoryJournal())).journal.entries == {}


@pytest.mark.parametrize(("diff", "calls"), [((), []), (TO_BLUE, ["update a"])])
async def test_an_import_is_saved_before_it_is_brought_into_line(diff: tuple[AttrDiff, ...], calls: list[str]) -> None:
    cloud = Cloud(live(A))
    wanted = thing(A, "blue" if diff else "red")
    change = Change(at(A), Action.IMPORT, Reason.IMPORTING, diff, desired=wanted, live=live(A))
    over = await applied(cloud, [change])
    assert cloud.writes() == calls
    assert statuses(over)[0] is Status.APPLIED
    assert over.journal.entries[at(A)].spec.colour == wanted.spec.colour


def recovering(address: str, wanted: Resource, there: Observed) -> Change:
    return Change(at(address), Action.RECOVER, Reason.SOFT_DELETED, desired=wanted, live=there)


@pytest.mark.parametrize(("colour", "calls"), [("red", ["recover x"]), ("blue", ["recover x", "update x"])])
async def test_what_is_recovered_is_then_made_to_match(colour: str, calls: list[str]) -> None:
    there = lying("item.x", "red", Condition.SOFT_DELETED)
    cloud = Cloud(there)
    over = await applied(cloud, [recovering("item.x", item("item.x", colour), there)])
    assert cloud.writes() == calls
    assert over.journal.entries[at("item.x")].spec.colour == colour


async def test_what_is_destroyed_or_gone_already_leaves_the_state() -> None:
    cloud = Cloud(live(A))
    gone = Change(at(B), Action.FORGET, Reason.GONE, prior=entry(B))
    over = await applied(cloud, [destroy(entry(A), live(A)), gone])
    assert cloud.writes() == ["delete a"]
    assert over.journal.entries == {}


async def test_what_nobody_declared_is_destroyed_without_an_entry_of_its_own() -> None:
    cloud = Cloud(live(A))
    stray = Change(at(A), Action.DESTROY, Reason.OTHERS_DELETE, live=live(A))
    over = await applied(cloud, [stray])
    assert (cloud.writes(), over.codes) == (["delete a"], [])


async def test_what_goes_with_its_vault_needs_no_call_of_its_own() -> None:
    cloud = Cloud()
    over = await applied(cloud, [destroy(kept("item.x"), lying("item.x"), Reason.CONTAINED)])
    assert cloud.calls == []
    assert over.journal.entries == {}


def replacing(prior: Entry, there: Observed | None, wanted: str, reason: Reason = Reason.CONFIG_MOVED) -> Change:
    grant = Resource(prior.address, Thing(name=wanted, colour="red"))
    return Change(prior.address, Action.REPLACE, reason, desired=grant, prior=prior, live=there)


async def test_the_new_grant_is_there_before_the_old_one_goes() -> None:
    cloud = Cloud(live("grant.old"))
    over = await applied(cloud, [replacing(entry("grant.old"), live("grant.old"), "new")])
    assert cloud.calls[:4] == ["read grant", "create new", "read grant", "delete old"]
    assert over.journal.written[0].facts["replaces"] == "/v/grant/old"
    assert over.journal.entries[at("grant.old")].remote_id == "/v/grant/new"


async def test_an_equal_grant_that_is_asked_to_be_replaced_goes_first() -> None:
    cloud = Cloud(live("grant.g"))
    await applied(cloud, [replacing(entry("grant.g"), live("grant.g"), "g", Reason.REQUESTED)])
    assert cloud.writes() == ["delete g", "create g"]


@pytest.mark.parametrize(
    ("prior", "reason"),
    [
        (entry("grant.old", facts={"shared": True}), Reason.CONFIG_MOVED),
        (entry("grant.old"), Reason.HANDED_OVER),
    ],
)
async def test_a_grant_that_is_not_only_ours_stays_where_it_is(prior: Entry, reason: Reason) -> None:
    cloud = Cloud(live("grant.old"))
    await applied(cloud, [replacing(prior, live("grant.old"), "new", reason)])
    assert cloud.writes() == ["create new"]


async def test_an_interrupted_replacement_removes_the_grant_that_it_remembers() -> None:
    cloud = Cloud(live("grant.older"))
    remembering = entry("grant.new", status=Status.PENDING, facts={"replaces": "/v/grant/older"})
    await applied(cloud, [replacing(remembering, None, "new")])
    assert "/v/grant/older" not in cloud.objects


async def test_a_grant_that_the_state_does_not_know_is_not_removed() -> None:
    cloud = Cloud(live("grant.old"))
    await applied(cloud, [replace(replacing(entry("grant.old"), live("grant.old"), "new"), prior=None)])
    assert cloud.writes() == ["create new"]


async def test_the_old_grant_stays_when_the_new_one_cannot_be_seen() -> None:
    cloud = Cloud(live("grant.old"))
    cloud.old = [(live("grant.old"),)] * 20
    over = await applied(cloud, [replacing(entry("grant.old"), live("grant.old"), "new")])
    assert cloud.writes() == ["create new"]
    assert over.codes == ["write-not-taken"]
    assert over.journal.entries[at("grant.old")].status is Status.PENDING


def writing(address: str = "item.x", *after: str) -> Change:
    waits = frozenset(map(at, after))
    return Change(at(address), Action.CREATE, Reason.NEW, desired=item(address), after=waits, writes_value=True)


async def test_a_value_is_fingerprinted_with_the_key_of_its_vault_which_the_state_remembers() -> None:
    cloud = Cloud()
    changes = [writing("item.x"), writing("item.y")]
    over = await applied(cloud, changes, values={"item.x": "some value", "item.y": "some value"})
    (key,) = [place for place in over.keys.asked if place.startswith("make")]
    assert over.journal.keys[BOX] == {"id": f"{key.removeprefix('make ')}/1", "made": True}
    prints = [over.journal.entries[at(name)].facts["fingerprint"] for name in ("item.x", "item.y")]
    assert prints[0] != prints[1]
    assert {one.spec.value for one in over.journal.entries.values()} == {None}


NOT_YET = "ForbiddenByRbac"


def granting(to: str) -> Change:
    return Change(at("grant.g"), Action.CREATE, Reason.NEW, desired=thing("grant.g", to))


async def test_a_fresh_grant_is_given_time_to_take_effect() -> None:
    cloud = Cloud()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, NOT_YET)] * 2
    changes = [granting("Me"), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}))
    assert (over.codes, over.pauses) == ([], [1.0, 2.0])


async def test_a_grant_that_never_takes_effect_is_waited_for_as_long_as_azure_may_need() -> None:
    cloud = Cloud()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, NOT_YET)] * 1000
    changes = [granting("me"), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}))
    assert over.codes == [NOT_YET.lower()]
    assert PROPAGATION <= sum(over.pauses) < PROPAGATION + 30


async def test_a_grant_is_not_waited_for_once_the_run_is_stopped() -> None:
    stop = asyncio.Event()

    class Late(Cloud):
        """The time is up when it is asked for the item."""

        def called(self, verb: str, name: str) -> None:
            if name == "x":
                stop.set()
            super().called(verb, name)

    cloud = Late()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, NOT_YET)] * 1000
    changes = [granting("me"), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}), stop=stop)
    assert (over.codes, over.pauses) == ([NOT_YET.lower()], [1.0])


async def test_each_change_begins_in_a_task_of_its_own() -> None:
    over = await applied(Cloud(), [create(), create(B)])
    assert len(over.begun) == len(set(over.begun)) == 2


@pytest.mark.parametrize(("grantee", "code"), [("somebody else", NOT_YET), ("me", "ForbiddenByFirewall")])
async def test_nobody_waits_for_a_grant_that_would_not_help(grantee: str, code: str) -> None:
    cloud = Cloud()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, code)]
    changes = [granting(grantee), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}))
    assert (over.codes, over.pauses) == ([code.lower()], [])


async def test_lists_that_lag_behind_a_write_are_asked_again() -> None:
    cloud = Cloud()
    cloud.old = [(), ()]
    over = await applied(cloud, [create()])
    assert (over.codes, over.pauses) == ([], list(PAUSES[:2]))


@pytest.mark.parametrize(
    ("change", "shown", "found"),
    [
        (create(), (), "it is not there"),
        (create(), (live(A, "blue"),), "colour is blue, not red"),
        (destroy(entry(A), live(A)), (live(A),), "it is still there"),
        (
            Change(at(A), Action.IMPORT, Reason.IMPORTING, TO_BLUE, desired=thing(A, "blue"), live=live(A)),
            (live(A),),
            "colour is red, not blue",
        ),
    ],
)
async def test_a_write_that_did_not_take_is_an_error(change: Change, shown: tuple[Observed, ...], found: str) -> None:
    cloud = Cloud(*([change.live] if change.live else []))
    cloud.old = [shown] * (len(PAUSES) + 1)
    over = await applied(cloud, [change])
    assert over.codes == ["write-not-taken"]
    assert found in over.outcome.failed[0].detail
    assert over.outcome.done == ()


async def test_what_may_not_be_read_is_believed_to_be_written() -> None:
    cloud = Cloud()
    cloud.refusals["read thing"] = [None, refusal(Forbidden, 403)]
    assert (await applied(cloud, [create()])).codes == []


async def test_a_list_with_an_older_version_is_not_the_write() -> None:
    cloud = Cloud()
    cloud.old = [(lying("item.x", created=5),)] * (len(PAUSES) + 1)
    journal = MemoryJournal(kept("item.x", facts={"created": 9}))
    change = replace(writing(), prior=journal.entries[at("item.x")])
    over = await applied(cloud, [change], journal, values={"item.x": "some value"})
    assert "an older version in the list" in over.outcome.failed[0].detail


def changing(action: Action) -> Change:
    prior, there = entry(A), live(A, condition=Condition.SOFT_DELETED if action is Action.RECOVER else Condition.LIVE)
    match action:
        case Action.UPDATE:
            return update(prior, there)
        case Action.DESTROY:
            return destroy(prior, there)
    return Change(at(A), action, Reason.SOFT_DELETED, desired=thing(A), prior=prior, live=there)


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DESTROY, Action.RECOVER])
async def test_what_is_about_to_be_changed_or_deleted_is_pending_in_the_state_before_the_call(action: Action) -> None:
    change = changing(action)
    assert change.live is not None
    cloud = Cloud(change.live)
    verb = {Action.DESTROY: "delete"}.get(action, action.value)
    cloud.refusals[f"{verb} a"] = [refusal(Unavailable, 503)]
    over = await applied(cloud, [change])
    assert change.prior is not None
    left = replace(change.prior, status=Status.PENDING, facts={"pending": action.value})
    assert (over.codes, over.journal.entries[at(A)]) == (["refused"], left)


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DESTROY, Action.RECOVER])
async def test_what_azure_refuses_to_change_or_delete_is_as_it_was(action: Action) -> None:
    change = changing(action)
    assert change.live is not None
    cloud = Cloud(change.live)
    verb = {Action.DESTROY: "delete"}.get(action, action.value)
    cloud.refusals[f"{verb} a"] = [refusal(Forbidden, 403)]
    over = await applied(cloud, [change])
    assert over.journal.entries[at(A)] == change.prior


async def test_what_an_interrupted_run_saved_of_a_value_outlives_a_change_of_attributes() -> None:
    prior = entry(A, status=Status.PENDING, facts={"seen_version": "v1"})
    cloud = Cloud(live(A))
    cloud.refusals["update a"] = [refusal(Unavailable, 503)]
    over = await applied(cloud, [update(prior, live(A))])
    assert over.journal.entries[at(A)] == prior


async def test_a_grant_goes_with_the_one_that_it_was_to_take_the_place_of() -> None:
    prior = entry("grant.g", status=Status.PENDING, facts={"replaces": "/v/grant/old"})
    cloud = Cloud(live("grant.g"), live("grant.old"))
    over = await applied(cloud, [destroy(prior, live("grant.g"))])
    assert (over.codes, over.journal.entries) == ([], {})
    assert [one for one in cloud.objects if "grant" in one] == []


async def test_a_replacement_that_was_begun_is_finished_and_not_begun_again() -> None:
    prior = entry("grant.g", status=Status.PENDING, facts={"replaces": "/v/grant/old"})
    cloud = Cloud(live("grant.g"), live("grant.old"))
    begun = Change(at("grant.g"), Action.REPLACE, Reason.INTERRUPTED, desired=thing("grant.g"), prior=prior)
    over = await applied(cloud, [replace(begun, live=live("grant.g"))])
    assert (over.codes, [one for one in cloud.objects if "grant" in one]) == ([], ["/v/grant/g"])
    assert over.journal.entries[at("grant.g")].facts == {}


async def test_a_grant_that_is_deleted_first_is_pending_in_the_state_before() -> None:
    cloud = Cloud(live("grant.g"))
    cloud.refusals["delete g"] = [refusal(Unavailable, 503)]
    same = Change(
        at("grant.g"),
        Action.REPLACE,
        Reason.REQUESTED,
        desired=thing("grant.g"),
        prior=entry("grant.g"),
        live=live("grant.g"),
    )
    over = await applied(cloud, [same])
    assert statuses(over) == [Status.PENDING]


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


async def test_what_a_comparison_found_is_saved_although_nothing_is_written() -> None:
    wanted = thing(A, protect=True)
    same = Change(at(A), Action.NOOP, Reason.EQUAL, desired=wanted, prior=entry(A), live=live(A))
    hidden = replace(same, address=at(B), prior=entry(B), known=False)
    journal = MemoryJournal(entry(A), entry(B))
    cloud = Cloud(live(A))
    await applied(cloud, [same, hidden], journal)
    assert cloud.calls == []
    assert [(str(one.address), one.protect) for one in journal.written] == [(A, True)]


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


async def test_a_stop_finishes_what_is_in_flight_and_begins_nothing_more() -> None:
    stop = asyncio.Event()
    stop.set()
    over = await applied(Cloud(), [create(), create(B)], stop=stop)
    assert over.outcome.unstarted == (at(A), at(B))
    assert over.outcome.done == ()


async def test_a_run_that_may_not_save_begins_nothing_more() -> None:
    cloud, journal = Cloud(), MemoryJournal()
    journal.lost = StateLockLost(Diagnostic("state-lock-lost", "The lock on the state is lost", "Somebody took it."))
    journal.allowed = 1
    rest = [create(f"thing.z{number}", after=frozenset({at(A)})) for number in range(40)]

    over = await applied(cloud, [create(), *rest], journal)

    assert cloud.writes() == ["create a"]
    assert set(over.codes) == {"state-lock-lost"}
    assert (len(over.codes), len(over.outcome.unstarted)) == (32, 8), "those that had begun hear of it, no others"
