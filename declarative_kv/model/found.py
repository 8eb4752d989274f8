"""What a look at Azure finds beside the changes: objects that nobody declared, grants to nobody, what was compared."""

from __future__ import annotations

from dataclasses import dataclass

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.resource import Barrier, Observed, OtherPolicy
from declarative_kv.model.state import Entry


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """An object in a managed vault that the YAML does not have; `span` is the vault's place."""

    address: Address
    vault: Address
    policy: OtherPolicy
    live: Observed
    since: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A grant to a principal that the directory no longer has; `span` is its place, or that of its vault."""

    address: Address
    principal: str
    live: Observed
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """An address that was held against Azure: as it was applied, as it is, and what it needs."""

    address: Address
    needs: tuple[Address, ...] = ()
    span: Span | None = None
    prior: Entry | None = None
    live: Observed | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """How a vault's secrets were listed: by itself, or where `why` says what kept us from that, by Resource Manager.

    `vault` is its address, or its name where it is not declared.
    """

    vault: str
    why: Barrier | None = None
