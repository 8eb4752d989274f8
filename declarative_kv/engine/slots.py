"""How many changes may be at work in Azure at once. Who waits for the state to be saved gives the place to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from declarative_kv.engine.journal import Journal
from declarative_kv.model.address import Address
from declarative_kv.model.state import Entry, State


def begun_at_once(parallelism: int) -> int:
    """How many changes are under way where so many may be in Azure; alone, each begins when the one before has ended.

    Of a state in a blob, a change waits for two appends that each take as long as its own call, and for half a one
    that is on its way: four times as many keep the calls going.
    """
    return 4 * parallelism - 3


@dataclass(frozen=True, slots=True)
class Aside:
    """A journal for who holds one of the `slots`: it is free for another while this one waits."""

    journal: Journal
    slots: asyncio.Semaphore

    @property
    def state(self) -> State:
        """The state as it is now."""
        return self.journal.state

    def get(self, address: Address) -> Entry | None:
        """One entry as it is now."""
        return self.journal.get(address)

    async def check(self) -> None:
        """Raise `StateError` where this run may not write any longer."""
        await self.journal.check()

    async def prove(self) -> None:
        """The same, asked where the lock is; the place is kept, since the write follows at once."""
        await self.journal.prove()

    async def put(self, *entries: Entry) -> None:
        """Save entries."""
        async with self._left():
            await self.journal.put(*entries)

    async def drop(self, address: Address) -> None:
        """Forget an entry."""
        async with self._left():
            await self.journal.drop(address)

    async def key(self, vault: str, facts: Mapping[str, Any] | None) -> None:
        """Save or forget what is known of a vault's fingerprint key.

        The place is kept: who makes a key has all others of its vault waiting, and they have the places.
        """
        await self.journal.key(vault, facts)

    @asynccontextmanager
    async def _left(self) -> AsyncIterator[None]:
        self.slots.release()
        try:
            yield
        finally:
            await self.slots.acquire()
