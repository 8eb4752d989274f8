"""How many requests go to one vault at a time, and that the very first goes alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

IN_FLIGHT: Final = 32
"""More than this many requests in flight gain nothing against one vault (measured)."""


class Lane:
    """The way to one vault. The first request goes alone: its 401 teaches the client how to sign in, once for all."""

    def __init__(self, limit: int = IN_FLIGHT) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._first = asyncio.Lock()
        self._primed = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it for as long as the block runs."""
        if not self._primed:
            async with self._first:
                if not self._primed:
                    yield
                    # Only an answer primes the lane; after an error the next request goes alone again.
                    self._primed = True
                    return
        async with self._slots:
            yield
