"""What goes wrong between the program and the emulated Azure: one request is refused, lost, or the last of its run."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.http import Request, Response

SIGN_IN = "login.microsoftonline.com"


class Killed(BaseException):
    """The process is gone, as after SIGKILL: nothing more is sent, nothing more is saved."""


class How(StrEnum):
    """What happens to the request, and to its like for as long as the trouble lasts."""

    REFUSED = "refused"
    DROPPED = "dropped before it arrived"
    LOST = "carried out, and the answer lost"
    KILLED = "killed before it was sent"
    KILLED_AFTER = "carried out, and killed before the answer came"


@dataclass(frozen=True)
class Trouble:
    """At the request of that number (from 0, sign-ins not counted), and at the next `times - 1` of its like.

    `early` counts from the first request of the plan, else the planning is spared and the apply's own are counted.
    """

    at: int
    how: How
    status: int = 500
    times: int = 1
    early: bool = False


def some_trouble(chance: random.Random) -> Trouble:
    """Any trouble, mostly at an early request since many runs are short; one that lasts outlives a retry's patience."""
    how = chance.choice([How.REFUSED, How.REFUSED, *How])
    status = chance.choice([403, 409, 500, 503, 429])
    at = chance.randrange(chance.choice([5, 15, 40]))
    return Trouble(at, how, status, chance.choice([1, 1, 2, 40]), early=chance.random() < 0.15)


Before = Callable[[Request, bool], Awaitable[None]]
"""What somebody else does before a request is served; told whether the plan is made and being carried out."""


class Interference:
    """Stands before the emulator as one run's Azure. `trouble` is what will happen; `seen` counts the requests.

    `applying` is set once the plan is made.
    """

    def __init__(self, application: Application, killed: Callable[[], None], before: Before | None = None) -> None:
        self._application = application
        self._killed = killed
        self._before = before
        self.applying = False
        self.trouble: Trouble | None = None
        self.seen = 0
        self.struck = False
        self._dead = False
        self._like: tuple[str, str] | None = None
        self._left = 0

    async def answer(self, request: Request) -> Response:
        """The emulator's answer, or what became of it."""
        if self._dead:
            raise Killed
        if request.host == SIGN_IN:
            return await self._application.answer(request)
        if self._before is not None:
            await self._before(request, self.applying)
        if self.trouble is not None and self.seen == self.trouble.at:
            self._like, self._left = (request.method, request.path), self.trouble.times
        self.seen += 1
        if self.trouble is None or self._left == 0 or self._like != (request.method, request.path):
            return await self._application.answer(request)
        self._left -= 1
        return await self._spoilt(self.trouble, request)

    async def _spoilt(self, trouble: Trouble, request: Request) -> Response:
        self.struck = True
        match trouble.how:
            case How.REFUSED:
                self._application.world.fail(request.method, request.path, status=trouble.status, times=1)
                return await self._application.answer(request)
            case How.DROPPED:
                return Response(0, dropped=True)
            case How.LOST:
                await self._application.answer(request)
                return Response(0, dropped=True)
            case How.KILLED_AFTER:
                await self._application.answer(request)
        self._dead = True
        self._killed()
        raise Killed
