"""Random worlds in which a fifth of all requests meets something: none ends wrong, and none hangs."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.counts import count
from tests.laws.interference import Trouble
from tests.laws.lab import Done, Dump
from tests.laws.storm import Met, Storm
from tests.laws.story import Story

LONG: Final = 300
"""Seconds after which a world that takes a few hangs, on any machine."""
_GIVEN_UP: Final = frozenset({"throttled", "unavailable", "not-authenticated", "azure-error"})


class StormyStory(Story):
    """Every first apply of a round is made in a storm; the calm one after it has to find everything right."""

    def _maybe_trouble(self) -> Storm:
        return Storm(self.chance)

    def _after_trouble(self, trouble: Trouble | Storm, done: Done) -> None:
        """Nothing is given up, but what nobody can look at: whether the value of a disabled secret has arrived."""
        failed = done.refused or (done.outcome.failed if done.outcome else ())
        hidden = self._disabled(done.after)
        given_up = [one for one in failed if one.code in _GIVEN_UP and str(one.address) not in hidden]
        self._require([f"given up in a storm that lets four of five through: {one}" for one in given_up])

    def _disabled(self, dump: Dump) -> set[str]:
        """The addresses of the secrets whose newest version is disabled."""
        vaults = {record["uid"]: name.removeprefix("kv-") for name, record in dump.get("vaults", {}).items()}
        disabled = [key for key, one in dump.get("secrets", {}).items() if not one["versions"][-1].get("enabled", True)]
        return {
            f"secret.{vaults[uid]}/{name}" for uid, _, name in (key.partition("/") for key in disabled) if uid in vaults
        }


@pytest.mark.parametrize("seed", range(count(50, 500)))
async def test_a_storm_changes_nothing_but_the_time_it_takes(seed: int, tmp_path: Path) -> None:
    async with asyncio.timeout(LONG):
        random.seed(seed)  # what spreads the waits
        await StormyStory(seed, tmp_path).unfold(rounds=count(2, 4))


def test_a_storm_brings_everything() -> None:
    storm = Storm(random.Random(1))
    struck = Counter(storm.strikes() is not None for _ in range(2000))
    assert set(storm.met) == set(Met)
    assert 300 < struck[True] < 500
