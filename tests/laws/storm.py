"""Bad weather between the program and the emulated Azure: of all requests, sign-ins too, a share meets something."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from declarative_kv.azure.patience import Patience
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.http import Request, Response

IMPATIENT: Final = Patience(answer=0.02)
"""In process an answer comes at once, or never."""


class Met(StrEnum):
    """What a request meets."""

    THROTTLED = "429"
    FAILED = "500"
    BUSY = "503"
    DROPPED = "dropped before it arrived"
    LOST = "carried out, and the answer dropped"
    UNANSWERED = "neither carried out nor answered"
    TOO_LATE = "carried out, and answered when nobody waits any longer"
    SLOW = "answered after a while"


_STATUS: Final[Mapping[Met, int]] = {Met.THROTTLED: 429, Met.FAILED: 500, Met.BUSY: 503}


@dataclass
class Storm:
    """What happens is drawn from `chance`; `met` counts it."""

    chance: random.Random
    share: float = 0.2
    met: Counter[Met] = field(default_factory=Counter)

    def __str__(self) -> str:
        return f"in a storm ({', '.join(f'{number} {met}' for met, number in sorted(self.met.items()))})"

    def strikes(self) -> Met | None:
        """What the next request meets; mostly nothing."""
        if self.chance.random() >= self.share:
            return None
        met = self.chance.choice(list(Met))
        self.met[met] += 1
        return met

    def asks_to_wait(self) -> Mapping[str, str]:
        """Sometimes an answer says for how long."""
        return {"retry-after": str(self.chance.randint(1, 20))} if self.chance.random() < 0.3 else {}


class Stormy:
    """Stands before the emulator as Azure in a storm."""

    def __init__(self, application: Application, storm: Storm) -> None:
        self._application = application
        self._storm = storm

    async def answer(self, request: Request) -> Response:
        """The emulator's answer, or what became of it."""
        match met := self._storm.strikes():
            case None:
                return await self._application.answer(request)
            case Met.THROTTLED | Met.FAILED | Met.BUSY:
                self._application.world.fail(request.method, request.path, status=_STATUS[met], times=1)
                refused = await self._application.answer(request)
                return replace(refused, headers={**refused.headers, **self._storm.asks_to_wait()})
            case Met.DROPPED:
                return Response(0, dropped=True)
            case Met.LOST:
                await self._application.answer(request)
                return Response(0, dropped=True)
            case Met.UNANSWERED:
                return await _never()
            case Met.TOO_LATE:
                await self._application.answer(request)
                return await _never()
            case Met.SLOW:
                await asyncio.sleep(IMPATIENT.answer / 20)
                return await self._application.answer(request)


async def _never() -> Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")
