"""Where configuration files are read from: the disk, or anything else that shows files under paths."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol


class NotRegular(Exception):
    """What stands there is a folder, a pipe or a device."""


class TooLarge(Exception):
    """The file is larger than what is read; `size` in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Files(Protocol):
    """Files under absolute paths. Links are followed."""

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder."""
        ...

    def is_file(self, path: Path) -> bool:
        """Whether there is a file."""
        ...

    def matching(self, folder: Path, pattern: str) -> Iterable[Path]:
        """The files below a folder that a pattern matches, in no order; raises `ValueError` for what is no pattern."""
        ...

    def real(self, path: Path) -> Path:
        """The path with every link followed; one that leads away from these files lies below none of their folders."""
        ...

    def read(self, path: Path, limit: int) -> bytes:
        """What a file holds. Raises `OSError`, `NotRegular`, or `TooLarge` above so many bytes."""
        ...


class Disk:
    """The files of this machine."""

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder."""
        return path.is_dir()

    def is_file(self, path: Path) -> bool:
        """Whether there is a file."""
        return path.is_file()

    def matching(self, folder: Path, pattern: str) -> Iterable[Path]:
        """The files below a folder that a pattern matches."""
        return (path for path in folder.glob(pattern) if path.is_file())

    def real(self, path: Path) -> Path:
        """The path with every link followed."""
        return path.resolve()

    def read(self, path: Path, limit: int) -> bytes:
        """What a file holds."""
        # A pipe or a device must not be opened at all: that alone can wait for ever.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular
        if status.st_size > limit:
            raise TooLarge(status.st_size)
        with path.open("rb") as stream:
            return stream.read(limit + 1)


DISK: Final = Disk()
