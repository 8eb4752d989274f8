"""Which shard an address belongs to, what a run of one shard looks at, and whose state it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.engine.plan import plan
from declarative_kv.engine.select import select
from declarative_kv.engine.shard import (
    away,
    check_beside,
    check_members,
    check_state,
    marked,
    members,
    missing_elsewhere,
    needed_elsewhere,
    number_of,
    own,
)
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.errors import PlanError, StateConflict
from declarative_kv.model.plan import Action, Block, Change, Options, Reason
from declarative_kv.model.resource import Condition, Desired, Lifecycle, Reading
from declarative_kv.model.shard import Shard
from declarative_kv.model.state import State
from tests.unit.engine.fakes import HEAD, KINDS, at, entry, live, thing

THREE = [Shard(number, 3) for number in (1, 2, 3)]
ESTATE = [
    thing("resource_group.rg"),
    *(thing(f"vault.{key}", needs=("resource_group.rg",)) for key in ("payments", "hr", "web", "ops")),
    *(thing(f"secret.{key}/db", needs=(f"vault.{key}",)) for key in ("payments", "hr", "web", "ops")),
    thing("role_assignment.hr/sre/reader", needs=("vault.hr",)),
    thing("role_assignment.wide", needs=("resource_group.rg",)),
    thing("role_assignment.to-web", needs=("vault.web",)),
    thing("role_assignment.to-one", needs=("secret.ops/db",)),
    thing("reader_role.all"),
]
DESIRED: Desired = {one.address: one for one in ESTATE}


def shard_of(address: str, of: int = 3) -> int:
    resource = DESIRED[at(address)]
    return number_of(resource.address, resource.depends_on, of)


@pytest.mark.parametrize(
    ("vault", "of_4", "of_16"), [("payments", 4, 12), ("hr", 1, 1), ("kv-000", 3, 15), ("kv-199", 1, 9)]
)
def test_where_a_vault_belongs_never_changes(vault: str, of_4: int, of_16: int) -> None:
    assert (number_of(at(f"vault.{vault}"), (), 4), number_of(at(f"vault.{vault}"), (), 16)) == (of_4, of_16)


def test_what_lies_below_a_vault_or_is_for_one_goes_with_it() -> None:
    assert shard_of("secret.hr/db") == shard_of("vault.hr") == shard_of("role_assignment.hr/sre/reader")
    assert shard_of("role_assignment.to-web") == shard_of("vault.web")
    assert shard_of("role_assignment.to-one") == shard_of("vault.ops")


@pytest.mark.parametrize("address", ["resource_group.rg", "role_assignment.wide", "reader_role.all"])
def test_what_belongs_to_no_vault_is_the_first_ones(address: str) -> None:
    assert shard_of(address, 9) == 1


def test_every_address_belongs_to_exactly_one_shard_and_the_first_needs_no_other() -> None:
    parts = [members(DESIRED, shard) for shard in THREE]
    assert sorted(one for part in parts for one in part) == sorted(DESIRED)
    assert needed_elsewhere(DESIRED, parts[0], THREE[0], None) == frozenset()


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "01/4", "1/4 ", "-1/4", "a/b", "1/99999", "1/2/3"])
def test_a_shard_is_written_as_one_of_so_many(text: str) -> None:
    with pytest.raises(ValueError, match="is not a shard such as 2/4"):
        Shard.parse(text)
    assert str(Shard.parse("2/4")) == "2/4"


def test_a_run_is_about_its_shard_and_all_of_its_state() -> None:
    state = State(entries={at("secret.gone/x"): entry("secret.gone/x")})
    for shard in THREE:
        assert select(DESIRED, state, Options(shard=shard)) == members(DESIRED, shard) | state.entries.keys()
    target = Options(shard=Shard(shard_of("vault.hr"), 3), targets=(at("vault.hr"),))
    assert at("resource_group.rg") not in select(DESIRED, State(), target)


def test_what_moved_to_another_shard_is_no_longer_declared_in_its_old_one() -> None:
    moved = at("role_assignment.to-web")
    there, elsewhere = shard_of("vault.web"), next(s for s in THREE if s.number != shard_of("vault.web"))
    held = State(entries={moved: entry(str(moved))})
    assert moved not in own(DESIRED, held, elsewhere)
    assert moved in own(DESIRED, held, Shard(there, 3))
    assert own(DESIRED, held, None) is DESIRED
    assert away(DESIRED, held, elsewhere) == {moved: DESIRED[moved]}
    assert away(DESIRED, held, Shard(there, 3)) == away(DESIRED, held, None) == {}
    renamed = State(entries={at("vault.web"): entry("vault.web")})
    assert at("vault.web") in own(DESIRED, renamed, elsewhere)
    assert own(DESIRED, State(), elsewhere) is DESIRED


def test_what_another_shard_wants_now_drifts_at_its_place_and_is_as_protected_as_it_says() -> None:
    span = Span("dkv.yaml", 3, 5, 1)
    moved = replace(thing("grant.g", protect=True), span=span)
    held, options = State("line", 1, {moved.address: entry("grant.g")}), Options(destroy=True)
    made = plan(KINDS, {}, held, Reading({}), {}, HEAD, options, elsewhere={moved.address: moved})
    assert [(drift.action, drift.span) for drift in made.drift] == [(Action.DESTROY, span)]
    there = Reading({moved.address: live("grant.g", "blue")})
    doomed = plan(KINDS, {}, held, there, {}, HEAD, options, elsewhere={moved.address: moved})
    assert [block.code for block in doomed.blocks] == ["protected"]
    (drift,) = doomed.drift
    assert drift.span == span
    ignoring = replace(moved, lifecycle=Lifecycle(ignore=frozenset({"colour"})))
    assert plan(KINDS, {}, held, there, {}, HEAD, options, elsewhere={moved.address: ignoring}).drift == ()


def shard_without(vault: str) -> Shard:
    """A shard that is neither the first nor that vault's, and has another vault."""
    found = {shard_of(f"vault.{key}", 4) for key in ("payments", "hr", "web", "ops") if key != vault}
    return Shard(max(found - {1, shard_of(f"vault.{vault}", 4)}), 4)


def test_what_another_shard_makes_must_be_there() -> None:
    shard = shard_without("ops")
    chosen = members(DESIRED, shard)
    needed = needed_elsewhere(DESIRED, chosen, shard, at("vault.ops"))
    assert needed == {at("resource_group.rg"), at("vault.ops")}
    assert needed_elsewhere(DESIRED, chosen, None, at("vault.ops")) == frozenset()
    assert needed_elsewhere(DESIRED, {at("vault.gone")}, shard, at("vault.ops")) == frozenset()

    changes = [Change(one, Action.CREATE, Reason.NEW, desired=DESIRED[one]) for one in sorted(chosen)]
    blocks = list(missing_elsewhere(DESIRED, changes, Reading({}), needed, shard))
    assert [(block.code, block.address, block.allow) for block in blocks] == [
        ("shard-order", at("resource_group.rg"), ""),
        ("shard-order", at("vault.ops"), ""),
    ]
    assert "shard 1/4 makes it" in blocks[0].detail


@pytest.mark.parametrize("condition", Condition)
def test_what_is_there_or_could_not_be_read_blocks_nothing(condition: Condition) -> None:
    group, shard = at("resource_group.rg"), shard_without("ops")
    create = Change(at("vault.hr"), Action.CREATE, Reason.NEW, desired=DESIRED[at("vault.hr")])

    def blocked(reading: Reading, *changes: Change, of: Shard | None = shard) -> list[Block]:
        return list(missing_elsewhere(DESIRED, changes, reading, {group}, of))

    there = Reading({group: live("resource_group.rg", condition=condition)})
    assert bool(blocked(there, create)) is (condition is not Condition.LIVE)
    assert not blocked(Reading({}, unread={group: Diagnostic("forbidden", "no")}), create)
    assert not blocked(Reading({}), replace(create, action=Action.NOOP))
    assert not blocked(Reading({}), create, of=None)


def lineage(text: str | None) -> str:
    return "" if text is None else marked("l", Shard.parse(text)) if text else "l"


@pytest.mark.parametrize(
    ("made", "used", "fits"),
    [
        ("1/4", "1/4", True),
        (None, "1/4", True),
        (None, None, True),
        ("", None, True),
        ("1/4", "1/5", False),
        ("2/4", "1/4", False),
        ("1/4", None, False),
        ("", "1/4", False),
    ],
)
def test_a_state_is_used_by_the_run_that_it_was_made_for(made: str | None, used: str | None, fits: bool) -> None:
    state, shard = State(lineage(made)), Shard.parse(used) if used else None
    if fits:
        check_state(state, shard, "here")
        return
    with pytest.raises(StateConflict, match="shard-mismatch") as caught:
        check_state(state, shard, "here")
    assert "here was made" in caught.value.diagnostics[0].detail


@pytest.mark.parametrize(
    ("beside", "used", "fits"),
    [
        (None, "2/4", True),
        (None, None, True),
        ("1/4", "2/4", True),
        ("1/4", "2/5", False),
        ("1/4", None, False),
        ("", "1/4", False),
        ("", None, True),
    ],
)
def test_a_new_state_is_begun_beside_those_of_the_same_division_only(
    beside: str | None, used: str | None, fits: bool
) -> None:
    state, shard = State(lineage(beside)), Shard.parse(used) if used else None
    if fits:
        check_beside(state, shard, "there", "here")
        return
    with pytest.raises(StateConflict, match="shard-mismatch") as caught:
        check_beside(state, shard, "there", "here")
    assert "there is there, made" in caught.value.diagnostics[0].detail
    assert "and here is not" in caught.value.diagnostics[0].detail


def test_an_address_without_a_vault_or_a_need_of_one_is_the_first_ones() -> None:
    assert number_of(Address("role_assignment", "x"), [at("resource_group.rg")], 7) == 1


def test_what_is_asked_for_by_name_must_be_of_the_shard() -> None:
    ours = Shard(number_of(at("vault.hr"), (), 4), 4)
    other = Shard(ours.number % 4 + 1, 4)
    check_members(DESIRED, [at("vault.hr"), at("vault.unknown")], ours)
    check_members(DESIRED, [at("vault.hr")], None)
    with pytest.raises(PlanError, match="other-shard") as caught:
        check_members(DESIRED, [at("vault.hr")], other)
    [problem] = caught.value.diagnostics
    assert problem.detail == f"vault.hr is of shard {ours}, and this run is shard {other}."
    assert f"--shard {ours}" in problem.hint
