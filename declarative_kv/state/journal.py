"""The writing side of a locked state: each change is on the disk before the call that reports it returns."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.state import Entry, State
from declarative_kv.state import problems
from declarative_kv.state.files import Paths, read_if_there, replace_file, sync_folder, write_all, writing
from declarative_kv.state.layout import encode_state
from declarative_kv.state.records import JournalText, drop_line, header_line, key_line, put_line


@dataclass(frozen=True, slots=True)
class Seen:
    """What lies on disk: the folded state, the snapshot's bytes, and the journal that is not in the snapshot yet.

    `folded` is the id of the journal that the snapshot holds; `interrupted` the entry that a cut line was about.
    """

    state: State
    snapshot: bytes | None = None
    folded: str = ""
    journal: JournalText | None = None
    interrupted: Entry | None = None


@dataclass(slots=True)
class _Appender:
    """The journal's open file; `size` is where its last whole line ends."""

    descriptor: int
    size: int
    broken: bool = field(default=False)

    def append(self, line: bytes) -> None:
        """Write and sync one line, or leave the file as it was."""
        if self.broken:
            raise OSError("an earlier write to the journal failed")
        try:
            write_all(self.descriptor, line)
            os.fsync(self.descriptor)
        except BaseException:
            # After half a line nothing could be appended that a reader would find.
            self.broken = True
            os.ftruncate(self.descriptor, self.size)
            self.broken = False
            raise
        self.size += len(line)


class Journal:
    """One run's hand on the state, made by `Store.locked`. Not for several threads.

    `put`, `drop` and `key` raise `StateError` when the disk refuses, and `TypeError` for what must not get in; then the
    state is as it was before the call. A run that is killed loses none of the calls that returned.
    """

    def __init__(self, paths: Paths, seen: Seen) -> None:
        self._paths = paths
        self._appender: _Appender | None = None
        self._adopt(seen)

    def _adopt(self, seen: Seen) -> None:
        """Go on from what lies on disk."""
        self._entries = dict(seen.state.entries)
        self._keys = dict(seen.state.keys)
        self._base = seen.state
        self._snapshot = _digest(seen.snapshot)
        self._folded = seen.folded
        self._left = seen.journal
        self._interrupted = seen.interrupted
        self._state: State | None = seen.state
        self._written = False

    @property
    def state(self) -> State:
        """The state as it is now, every change of this run included."""
        if self._state is None:
            self._state = replace(self._base, entries=dict(sorted(self._entries.items())), keys=dict(self._keys))
        return self._state

    def get(self, address: Address) -> Entry | None:
        """One entry as it is now, without the cost of a whole `state`."""
        return self._entries.get(address)

    def state_key(self, vault: str) -> Mapping[str, Any] | None:
        """What is known of the fingerprint key in a vault (its ARM id) as of now."""
        return self._keys.get(vault.lower())

    def put(self, entry: Entry) -> None:
        """Add or replace the entry of an address."""
        self._append(put_line(entry))
        self._entries[entry.address] = entry

    def drop(self, address: Address) -> None:
        """Forget the entry of an address; none is no error."""
        self._append(drop_line(address))
        self._entries.pop(address, None)

    def key(self, vault: str, facts: Mapping[str, Any] | None) -> None:
        """Keep facts about the fingerprint key in a vault (its ARM id), or forget them."""
        vault = vault.lower()
        self._append(key_line(vault, facts))
        if facts is None:
            self._keys.pop(vault, None)
        else:
            self._keys[vault] = dict(facts)

    def checkpoint(self) -> None:
        """Fold the journal into a new snapshot with the next serial; nothing to do where there is no journal.

        `StateConflict` when the snapshot on disk is not the one this run began with; then the journal stays.
        """
        if self._appender is not None or self._left is not None:
            self._save(self.state)

    def replace(self, state: State) -> None:
        """Put another content in the place of this one, in one step; the one before becomes the backup.

        The new serial is one more than both. An empty lineage stands for the present one.
        """
        self.checkpoint()
        serial = max(state.serial, self._base.serial)
        lineage = state.lineage or self._base.lineage or str(uuid.uuid4())
        self._save(replace(state, serial=serial, lineage=lineage))

    def close(self) -> None:
        """End of the run: fold, if anything was written. A journal that an earlier run left stays as it is."""
        try:
            if self._written:
                self.checkpoint()
        finally:
            self._release()

    def _append(self, line: bytes) -> None:
        """Bring a record to the disk."""
        with writing(self._paths.journal):
            if self._appender is None:
                self._appender = self._start()
            self._appender.append(line)
        self._written = True
        self._state = None

    def _start(self) -> _Appender:
        """Open the journal, after what an earlier run left in it; a cut line there becomes a pending entry."""
        if self._left is None:
            lineage = self._base.lineage or str(uuid.uuid4())
            self._base = replace(self._base, lineage=lineage)
            self._left = JournalText(str(uuid.uuid4()), lineage, self._base.serial)
        left = self._left
        cut = put_line(self._interrupted) if self._interrupted else b""
        data = header_line(left) + b"".join(line + b"\n" for line in left.lines) + cut
        replace_file(self._paths.journal, data)
        sync_folder(self._paths.journal.parent)
        return _Appender(os.open(self._paths.journal, os.O_WRONLY | os.O_APPEND), len(data))

    def _save(self, state: State) -> None:
        """Write the next snapshot; from here on it holds what the journal held."""
        paths = self._paths
        before = read_if_there(paths.snapshot)
        if _digest(before) != self._snapshot:
            raise problems.moved(
                paths.snapshot, paths.backup, paths.journal, f"{paths.snapshot} was changed by something else."
            )
        saved = replace(state, serial=state.serial + 1)
        folded = self._left.id if self._left else self._folded
        data = encode_state(saved, folded)
        with writing(paths.snapshot):
            if before is not None:
                replace_file(paths.backup, before)
            replace_file(paths.snapshot, data)
            sync_folder(paths.snapshot.parent)
            self._release()
            # The snapshot names the journal that is in it: where this line is not reached, nothing is folded twice.
            paths.journal.unlink(missing_ok=True)
        self._adopt(Seen(saved, data, folded))

    def _release(self) -> None:
        """Close the journal's file."""
        if self._appender is not None:
            os.close(self._appender.descriptor)
            self._appender = None


def _digest(snapshot: bytes | None) -> bytes | None:
    return None if snapshot is None else hashlib.sha256(snapshot).digest()
