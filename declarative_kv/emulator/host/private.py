"""An emulator inside the program that uses it: no server, no socket, its world kept in a data folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.host.opened import opened
from declarative_kv.emulator.host.request_log import Recorder
from declarative_kv.emulator.host.snapshots import is_unwritten, load
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World

_LOCK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Private:
    """An open private emulator."""

    application: Application
    world: World

    def transport(self, recorder: Recorder | None = None) -> InProcessTransport:
        """A transport for azure-core's asynchronous clients, good for as long as the emulator is open."""
        return InProcessTransport(self.application, recorder=recorder)

    def identity(self, name: str = "main") -> dict[str, Any]:
        """A built-in identity (`main`, `norights`): `client_id`, `client_secret`, `object_id`."""
        return dict(self.world.identity(name))

    def load_if_unwritten(self, content: Any) -> bool:
        """Load a snapshot where no client has changed anything yet; whether it did."""
        if not is_unwritten(self.world):
            return False
        load(self.world, content)
        return True


@contextmanager
def open_private(folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[Private]:
    """Open the folder's emulator in this process, alone; `dkv emulator start` works on the folder later.

    Waits up to a minute for another program to finish with it, then raises `EmulatorError`; `waiting` hears of it.
    """
    with opened(folder, _LOCK_SECONDS, waiting=waiting) as world:
        yield Private(Application(world), world)
