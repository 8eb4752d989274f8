"""The lock of a local state: the operating system's, gone with the process, and a file that names the holder."""

from __future__ import annotations

import getpass
import os
import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from filelock import FileLock, Timeout

from declarative_kv.model.codec import Malformed, decode, encode
from declarative_kv.state import problems
from declarative_kv.state.files import PRIVATE_FILE, Paths, make_folder, read_if_there, replace_file, writing
from declarative_kv.state.layout import dump, parse

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock."""

    id: str
    who: str
    host: str
    pid: int
    operation: str
    since: datetime

    def __str__(self) -> str:
        since = self.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{self.who} on {self.host} (process {self.pid}) runs `{self.operation}` since {since}, lock {self.id}"


@contextmanager
def held(paths: Paths, operation: str, timeout: float, clock: Clock) -> Iterator[Holder]:
    """Hold the lock; `StateLocked` where it is not free within `timeout` seconds."""
    with _os_lock(paths, timeout):
        holder = Holder(str(uuid.uuid4()), _user(), platform.node(), os.getpid(), operation, clock())
        with writing(paths.holder):
            replace_file(paths.holder, f"{dump(encode(holder))}\n".encode())
        try:
            yield holder
        finally:
            with writing(paths.holder):
                paths.holder.unlink(missing_ok=True)


def clear(paths: Paths) -> Holder | None:
    """Remove what a killed holder left, and return who it was; `StateLocked` where the lock is really held."""
    if not paths.holder.exists():
        return None
    with _os_lock(paths, 0):
        stale = read_holder(paths)
        with writing(paths.holder):
            paths.holder.unlink(missing_ok=True)
        return stale


def read_holder(paths: Paths) -> Holder | None:
    """Who the file names, or None where it is missing or no longer whole."""
    data = read_if_there(paths.holder)
    try:
        holder: Holder | None = decode(Holder, parse(data)) if data else None
    except Malformed:
        return None
    return holder


@contextmanager
def _os_lock(paths: Paths, timeout: float) -> Iterator[None]:
    lock = FileLock(paths.lock, mode=PRIVATE_FILE, thread_local=False)
    with writing(paths.lock):
        make_folder(paths.lock.parent)
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            holder = read_holder(paths)
            raise problems.locked(paths.snapshot, f"{holder}." if holder else "Another process holds it.") from error
    try:
        yield
    finally:
        lock.release()


def _user() -> str:
    """The user's name, or number where it has none (as in many containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
