"""A picture of what Azure held at one time, as data without any value: what a plan reads, to be read again offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from declarative_kv.model.access import NOTHING_AROUND, Surroundings
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.identity import Identity
from declarative_kv.model.resource import Observed


@dataclass(frozen=True, slots=True)
class Shot:
    """One read: the kind that made it, what it covered, and what it brought, or why it brought nothing.

    `error` is the kind of the refusal, `code` Azure's own word for it.
    """

    kind: str
    at: str
    indirect: bool = False
    observed: tuple[Observed, ...] = ()
    error: str = ""
    code: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A principal that was looked up: how it was named, and who that is. Without an object id it was not found."""

    selector: str
    name: str
    pinned: str | None = None
    object_id: str = ""
    type: str | None = None
    label: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What is known of a subscription as a whole; names and ids are in lower case.

    `vaults` are the live ones by name, `deleted` the soft-deleted ones; `roles` are the custom ones by name.
    """

    vaults: Mapping[str, str] = field(default_factory=dict)
    deleted: tuple[Observed, ...] = ()
    groups: tuple[Observed, ...] = ()
    resources: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that was read at `taken` (RFC 3339). `versions` are those of secrets that were asked for, by id."""

    taken: str
    cloud: str
    identity: Identity
    subscriptions: tuple[tuple[str, str, str], ...]
    shots: tuple[Shot, ...]
    principals: tuple[Known, ...] = ()
    inside: Mapping[str, Subscribed] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    around: Surroundings = NOTHING_AROUND
