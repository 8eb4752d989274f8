"""What the kinds of object in a vault differ in; everything else about them is written once for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.store import Record


class ShowItem(Protocol):
    """How the lists show a version of an object, or the object itself without its version."""

    def __call__(self, call: VaultCall, record: Record, version: Record, *, with_version: bool) -> dict[str, Any]:
        """The item as JSON."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Secrets or keys: `collection` is their place in paths, `noun` their name in texts and error codes.

    `bundle` shows one version as the operations on one object answer it, without what only a read gives out;
    `item` as the lists do.
    """

    collection: str
    noun: str
    bundle: Callable[[VaultCall, Record, Record], dict[str, Any]]
    item: ShowItem

    @property
    def live(self) -> str:
        """The table of those that are not deleted."""
        return self.collection

    @property
    def deleted(self) -> str:
        """The table of those that are deleted, in any stage."""
        return f"deleted_{self.collection}"
