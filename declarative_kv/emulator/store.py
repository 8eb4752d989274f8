"""Everything the emulator remembers: tables of JSON objects in memory, written through to one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

Record = dict[str, Any]
Value = TypeVar("Value")
FILE_NAME = "world.db"


class Store:
    """Tables of JSON objects by key, in memory; with a folder also in `world.db` there (WAL), 0600.

    A record given out is read-only: copy it before changing it, then `put` the copy. Writes outside a
    `transaction` are durable one by one, writes inside one together, when the outermost one ends. Not
    thread-safe: one event loop uses it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._tables: dict[str, dict[str, Record]] = {}
        self._sorted: dict[str, list[str]] = {}
        self._undo: list[tuple[str, str, Record | None]] = []
        self._derived: dict[str, tuple[tuple[int, ...], Any]] = {}
        self._versions: dict[str, int] = {}
        self._depth = 0
        self.changes = 0  # writes so far; two equal readings mean that nothing was written between them
        self._database = None if folder is None else _open(folder)
        if self._database is not None:
            rows = self._database.execute("SELECT tbl, key, value FROM records ORDER BY rowid")
            for table, key, value in rows:
                self._rows(table)[key] = json.loads(value, object_pairs_hook=_interned)

    def get(self, table: str, key: str) -> Record | None:
        """The record, or None; read-only."""
        rows = self._tables.get(table)
        return None if rows is None else rows.get(key)

    def put(self, table: str, key: str, value: Record) -> None:
        """Store the record under the key; one that exists keeps its place in the order."""
        rows = self._rows(table)
        self._note(table, key, rows.get(key))
        if key not in rows and table in self._sorted:
            insort(self._sorted[table], key)
        rows[key] = value
        if self._database is not None:
            text = json.dumps(value, separators=(",", ":"))
            self._write(
                "INSERT INTO records (tbl, key, value) VALUES (?, ?, ?) "
                "ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value",
                (table, key, text),
            )

    def delete(self, table: str, key: str) -> None:
        """Remove the record; one that is absent is no error."""
        rows = self._tables.get(table)
        if rows is None or key not in rows:
            return
        self._note(table, key, rows[key])
        del rows[key]
        self._unsort(table, key)
        if self._database is not None:
            self._write("DELETE FROM records WHERE tbl = ? AND key = ?", (table, key))

    def table(self, table: str) -> Mapping[str, Record]:
        """A live, read-only view of one table, in order of insertion; copy it before writing in a loop."""
        return MappingProxyType(self._rows(table))

    def keys(self, table: str, prefix: str, *, after: str = "", limit: int | None = None) -> list[str]:
        """The keys that start with the prefix, sorted, those behind `after` only, at most `limit` of them."""
        index = self._sorted.get(table)
        if index is None:
            index = self._sorted[table] = sorted(self._rows(table))
        start = bisect_right(index, after) if after > prefix else bisect_left(index, prefix)
        end = bisect_left(index, prefix + "\U0010ffff", start)
        return index[start : end if limit is None else min(end, start + limit)]

    def derived(self, name: str, tables: tuple[str, ...], build: Callable[[], Value]) -> Value:
        """A value computed from these tables alone, kept under a name until one of them is written.

        For indexes that every request asks for: who is in which group, which role is assigned where.
        """
        versions = tuple(self._versions.get(table, 0) for table in tables)
        known = self._derived.get(name)
        if known is not None and known[0] == versions:
            value: Value = known[1]
            return value
        value = build()
        self._derived[name] = (versions, value)
        return value

    def dump(self) -> dict[str, dict[str, Record]]:
        """A copy of every table that is not empty; the records themselves are shared, so read-only."""
        return {name: dict(rows) for name, rows in self._tables.items() if rows}

    def clear(self) -> None:
        """Remove every record of every table."""
        with self.transaction():
            for name, rows in self._tables.items():
                for key in list(rows):
                    self.delete(name, key)

    def close(self) -> None:
        """Close the file; the store must not be used afterwards. A second close is no error."""
        if self._database is not None:
            self._database.close()
            self._database = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become durable together on exit; an exception undoes all of them. May be nested."""
        self._depth += 1
        try:
            yield
        except BaseException:
            if self._depth == 1:
                self._roll_back()
            raise
        else:
            if self._depth == 1:
                self._commit()
        finally:
            self._depth -= 1

    def _rows(self, table: str) -> dict[str, Record]:
        return self._tables.setdefault(table, {})

    def _unsort(self, table: str, key: str) -> None:
        if table in self._sorted:
            index = self._sorted[table]
            del index[bisect_left(index, key)]

    def _note(self, table: str, key: str, before: Record | None) -> None:
        self.changes += 1
        self._versions[table] = self._versions.get(table, 0) + 1
        if self._depth:
            self._undo.append((table, key, before))

    def _write(self, statement: str, values: tuple[str, ...]) -> None:
        assert self._database is not None
        if self._depth and not self._database.in_transaction:
            self._database.execute("BEGIN IMMEDIATE")
        self._database.execute(statement, values)

    def _commit(self) -> None:
        self._undo.clear()
        if self._database is not None and self._database.in_transaction:
            self._database.execute("COMMIT")

    def _roll_back(self) -> None:
        for table, key, before in reversed(self._undo):
            rows = self._rows(table)
            if before is not None:
                rows[key] = before
            elif key in rows:
                del rows[key]
            self._sorted.pop(table, None)
            self._versions[table] += 1
        self._undo.clear()
        if self._database is not None and self._database.in_transaction:
            self._database.execute("ROLLBACK")


def _open(folder: Path) -> sqlite3.Connection:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE_NAME
    # SQLite would create the file with the process's umask, and it holds secret values.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    # NORMAL loses nothing to a killed process; only a power cut may take the last transactions.
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS records "
        "(rowid INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
        "UNIQUE (tbl, key))"
    )
    return database


def _interned(pairs: list[tuple[str, Any]]) -> Record:
    # 100,000 records share a dozen field names: one copy of each instead of 100,000.
    return {sys.intern(name): value for name, value in pairs}
