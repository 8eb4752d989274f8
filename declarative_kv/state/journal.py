"""The writing side of a locked state: each change outlives the machine before the call that reports it returns."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.errors import StateLockLost
from declarative_kv.model.state import Entry, State
from declarative_kv.state.hand import Hand, completed
from declarative_kv.state.layout import encode_state
from declarative_kv.state.records import JournalText, drop_line, header_line, key_line, put_line

Change = Entry | Address | tuple[str, dict[str, Any] | None]
"""What a record does: an entry is there, an address has none, a vault's key has these facts or none."""

LARGEST = 2**20
"""Bytes after which an append takes no further record: well below what a block of a blob may have."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What lies at the place: the folded state, the snapshot's version, and the journal that it does not hold yet.

    `folded` is the id of the journal that the snapshot holds, `left` of the one that it does not, empty for none;
    `beside` is the version of what lies in the journal's place, of either.
    """

    state: State
    version: str = ""
    folded: str = ""
    left: str = ""
    beside: str = ""


@dataclass(frozen=True, slots=True)
class _Record:
    """A line on its way, what it means for the state, and the answer for who waits for it: a problem or None."""

    line: bytes
    change: Change
    answer: asyncio.Future[BaseException | None]


class Journal:
    """One run's writing of the state, made by `Store.locked`; for the tasks of one event loop.

    `put`, `drop`, `key` raise `StateError` when the place refuses, and `TypeError` for what must not get in; then the
    state is as it was before the call. A run that is killed loses none of the calls that returned. What several tasks
    report at the same time is brought there together, in the order of the calls. A call that is cancelled while it
    waits is carried out all the same: `close` waits for it.
    """

    def __init__(self, hand: Hand, seen: Seen) -> None:
        self._hand = hand
        self._turn = asyncio.Lock()
        self._waiting: list[_Record] = []
        self._writer: asyncio.Task[None] | None = None
        self._written = False
        self._lost = False
        self._adopt(seen)

    def _adopt(self, seen: Seen) -> None:
        """Go on from what lies there."""
        self._seen = seen
        self._entries = dict(seen.state.entries)
        self._keys = dict(seen.state.keys)
        self._lineage = seen.state.lineage
        self._open = ""
        self._state: State | None = seen.state

    @property
    def state(self) -> State:
        """The state as it is now, every change of this run included."""
        if self._state is None:
            entries = dict(sorted(self._entries.items()))
            self._state = replace(self._seen.state, lineage=self._lineage, entries=entries, keys=dict(self._keys))
        return self._state

    def get(self, address: Address) -> Entry | None:
        """One entry as it is now, without the cost of a whole `state`."""
        return self._entries.get(address)

    def state_key(self, vault: str) -> Mapping[str, Any] | None:
        """What is known of the fingerprint key in a vault (its ARM id) as of now."""
        return self._keys.get(vault.lower())

    async def check(self) -> None:
        """Raise `StateError` where the lock is lost, or may be. To be asked before anything is written to Azure."""
        await self._held(self._hand.check())

    async def prove(self) -> None:
        """The same, but the lock's place is asked each time: for after a wait in which much may have happened."""
        await self._held(self._hand.prove())

    async def _held(self, asked: Awaitable[None]) -> None:
        try:
            await asked
        except StateLockLost:
            self._lost = True
            raise

    def begin(self, lineage: str) -> None:
        """Give a state that has no lineage yet this one; written with the first record."""
        if not self._lineage:
            self._lineage, self._state = lineage, None

    async def put(self, *entries: Entry) -> None:
        """Add or replace the entries of their addresses."""
        await self._bring([(put_line(entry), entry) for entry in entries])

    async def drop(self, address: Address) -> None:
        """Forget the entry of an address; none is no error."""
        await self._bring([(drop_line(address), address)])

    async def key(self, vault: str, facts: Mapping[str, Any] | None) -> None:
        """Keep facts about the fingerprint key in a vault (its ARM id), or forget them."""
        vault = vault.lower()
        await self._bring([(key_line(vault, facts), (vault, None if facts is None else dict(facts)))])

    async def checkpoint(self) -> None:
        """Fold the journal into a new snapshot with the next serial; nothing to do where there is no journal.

        `StateConflict` when the snapshot there is not the one this run began with; then the journal stays.
        """
        await self._settled()
        async with self._turn:
            await self._fold()

    async def replace(self, state: State) -> None:
        """Put another content in the place of this one, in one step; the one before is kept as an earlier one.

        The new serial is one more than both. An empty lineage stands for the present one.
        """
        await self._settled()
        async with self._turn:
            await self._fold()
            serial = max(state.serial, self._seen.state.serial)
            lineage = state.lineage or self._lineage or str(uuid.uuid4())
            await self._save(replace(state, serial=serial, lineage=lineage))

    async def close(self) -> None:
        """End of the run: fold, if anything was written. A journal that an earlier run left stays as it is."""
        await completed(self._closed())

    async def _closed(self) -> None:
        await self._settled()
        # Who was told that the lock is lost need not hear it twice; the next run folds what is in the journal.
        if self._written and not self._lost:
            await self.checkpoint()

    async def _settled(self) -> None:
        """Wait until every record that is on its way has an answer."""
        if self._writer is not None:
            await self._writer

    async def _bring(self, changes: Sequence[tuple[bytes, Change]]) -> None:
        """Send records on their way, and wait until they are there."""
        loop = asyncio.get_running_loop()
        records = [_Record(line, change, loop.create_future()) for line, change in changes]
        self._waiting.extend(records)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        for record in records:
            # Not an exception of the future: nobody would ask for it where the caller was cancelled.
            if (problem := await record.answer) is not None:
                raise problem

    async def _write(self) -> None:
        """Bring what waits to its place, as much at once as has gathered."""
        while self._waiting:
            await self._gathered()
            async with self._turn:
                batch = self._batch()
                problem = await self._append(b"".join(record.line for record in batch))
                if problem is None:
                    for record in batch:
                        self._edit(record.change)
            for record in batch:
                if not record.answer.done():
                    record.answer.set_result(problem)
            if isinstance(problem, asyncio.CancelledError):
                raise problem

    async def _gathered(self) -> None:
        """Let other tasks report, as long as they do: what goes together costs one append."""
        before = 0
        while before < len(self._waiting):
            before = len(self._waiting)
            await asyncio.sleep(0)

    def _batch(self) -> list[_Record]:
        """The records that go next: all that wait, up to the size of one append."""
        size = count = 0
        while size < LARGEST and count < len(self._waiting):
            size += len(self._waiting[count].line)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _edit(self, change: Change) -> None:
        self._state = None
        if isinstance(change, Entry):
            self._entries[change.address] = change
        elif isinstance(change, Address):
            self._entries.pop(change, None)
        else:
            vault, facts = change
            if facts is None:
                self._keys.pop(vault, None)
            else:
                self._keys[vault] = facts

    async def _append(self, lines: bytes) -> BaseException | None:
        """Add to the journal, which is begun if need be; gives what went wrong."""
        try:
            if self._hand.full:
                await self._fold()
            if not self._open:
                await self._begin()
            await self._hand.append(lines)
        except BaseException as error:
            self._lost = self._lost or isinstance(error, StateLockLost)
            return error
        self._written = True
        return None

    async def _begin(self) -> None:
        """A new journal. What an earlier run left in the old one is folded before, so that nothing depends on it."""
        if self._seen.left:
            await self._fold()
        lineage, identity = self._lineage or str(uuid.uuid4()), str(uuid.uuid4())
        header = header_line(JournalText(identity, lineage, self._seen.state.serial))
        await self._hand.begin(header, self._seen.beside)
        self._lineage, self._open = lineage, identity

    async def _fold(self) -> None:
        if self._open or self._seen.left:
            await self._save(self.state)

    async def _save(self, state: State) -> None:
        """Write the next snapshot; from here on it holds what the journal held."""
        saved = replace(state, serial=state.serial + 1)
        # The snapshot names the journal that is in it, so that nothing is folded twice where it outlives the snapshot.
        folded = self._open or self._seen.left or self._seen.folded
        seen, data = self._seen, encode_state(saved, folded)
        version = await self._hand.save(data, saved.serial, seen.version, seen.beside)
        self._adopt(Seen(saved, version, folded))
