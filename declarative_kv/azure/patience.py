"""How long a run waits for Azure, and when it stops to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: `answer` for one answer; `connect` for a host that cannot be reached, `request` for one request that
    goes wrong otherwise, `change` for all requests of one change together, tries and the waits between them included.
    """

    answer: float = 60.0
    connect: float = 30.0
    request: float = 120.0
    change: float = 300.0


def spread(seconds: float, least: float, most: float) -> float:
    """So many seconds times a random factor, so that clients that wait for the same thing part ways."""
    return seconds * random.uniform(least, most)  # noqa: S311 - guards nothing


class OutOfTime(Exception):
    """A request was not sent: the run was stopped, or Azure asked for more patience than there is (`asked`)."""

    def __init__(self, asked: float | None = None) -> None:
        super().__init__("The run was stopped." if asked is None else f"Azure asks to wait for {asked:.0f} seconds.")
        self.asked = asked


class Clock:
    """Time as the transport lets it pass: where its `sleep` does not wait, as in an emulator in process, time moves on.

    When `stop` is set nobody waits any longer.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._ahead = 0.0
        self.stop = asyncio.Event()

    def now(self) -> float:
        """Seconds on a steady clock."""
        return asyncio.get_running_loop().time() + self._ahead

    async def sleep(self, seconds: float) -> None:
        """Wait; raises `OutOfTime` once the run is stopped."""
        until = self.now() + seconds
        await self._unless_stopped(lambda: self._sleep(seconds))
        self._ahead += max(0.0, until - self.now())

    async def hear(self, event: asyncio.Event) -> None:
        """Wait until the event is set; raises `OutOfTime` once the run is stopped."""
        await self._unless_stopped(event.wait)

    async def _unless_stopped(self, begin: Callable[[], Awaitable[object]]) -> None:
        if self.stop.is_set():
            raise OutOfTime
        waiting, stopped = asyncio.ensure_future(begin()), asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait((waiting, stopped), return_when=asyncio.FIRST_COMPLETED)
            if self.stop.is_set():
                raise OutOfTime
            await waiting
        finally:
            waiting.cancel()
            stopped.cancel()


@dataclass(slots=True)
class Budget:
    """Seconds that are left for what goes wrong in one change."""

    left: float


_CHANGE: ContextVar[Budget | None] = ContextVar("change", default=None)
"""The budget of the change that the running task carries out; the typed clients have no way to hand it through."""


def begin_change(seconds: float) -> None:
    """All requests of the running task, and of those that it starts, share so many seconds for what goes wrong."""
    _CHANGE.set(Budget(seconds))


def budget() -> Budget | None:
    """The budget of the change under way; None outside of one, as in a plan."""
    return _CHANGE.get()
