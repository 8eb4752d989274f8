"""The emulator's clock: real time, moved by hand where a test or a rehearsal needs another day."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from declarative_kv.emulator.store import Store


class Clock:
    """Emulated time: real time plus an offset that the store remembers (table `meta`, key `clock`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.offset()

    def offset(self) -> float:
        """How many seconds the emulated time is ahead of the real one."""
        record = self._store.get("meta", "clock")
        return 0.0 if record is None else float(record["offset"])

    def shift(self, seconds: float) -> None:
        """Move the emulated time on, or back where negative."""
        self._store.put("meta", "clock", {"offset": self.offset() + seconds})


def iso(seconds: float) -> str:
    """Epoch seconds as Resource Manager and Graph write times: RFC 3339 in UTC, whole seconds, `Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
