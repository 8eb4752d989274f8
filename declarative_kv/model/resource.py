"""Resources (what the YAML declares), observations (what Azure holds) and scopes (what one read covers)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Span


class Importing(StrEnum):
    """Whether an existing object that the state does not know may be taken over."""

    NO = "no"
    THIS = "this"
    ALL = "all"


class OtherPolicy(StrEnum):
    """What to do about objects that Azure holds and the YAML does not."""

    REPORT = "report"
    ALARM = "alarm"
    DELETE = "delete"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The settings that every entry may have.

    `ignore` names attributes; `others` maps a kind below a vault to a policy.
    """

    protect: bool = False
    ignore: frozenset[str] = frozenset()
    importing: Importing = Importing.NO
    existing: bool = False
    others: Mapping[str, OtherPolicy] = field(default_factory=dict)

    def policy(self, kind: str) -> OtherPolicy:
        """What is to be done about objects of a kind that nobody declared."""
        return self.others.get(kind, OtherPolicy.REPORT)


@dataclass(frozen=True, slots=True)
class Resource:
    """One declared entry. `spans` maps an attribute's name to its place, where it has one of its own."""

    address: Address
    spec: Any
    depends_on: frozenset[Address] = frozenset()
    lifecycle: Lifecycle = Lifecycle()
    span: Span | None = None
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False)


class Condition(StrEnum):
    """Whether an object is there."""

    LIVE = "live"
    SOFT_DELETED = "soft-deleted"


@dataclass(frozen=True, slots=True)
class Observed:
    """One object of Azure.

    `remote_id` is an ARM id (a secret's is `{vault id}/secrets/{name}`), compared case-insensitively. `facts` are JSON
    values that are not settings (version, created, updated, …). `parent` is the ARM id of the vault that the object
    lies in or grants access to, at or below it; None for what belongs to no vault. `label` names it for people.
    `system` marks what is never deleted or reported (secrets of certificates, our fingerprint key). `changed` is when
    Azure says that anything about it was changed last, an RFC 3339 time, for people: nothing is decided by it.
    """

    kind: str
    remote_id: str
    spec: Any
    condition: Condition = Condition.LIVE
    facts: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    label: str = ""
    system: bool = False
    changed: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """The remote id in the form that ids are compared in."""
        return self.remote_id.lower()


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What one batched read covers: `kind` names the kind whose `read` serves it, `at` an ARM id, `wanted` remote ids.

    Scopes of equal `kind` and `at` are merged by uniting `wanted` before the read. `indirect` asks for what can be
    known without the data plane: what is live, and neither values nor what is soft-deleted.
    """

    kind: str
    at: str
    wanted: frozenset[str] = field(default=frozenset(), compare=False)
    indirect: bool = field(default=False, compare=False)


class Barrier(StrEnum):
    """What keeps us from a vault's data plane; in words that a reader of a plan understands."""

    RIGHT = "no right to list them there"
    RULES = "the vault's network rules refuse this machine"
    PRIVATE = "the vault takes no public traffic"
    SILENT = "the vault's host cannot be reached"


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of a refresh.

    `live` holds what has an address, with what was seen of those that the run leaves out; `rest` what does not;
    `unreadable` what could not be read. `unread` maps an address to the diagnostic that kept it from being read;
    `contents` lists the ARM ids in a container that is about to be deleted. `unlisted` maps a vault and a kind to why
    all of that kind in it could not be listed, where nothing that the run is about depends on it. `listed` maps the
    ARM id (lower case) of every vault whose data plane was listed to why that was not done through the vault itself;
    None where it was.
    """

    live: Mapping[Address, Observed]
    rest: tuple[Observed, ...] = ()
    unreadable: tuple[Diagnostic, ...] = ()
    unread: Mapping[Address, Diagnostic] = field(default_factory=dict)
    contents: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    unlisted: Mapping[tuple[Address, str], Diagnostic] = field(default_factory=dict)
    listed: Mapping[str, Barrier | None] = field(default_factory=dict)


Desired = Mapping[Address, Resource]
Live = Mapping[Address, Observed]
