"""The analysis against the emulator, which really does each operation as each principal, and walks each path."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import pytest

from declarative_kv.engine.access.analysis import Answer, answers
from declarative_kv.engine.access.invariants import broken
from declarative_kv.engine.access.view import Step, StepKind
from declarative_kv.model.capabilities import named
from declarative_kv.model.invariant import Claim, Invariant, Who
from tests.access.brute import OPERATIONS, Operation
from tests.access.doing import DOABLE, Trials, trials
from tests.access.test_brute_force import (
    DELEGATE,
    OWNER,
    SOMEBODY,
    compared,
    edges,
    name_of,
    told,
    tried,
    whole,
)
from tests.access.worlds import BUILTINS, GROUP, KV, SUB, Box, Given, Limit, World, estate_of, random_world
from tests.counts import count

FEW = range(1000, 1000 + count(3, 200))
MORE = range(1000, 1000 + count(4, 500))
CONTRIBUTOR, ADMINISTRATOR = "b24988ac-6180-42a0-ab88-20f7382dd24c", "00482a5a-887f-4fb3-b363-3b7fe8e74483"
PARTS, WORLDS, DRAWN = range(count(1, 200)), count(10, 50), 10
GIVEN = frozenset({StepKind.PRINCIPAL, StepKind.GROUP, StepKind.ROLE, StepKind.POLICY, StepKind.SCOPE})


def _asked(box: Box, place: str) -> list[Operation]:
    """The operations that can be tried at a place; `update` is the same permission as `set` under policies."""
    found = []
    for operation in OPERATIONS:
        kind = operation.policy[0] if operation.policy else operation.data.partition("/vaults/")[2].partition("/")[0]
        fits = place == box.id or (operation.at in ("object", "list") and kind in ("", place.split("/")[-2]))
        if operation.name in DOABLE and fits and (box.rbac or operation.name != "update-secret"):
            found.append(operation)
    return found


@pytest.mark.parametrize("seed", FEW)
def test_what_is_said_to_be_a_right_is_let_through_and_nothing_else(seed: int) -> None:
    world = random_world(seed)
    azure, facts = trials(world), told(world)
    for box in world.boxes:
        for place in (box.id, *box.objects):
            for who in world.people:
                for operation in _asked(box, place):
                    said = (who, place, operation.name, True) in facts
                    assert azure.allows(who, operation.name, box, place) is said, (seed, who, place, operation.name)


@pytest.mark.parametrize("part", PARTS)
def test_some_of_what_is_said_is_so_in_many_more_worlds(part: int) -> None:
    """Of every world as many rights as refusals are tried, drawn anew for each: all of them would take hours."""
    for seed in range(part * WORLDS, (part + 1) * WORLDS):
        rng, world = random.Random(seed), random_world(seed)
        azure, facts = trials(world), told(world)
        said: dict[bool, list[tuple[str, str, Box, str]]] = {True: [], False: []}
        for box in world.boxes:
            for place in (box.id, *box.objects):
                for who, each in product(world.people, _asked(box, place)):
                    right = (who, place, each.name, True) in facts
                    said[right].append((who, each.name, box, place))
        for right, all_of_them in said.items():
            for who, operation, box, place in rng.sample(all_of_them, min(DRAWN, len(all_of_them))):
                assert azure.allows(who, operation, box, place) is right, (seed, who, place, operation)


@pytest.mark.parametrize("seed", MORE)
def test_every_indirect_way_leads_to_what_it_promises(seed: int) -> None:
    world = random_world(seed)
    azure = trials(world)
    for one in _indirect(world):
        assert _leads(azure, world, one), one


VAULT = Box("kv-0", rbac=True)
OWN = World(
    people=(SOMEBODY,),
    members={},
    boxes=(VAULT,),
    roles=BUILTINS,
    given=(Given(VAULT.objects[1], OWNER, SOMEBODY, Limit("roles", (OWNER,))),),
)
"""Somebody may give itself nothing but the role that it has there already: without the condition."""
TOGETHER = replace(
    OWN,
    given=(Given(GROUP, CONTRIBUTOR, SOMEBODY), Given(SUB, DELEGATE, SOMEBODY, Limit("roles", (DELEGATE,)))),
)
"""Somebody may change the vault by one grant, and give roles without limits once it took one through another."""


@pytest.mark.parametrize(
    ("world", "path"),
    [
        (OWN, ((StepKind.TAKES_ROLE, OWNER), (StepKind.TAKES_ROLE, ADMINISTRATOR))),
        (
            TOGETHER,
            (
                (StepKind.TAKES_ROLE, DELEGATE),
                (StepKind.SWITCHES_MODEL, f"{KV}/write"),
                (StepKind.TAKES_POLICY, f"{KV}/write"),
            ),
        ),
    ],
    ids=["own", "together"],
)
def test_the_way_around_a_condition_is_told_whole_and_leads_there(
    world: World, path: tuple[tuple[StepKind, str], ...]
) -> None:
    assert compared(world, frozenset(tried(world))) == (set(), set())
    azure, ways = trials(world), _indirect(world)
    assert path in [tuple((step.kind, step.id) for step in _steps(one)) for one in ways]
    for one in ways:
        assert _leads(azure, world, one), one


def _indirect(world: World) -> list[Answer]:
    """Of each way in which somebody could come to something one answer that can be tried."""
    ways: dict[tuple[object, ...], Answer] = {}
    for one in answers(estate_of(world)):
        if not one.direct and one.principal in world.people and one.capability.name in DOABLE:
            ways.setdefault((one.principal, one.resource, _steps(one)), one)
    return list(ways.values())


def _steps(one: Answer) -> tuple[Step, ...]:
    return tuple(step for step in one.path if step.kind not in GIVEN)


def _leads(azure: Trials, world: World, one: Answer) -> bool:
    box = world.box(name_of(one))
    return azure.leads_to(one.principal, _steps(one), one.capability.name, box, one.resource)


def counterexamples(world: World) -> list[Answer]:
    """How the invariants that nobody, or nobody outside the groups, can do something are broken by somebody."""
    found: dict[tuple[object, ...], Answer] = {}
    for name in ("read-value", "write-value", "sign", "change-vault"):
        anybody = Invariant(name, Claim.NEVER, (Who(),), named(name), ("*",))
        nobody_else = replace(anybody, who=tuple(Who(group, group=True, negated=True) for group in world.members))
        for one in broken(estate_of(world), (anybody, nobody_else), {group: group for group in world.members}):
            assert one.answer is not None
            found[(*one.answer.key, one.answer.path)] = one.answer
    return [one for one in found.values() if one.principal in world.people]


@pytest.mark.parametrize("seed", MORE)
def test_the_counterexample_of_an_invariant_really_succeeds(seed: int) -> None:
    world = random_world(seed)
    azure = trials(world)
    for one in counterexamples(world):
        assert _leads(azure, world, one), one


@pytest.mark.parametrize("seed", MORE)
def test_without_any_one_edge_a_counterexample_is_gone_and_with_the_last_one_what_it_did_fails(seed: int) -> None:
    world = random_world(seed)
    for one in counterexamples(world):
        for less in edges(world, one):
            ways = [other for other in answers(estate_of(less)) if other.key in (one.key, whole(one))]
            assert one.path not in [other.path for other in (*ways, *counterexamples(less))]
            if not ways:
                azure = trials(less)
                assert not azure.allows(one.principal, one.capability.name, less.box(name_of(one)), one.resource)
                assert one.direct or not _leads(azure, less, one)
