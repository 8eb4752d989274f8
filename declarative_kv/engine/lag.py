"""Azure's lists lag behind its writes: look, and look again for as long as what is seen may be old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

_T = TypeVar("_T")

PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between looks at what was written by this run."""
BEFORE: Final = PAUSES[:3]
"""Seconds between looks at what others may have written: who is right about that shows soon."""


async def settled(
    pause: Callable[[float], Awaitable[None]],
    look: Callable[[], Awaitable[_T]],
    unsettled: Callable[[_T], bool],
    pauses: Iterable[float] = PAUSES,
) -> _T:
    """What `look` gives once it is not `unsettled` any more, at the latest after all pauses."""
    found = await look()
    for seconds in pauses:
        if not unsettled(found):
            break
        await pause(seconds)
        found = await look()
    return found
