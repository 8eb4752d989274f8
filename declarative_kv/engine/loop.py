"""The one event loop of a command."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Do the work in a loop of its own, as `asyncio.run` does.

    The task there is given nothing to return: when its loop ends, the standard library writes the task out as text,
    and with it what it returned, which may be the plan of a hundred thousand secrets.
    """
    found: list[T] = []

    async def main() -> None:
        found.append(await work)

    asyncio.run(main())
    return found[0]
