"""A state in a file: the snapshot, its journal, its lock and its backup side by side."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from declarative_kv.model.codec import Specs
from declarative_kv.state import problems
from declarative_kv.state.files import Paths, read_if_there, replace_file, sync_folder, write_all, writing
from declarative_kv.state.hand import Stored
from declarative_kv.state.layout import decode_state
from declarative_kv.state.lock import Clock, Holder, Lock, clear, read_holder
from declarative_kv.state.store import Names, Store


@dataclass(frozen=True, slots=True)
class LocalStore(Store):
    """The state at `path`. `specs` are the spec classes by kind; `clock` gives the UTC time."""

    path: Path
    specs: Specs
    clock: Clock

    @property
    def paths(self) -> Paths:
        """The files."""
        return Paths(self.path)

    @property
    def names(self) -> Names:
        """The paths."""
        return Names(str(self.paths.snapshot), str(self.paths.journal))

    def beside(self, location: str) -> LocalStore:
        """The same for another path."""
        return replace(self, path=Path(location))

    @property
    def pause(self) -> float:
        """The operating system is asked again soon: it costs nothing."""
        return 0.1

    def way_back(self) -> str:
        """The commands that put the backup in the snapshot's place."""
        return problems.restoring(self.paths.snapshot, self.paths.backup)

    async def holder(self) -> Holder | None:
        """Who the holder's file names."""
        return read_holder(self.paths)

    async def earlier(self, serial: int) -> bytes:
        """The backup, if it has that serial: one is kept."""
        data = read_if_there(self.paths.backup)
        with self.readable(str(self.paths.backup)):
            kept = None if data is None else decode_state(data, self.specs).state.serial
        if data is None or kept != serial:
            raise problems.no_earlier(str(self.path), serial, "" if kept is None else str(kept))
        return data

    async def unlock(self) -> Holder | None:
        """Clear away what a killed run left of its lock; `StateLocked` while it is really held."""
        return clear(self.paths)

    async def fetch(self) -> Stored:
        """Both files' bytes."""
        journal = read_if_there(self.paths.journal)
        snapshot = read_if_there(self.paths.snapshot)
        return Stored(snapshot, _digest(snapshot), journal, "")

    async def take(self, operation: str) -> LocalHand:
        """The operating system's lock on the state's lock file."""
        lock = Lock(self.paths)
        lock.acquire(operation, self.clock)
        return LocalHand(self, lock)


@dataclass(slots=True)
class LocalHand:
    """A run's hold on a state in a file. The lock goes with the process, so it cannot be lost.

    `size` is where the journal's last whole line ends.
    """

    store: LocalStore
    lock: Lock
    descriptor: int | None = None
    size: int = 0
    broken: bool = False

    @property
    def full(self) -> bool:
        """A file takes any number of appends."""
        return False

    async def check(self) -> None:
        """Nothing can take the lock from a living process."""

    async def prove(self) -> None:
        """The same."""

    async def begin(self, data: bytes, replacing: str) -> None:
        """Write a journal's beginning in the place of what is there, and keep it open."""
        journal = self.store.paths.journal
        with writing(journal):
            self._close()
            replace_file(journal, data)
            sync_folder(journal.parent)
            self.descriptor, self.size = os.open(journal, os.O_WRONLY | os.O_APPEND), len(data)

    async def append(self, data: bytes) -> None:
        """Write and sync, or leave the file as it was."""
        # On the event loop: a thread costs more than it gives, and makes the order of what is told a matter of chance.
        self._append(data)

    async def save(self, snapshot: bytes, serial: int, version: str, beside: str) -> str:
        """Replace the snapshot in one step, the old one as backup."""
        return self._save(snapshot, version)

    async def release(self) -> None:
        """Close the journal and give the lock back."""
        self._close()
        self.lock.release()

    def _append(self, data: bytes) -> None:
        assert self.descriptor is not None
        with writing(self.store.paths.journal):
            if self.broken:
                raise OSError("an earlier write to the journal failed")
            try:
                write_all(self.descriptor, data)
                os.fsync(self.descriptor)
            except BaseException:
                # After half a line nothing could be appended that a reader would find.
                self.broken = True
                os.ftruncate(self.descriptor, self.size)
                self.broken = False
                raise
            self.size += len(data)

    def _save(self, snapshot: bytes, version: str) -> str:
        paths = self.store.paths
        before = read_if_there(paths.snapshot)
        if _digest(before) != version:
            detail = f"{paths.snapshot} was changed by something else."
            raise problems.moved(str(paths.snapshot), str(paths.journal), detail, self.store.way_back())
        with writing(paths.snapshot):
            if before is not None:
                replace_file(paths.backup, before)
            replace_file(paths.snapshot, snapshot)
            sync_folder(paths.snapshot.parent)
            self._close()
            paths.journal.unlink(missing_ok=True)
        return _digest(snapshot)

    def _close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def _digest(snapshot: bytes | None) -> str:
    return "" if snapshot is None else hashlib.sha256(snapshot).hexdigest()
