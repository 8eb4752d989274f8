"""The world of a data folder, held alone for as long as it is open."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from declarative_kv.emulator.host.failure import EmulatorError
from declarative_kv.emulator.host.folder import exclusive
from declarative_kv.emulator.world import Settings, World, new_world


@contextmanager
def opened(
    folder: Path, seconds: float, settings: Settings | None = None, waiting: Callable[[], None] = lambda: None
) -> Iterator[World]:
    """Open the folder's world, or make a fresh one there, and close it at the end.

    Waits up to `seconds` for whoever holds it, and calls `waiting` where that is long. Raises `EmulatorError` after
    that, and where the data is damaged.
    """
    with exclusive(folder, seconds, waiting=waiting):
        try:
            world = new_world(folder, settings)
        except (sqlite3.Error, ValueError, KeyError) as error:
            raise EmulatorError(
                f"The emulator's data in {folder} cannot be read.",
                "If it is worth nothing, delete the folder and start anew.",
            ) from error
        try:
            yield world
        finally:
            world.close()
