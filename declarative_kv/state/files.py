"""Files that are whole or not there: private, replaced in one step, on the disk before anybody relies on them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from declarative_kv.state.problems import not_written, unreadable_file

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class Paths:
    """The state's file and those beside it, which all begin with its name."""

    snapshot: Path

    @property
    def journal(self) -> Path:
        """The run's changes that no snapshot has yet."""
        return self._beside("journal")

    @property
    def lock(self) -> Path:
        """What the operating system's lock is on; its content means nothing."""
        return self._beside("lock")

    @property
    def holder(self) -> Path:
        """Who holds the lock, for people."""
        return self._beside("holder")

    @property
    def backup(self) -> Path:
        """The snapshot before this one."""
        return self._beside("backup")

    def _beside(self, ending: str) -> Path:
        return self.snapshot.with_name(f"{self.snapshot.name}.{ending}")


def read_if_there(path: Path) -> bytes | None:
    """The file's bytes, or None where there is no such file; `StateUnreadable` where it cannot be opened."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable_file(path, error) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell what keeps `path` from being written as a `StateError`."""
    try:
        yield
    except OSError as error:
        raise not_written(path, error) from error


def make_folder(folder: Path) -> None:
    """Create the missing folders, each private to the user; those that exist stay as they are."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`, or leave what is there whole; `sync_folder` makes the new name last.

    One writer at a time: the caller holds the state's lock.
    """
    # rename(2) is atomic only within one file system, so the new file is made beside the old one. Its name is always
    # the same, so that a killed run leaves one of them at most.
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    _move_in(fresh, path, data)


def save_file(path: Path, data: bytes) -> None:
    """Write what the user asked for to a path of their choice: whole or as it was; into a device or pipe as into any.

    `StateError` where it cannot be written.
    """
    with writing(path):
        path = path.resolve()
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            _move_in(fresh, path, data)
            sync_folder(path.parent)
        finally:
            fresh.unlink(missing_ok=True)


def _move_in(fresh: Path, path: Path, data: bytes) -> None:
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(fresh, path)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; a write may take fewer than it was given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Bring the folder's list of names to the disk, so that a new, renamed or removed file stays that way."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
