"""Each rule of the order of work matters: without it some random world breaks a law."""

from __future__ import annotations

from pathlib import Path

import pytest

from declarative_kv.engine.order import RULES, Rule
from tests.laws.story import Broken, Story

WORLDS = 40
"""Rules are for cases that not every world has."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_without_a_rule_of_order_a_law_is_broken(rule: Rule, tmp_path: Path) -> None:
    rules = tuple(one for one in RULES if one is not rule)
    for seed in range(WORLDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            await Story(seed, folder, rules=rules).unfold()
        except Broken:
            return
    pytest.fail(f"{WORLDS} worlds did well without {rule.__name__}")
