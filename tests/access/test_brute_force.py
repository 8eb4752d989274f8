"""The analysis against a brute-force evaluator, on random worlds."""

from __future__ import annotations

import pytest

from declarative_kv.engine.access.analysis import Answer, answers
from declarative_kv.engine.access.rules import ALL, Rules
from tests.access.brute import OPERATIONS, could, does, forget
from tests.access.worlds import World, estate_of, random_world
from tests.counts import count

Fact = tuple[str, str, str, bool]
"""Who, where, what, and whether directly."""
WORLDS = count(300, 10_000)
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


def differences(seed: int, rules: Rules = ALL) -> tuple[set[Fact], set[Fact]]:
    """What only the analysis says, and what only the brute force finds, of the operations that both know."""
    world = random_world(seed)
    names = {one.name for one in OPERATIONS}
    said = {fact for fact in told(world, rules) if fact[2] in names}
    real = tried(world)
    return said - real, real - said


@pytest.mark.parametrize("first", range(0, WORLDS, CHUNK))
def test_the_analysis_agrees_with_trying_everything(first: int) -> None:
    for seed in range(first, first + CHUNK):
        invented, missed = differences(seed)
        assert (seed, invented, missed) == (seed, set(), set())
