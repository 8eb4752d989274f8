"""The whole emulated Azure as one value: what it remembers, its clock, its settings and its faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from declarative_kv.emulator.clock import Clock
from declarative_kv.emulator.entra.keyring import Keyring
from declarative_kv.emulator.faults import Faults
from declarative_kv.emulator.seed import seed
from declarative_kv.emulator.store import Store
from declarative_kv.emulator.throttle import Limits


@dataclass(slots=True)
class Settings:
    """How the emulator behaves: `time_scale` times Azure's recorded delays (0: at once); `as_of` an ISO date
    whose texts and defaults it follows; `throttle` Azure's published limits; `public_ip` the callers' address;
    `ragged_pages` short and empty pages in Key Vault's lists, as Azure gives them."""

    time_scale: float = 0.0
    as_of: str | None = None
    throttle: bool = False
    public_ip: str = "203.0.113.7"
    ragged_pages: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """One emulated Azure. The store is the truth; the other fields are ways to it, but `limits`, which counts."""

    store: Store
    clock: Clock
    settings: Settings
    faults: Faults
    keyring: Keyring
    limits: Limits = field(default_factory=Limits)

    def fail(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        drop: bool = False,
        delay: float = 0.0,
        times: int | None = None,
    ) -> None:
        """Arrange a fault; the arguments are those of `Faults.add`."""
        self.faults.add(method, path, status=status, drop=drop, delay=delay, times=times)

    def identity(self, name: str = "main") -> dict[str, Any]:
        """A built-in identity (`main`, `norights`): `client_id`, `client_secret`, `object_id`.

        Raises `LookupError` in a world that was made without identities.
        """
        record = self.store.get("identities", name)
        if record is None:
            raise LookupError(f"this world has no identity {name!r}")
        return record

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def new_world(folder: Path | None = None, settings: Settings | None = None, *, seed_identity: bool = True) -> World:
    """Open the world of a data folder, or make one there; without a folder it lives in memory only.

    A fresh one holds the sample tenant, its subscription and, unless told otherwise, the two built-in identities.
    """
    store = Store(folder)
    clock = Clock(store)
    world = World(store, clock, settings or Settings(), Faults(store), Keyring(store))
    if store.get("meta", "world") is None:
        with store.transaction():
            seed(store, clock.now(), identities=seed_identity)
    return world
