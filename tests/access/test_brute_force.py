"""The analysis against a brute-force evaluator, on random worlds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import pytest

from declarative_kv.engine.access.analysis import Answer, answers
from declarative_kv.engine.access.estate import Assignment
from declarative_kv.engine.access.rules import ALL, Rule, Rules
from declarative_kv.engine.access.view import StepKind
from tests.access.brute import OPERATIONS, could, does, forget
from tests.access.worlds import BUILTINS, SUB, Box, Given, Limit, World, estate_of, random_world
from tests.counts import count

Fact = tuple[str, str, str, bool]
"""Who, where, what, and whether directly."""
WORLDS = count(50, 10_000)
CHUNK = 50


def told(world: World, rules: Rules = ALL) -> set[Fact]:
    """What the analysis says, spelled out for every vault and every object."""
    found = answers(estate_of(world), rules=rules)
    facts = {fact for one in found for fact in _spelled(world, one)}
    return {(*fact, direct) for *fact, direct in facts if direct or (*fact, True) not in facts}


def _spelled(world: World, one: Answer) -> set[Fact]:
    name = one.capability.name
    facts = {(one.principal, one.resource, name, one.direct)}
    if one.resource == one.vault.id and one.capability.place in ("object", "listed"):
        objects = world.box(one.vault.id.rpartition("/")[2]).objects
        below = [at for at in objects if one.capability.category in ("vault", at.split("/")[-2])]
        facts |= {(one.principal, at, name, one.direct) for at in below if at not in one.excepted}
    return facts


def tried(world: World) -> set[Fact]:
    """What the brute force finds."""
    found = set()
    for box in world.boxes:
        for place in (box.id, *box.objects):
            for who in (*world.people, *world.members):
                outright = {one.name for one in OPERATIONS if does(world, who, one, box, place)}
                found |= {(who, place, name, True) for name in outright}
                found |= {(who, place, name, False) for name in could(world, who, box, place) - outright}
    forget()
    return found


@lru_cache(maxsize=256)
def found_in(seed: int) -> frozenset[Fact]:
    """What the brute force finds in a random world."""
    return frozenset(tried(random_world(seed)))


def differences(seed: int, rules: Rules = ALL) -> tuple[set[Fact], set[Fact]]:
    """What only the analysis says, and what only the brute force finds, of the operations that both know."""
    world = random_world(seed)
    return compared(world, found_in(seed), rules)


def compared(world: World, real: frozenset[Fact], rules: Rules = ALL) -> tuple[set[Fact], set[Fact]]:
    """The same, where it is known what the brute force finds."""
    names = {one.name for one in OPERATIONS}
    said = {fact for fact in told(world, rules) if fact[2] in names}
    return said - real, set(real - said)


@pytest.mark.parametrize("first", range(0, WORLDS, CHUNK))
def test_the_analysis_agrees_with_trying_everything(first: int) -> None:
    for seed in range(first, first + CHUNK):
        invented, missed = differences(seed)
        assert (seed, invented, missed) == (seed, set(), set())


OWNER, DELEGATE = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
SOMEBODY = "00000000-0000-4000-8000-000000000064"
BY_STEPS = World(
    people=(SOMEBODY,),
    members={},
    boxes=(Box("kv-0", rbac=True),),
    roles=BUILTINS,
    given=(Given(SUB, DELEGATE, SOMEBODY, Limit("roles", (OWNER,))),),
)
"""Somebody may give itself one role only, which in turn lets it give itself any."""


def test_a_role_given_to_oneself_opens_the_way_to_the_next() -> None:
    assert compared(BY_STEPS, frozenset(tried(BY_STEPS))) == (set(), set())


@pytest.mark.parametrize("rule", list(Rule))
def test_without_any_one_rule_the_analysis_no_longer_agrees(rule: Rule) -> None:
    rules = ALL - {rule}
    by_steps = compared(BY_STEPS, frozenset(tried(BY_STEPS)), rules)
    assert any(by_steps) or any(any(differences(seed, rules)) for seed in range(150))


def edges(world: World, one: Answer) -> Iterator[World]:
    """The world without each edge of an answer's path: each membership, the grant, and what its scope lies in."""
    chain = [step.id for step in one.path if step.kind in (StepKind.PRINCIPAL, StepKind.GROUP)]
    for member, group in pairwise(chain):
        inside = tuple(one for one in world.members[group] if one != member)
        yield replace(world, members={**world.members, group: inside})
    if isinstance(one.grant, Assignment):
        if one.grant.scope in world.above:
            yield replace(world, above=tuple(scope for scope in world.above if scope != one.grant.scope))
        gone = (one.grant.scope, one.grant.role, one.grant.principal)
        yield replace(world, given=tuple(g for g in world.given if (g.scope, g.role, g.who) != gone))
    else:
        box = world.box(name_of(one))
        kept = replace(box, entries=tuple(entry for entry in box.entries if entry.who != one.grant.principal))
        yield replace(world, boxes=tuple(kept if other.name == box.name else other for other in world.boxes))


@pytest.mark.parametrize("seed", range(2000, 2000 + count(4, 500)))
def test_without_any_one_edge_a_path_is_gone_and_with_the_last_path_the_right(seed: int) -> None:
    world = random_world(seed)
    names = {"read-value", "sign", "list-secrets", "change-vault"}
    for one in answers(estate_of(world)):
        if one.capability.name not in names or one.principal in world.members:
            continue
        for less in edges(world, one):
            left = [other for other in answers(estate_of(less)) if other.key == one.key]
            assert one.path not in [other.path for other in left]
            if not left and not _elsewhere(less, one):
                assert one.key not in {fact[:3] for fact in tried(less)}


def _elsewhere(world: World, one: Answer) -> bool:
    """Whether what an object had of its own is now said of its whole vault."""
    return any(other.key == whole(one) for other in answers(estate_of(world)))


def whole(one: Answer) -> tuple[str, str, str]:
    """The key of the same answer about the whole vault."""
    return one.principal, one.vault.id, one.capability.name


def name_of(one: Answer) -> str:
    """The name of the vault that an answer is about."""
    return one.vault.id.rpartition("/")[2]
