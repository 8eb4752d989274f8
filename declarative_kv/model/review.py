"""A review as data: what a change of the YAML means, by the YAML alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.lint import Finding
from declarative_kv.model.plan import Action, Change, Plan, Value


class RiskClass(StrEnum):
    """What a change can do to somebody, gravest first."""

    IRREVERSIBLE = "irreversible"
    WIDENS = "widens access"
    RECOVERABLE = "recoverable"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Risk:
    """One class; `until` is the last day on which what is recoverable still is, None where no file says so."""

    risk: RiskClass
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What changes about the rules themselves: how an entry is treated, an invariant, a guard. Nothing of Azure."""

    subject: str
    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What applying HEAD would do where BASE was applied and nobody did anything else.

    `plan` says that in a plan's terms; `risks` has the classes of every difference, gravest first. `findings` are those
    of lint that BASE does not have.
    """

    plan: Plan
    risks: Mapping[Address, tuple[Risk, ...]] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def differences(self) -> tuple[Change, ...]:
        """The changes that mean something; what is only forgotten, moved or written otherwise does not."""
        return differences(self.plan)

    @property
    def differs(self) -> bool:
        """Whether HEAD means anything else than BASE."""
        return any(self._what_differs())

    def _what_differs(self) -> Iterator[bool]:
        yield bool(self.differences)
        yield bool(self.plan.access)
        yield bool(self.plan.unwritten)
        yield bool(self.settings)
        yield bool(self.plan.notes)


def differences(plan: Plan) -> tuple[Change, ...]:
    """The changes at whose address something is done, or would have to be and cannot, or is not known from here."""
    fixed = {block.address for block in plan.blocks if block.code == "immutable"}
    return tuple(change for change in plan.changes if change.address in fixed or _does(change))


def is_unknown(change: Change) -> bool:
    """Whether a secret gets its value from somewhere else than before."""
    return change.verdict is not None and change.verdict.value is Value.NOT_COMPARED


def _does(change: Change) -> bool:
    return is_unknown(change) if change.action is Action.NOOP else change.action is not Action.FORGET


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review that is the same for these environments; none where the file has none."""

    environments: tuple[str, ...]
    review: Review


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that one command reviewed; `base` and `head` say in words what was compared."""

    base: str
    head: str
    reviews: tuple[Reviewed, ...]

    @property
    def blocked(self) -> bool:
        """Whether anything would stand in an apply's way."""
        return any(one.review.plan.blocked for one in self.reviews)

    @property
    def differs(self) -> bool:
        """Whether HEAD means anything else than BASE, anywhere."""
        return any(one.review.differs for one in self.reviews)
