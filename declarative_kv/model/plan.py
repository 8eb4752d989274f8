"""A plan as data: changes, drift, access, guards and everything else that a reviewer must see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from declarative_kv.model.address import Address, Move
from declarative_kv.model.alike import nothing
from declarative_kv.model.counts import Counts
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.found import Checked, Listing, Orphan, Unmanaged
from declarative_kv.model.resource import Observed, Resource
from declarative_kv.model.shard import Shard
from declarative_kv.model.state import Entry


class Action(StrEnum):
    """What happens to one address."""

    NOOP = "no-op"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    RECOVER = "recover"
    IMPORT = "import"
    DESTROY = "destroy"
    FORGET = "forget"


class Reason(StrEnum):
    """Why; in words that a reviewer reads."""

    NEW = "new"
    EQUAL = "equal"
    VANISHED = "deleted outside"
    UNSEEN = "deleted outside, or soft-deleted: not seen"
    SOFT_DELETED = "soft-deleted outside"
    CONFIG_MOVED = "configuration changed"
    AZURE_MOVED = "changed in Azure"
    BOTH_MOVED = "changed on both sides"
    UNDECLARED = "no longer declared"
    GONE = "already gone"
    REQUESTED = "requested"
    DESTROYING = "destroy"
    OTHERS_DELETE = "others: delete"
    IMPORTING = "import"
    INTERRUPTED = "an earlier run was interrupted"
    CONTAINED = "goes with its vault"
    SHARED = "shared, stays in Azure"
    ATTACHED = "existing now, only checked"
    HANDED_OVER = "goes on under another address"
    LET_GO = "removed: forget"
    WAITING = "waits for a value in Azure"


@dataclass(frozen=True, slots=True)
class AttrDiff:
    """One attribute that differs; `path` such as ("network", "default") or ("tags", "team")."""

    path: tuple[str, ...]
    before: Any
    after: Any


class Value(StrEnum):
    """What is known about a secret's value before anything is written."""

    SAME = "same"
    NEW = "new"
    CHANGED = "changed"
    MOVED_OUTSIDE = "moved outside"
    NOT_COMPARED = "not compared"
    NONE = "none"


NOT_ASKED: Final = "--values never"
"""Why a value was not compared, where nobody wanted that."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The comparison of one secret's value. `why` says what kept it from being compared, or who moved.

    `facts` are facts to save with the entry when the value is the same but its fingerprint must be made anew.
    `seen` is the fingerprint of the source's value (hex) and `key` the fingerprint key's id, where there was one.
    `version` is the latest one in Azure, where it was looked at and its value is to be changed.
    """

    value: Value
    why: str = ""
    facts: Mapping[str, Any] = field(default_factory=nothing)
    seen: str | None = None
    key: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one address, no-ops included. `after` names the changes that come first.

    `desired`, `prior` and `live` are what was compared. `known` is false where the content of a soft-deleted vault
    hides the outcome ("known after recover"). `facts` are saved with the entry although nothing is written.
    """

    address: Address
    action: Action
    reason: Reason
    diff: tuple[AttrDiff, ...] = ()
    after: frozenset[Address] = frozenset()
    desired: Resource | None = None
    prior: Entry | None = None
    live: Observed | None = None
    verdict: Verdict | None = None
    writes_value: bool = False
    known: bool = True
    facts: Mapping[str, Any] = field(default_factory=nothing)
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed outside since our last apply.

    `action` is what happened there: update, destroy, or recover for what was soft-deleted.
    """

    address: Address
    action: Action
    diff: tuple[AttrDiff, ...] = ()
    value_moved: bool = False
    since: str = ""
    prior: Entry | None = None
    live: Observed | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class AccessLine:
    """Somebody gains (`+`) or loses (`-`) something.

    `via` names what gives it in Azure's words, `permission` is what Azure calls it.
    """

    gained: bool
    who: str
    object_id: str
    phrase: str
    resource: str
    via: str
    address: Address
    permission: str = ""


UNLIFTABLE: Final = frozenset({"import-only", "shard-order", "immutable", "unmanaged-exists"})
"""The codes of blocks that are no guards: what the run itself asked for, an order of runs, what no plan is made of."""


@dataclass(frozen=True, slots=True)
class Block:
    """A guard's finding, `allowed` where `--allow` lifted it. `name` is an invariant's, which has no address."""

    code: str
    address: Address | None
    detail: str
    allowed: bool = False
    name: str = ""

    @property
    def about(self) -> str:
        """What it is about: an address, or an invariant's name; empty where that is the whole plan."""
        return self.name or str(self.address or "")

    @property
    def allow(self) -> str:
        """The argument of `--allow` that lifts it; empty for what nobody can lift."""
        if self.code in UNLIFTABLE:
            return ""
        return f"{self.code}={self.about}" if self.about else self.code


@dataclass(frozen=True, slots=True)
class Irreversible:
    """Something that cannot be undone; `detail` in words."""

    address: Address
    detail: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Settings that left the YAML and stay as they are in Azure."""

    address: Address
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The first line: what was compared, as whom, when; `as_of` is the time of the picture it was made from, if any.

    `principals` are names in the YAML, by object id, for people to read.
    """

    environment: str | None
    subscription: str
    subscription_from: str
    identity: str
    identity_from: str
    serial: int
    read_at: str
    object_id: str = ""
    tenant: str = ""
    cloud: str = ""
    state: str = ""
    root: str = ""
    principals: Mapping[str, str] = field(default_factory=dict)
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """How a plan is asked for.

    With `alone` it is about the targets by themselves, all of which exist; with `shard` about one part of the estate.
    """

    destroy: bool = False
    refresh_only: bool = False
    import_all: bool = False
    import_only: bool = False
    values: str = "available"
    targets: tuple[Address, ...] = ()
    excludes: tuple[Address, ...] = ()
    replace: frozenset[Address] = frozenset()
    allow: tuple[str, ...] = ()
    alone: bool = False
    shard: Shard | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that `apply` does and a reviewer reads. `changes` are in an order that respects `after`.

    `inherited` are grants above the declared vaults that have no address: they count, and nothing here touches them.
    `orphans` and `checked` are known of drift alone.
    """

    head: Head
    changes: tuple[Change, ...]
    drift: tuple[Drift, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    access: tuple[AccessLine, ...] = ()
    blocks: tuple[Block, ...] = ()
    irreversible: tuple[Irreversible, ...] = ()
    unwritten: tuple[Unwritten, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    unreadable: tuple[Diagnostic, ...] = ()
    listings: tuple[Listing, ...] = ()
    base: tuple[str, int] = ("", 0)
    options: Options = Options()
    moves: tuple[Move, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    checked: tuple[Checked, ...] = ()
    inherited: tuple[Observed, ...] = ()

    @property
    def blocked(self) -> tuple[Block, ...]:
        """The guards that no `--allow` lifted."""
        return tuple(block for block in self.blocks if not block.allowed)

    @property
    def complete(self) -> bool:
        """Whether all live state could be read."""
        return not self.unreadable

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that do something."""
        return tuple(change for change in self.changes if change.action is not Action.NOOP)

    def counts(self) -> Counts:
        """The closing line's numbers: a recover is a change, a replace one add and one destroy (a secret's not)."""
        actions = [(c.action, c) for c in self.changes]
        replaced = sum(1 for a, c in actions if a is Action.REPLACE)
        return Counts(
            imported=sum(1 for a, _ in actions if a is Action.IMPORT),
            added=sum(1 for a, _ in actions if a is Action.CREATE) + replaced,
            changed=sum(
                1 for a, c in actions if a in (Action.UPDATE, Action.RECOVER) or (a is Action.IMPORT and c.diff)
            ),
            destroyed=sum(1 for a, _ in actions if a is Action.DESTROY) + replaced,
            forgotten=sum(1 for a, _ in actions if a is Action.FORGET),
            moved=len(self.moves),
        )
