"""A state in Azure Blob Storage: the snapshot and its earlier versions in one blob, journal and lock beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import uuid4

from declarative_kv.model.blob_place import BlobPlace, parse_blob_place
from declarative_kv.model.codec import Specs
from declarative_kv.model.errors import AzureError, Forbidden, NotAuthenticated
from declarative_kv.state import problems
from declarative_kv.state.blob_client import Blobs
from declarative_kv.state.hand import Stored
from declarative_kv.state.lease import USUAL, Lease, Timing, break_lock, read_holder, take
from declarative_kv.state.lock import Clock, Holder
from declarative_kv.state.store import Names, Store

KEPT: Final = 30
"""How many earlier snapshots are kept."""
BLOCKS: Final = 40_000
"""Appends after which a journal is folded: Azure takes 50,000 for one blob."""
_AGREED: Final = frozenset({409, 412})
_SERIAL: Final = "serial"


@dataclass(frozen=True, slots=True)
class BlobStore(Store):
    """The state at `place`, over the blobs of its container."""

    place: BlobPlace
    blobs: Blobs
    specs: Specs
    clock: Clock
    timing: Timing = USUAL

    @property
    def names(self) -> Names:
        """The locations."""
        return Names(str(self.place), f"{self.place}.journal")

    @property
    def journal(self) -> str:
        """The journal's blob."""
        return f"{self.place.key}.journal"

    @property
    def lock(self) -> str:
        """The blob that the lease is on."""
        return f"{self.place.key}.lock"

    def beside(self, location: str) -> BlobStore:
        """The same for another key."""
        return replace(self, place=parse_blob_place(location))

    @property
    def pause(self) -> float:
        """Asking costs a request."""
        return 2.0

    def way_back(self) -> str:
        """How an earlier snapshot is fetched and put in place."""
        at = f"--state {shlex.quote(str(self.place))}"
        return (
            f"The last {KEPT} snapshots are kept. To go back to the one with serial N:\n"
            f"    dkv state pull {at} --serial N --out FILE; dkv state push FILE {at} --force"
        )

    async def holder(self) -> Holder | None:
        """Who the lock's blob names."""
        with self.told():
            return await read_holder(self.blobs, self.lock)

    async def unlock(self) -> Holder | None:
        """Take the lock from whoever has it; that run stops before its next write."""
        with self.told():
            holder = await break_lock(self.blobs, self.lock)
            # That run's next append goes by the journal's ETag, and fails without its asking for the lease.
            await self.blobs.touch(self.journal, str(uuid4()))
            return holder

    async def fetch(self) -> Stored:
        """Both blobs."""
        with self.told():
            journal = await self.blobs.read(self.journal)
            snapshot = await self.blobs.read(self.place.key)
        return Stored(
            snapshot.data if snapshot else None,
            snapshot.etag if snapshot else "",
            journal.data if journal else None,
            journal.etag if journal else "",
        )

    async def take(self, operation: str) -> BlobHand:
        """A lease on the lock's blob."""
        with self.told():
            lease = await take(self.blobs, self.lock, str(self.place), operation, self.clock, self.timing)
        return BlobHand(self, lease)

    async def earlier(self, serial: int) -> bytes:
        """One of the snapshots that Azure keeps."""
        with self.told():
            kept = {one.metadata.get(_SERIAL, ""): one.snapshot for one in await self.blobs.kept(self.place.key)}
            if str(serial) in kept:
                return await self.blobs.read_kept(self.place.key, kept[str(serial)])
        raise problems.no_earlier(str(self.place), serial, ", ".join(kept))

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell what Azure Storage refuses as a `StateError`; who is not signed in hears that as ever."""
        try:
            yield
        except NotAuthenticated:
            raise
        except AzureError as error:
            said = error.diagnostics[0].detail
            if error.code in {"ContainerNotFound", "ContainerBeingDeleted"}:
                raise problems.no_container(str(self.place), self.place.account, self.place.container) from error
            if isinstance(error, Forbidden):
                raise problems.no_access(str(self.place), said) from error
            raise problems.unreachable(str(self.place), said) from error


@dataclass(slots=True)
class BlobHand:
    """A run's hold on a state in a blob. `size`, `etag` and `blocks` are the journal's."""

    store: BlobStore
    lease: Lease
    size: int = 0
    etag: str = ""
    blocks: int = 0
    header: bytes = field(default=b"")

    @property
    def full(self) -> bool:
        """Whether the journal nears the number of appends that Azure takes."""
        return self.blocks >= BLOCKS

    async def check(self) -> None:
        """Raise where the lease is lost, or may be."""
        with self.store.told():
            await self.lease.check()

    async def prove(self) -> None:
        """Raise where Azure says that the lease is not ours, or does not say that it is."""
        with self.store.told():
            await self.lease.prove()

    async def begin(self, data: bytes, replacing: str) -> None:
        """A new append blob; one that is folded already is removed before."""
        blobs, name = self.store.blobs, self.store.journal
        with self.store.told():
            await self.lease.prove()
            try:
                if replacing:
                    await blobs.delete(name, replacing)
                etag = await blobs.begin(name)
            except AzureError as error:
                etag = await self._begun(error)
        self.size, self.etag, self.blocks, self.header = 0, etag, 0, data
        await self.append(data)

    async def append(self, data: bytes) -> None:
        """Add a block where the journal is as this run left it, or `StateConflict`."""
        with self.store.told():
            await self.lease.check()
            try:
                etag = await self.store.blobs.append(self.store.journal, data, self.size, self.etag)
            except AzureError as error:
                etag = await self._landed(data, error)
        self.size, self.etag, self.blocks = self.size + len(data), etag, self.blocks + 1

    async def save(self, snapshot: bytes, serial: int, version: str, beside: str) -> str:
        """Have Azure keep the old snapshot, write the new one in its place, and remove the journal."""
        store = self.store
        with store.told():
            await self.lease.prove()
            if version:
                await self._keep(version)
            try:
                facts = {_SERIAL: str(serial)}
                saved = await store.blobs.write(store.place.key, snapshot, replacing=version, metadata=facts)
            except AzureError as error:
                saved = await self._saved(snapshot, error)
            # The new snapshot names the journal that is in it: where this is not reached, nothing is folded twice.
            if left := self.etag or beside:
                await store.blobs.delete(store.journal, left)
            self.etag, self.blocks = "", 0
        return saved

    async def release(self) -> None:
        """Give the lease back."""
        with self.store.told():
            await self.lease.release()

    async def _keep(self, version: str) -> None:
        """A snapshot of what is about to be replaced, and room for it."""
        key = self.store.place.key
        try:
            await self.store.blobs.keep(key, version)
        except AzureError as error:
            if error.status in {404, 412}:
                raise self._moved() from error
            raise
        kept = await self.store.blobs.kept(key)
        for one in kept[:-KEPT]:
            await self.store.blobs.drop_kept(key, one.snapshot)

    async def _begun(self, error: AzureError) -> str:
        """The ETag of the new journal, where it was made although the answer was lost."""
        found = await self.store.blobs.size(self.store.journal)
        if found is not None and found[0] == 0:
            return found[1]
        if error.status in _AGREED:
            raise self._moved() from error
        raise error

    async def _landed(self, data: bytes, error: AzureError) -> str:
        """The journal's ETag, where the block was taken although the answer says otherwise, or was lost."""
        blobs, name = self.store.blobs, self.store.journal
        found = await blobs.size(name)
        if found is not None and found[0] == self.size + len(data):
            first = await blobs.read(name, 0, len(self.header))
            last = await blobs.read(name, self.size, len(data))
            if first and last and (first.data, last.data) == (self.header, data):
                return last.etag
        if error.status in {404, *_AGREED}:
            await self.lease.prove()
            raise self._moved() from error
        raise error

    async def _saved(self, snapshot: bytes, error: AzureError) -> str:
        """The new snapshot's ETag, where it was written although the answer says otherwise, or was lost."""
        found = await self.store.blobs.read(self.store.place.key)
        if found is not None and found.data == snapshot:
            return found.etag
        if error.status in _AGREED:
            raise self._moved() from error
        raise error

    def _moved(self) -> Exception:
        names = self.store.names
        detail = f"{names.snapshot} or its journal was changed by something else."
        return problems.moved(names.snapshot, names.journal, detail, self.store.way_back())
