"""What a run may do to the place of a state while it holds the lock, and the bytes that it finds there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of snapshot and journal, None where there are none.

    A version tells two contents of a part apart, and is empty where there is nothing.
    """

    snapshot: bytes | None
    version: str
    journal: bytes | None
    journal_version: str


class Hand(Protocol):
    """One run's hold on the place. Every method but `check` and `prove` may be called by one task at a time only.

    Each raises `StateError` where the place refuses, and then has changed nothing that a reader could tell.
    """

    @property
    def full(self) -> bool:
        """Whether the journal should be folded before it grows further."""
        ...

    async def check(self) -> None:
        """Raise `StateError` where the lock is lost, or may be: then nothing may be written, here or in Azure."""
        ...

    async def prove(self) -> None:
        """The same, but never on trust: where the lock can be taken by others, its place is asked."""
        ...

    async def begin(self, data: bytes, replacing: str) -> None:
        """A new journal with this content, in the place of the one with that version (empty: there is none)."""
        ...

    async def append(self, data: bytes) -> None:
        """Add to the journal: when this returns the bytes outlive the machine; when it raises none of them is there."""
        ...

    async def save(self, snapshot: bytes, serial: int, version: str, beside: str) -> str:
        """Put a snapshot in the place of the one with that version, keep that one, and remove the journal.

        `beside` is the version of a journal that this run found; the one that it began it knows.

        Returns the new one's version; `StateConflict` where another is there, and then nothing is changed.
        """
        ...

    async def release(self) -> None:
        """Give the lock back."""
        ...


async def completed(work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; a cancellation that comes in the meantime is heeded when the work is done."""
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None and not task.cancelled() and task.exception() is None:
        raise cancelled
    return task.result()
