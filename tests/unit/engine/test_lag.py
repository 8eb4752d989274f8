"""Looking again while what is seen may be old."""

from __future__ import annotations

import pytest

from declarative_kv.engine.lag import PAUSES, settled


@pytest.mark.parametrize(
    ("right_at", "waited", "found"),
    [(0, (), 0), (2, PAUSES[:2], 2), (99, PAUSES, len(PAUSES))],
    ids=["at once", "the third time", "never"],
)
async def test_it_looks_until_what_it_sees_has_settled(right_at: int, waited: tuple[float, ...], found: int) -> None:
    pauses: list[float] = []
    looks = iter(range(100))

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def look() -> int:
        return next(looks)

    assert await settled(pause, look, lambda seen: seen < right_at) == found
    assert tuple(pauses) == waited
