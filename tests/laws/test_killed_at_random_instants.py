"""An apply that is killed at any instant, once or more, is finished by the next one as if nobody had disturbed it."""

from __future__ import annotations

import random

import pytest

from tests.counts import count
from tests.laws.bench import Bench
from tests.laws.killing import Kill


@pytest.mark.parametrize("seed", range(count(20, 200)))
def test_an_apply_killed_at_random_instants_is_finished_by_the_next(seed: int, bench: Bench) -> None:
    chance = random.Random(seed)
    undisturbed, _ = bench.undisturbed("apply")
    kills = [Kill(seconds=chance.uniform(0, undisturbed.seconds)) for _ in range(chance.randint(1, 2))]
    assert not list(bench.broken_by("apply", *kills))
