"""Drift says where it was held against, what stands in the YAML for it, and which grants are to nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.changes import Inputs
from declarative_kv.engine.drift import checked_of, drift_of, since_of
from declarative_kv.engine.orphans import grantees, orphans_of
from declarative_kv.engine.plan import only_drift
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.found import Checked
from declarative_kv.model.plan import Action, Options
from declarative_kv.model.resource import Condition, Lifecycle, Observed, OtherPolicy, Reading, Resource
from declarative_kv.model.state import Entry, State
from tests.unit.engine.fakes import HEAD, KINDS, FakeKind, Thing, at, entry, live, thing

PLACE, CLOSER = Span("dkv.yaml", 3, 1), Span("dkv.yaml", 4, 5)
VAULT_ID = "/v/vault/v"


class VaultKind(FakeKind):
    """Things that others lie in."""

    name = "vault"


ALL = {**KINDS, "vault": VaultKind()}


def inputs(
    desired: tuple[Resource, ...] = (),
    state: tuple[Entry, ...] = (),
    seen: tuple[Observed, ...] = (),
    rest: tuple[Observed, ...] = (),
    **reading: Any,
) -> Inputs:
    wanted, entries = {one.address: one for one in desired}, {one.address: one for one in state}
    found = {at(f"{one.kind}.{one.remote_id.split('/', 3)[3]}"): one for one in seen}
    chosen = frozenset(wanted) | frozenset(entries)
    return Inputs(ALL, wanted, State("l", 1, entries), Reading(found, rest, **reading), {}, Options(), chosen)


def grant(name: str, who: str, parent: str | None = None, **fields: Any) -> Observed:
    return Observed("grant", f"/v/grant/{name}", Thing(name=name, colour=who), parent=parent, label=name, **fields)


def vault(policy: OtherPolicy = OtherPolicy.REPORT) -> Resource:
    return Resource(at("vault.v"), Thing(name="v"), lifecycle=Lifecycle(others={"grant": policy}), span=PLACE)


def lone(address: str) -> Resource:
    return replace(thing(address), span=PLACE)


def test_grants_to_whom_the_directory_lacks_are_orphans() -> None:
    given = inputs((lone("grant.mine"), lone("grant.other")), (), (grant("mine", "GONE"), grant("other", "there")))
    assert grantees(given) == {"gone", "there"}
    (orphan,) = orphans_of(given, frozenset({"there"}))
    assert (orphan.address, orphan.principal, orphan.span) == (at("grant.mine"), "GONE", PLACE)


def test_a_grant_that_nobody_declared_stands_at_its_vault() -> None:
    stranger = grant("x", "gone", VAULT_ID)
    (orphan,) = orphans_of(inputs((vault(),), (), (live("vault.v"),), (stranger,)), frozenset())
    assert (orphan.address, orphan.span) == (at("grant.v/x"), PLACE)


def test_strangers_that_are_ignored_or_elsewhere_or_no_grants_are_not_asked_about() -> None:
    seen, strangers = (
        (live("vault.v"),),
        (grant("x", "gone", VAULT_ID), grant("y", "gone", "/elsewhere"), grant("z", "gone")),
    )
    assert orphans_of(inputs((vault(OtherPolicy.IGNORE),), (), seen, strangers), frozenset()) == ()
    assert grantees(inputs((lone("thing.a"),), (), (live("thing.a"),))) == frozenset()


def test_what_is_soft_deleted_or_the_systems_grants_nothing() -> None:
    asleep, system = grant("a", "gone", condition=Condition.SOFT_DELETED), grant("b", "gone", system=True)
    assert grantees(inputs((lone("grant.a"), lone("grant.b")), (), (asleep, system))) == frozenset()


def test_an_orphan_that_only_the_state_knows_has_no_place() -> None:
    (orphan,) = orphans_of(inputs((), (entry("grant.old"),), (grant("old", "gone"),)), frozenset())
    assert orphan.span is None


def test_what_a_run_leaves_out_is_not_asked_about() -> None:
    given = inputs((lone("grant.mine"),), (), (grant("mine", "gone"),))
    assert grantees(replace(given, chosen=frozenset())) == frozenset()


def test_drift_stands_where_the_yaml_says_what_moved() -> None:
    declared = replace(lone("thing.a"), spans={"colour": CLOSER})
    (drift,) = drift_of(inputs((declared,), (entry("thing.a"),), (live("thing.a", "blue"),)))
    assert (drift.action, drift.span) == (Action.UPDATE, CLOSER)
    (drift,) = drift_of(inputs((lone("thing.a"),), (entry("thing.a"),), (live("thing.a", "blue"),)))
    assert drift.span == PLACE
    (drift,) = drift_of(inputs((), (entry("thing.a"),), (live("thing.a", "blue"),)))
    assert drift.span is None


def test_what_could_be_read_was_checked() -> None:
    declared, unread = lone("thing.a"), at("thing.c")
    entries = (entry("thing.a", needs=("thing.b",)), entry("thing.b"), entry("thing.c"))
    given = inputs((declared,), entries, (live("thing.a"), live("thing.b")), unread={unread: Diagnostic("x", "y")})
    assert checked_of(given) == (
        Checked(at("thing.a"), (at("thing.b"),), PLACE, entries[0], live("thing.a")),
        Checked(at("thing.b"), (), None, entries[1], live("thing.b")),
    )


def test_drift_tells_what_its_caller_found_out() -> None:
    given = inputs((lone("grant.mine"),), (), (grant("mine", "gone"),))
    orphans = orphans_of(given, frozenset())
    assert only_drift(given, HEAD, orphans, "a note").orphans == orphans
    assert only_drift(given, HEAD, orphans, "a note").notes == ("a note",)
    assert only_drift(given, HEAD).notes == ()


@pytest.mark.parametrize(
    ("fact", "since"),
    [(0, "1970-01-01T00:00:00Z"), ("2026-11-20T10:00:00.1234567Z", "2026-11-20T10:00:00Z"), (None, "")],
)
def test_both_of_azures_ways_to_write_a_time_are_read(fact: Any, since: str) -> None:
    assert since_of(live("thing.a", facts={"updated": fact})) == since


def test_where_no_fact_tells_when_azures_last_change_of_the_object_does() -> None:
    object_of_azure = live("thing.a", changed="2026-11-20T10:00:00Z")
    assert since_of(object_of_azure) == "2026-11-20T10:00:00Z"
    assert since_of(object_of_azure, "deleted") == ""
    assert since_of(live("thing.a")) == ""
