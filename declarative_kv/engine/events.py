"""What happens during an apply, as data: events for a progress view, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from declarative_kv.model.address import Address
from declarative_kv.model.counts import Counts
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.plan import Change
from declarative_kv.model.state import State


@dataclass(frozen=True, slots=True)
class Started:
    """A change has begun."""

    change: Change


@dataclass(frozen=True, slots=True)
class Finished:
    """A change is done and saved; `seconds` is wall time."""

    change: Change
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A change failed for the reasons given."""

    change: Change
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A change was not tried, because the change at `because` failed."""

    change: Change
    because: Address


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth saying that is no change."""

    text: str


Event = Started | Finished | Failed | Skipped | Note


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an apply ended. `skipped` maps an address to the failed one it needed; `unstarted` was left by a stop.

    `failed` are the reasons, `broken` the changes that failed; `saved` tells whether any change left its mark.
    """

    state: State
    done: tuple[Change, ...] = ()
    failed: tuple[Diagnostic, ...] = ()
    skipped: Mapping[Address, Address] | None = None
    unstarted: tuple[Address, ...] = ()
    counts: Counts = field(default_factory=Counts)
    broken: tuple[Address, ...] = ()
    saved: bool = False
