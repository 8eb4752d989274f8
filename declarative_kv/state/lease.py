"""The lock of a state in a blob: a lease that ends by itself when nobody renews it, and the holder's name under it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from declarative_kv.model.errors import AzureError, StateError
from declarative_kv.state import problems
from declarative_kv.state.blob_client import Blobs
from declarative_kv.state.lock import Clock, Holder, holder_of, parse_holder, write_holder

_AGREED: Final = frozenset({409, 412})


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between renewals, between tries where one fails, and before its end at which a lease counts as lost.

    A lease lives for `life` without renewal; Azure gives 15 to 60.
    """

    life: int = 60
    renewal: float = 20.0
    retry: float = 3.0
    margin: float = 5.0


USUAL: Final = Timing()


@dataclass(slots=True)
class Lease:
    """A held lock. It is renewed until it is released; `check` raises `StateError` once it is lost, or may be."""

    blobs: Blobs
    name: str
    where: str
    id: str
    since: float
    timing: Timing
    lost: StateError | None = None
    renewer: asyncio.Task[None] | None = None
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check(self) -> None:
        """Return while the lease is surely ours; where that is in doubt, ask Azure."""
        if self.lost is None and not self._is_sure():
            await self.prove()
        if self.lost is not None:
            raise self.lost

    async def prove(self) -> None:
        """Return where Azure says that the lease is ours."""
        async with self.renewing:
            renewed = self.lost is None and await self._renew()
        if self.lost is not None:
            raise self.lost
        if not renewed and not self._is_sure():
            raise problems.lock_in_doubt(self.where)

    def keep(self) -> None:
        """Begin to renew it, until `release`."""
        self.renewer = asyncio.get_running_loop().create_task(self._kept())

    async def release(self) -> None:
        """Give it back; nobody's name is left where it was still ours."""
        if self.renewer is not None:
            self.renewer.cancel()
            await asyncio.wait([self.renewer])
        if self.lost is not None:
            return
        try:
            await self.blobs.write_leased(self.name, b"", self.id)
            await self.blobs.release(self.name, self.id)
        except AzureError as error:
            if error.status not in _AGREED and not error.retryable:
                raise
            # Another has it, or nobody can be told: it ends by itself soon.

    def _is_sure(self) -> bool:
        return time.monotonic() < self.since + self.timing.life - self.timing.margin

    async def _kept(self) -> None:
        pause = self.timing.renewal
        while self.lost is None:
            await asyncio.sleep(pause)
            async with self.renewing:
                pause = self.timing.renewal if await self._renew() else self.timing.retry

    async def _renew(self) -> bool:
        """Try once; says whether it was renewed, and notes where it is lost for good."""
        asked = time.monotonic()
        try:
            async with asyncio.timeout(self.timing.margin * 2):
                await self.blobs.renew(self.name, self.id)
        except AzureError as error:
            if error.status in {404, *_AGREED}:
                self.lost = problems.lock_lost(self.where, await _somebody(self.blobs, self.name, but=self.id))
            return False
        except TimeoutError:
            return False
        # Azure counts from a moment after we asked, so this errs on the safe side.
        self.since = asked
        return True


async def take(blobs: Blobs, name: str, where: str, operation: str, clock: Clock, timing: Timing) -> Lease:
    """The lock, if it is free at this moment; else `StateLocked`, which names the holder."""
    await _ensure(blobs, name)
    holder, asked = holder_of(operation, clock), time.monotonic()
    try:
        await blobs.lease(name, timing.life, holder.id)
    except AzureError as error:
        if error.status not in _AGREED:
            raise
        raise problems.leased(where, await _somebody(blobs, name), timing.life) from error
    lease = Lease(blobs, name, where, holder.id, asked, timing)
    try:
        await blobs.write_leased(name, write_holder(holder), holder.id)
    except BaseException:
        await lease.release()
        raise
    lease.keep()
    return lease


async def break_lock(blobs: Blobs, name: str) -> Holder | None:
    """End the lease of whoever has it, and forget the name, which is returned; none is no error."""
    found = await blobs.read(name)
    if found is None:
        return None
    with suppressed(_AGREED):
        await blobs.break_lease(name)
    # Where somebody else has taken the lock in the meantime, the ETag is another, and their name stays.
    with suppressed(_AGREED):
        await blobs.write(name, b"", replacing=found.etag)
    return parse_holder(found.data)


@contextmanager
def suppressed(statuses: frozenset[int]) -> Iterator[None]:
    """Go on where Azure answers with one of these: another has been there before."""
    try:
        yield
    except AzureError as error:
        if error.status not in statuses:
            raise


async def read_holder(blobs: Blobs, name: str) -> Holder | None:
    """Who the lock's blob names, or None where nobody is named."""
    found = await blobs.read(name)
    return parse_holder(found.data) if found is not None else None


async def _ensure(blobs: Blobs, name: str) -> None:
    """Make the blob that is leased, where there is none yet."""
    if await blobs.size(name) is None:
        with suppressed(_AGREED):
            await blobs.write(name, b"")


async def _somebody(blobs: Blobs, name: str, but: str = "") -> str:
    """Who holds the lock, in a sentence; the one with that id does not any longer."""
    try:
        holder = await read_holder(blobs, name)
    except AzureError:
        return "Who holds it now could not be read."
    if holder is None or holder.id == but:
        return "Another run holds it." if not but else "Nobody's name is on it now."
    return f"{holder}."
