"""The order of work: its two sentences and the place of the data plane between grants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.engine.order import check_cycles, in_order
from declarative_kv.model.errors import DependencyCycle
from declarative_kv.model.plan import Action, AttrDiff, Change, Reason
from declarative_kv.model.resource import Resource
from tests.unit.engine.fakes import KINDS, Thing, at, entry, live, thing

ME = frozenset({"me"})


def make(address: str, *needs: str, colour: str = "red") -> Change:
    return Change(at(address), Action.CREATE, Reason.NEW, desired=thing(address, colour, needs=needs))


def unmake(address: str, *needs: str, colour: str = "red") -> Change:
    prior = entry(address, colour, needs=needs)
    return Change(at(address), Action.DESTROY, Reason.UNDECLARED, prior=prior, live=live(address, colour))


def order(*changes: Change) -> list[str]:
    return [str(change.address) for change in in_order(KINDS, changes, ME)]


def test_a_resource_is_made_after_what_it_needs() -> None:
    assert order(make("thing.a", "thing.b"), make("thing.b", "thing.c"), make("thing.c")) == [
        "thing.c",
        "thing.b",
        "thing.a",
    ]


def test_a_resource_is_unmade_after_what_needed_it() -> None:
    assert order(unmake("thing.a"), unmake("thing.b", "thing.a"), unmake("thing.c", "thing.b")) == [
        "thing.c",
        "thing.b",
        "thing.a",
    ]


def test_what_turns_away_from_a_resource_does_so_before_it_goes() -> None:
    moved = Change(
        at("thing.b"),
        Action.UPDATE,
        Reason.CONFIG_MOVED,
        desired=thing("thing.b"),
        prior=entry("thing.b", needs=("thing.a",)),
    )
    assert order(unmake("thing.a"), moved) == ["thing.b", "thing.a"]


def test_the_data_plane_comes_after_our_grants_are_made() -> None:
    assert order(make("item.a"), make("grant.z", colour="me")) == ["grant.z", "item.a"]


def test_the_data_plane_comes_before_our_grants_are_removed() -> None:
    assert order(unmake("grant.a", colour="me"), unmake("item.z")) == ["item.z", "grant.a"]


def test_the_data_plane_comes_after_the_switch_of_its_vaults_access_model() -> None:
    switch = Change(
        at("thing.z"),
        Action.UPDATE,
        Reason.CONFIG_MOVED,
        diff=(AttrDiff(("access",), "policies", "rbac"),),
        desired=Resource(at("thing.z"), Thing(name="z", vault="/v")),
    )
    gone = unmake("item.a")
    assert gone.prior is not None
    inside = replace(gone, prior=replace(gone.prior, spec=Thing(name="a", vault="/v/thing/z")))
    assert order(inside, switch) == ["thing.z", "item.a"]
    assert order(gone, switch) == ["item.a", "thing.z"]  # another vault's


def test_grants_to_others_wait_for_nothing() -> None:
    changes = in_order(KINDS, [make("item.a"), make("grant.z", colour="somebody")], ME)
    assert all(not change.after for change in changes)


def test_a_grant_that_needs_the_item_is_not_waited_for_by_it() -> None:
    grant = make("grant.z", colour="me")
    item = make("item.a", "grant.z")
    assert order(item, grant) == ["grant.z", "item.a"]


def test_a_circle_is_an_error_that_prints_all_of_it() -> None:
    circle = {at("thing.a"): thing("thing.a", needs=("thing.b",)), at("thing.b"): thing("thing.b", needs=("thing.a",))}
    with pytest.raises(DependencyCycle) as caught:
        check_cycles(circle)
    detail = caught.value.diagnostics[0].detail
    assert "thing.a needs thing.b" in detail
    assert "thing.b needs thing.a" in detail


def test_a_value_waits_for_our_grants_where_the_shared_key_is() -> None:
    ours = Resource(at("grant.z"), Thing(name="z", vault="/k", colour="me"))
    grant = Change(at("grant.z"), Action.CREATE, Reason.NEW, desired=ours)
    value = replace(make("item.a"), writes_value=True)
    waits = {one.address: one.after for one in in_order(KINDS, [value, grant], ME, key_vault="/k")}
    alone = {one.address: one.after for one in in_order(KINDS, [value, grant], ME)}
    assert (waits[at("item.a")], alone[at("item.a")]) == (frozenset({at("grant.z")}), frozenset())


def test_changes_that_are_put_in_order_again_forget_what_they_came_after() -> None:
    first = in_order(KINDS, [make("thing.a", "thing.b"), make("thing.b")], ME)
    again = in_order(KINDS, first, ME, rules=())
    assert [change.after for change in first] == [frozenset(), frozenset({at("thing.b")})]
    assert [change.after for change in again] == [frozenset(), frozenset()]
