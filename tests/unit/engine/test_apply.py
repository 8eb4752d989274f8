"""The applier over an Azure of a few lines: what is saved when, what comes first, and what a refusal leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from declarative_kv.engine.events import Failed, Finished, Skipped, Started
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Forbidden, NotFound, StateLockLost, Unavailable
from declarative_kv.model.plan import Action, AttrDiff, Change, Reason
from declarative_kv.model.resource import Condition, Observed, Resource
from declarative_kv.model.state import Status
from tests.unit.engine.cloud import Cloud, MemoryJournal, applied, item, kept, lying, refusal
from tests.unit.engine.doing import TO_BLUE, A, B, create, destroy, statuses, update
from tests.unit.engine.fakes import at, entry, live, thing


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


async def test_each_change_begins_in_a_task_of_its_own() -> None:
    over = await applied(Cloud(), [create(), create(B)])
    assert len(over.begun) == len(set(over.begun)) == 2


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


async def test_what_a_comparison_found_is_saved_although_nothing_is_written() -> None:
    wanted = thing(A, protect=True)
    same = Change(at(A), Action.NOOP, Reason.EQUAL, desired=wanted, prior=entry(A), live=live(A))
    hidden = replace(same, address=at(B), prior=entry(B), known=False)
    journal = MemoryJournal(entry(A), entry(B))
    cloud = Cloud(live(A))
    await applied(cloud, [same, hidden], journal)
    assert cloud.calls == []
    assert [(str(one.address), one.protect) for one in journal.written] == [(A, True)]


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
    assert (len(over.codes), len(over.outcome.unstarted)) == (1, 39), "who had begun hears of it, no others"


@pytest.mark.parametrize(
    "change",
    [
        Change(at(A), Action.DESTROY, Reason.OTHERS_DELETE, live=live(A)),
        update(entry(A, status=Status.PENDING), live(A)),
    ],
    ids=["what nobody declared", "what an earlier run left open"],
)
async def test_what_nothing_is_saved_of_is_left_alone_once_the_lock_is_taken(change: Change) -> None:
    cloud, journal = Cloud(live(A)), MemoryJournal(*([change.prior] if change.prior else []))
    journal.taken = StateLockLost(Diagnostic("state-lock-lost", "The lock on the state is lost"))
    over = await applied(cloud, [change], journal)
    assert (over.codes, cloud.writes()) == (["state-lock-lost"], [])


async def test_changes_that_wait_for_a_place_do_not_begin_after_a_stop() -> None:
    stop, cloud = asyncio.Event(), Cloud()
    journal = MemoryJournal()
    journal.lost = StateLockLost(Diagnostic("state-lock-lost", "The lock on the state is lost", "Somebody took it."))
    over = await applied(cloud, [create(f"thing.z{number:02}") for number in range(40)], journal, stop=stop)
    assert (len(over.codes), len(over.outcome.unstarted), stop.is_set()) == (1, 39, True)
