"""What the applier writes through, as far as it needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from declarative_kv.model.address import Address
from declarative_kv.model.state import Entry, State


class Journal(Protocol):
    """What the applier needs of `declarative_kv.state`'s journal."""

    @property
    def state(self) -> State:
        """The state as it is now."""
        ...

    def get(self, address: Address) -> Entry | None:
        """One entry as it is now."""
        ...

    async def check(self) -> None:
        """Raise `StateError` where this run may not write any longer, to Azure or the state."""
        ...

    async def prove(self) -> None:
        """The same, but the lock's place is asked where others can take the lock."""
        ...

    async def put(self, *entries: Entry) -> None:
        """Save entries."""
        ...

    async def drop(self, address: Address) -> None:
        """Forget an entry."""
        ...

    async def key(self, vault: str, facts: Mapping[str, Any] | None) -> None:
        """Save or forget what is known of a vault's fingerprint key."""
        ...
