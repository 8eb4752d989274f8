"""Laws of plan and apply over random worlds: they converge, whatever goes wrong, and touch nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.counts import count
from tests.laws.story import Story


@pytest.mark.parametrize("seed", range(count(20, 500)))
async def test_whatever_goes_wrong_the_next_apply_converges_and_nothing_else_changes(seed: int, tmp_path: Path) -> None:
    await Story(seed, tmp_path).unfold()
