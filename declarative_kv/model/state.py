"""What was applied: the state, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from declarative_kv.model.address import Address

FORMAT = 1
_OF_THE_ADDRESS: Final = frozenset({"fingerprint", "fingerprint_key", "pending_fingerprint", "pending_key"})
"""Facts that hold for one address only: a value's fingerprint is made of the value and the address."""


class Status(StrEnum):
    """PENDING: a write may have happened and its outcome was not saved."""

    APPLIED = "applied"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Entry:
    """One object that we manage. `spec` holds what was declared (unwritten settings left out), never a value.

    `facts` hold what Azure answered (version, created, updated, …), and of a secret the fingerprint of its value:
    `fingerprint` (hex) and `fingerprint_key` (the key's id with its version). A PENDING entry of a secret has
    `pending_fingerprint` and `seen_version` instead, until the write is confirmed. `facts["shared"]` is true for a role
    assignment that was there before us under another id: never deleted by us.
    """

    address: Address
    remote_id: str
    spec: Any
    depends_on: frozenset[Address] = frozenset()
    status: Status = Status.APPLIED
    facts: Mapping[str, Any] = field(default_factory=dict)
    protect: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Every object that we manage. `serial` grows by one with each saved run; `lineage` never changes.

    `keys` maps a vault's ARM id (lower case) to facts about the fingerprint key made there
    (`id`: the secret's id with version; `made`: whether we made it, so that destroy removes it).
    """

    lineage: str = ""
    serial: int = 0
    entries: Mapping[Address, Entry] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def base(self) -> tuple[str, int]:
        """What a plan is made against."""
        return self.lineage, self.serial


def readdressed(state: State, moves: Mapping[Address, Address]) -> State:
    """The state with entries under other addresses, which must be free."""
    entries = {moves.get(a, a): _readdressed(entry, moves) for a, entry in state.entries.items()}
    return replace(state, entries=entries)


def _readdressed(entry: Entry, moves: Mapping[Address, Address]) -> Entry:
    """The entry under its new address, its dependencies too."""
    depends_on = frozenset(moves.get(a, a) for a in entry.depends_on)
    if entry.address not in moves:
        return replace(entry, depends_on=depends_on)
    facts = {name: fact for name, fact in entry.facts.items() if name not in _OF_THE_ADDRESS}
    return replace(entry, address=moves[entry.address], depends_on=depends_on, facts=facts)
