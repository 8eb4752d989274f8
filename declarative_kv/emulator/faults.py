"""Faults on request: what `dkv emulator fault` and the tests arrange to go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from declarative_kv.emulator.store import Record, Store

TABLE = "faults"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request: it waits `delay` seconds, then is dropped, or answered with `status`, or served."""

    delay: float = 0.0
    status: int | None = None
    drop: bool = False


class Faults:
    """The arranged faults, remembered by the store (table `faults`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        drop: bool = False,
        delay: float = 0.0,
        times: int | None = None,
    ) -> None:
        """Arrange a fault for the requests of a method (`*`: any) whose path matches a glob, without regard to case.

        `delay` is in seconds; `times` None means until cleared. Raises `ValueError` where it would do nothing.
        """
        if status is None and not drop and delay <= 0:
            raise ValueError("a fault needs a status, a delay, or to drop the connection")
        if times is not None and times < 1:
            raise ValueError("a fault happens at least once")
        if status is not None and not 400 <= status <= 599:
            raise ValueError("the status of a fault lies between 400 and 599")
        last = max((int(key) for key in self._store.table(TABLE)), default=0)
        record = {
            "method": method.upper(),
            "path": path,
            "status": status,
            "drop": drop,
            "delay": delay,
            "times": times,
        }
        self._store.put(TABLE, str(last + 1), record)

    def clear(self) -> None:
        """Forget every fault."""
        for key in list(self._store.table(TABLE)):
            self._store.delete(TABLE, key)

    def listed(self) -> list[Record]:
        """The faults that are still to happen, oldest first; read-only."""
        return list(self._store.table(TABLE).values())

    def strike(self, method: str, path: str) -> Fault | None:
        """What happens to this request, counted as having happened; None where nothing does.

        Delays add up; the first fault that ends the request (a status or a drop) ends the search.
        """
        if not self._store.table(TABLE):
            return None
        delay, hit = 0.0, False
        for key, record in list(self._store.table(TABLE).items()):
            if not _matches(record, method, path):
                continue
            hit = True
            self._count_down(key, record)
            delay += record["delay"]
            if record["drop"] or record["status"] is not None:
                return Fault(delay, record["status"], record["drop"])
        return Fault(delay) if hit else None

    def _count_down(self, key: str, record: Record) -> None:
        match record["times"]:
            case None:
                return
            case 1:
                self._store.delete(TABLE, key)
            case times:
                self._store.put(TABLE, key, {**record, "times": times - 1})


def _matches(record: Record, method: str, path: str) -> bool:
    if record["method"] not in ("*", method):
        return False
    pattern, lowered = record["path"].lower(), path.lower()
    # A client may ask for `/secrets/db/` (the empty version): the same object as `/secrets/db`.
    return fnmatchcase(lowered, pattern) or fnmatchcase(lowered.rstrip("/"), pattern)
