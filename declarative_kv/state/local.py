"""A state in a file: the snapshot, its journal, its lock and its backup side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from declarative_kv.model.codec import Malformed, Specs
from declarative_kv.model.errors import StateError
from declarative_kv.model.state import FORMAT, State
from declarative_kv.state import problems
from declarative_kv.state.files import Paths, read_if_there
from declarative_kv.state.journal import Journal, Seen
from declarative_kv.state.layout import Newer, Snapshot, decode_state
from declarative_kv.state.lock import Clock, Holder, clear, held
from declarative_kv.state.records import JournalText, fold, parse_journal


@dataclass(frozen=True, slots=True)
class LocalStore:
    """The state at `path`. `specs` are the spec classes by kind; `clock` gives the UTC time."""

    path: Path
    specs: Specs
    clock: Clock

    @property
    def paths(self) -> Paths:
        """The files."""
        return Paths(self.path)

    def read(self) -> State:
        """What is saved, the journal folded in. Takes no lock and writes nothing; no file is an empty state.

        `StateUnreadable` where a file is damaged or newer, `StateConflict` where journal and snapshot do not belong
        together.
        """
        return self._look().state

    @contextmanager
    def locked(self, operation: str, timeout: float = 0) -> Iterator[Journal]:
        """Hold the lock, and write through the journal; it is folded at the end, also after an error.

        `StateLocked` names the holder where the lock is not free within `timeout` seconds.
        """
        with held(self.paths, operation, timeout, self.clock):
            journal = Journal(self.paths, self._look())
            try:
                yield journal
            finally:
                journal.close()

    def unlock(self) -> Holder | None:
        """Clear away what a killed run left of its lock; returns who that was. `StateLocked` while it is held."""
        return clear(self.paths)

    def _look(self) -> Seen:
        """Read both files. A run may fold between the two reads, so what does not fit is read again."""
        before: bytes | None = None
        while True:
            # The journal first: a snapshot that is read later holds it or is what it builds on.
            raw = read_if_there(self.paths.journal)
            snapshot = read_if_there(self.paths.snapshot)
            seen = self._combined(snapshot, raw)
            if seen is not None:
                return seen
            if raw == before:
                raise self._torn_apart()
            before = raw

    def _torn_apart(self) -> StateError:
        """The journal stays, and the snapshot is not the one it belongs to."""
        if not self.paths.snapshot.exists():
            return problems.snapshot_missing(self.paths.snapshot, self.paths.journal, self.paths.backup)
        return problems.moved(
            self.paths.snapshot,
            self.paths.backup,
            self.paths.journal,
            f"{self.paths.snapshot} is not the snapshot that the journal beside it builds on.",
        )

    def _combined(self, data: bytes | None, raw: bytes | None) -> Seen | None:
        """The folded state, or None where the two do not belong together."""
        snapshot = self._snapshot(data)
        with self._readable(self.paths.journal):
            journal = parse_journal(raw)
            if journal is None or journal.id == snapshot.journal:
                return Seen(snapshot.state, data, snapshot.journal)
            if not _fits(journal, snapshot.state):
                return None
            state, interrupted = fold(snapshot.state, journal, self.specs)
            return Seen(state, data, snapshot.journal, journal, interrupted)

    def _snapshot(self, data: bytes | None) -> Snapshot:
        with self._readable(self.path):
            return Snapshot(State(), "") if data is None else decode_state(data, self.specs)

    @contextmanager
    def _readable(self, path: Path) -> Iterator[None]:
        """Say of which file it is that it cannot be read."""
        try:
            yield
        except Malformed as error:
            raise problems.damaged(path, self.paths.backup, str(error)) from error
        except Newer as error:
            raise problems.newer(path, self.paths.backup, error.found, FORMAT) from error


def _fits(journal: JournalText, state: State) -> bool:
    """Whether the journal builds on this state; the journal of a first run brings the lineage."""
    return journal.serial == state.serial and state.lineage in ("", journal.lineage)
