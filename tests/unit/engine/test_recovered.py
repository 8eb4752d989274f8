"""A vault that comes back: what the plan expects of it, and what an apply then does and does not do."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.engine.plan import plan
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.plan import Action, Change, Options, Plan, Reason
from declarative_kv.model.resource import Condition, Observed, Reading, Resource
from declarative_kv.model.state import Entry, State
from tests.unit.engine.cloud import BOX, Applied, Cloud, MemoryJournal, applied, item, kept, lying, refusal
from tests.unit.engine.fakes import HEAD, DataKind, FakeKind, Thing, at, entry, thing

VAULT, X = "vault.kv", "item.kv/x"
GONE = Observed("vault", BOX, Thing(name="kv", colour="red"), Condition.SOFT_DELETED)


class Vaults(FakeKind):
    """Vaults, for the planner."""

    name = "vault"


class Secrets(DataKind):
    """What lies in them, for the planner."""

    name = "secret"


def planned(wanted: list[Resource], prior: list[Entry], **options: Any) -> Plan:
    """A plan whose vault is soft-deleted, so that nothing in it can be seen."""
    kinds: Any = {"vault": Vaults(), "secret": Secrets()}
    gone = Observed("vault", "/v/vault/kv", Thing(name="kv"), Condition.SOFT_DELETED)
    entries = {one.address: one for one in prior}
    desired = {one.address: one for one in wanted}
    return plan(
        kinds, desired, State("line", 1, entries), Reading(live={at(VAULT): gone}), {}, HEAD, Options(**options)
    )


S = "secret.kv/x"


@pytest.mark.parametrize(
    ("wanted", "action"),
    [
        ([thing(S, "red")], Action.NOOP),
        ([thing(S, "blue")], Action.UPDATE),
        ([], Action.DESTROY),
    ],
)
def test_what_lies_in_a_vault_that_comes_back_is_expected_as_it_was_applied(
    wanted: list[Resource], action: Action
) -> None:
    made = planned([thing(VAULT), *wanted], [entry(VAULT), entry(S, "red")])
    change = next(change for change in made.changes if change.address == at(S))
    assert (change.action, change.known) == (action, False)


def test_what_the_yaml_changed_of_the_vault_meanwhile_is_in_the_plan() -> None:
    made = planned([thing(VAULT, "blue")], [entry(VAULT, "red")])
    (change,) = made.changes
    assert (change.action, [(d.before, d.after) for d in change.diff]) == (Action.RECOVER, [("red", "blue")])


def test_what_leaves_the_yaml_is_destroyed_after_its_vault_is_back() -> None:
    made = planned([thing(VAULT)], [entry(VAULT), entry(S)])
    change = next(change for change in made.changes if change.address == at(S))
    assert change.after == {at(VAULT)}


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [([thing(VAULT), thing(S)], {at(VAULT), at(S)}), ([thing(VAULT)], {at(VAULT), at(S)}), ([], set())],
    ids=["all declared", "the vault declared", "nothing declared"],
)
def test_a_refresh_only_run_forgets_nothing_that_a_later_run_brings_back(
    wanted: list[Resource], kept: set[Any]
) -> None:
    made = planned(wanted, [entry(VAULT), entry(S)], refresh_only=True)
    assert {change.address for change in made.changes if change.action is not Action.FORGET} == kept


def vault(wanted: str = "red", *diff: Any) -> Change:
    """The recovery of a vault that was applied red."""
    prior = Entry(at(VAULT), BOX, Thing(name="kv", colour="red"))
    return Change(
        at(VAULT),
        Action.RECOVER,
        Reason.SOFT_DELETED,
        tuple(diff),
        desired=thing(VAULT, wanted),
        prior=prior,
        live=GONE,
        known=False,
    )


def inside(action: Action, wanted: Resource | None, *diff: Any) -> Change:
    """What happens to the thing in the vault, known only after the recovery."""
    return Change(at(X), action, Reason.CONFIG_MOVED, tuple(diff), frozenset({at(VAULT)}), wanted, kept(X), known=False)


async def recovered(back: list[Observed], *changes: Change) -> tuple[Cloud, Applied]:
    """An apply after which the vault and these things are there."""
    cloud = Cloud(GONE, *back)
    journal = MemoryJournal(*(change.prior for change in changes if change.prior is not None))
    return cloud, await applied(cloud, changes, journal)


def difference(before: str, after: str) -> Any:
    """A change of colour."""
    (found,) = FakeKind().diff(Thing(name="x", colour=after), Thing(name="x", colour=before))
    return found


async def test_a_vault_that_came_back_as_it_was_needs_nothing_more() -> None:
    cloud, over = await recovered([lying(X)], vault(), inside(Action.NOOP, item(X)))
    assert (cloud.writes(), over.codes) == (["recover kv"], [])


async def test_changes_that_the_plan_printed_are_made_after_the_recovery() -> None:
    change = inside(Action.UPDATE, item(X, "blue"), difference("red", "blue"))
    cloud, over = await recovered([lying(X)], vault("green", difference("red", "green")), change)
    assert (cloud.writes(), over.codes) == (["recover kv", "update kv", "update kv/x"], [])
    assert over.journal.entries[at(VAULT)].spec.colour == "green"


async def test_what_the_yaml_no_longer_has_goes_once_it_is_back() -> None:
    cloud, over = await recovered([lying(X)], vault(), inside(Action.DESTROY, None))
    assert cloud.writes() == ["recover kv", "delete kv/x"]
    assert at(X) not in over.journal.entries


@pytest.mark.parametrize(
    "back",
    [[lying(X, "yellow")], []],
    ids=["as nobody applied it", "missing"],
)
async def test_what_the_plan_did_not_print_stops_the_apply(back: list[Observed]) -> None:
    change = inside(Action.UPDATE, item(X, "blue"), difference("red", "blue"))
    cloud, over = await recovered(back, vault("green", difference("red", "green")), change)
    assert (cloud.writes(), over.codes) == (["recover kv"], ["known-after-recover"])
    assert over.journal.entries[at(VAULT)].spec.colour == "red", "the state must not claim what was not written"


async def test_a_thing_that_is_to_be_made_and_came_back_with_the_vault_stops_the_apply() -> None:
    making = Change(at(X), Action.CREATE, Reason.NEW, after=frozenset({at(VAULT)}), desired=item(X))
    cloud, over = await recovered([lying(X)], vault(), making)
    assert (cloud.writes(), over.codes) == (["recover kv"], ["known-after-recover"])


async def test_ignored_attributes_are_sent_as_they_are() -> None:
    there = lying(X, "yellow")
    change = Change(
        at(X),
        Action.UPDATE,
        Reason.CONFIG_MOVED,
        (difference("red", "blue"),),
        desired=item(X, "blue", ignore={"colour"}),
        prior=kept(X),
        live=there,
    )
    cloud = Cloud(there)
    await applied(cloud, [change])
    assert cloud.objects[there.id].spec.colour == "yellow"


async def test_a_vault_of_somebody_elses_that_differs_is_ours_as_it_is() -> None:
    taken = Change(at(VAULT), Action.RECOVER, Reason.IMPORTING, desired=thing(VAULT, "blue"), live=GONE, known=False)
    cloud, over = await recovered([], taken)
    assert (cloud.writes(), over.codes) == (["recover kv"], ["known-after-recover"])
    assert over.journal.entries[at(VAULT)].spec.colour == "red"


async def test_what_was_seen_when_the_plan_was_made_need_not_be_looked_at_again() -> None:
    seen = Change(at("thing.kv/y"), Action.NOOP, Reason.EQUAL, desired=thing("thing.kv/y"), known=True)
    assert (await recovered([], vault(), seen))[1].codes == []


@pytest.mark.parametrize(
    ("action", "codes"), [(Action.NOOP, []), (Action.UPDATE, ["known-after-recover"])], ids=["stays", "changes"]
)
async def test_what_cannot_be_read_after_the_recovery_stops_only_what_would_change_it(
    action: Action, codes: list[str]
) -> None:
    cloud = Cloud(GONE, lying(X))
    cloud.refusals["read item"] = [refusal(Forbidden, 403)] * 9
    change = inside(action, item(X, "blue"), difference("red", "blue"))
    journal = MemoryJournal(kept(X))
    over = await applied(cloud, [vault(), change], journal)
    assert (cloud.writes(), over.codes) == (["recover kv"], codes)
