"""A place for one state: what every store does the same way, over the few things that each place does its own way."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from declarative_kv.model.codec import Malformed, Specs
from declarative_kv.model.errors import StateConflict, StateError, StateLocked, StateUnreadable
from declarative_kv.model.state import FORMAT, State
from declarative_kv.state import problems
from declarative_kv.state.hand import Hand, Stored, completed
from declarative_kv.state.journal import Journal, Seen
from declarative_kv.state.layout import Newer, Snapshot, decode_state
from declarative_kv.state.lock import Holder
from declarative_kv.state.records import JournalText, fold, parse_journal

Waiting = Callable[[StateLocked], None]


@dataclass(frozen=True, slots=True)
class Names:
    """What people know a state's parts by."""

    snapshot: str
    journal: str


class Store(ABC):
    """A place for one state. The abstract methods are what a place has to bring along."""

    specs: Specs

    async def read(self) -> State:
        """What is saved, the journal folded in. Takes no lock and writes nothing; where nothing is, it is empty.

        `StateUnreadable` where a part is damaged or newer, `StateConflict` where journal and snapshot do not belong
        together.
        """
        return (await self._look()).state

    @asynccontextmanager
    async def locked(
        self, operation: str, wait: float = 0, waiting: Waiting = lambda _: None, *, anyhow: bool = False
    ) -> AsyncIterator[Journal]:
        """Hold the lock, and write through the journal; it is folded at the end, also after an error.

        `StateLocked` names the holder where the lock is not free within `wait` seconds; `waiting` hears of the wait.
        What cannot be read raises as in `read`; with `anyhow` it counts as empty, for who is about to replace it.
        """
        hand = await self._taken(operation, wait, waiting)
        try:
            journal = Journal(hand, await (self._glimpse() if anyhow else self._look()))
            try:
                yield journal
            finally:
                await journal.close()
        finally:
            await completed(hand.release())

    @abstractmethod
    async def holder(self) -> Holder | None:
        """Who has the lock, or had it when they were killed."""

    @abstractmethod
    async def unlock(self) -> Holder | None:
        """Clear away what a killed run left of its lock; returns who that was."""

    @abstractmethod
    async def earlier(self, serial: int) -> bytes:
        """The snapshot with that serial which a later one replaced; `StateError` lists those that are kept."""

    @abstractmethod
    def beside(self, location: str) -> Store:
        """The store of another state in the same folder or container."""

    @property
    @abstractmethod
    def names(self) -> Names:
        """The snapshot and the journal in messages."""

    @property
    @abstractmethod
    def pause(self) -> float:
        """Seconds between two tries to get the lock."""

    @abstractmethod
    def way_back(self) -> str:
        """How to go back to an earlier snapshot, as a hint."""

    @abstractmethod
    async def fetch(self) -> Stored:
        """What lies there. The journal is read before the snapshot: the snapshot then holds it or is what it is for."""

    @abstractmethod
    async def take(self, operation: str) -> Hand:
        """The lock, if it is free at this moment; else `StateLocked`, which names the holder."""

    async def _taken(self, operation: str, wait: float, waiting: Waiting) -> Hand:
        deadline, told = time.monotonic() + wait, False
        while True:
            try:
                return await self.take(operation)
            except StateLocked as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                if not told:
                    waiting(error)
                    told = True
            await asyncio.sleep(min(self.pause, left))

    async def _glimpse(self) -> Seen:
        try:
            return await self._look()
        except (StateUnreadable, StateConflict):
            stored = await self.fetch()
            return Seen(State(), stored.version, beside=stored.journal_version)

    async def _look(self) -> Seen:
        """Read both parts. A run may fold between the two reads, so what does not fit is read again."""
        before: bytes | None = None
        while True:
            stored = await self.fetch()
            seen = self._combined(stored)
            if seen is not None:
                return seen
            if stored.journal == before:
                raise self._torn_apart(stored)
            before = stored.journal

    def _torn_apart(self, stored: Stored) -> StateError:
        """The journal stays, and the snapshot is not the one it belongs to."""
        names, hint = self.names, self.way_back()
        if stored.snapshot is None:
            return problems.snapshot_missing(names.snapshot, names.journal, hint)
        detail = f"{names.snapshot} is not the snapshot that the journal beside it builds on."
        return problems.moved(names.snapshot, names.journal, detail, hint)

    def _combined(self, stored: Stored) -> Seen | None:
        """The folded state, or None where the two do not belong together."""
        snapshot = self._snapshot(stored.snapshot)
        with self.readable(self.names.journal):
            journal = parse_journal(stored.journal)
            if journal is None or journal.id == snapshot.journal:
                return Seen(snapshot.state, stored.version, snapshot.journal, beside=stored.journal_version)
            if not _fits(journal, snapshot.state):
                return None
            state = fold(snapshot.state, journal, self.specs)
            return Seen(state, stored.version, snapshot.journal, journal.id, stored.journal_version)

    def _snapshot(self, data: bytes | None) -> Snapshot:
        with self.readable(self.names.snapshot):
            return Snapshot(State(), "") if data is None else decode_state(data, self.specs)

    @contextmanager
    def readable(self, name: str) -> Iterator[None]:
        """Say of which part it is that it cannot be read."""
        try:
            yield
        except Malformed as error:
            raise problems.damaged(name, str(error), self.way_back()) from error
        except Newer as error:
            raise problems.newer(name, error.found, FORMAT, self.way_back()) from error


def _fits(journal: JournalText, state: State) -> bool:
    """Whether the journal builds on this state; the journal of a first run brings the lineage."""
    return journal.serial == state.serial and state.lineage in ("", journal.lineage)
