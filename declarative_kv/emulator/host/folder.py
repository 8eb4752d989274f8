"""The data folder of one emulator: who may use it now, and how the running one is reached."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from declarative_kv.emulator.host.failure import EmulatorError

CERTIFICATE: Final = "ca.pem"
SERVER_LOG: Final = "server.log"
STARTING: Final = "start.lock"
_SERVER: Final = "server.json"
_LAST_PORT: Final = "port"
_LOCK: Final = "world.lock"
_SOON: Final = 1.0
"""Seconds that nobody minds waiting without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a running emulator is reached; `secret` opens its control address, `started` is an ISO time."""

    pid: int
    port: int
    secret: str
    started: str

    def __repr__(self) -> str:
        return f"Contact(pid={self.pid}, port={self.port}, started={self.started!r})"


def default_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where an emulator lives unless told otherwise: `DKV_EMULATOR`, else under `XDG_STATE_HOME`."""
    variables = os.environ if environment is None else environment
    if variables.get("DKV_EMULATOR"):
        return Path(variables["DKV_EMULATOR"]).expanduser().absolute()
    base = variables.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser().absolute() / "dkv" / "emulator"


def prepare(folder: Path) -> None:
    """Make the data folder, its owner's only since it holds secret values; raises `EmulatorError`."""
    if "\n" in str(folder):
        raise EmulatorError("The data folder's name holds a line break.", "Choose another --data-dir.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise EmulatorError(f"The data folder {folder} cannot be used: {error.strerror}.") from error


@contextmanager
def exclusive(
    folder: Path, seconds: float, name: str = _LOCK, waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold a lock of the folder alone, by default its world's, waiting up to `seconds`; it dies with its process.

    `waiting` hears of it where that takes longer than a second.
    """
    prepare(folder)
    lock = FileLock(folder / name, mode=0o600)
    try:
        _acquire(lock, seconds, waiting)
    except Timeout as error:
        raise EmulatorError(
            f"The data folder {folder} is in use by another process.",
            "Wait for it to finish, or choose another --data-dir.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, seconds: float, waiting: Callable[[], None]) -> None:
    try:
        lock.acquire(timeout=min(seconds, _SOON))
    except Timeout:
        if seconds <= _SOON:
            raise
        waiting()
        lock.acquire(timeout=seconds - _SOON)


def is_free(folder: Path, seconds: float) -> bool:
    """Whether nobody holds the folder's world, or lets go of it within `seconds`."""
    if not (folder / _LOCK).exists():
        return True
    try:
        with FileLock(folder / _LOCK, mode=0o600).acquire(timeout=seconds):
            return True
    except Timeout:
        return False


def read_contact(folder: Path) -> Contact | None:
    """What the last server wrote about itself, or None; it may be gone by now."""
    try:
        return Contact(**json.loads((folder / _SERVER).read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError):
        return None  # another version's file, or half of one: whoever wrote it cannot be reached through it


def write_contact(folder: Path, contact: Contact) -> None:
    """Publish the running server, whole or not at all, readable by the owner only."""
    beside = folder / f".{_SERVER}.{contact.pid}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(contact), file)
    beside.replace(folder / _SERVER)
    (folder / _LAST_PORT).write_text(f"{contact.port}\n")


def remove_contact(folder: Path) -> None:
    """Take back what `write_contact` published."""
    (folder / _SERVER).unlink(missing_ok=True)


def last_port(folder: Path) -> int:
    """The port of the last server, or 0: a restarted one should be where shells still look for it."""
    try:
        return int((folder / _LAST_PORT).read_text())
    except (FileNotFoundError, ValueError):
        return 0
