"""The planner over a kind it has never seen: the table, the bullets under it, and the guards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.plan import plan
from declarative_kv.model.errors import PlanError, UnmanagedExists
from declarative_kv.model.plan import Action, Change, Options, Plan, Reason
from declarative_kv.model.resource import Condition, Importing, Observed, Reading, Resource
from declarative_kv.model.state import Entry, State, Status
from tests.unit.engine.fakes import HEAD, KINDS, at, entry, live, thing


def make(
    wanted: Iterable[Resource] = (),
    prior: Iterable[Entry] = (),
    azure: Iterable[Observed] = (),
    **options: Any,
) -> Plan:
    """A plan over things; observations get their address from their id."""
    resources = {one.address: one for one in wanted}
    entries = {one.address: one for one in prior}
    found = {at(f"{one.kind}.{one.remote_id.rsplit('/', 1)[1]}"): one for one in azure}
    known = {address: one for address, one in found.items() if address in resources or address in entries}
    rest = tuple(one for address, one in found.items() if address not in known)
    reading = Reading(live=known, rest=rest)
    return plan(KINDS, resources, State("line", 1, entries), reading, {}, HEAD, Options(**options))


def only(made: Plan) -> Change:
    (change,) = made.changes
    return change


A = "thing.a"


def test_what_is_nowhere_is_created() -> None:
    assert (only(make([thing(A)])).action, only(make([thing(A)])).reason) == (Action.CREATE, Reason.NEW)


def test_what_vanished_is_created_again_and_reported_as_drift() -> None:
    made = make([thing(A)], [entry(A)])
    assert (only(made).action, only(made).reason) == (Action.CREATE, Reason.VANISHED)
    assert [(drift.address, drift.action) for drift in made.drift] == [(at(A), Action.DESTROY)]


def test_what_is_equal_is_left_alone() -> None:
    made = make([thing(A)], [entry(A)], [live(A)])
    assert only(made).action is Action.NOOP
    assert not made.drift
    assert not made.counts().any


@pytest.mark.parametrize(
    ("wanted", "prior", "azure", "reason"),
    [
        ("blue", "red", "red", Reason.CONFIG_MOVED),
        ("red", "red", "blue", Reason.AZURE_MOVED),
        ("green", "red", "blue", Reason.BOTH_MOVED),
    ],
)
def test_an_update_says_which_side_moved(wanted: str, prior: str, azure: str, reason: Reason) -> None:
    change = only(make([thing(A, wanted)], [entry(A, prior)], [live(A, azure)]))
    assert (change.action, change.reason) == (Action.UPDATE, reason)
    assert [(d.path, d.before, d.after) for d in change.diff] == [(("colour",), azure, wanted)]


def test_what_is_not_written_is_not_compared() -> None:
    assert only(make([thing(A, None)], [entry(A, None)], [live(A, "blue")])).action is Action.NOOP


def test_a_setting_that_leaves_the_yaml_is_named_and_stays() -> None:
    made = make([thing(A, None)], [entry(A, "red")], [live(A, "red")])
    assert only(made).action is Action.NOOP
    assert [(one.address, one.attributes) for one in made.unwritten] == [(at(A), ("colour",))]


def test_an_ignored_attribute_makes_neither_change_nor_drift() -> None:
    made = make([thing(A, "red", ignore=frozenset({"colour"}))], [entry(A, "red")], [live(A, "blue")])
    assert only(made).action is Action.NOOP
    assert not made.drift


def test_an_unmanaged_object_is_an_error_that_suggests_import() -> None:
    with pytest.raises(UnmanagedExists) as caught:
        make([thing(A)], azure=[live(A)])
    assert f"dkv import {A}" in caught.value.diagnostics[0].hint


@pytest.mark.parametrize("options", [{}, {"import_all": True}])
def test_import_takes_over_what_exists(options: dict[str, bool]) -> None:
    importing = Importing.NO if options else Importing.THIS
    made = make([thing(A, "blue", importing=importing)], azure=[live(A, "red")], **options)
    assert only(made).action is Action.IMPORT
    assert (made.counts().imported, made.counts().changed, made.counts().added) == (1, 1, 0)


def test_import_only_blocks_whatever_else_would_be_written() -> None:
    made = make([thing(A, "blue"), thing("thing.b")], azure=[live(A, "red")], import_only=True)
    assert [str(block.address) for block in made.blocked] == [A, "thing.b"]
    assert not make([thing(A)], azure=[live(A)], import_only=True).blocked


def test_a_soft_deleted_object_is_recovered_and_then_made_to_match() -> None:
    change = only(make([thing("item.a", "blue")], [entry("item.a")], [live("item.a", "red", Condition.SOFT_DELETED)]))
    assert change.action is Action.RECOVER
    assert [d.path for d in change.diff] == [("colour",)]


def test_a_soft_deleted_object_of_somebody_else_needs_import_and_leave() -> None:
    deleted = live("item.a", "red", Condition.SOFT_DELETED)
    with pytest.raises(UnmanagedExists):
        make([thing("item.a")], azure=[deleted])
    made = make([thing("item.a", importing=Importing.THIS)], azure=[deleted])
    assert [block.code for block in made.blocked] == ["recover-unmanaged"]


def test_what_is_no_longer_declared_is_destroyed_or_forgotten() -> None:
    assert only(make(prior=[entry(A)], azure=[live(A)])).action is Action.DESTROY
    assert only(make(prior=[entry(A)])).action is Action.FORGET
    gone = live(A, condition=Condition.SOFT_DELETED)
    assert only(make(prior=[entry(A)], azure=[gone])).action is Action.FORGET


def test_protection_is_remembered_by_the_state() -> None:
    made = make(prior=[entry(A, protect=True)], azure=[live(A)])
    assert [block.allow for block in made.blocked] == [f"protected={A}"]
    assert not make(prior=[entry(A, protect=True)], azure=[live(A)], allow=("protected",)).blocked
    assert not make(prior=[entry(A, protect=True)], azure=[live(A)], allow=(f"protected={A}",)).blocked


def test_an_allowed_guard_is_recorded_in_the_plan() -> None:
    made = make(prior=[entry(A, protect=True)], azure=[live(A)], allow=("protected",))
    assert [(block.code, block.allowed) for block in made.blocks] == [("protected", True)]


@pytest.mark.parametrize(
    ("known", "gone", "blocked"),
    [(10, 4, True), (10, 3, False), (9, 9, False), (20, 7, True), (20, 6, False)],
)
def test_many_destroys_are_blocked_over_a_third_of_ten(known: int, gone: int, blocked: bool) -> None:
    names = [f"thing.n{number}" for number in range(known)]
    entries, azure = [entry(name) for name in names], [live(name) for name in names]
    made = make([thing(name) for name in names[gone:]], entries, azure)
    assert [block.code for block in made.blocked] == ["many-destroys"] * blocked
    assert not make(prior=entries, azure=azure, destroy=True).blocked


def test_existing_is_checked_and_never_written() -> None:
    made = make([thing(A, "red", existing=True)], azure=[live(A, "red")])
    assert made.changes == ()
    with pytest.raises(PlanError) as differs:
        make([thing(A, "blue", existing=True)], azure=[live(A, "red")])
    assert differs.value.diagnostics[0].code == "existing-differs"
    with pytest.raises(PlanError) as missing:
        make([thing(A, existing=True)])
    assert missing.value.diagnostics[0].code == "existing-missing"


def test_an_entry_that_becomes_existing_is_forgotten() -> None:
    assert only(make([thing(A, existing=True)], [entry(A)], [live(A)])).action is Action.FORGET


def test_another_name_for_the_same_address_is_immutable() -> None:
    moved = replace(thing(A), spec=replace(thing(A).spec, name="b"))
    with pytest.raises(PlanError) as caught:
        make([moved], [entry(A)], [live(A)])
    assert [problem.code for problem in caught.value.diagnostics] == ["immutable"]


def test_only_grants_and_values_are_replaced_on_request() -> None:
    with pytest.raises(PlanError) as caught:
        make([thing(A)], [entry(A)], [live(A)], replace=frozenset({at(A)}))
    assert caught.value.diagnostics[0].code == "not-replaceable"
    made = make([thing("grant.g")], [entry("grant.g")], [live("grant.g")], replace=frozenset({at("grant.g")}))
    assert (only(made).action, only(made).reason) == (Action.REPLACE, Reason.REQUESTED)
    assert (made.counts().added, made.counts().destroyed) == (1, 1)


def test_a_pending_entry_is_finished() -> None:
    pending = entry(A, status=Status.PENDING)
    assert only(make([thing(A)], [pending])).reason is Reason.INTERRUPTED
    assert not make([thing(A)], [pending]).drift
    change = only(make([thing(A, "blue")], [pending], [live(A)]))
    assert (change.action, change.reason) == (Action.UPDATE, Reason.INTERRUPTED)


def test_refresh_only_writes_nothing_and_forgets_what_is_gone() -> None:
    made = make(
        [thing(A, "green"), thing("thing.b")], [entry(A), entry("thing.b")], [live(A, "blue")], refresh_only=True
    )
    assert [(str(c.address), c.action) for c in made.changes] == [(A, Action.NOOP), ("thing.b", Action.FORGET)]
    assert [str(drift.address) for drift in made.drift] == [A, "thing.b"]


def test_destroy_takes_everything_that_the_state_holds() -> None:
    made = make([thing(A)], [entry(A), entry("thing.b")], [live(A), live("thing.b")], destroy=True)
    assert [c.reason for c in made.changes] == [Reason.DESTROYING] * 2


def test_a_target_brings_what_it_needs_and_an_exclude_takes_what_needs_it() -> None:
    wanted = [thing("thing.a", needs=("thing.b",)), thing("thing.b"), thing("thing.c")]
    targeted = make(wanted, targets=(at("thing.a"),))
    assert [str(c.address) for c in targeted.changes] == ["thing.b", "thing.a"]
    excluded = make(wanted, excludes=(at("thing.b"),))
    assert [str(c.address) for c in excluded.changes] == ["thing.c"]
    with pytest.raises(PlanError) as caught:
        make(wanted, targets=(at("thing.zzz"),))
    assert caught.value.diagnostics[0].code == "unknown-address"


def test_an_equal_grant_under_another_id_satisfies_ours_and_is_never_deleted_by_us() -> None:
    other = replace(live("grant.g"), remote_id="/v/grant/g")
    other = replace(other, remote_id="/elsewhere/g")
    made = make([thing("grant.g")], azure=[other])
    assert (only(made).action, only(made).facts) == (Action.NOOP, {"shared": True})
    shared = entry("grant.g", facts={"shared": True})
    assert only(make(prior=[shared], azure=[live("grant.g")])).action is Action.FORGET
    imported = make([thing("grant.g", importing=Importing.THIS)], azure=[other])
    assert only(imported).action is Action.IMPORT


def test_an_equal_grant_with_other_settings_is_somebody_elses_object() -> None:
    other = replace(live("grant.g", "blue"), remote_id="/elsewhere/g")
    with pytest.raises(UnmanagedExists):
        make([thing("grant.g")], azure=[other])
    imported = make([thing("grant.g", importing=Importing.THIS)], azure=[other])
    assert (only(imported).action, len(only(imported).diff)) == (Action.IMPORT, 1)


def replaced_by(colour: str, **lifecycle: Any) -> Change:
    """A grant that goes to `other` now, who has an equal one of another hand."""
    wanted = thing("grant.g", **lifecycle)
    wanted = replace(wanted, spec=replace(wanted.spec, name="other"))
    there = replace(live("grant.other", colour), remote_id="/elsewhere/other")
    reading = Reading({wanted.address: live("grant.g")}, (there,))
    state = State("line", 1, {wanted.address: entry("grant.g")})
    made = plan(KINDS, {wanted.address: wanted}, state, reading, {}, HEAD, Options())
    shared = "grant.g is there already, under another id: it is shared, and never deleted from here"
    assert (shared in made.notes) == only(made).facts["shared"]
    return only(made)


def test_the_equal_grant_that_a_replacement_meets_stays_somebody_elses_unless_it_is_imported() -> None:
    change = replaced_by("red")
    assert (change.action, change.facts) == (Action.REPLACE, {"shared": True})
    imported = replaced_by("blue", importing=Importing.THIS)
    assert (imported.action, imported.facts) == (Action.REPLACE, {"shared": False})
    assert [d.path for d in imported.diff] == [("name",), ("colour",)]
    with pytest.raises(UnmanagedExists) as caught:
        replaced_by("blue")
    assert "under another id, with other settings" in caught.value.diagnostics[0].detail


def test_a_grant_to_somebody_else_now_is_replaced() -> None:
    wanted = replace(thing("grant.g"), spec=replace(thing("grant.g").spec, name="other"))
    change = only(make([wanted], [entry("grant.g")], [live("grant.g")]))
    assert change.action is Action.REPLACE
    assert [(d.path, d.before, d.after) for d in change.diff] == [(("name",), "g", "other")]


def test_import_only_cannot_be_lifted() -> None:
    made = make([thing(A)], import_only=True, allow=("import-only",))
    assert [(block.allow, block.allowed) for block in made.blocks] == [("", False)]


def test_an_import_by_address_is_about_that_address_alone_and_makes_nothing() -> None:
    wanted = [thing(A, importing=Importing.THIS, needs=("thing.b",)), thing("thing.b")]
    made = make(wanted, azure=[live(A), live("thing.b")], targets=(at(A),), alone=True)
    assert [(change.address, change.action) for change in made.changes] == [(at(A), Action.IMPORT)]
    with pytest.raises(PlanError) as raised:
        make(wanted, targets=(at(A),), alone=True)
    assert [one.code for one in raised.value.diagnostics] == ["nothing-to-import"]
