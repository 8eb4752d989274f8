"""What was applied: the state, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from declarative_kv.model.address import Address

FORMAT = 1


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
