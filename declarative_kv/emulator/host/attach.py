"""Which emulator a program uses when its configuration only says `cloud: emulator`: the running one, or its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.folder import default_folder

if TYPE_CHECKING:
    from declarative_kv.emulator.host.request_log import Recorder
    from declarative_kv.emulator.transport import InProcessTransport


@dataclass(frozen=True, slots=True)
class Attached:
    """An emulator in use: a running one has `variables` (those of `dkv emulator env`), a private one a `transport`.

    `throttles` says whether it refuses what exceeds Azure's limits; only who keeps to them then gets through at once.
    `identity` holds `client_id`, `client_secret` and `object_id`; it is secret, and left out of the repr.
    """

    folder: Path
    variables: Mapping[str, str] | None
    transport: InProcessTransport | None
    throttles: bool
    _identity: Mapping[str, Any]
    _load: Callable[[Any], bool]

    @property
    def identity(self) -> Mapping[str, Any]:
        """The emulator's main identity."""
        return self._identity

    def load_if_unwritten(self, content: Any) -> bool:
        """Load a snapshot where no client has changed anything yet; whether it did."""
        return self._load(content)

    def __repr__(self) -> str:
        return f"Attached(folder={str(self.folder)!r}, running={self.variables is not None})"


@contextmanager
def attached(
    private_folder: Path,
    environment: Mapping[str, str],
    *,
    recorder: Recorder | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[Attached]:
    """The running emulator of the default folder or of `private_folder`, else a private one in the latter.

    A private one is closed at the end, and reports its requests to `recorder`. Raises `EmulatorError` where
    another program keeps the private folder for longer than a minute; `waiting` hears of such a wait.
    """
    for folder in (default_folder(environment), private_folder):
        if process.running(folder) is not None:
            yield _running(folder)
            return
    from declarative_kv.emulator.host.private import open_private  # the whole emulator, only where it runs in here

    with open_private(private_folder, waiting) as private:
        transport = private.transport(recorder)
        yield Attached(private_folder, None, transport, False, private.identity(), private.load_if_unwritten)


def _running(folder: Path) -> Attached:
    variables = process.exported(folder)
    identity = {
        "client_id": variables["AZURE_CLIENT_ID"],
        "client_secret": variables["AZURE_CLIENT_SECRET"],
        "object_id": variables["DKV_EMULATOR_OBJECT_ID"],
    }
    throttles = bool(process.command(folder, "status").get("throttle", True))
    return Attached(
        folder, variables, None, throttles, identity, lambda content: process.load(folder, content, only_unwritten=True)
    )
