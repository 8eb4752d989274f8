"""The lock of a local state: the operating system's, gone with the process, and a file that names the holder."""

from __future__ import annotations

import getpass
import os
import platform
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
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


def holder_of(operation: str, clock: Clock) -> Holder:
    """This process as the holder of a lock that it takes now."""
    return Holder(str(uuid.uuid4()), _user(), platform.node(), os.getpid(), operation, clock())


def write_holder(holder: Holder) -> bytes:
    """A holder as one line of JSON."""
    return f"{dump(encode(holder))}\n".encode()


def parse_holder(data: bytes | None) -> Holder | None:
    """Who a text names, or None where it is missing or not whole."""
    try:
        holder: Holder | None = decode(Holder, parse(data)) if data else None
    except Malformed:
        return None
    return holder


@dataclass(slots=True)
class Lock:
    """The lock of the state at these paths; it is tried once, without waiting."""

    paths: Paths
    os_lock: FileLock = field(init=False)

    def __post_init__(self) -> None:
        self.os_lock = FileLock(self.paths.lock, mode=PRIVATE_FILE, thread_local=False)

    def acquire(self, operation: str, clock: Clock) -> None:
        """Take it, and say by whom it is held; `StateLocked` where it is not free."""
        self.acquire_quietly()
        try:
            with writing(self.paths.holder):
                replace_file(self.paths.holder, write_holder(holder_of(operation, clock)))
        except BaseException:
            self.os_lock.release()
            raise

    def acquire_quietly(self) -> None:
        """Take it without a word."""
        with writing(self.paths.lock):
            make_folder(self.paths.lock.parent)
            try:
                self.os_lock.acquire(timeout=0)
            except Timeout as error:
                holder = read_holder(self.paths)
                who = f"{holder}." if holder else "Another process holds it."
                raise problems.locked(str(self.paths.snapshot), who) from error

    def release(self) -> None:
        """Give it back, and take away what names the holder."""
        try:
            with writing(self.paths.holder):
                self.paths.holder.unlink(missing_ok=True)
        finally:
            self.os_lock.release()


def clear(paths: Paths) -> Holder | None:
    """Remove what a killed holder left, and return who it was; `StateLocked` where the lock is really held."""
    if not paths.holder.exists():
        return None
    lock = Lock(paths)
    lock.acquire_quietly()
    try:
        return read_holder(paths)
    finally:
        lock.release()


def read_holder(paths: Paths) -> Holder | None:
    """Who the file names, or None where it is missing or no longer whole."""
    return parse_holder(read_if_there(paths.holder))


def _user() -> str:
    """The user's name, or number where it has none (as in many containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
