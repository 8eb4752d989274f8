"""What drift is: the findings that decide the exit code, the closing line and what every report lists."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.found import Orphan, Unmanaged
from declarative_kv.model.plan import Action, Drift, Plan
from declarative_kv.model.resource import Condition, OtherPolicy
from declarative_kv.render.drift_rows import differences, orphan_line, unmanaged_line, unread_line
from declarative_kv.render.names import Names
from declarative_kv.render.safe import safe


class Level(StrEnum):
    """How much a finding matters: an alarm makes `drift` exit 2, a warning and a note do not, an error is a gap."""

    ALARM = "alarm"
    WARNING = "warning"
    NOTE = "note"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: what it is called, what it means, and what to do about it."""

    id: str
    title: str
    meaning: str
    remedy: str


_RULES: Final = (
    Rule(
        "changed-outside",
        "Changed outside",
        "A managed setting, or a secret's value, is no longer what was applied last.",
        "Apply to bring it back to the file, or take it over with `dkv drift --adopt`.",
    ),
    Rule(
        "deleted-outside",
        "Deleted outside",
        "What was applied is gone, or soft-deleted.",
        "Apply to bring it back, or take it out of the file.",
    ),
    Rule(
        "unmanaged-alarm",
        "Unmanaged, and that is an alarm",
        "Azure holds something that nobody declared, in a vault whose `others` says `alarm`.",
        "Declare it, delete it, or say `others: {…: report}` of that vault.",
    ),
    Rule(
        "unmanaged",
        "Unmanaged",
        "Azure holds something that nobody declared.",
        "Declare it, or say `others: {…: ignore}` of that vault.",
    ),
    Rule(
        "orphaned-grant",
        "Granted to nobody",
        "A grant is for a principal that the directory does not have.",
        "Take the grant out of the file, or delete it in Azure if nobody declared it.",
    ),
    Rule(
        "not-read",
        "Could not be read",
        "What is there is not known, so nothing is said about it.",
        "Give the identity that runs drift the access that the message names.",
    ),
)
RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.id: rule for rule in _RULES})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that drift has to tell. `identity` tells it from another of the same rule and address."""

    rule: Rule
    level: Level
    address: Address | None
    text: str
    details: tuple[str, ...] = ()
    since: str = ""
    span: Span | None = None
    identity: str = ""

    def fingerprint(self, environment: str | None) -> str:
        """What stays the same from run to run, whatever moves in the file and whatever the values become."""
        parts = (self.rule.id, environment or "", str(self.address or ""), self.identity.lower())
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def findings(plan: Plan) -> tuple[Finding, ...]:
    """Everything, in the order that reports have: what moved, what is unmanaged, what is orphaned, what is unread."""
    names = Names.of(plan)
    return (
        *(_moved(drift) for drift in plan.drift),
        *(_unmanaged(item, names) for item in plan.unmanaged if item.policy is not OtherPolicy.IGNORE),
        *(_orphaned(item, names) for item in plan.orphans),
        *(_unread(diagnostic) for diagnostic in plan.unreadable),
    )


def alarms(plan: Plan) -> tuple[Finding, ...]:
    """The findings that make `drift` exit 2."""
    return tuple(finding for finding in findings(plan) if finding.level is Level.ALARM)


def _moved(drift: Drift) -> Finding:
    if drift.action is Action.UPDATE:
        text, rule = "changed outside", RULES["changed-outside"]
    else:
        hidden = drift.live is not None and drift.live.condition is Condition.SOFT_DELETED
        text, rule = "soft-deleted outside" if hidden else "deleted outside", RULES["deleted-outside"]
    return Finding(rule, Level.ALARM, drift.address, text, differences(drift), drift.since, drift.span)


def _unmanaged(item: Unmanaged, names: Names) -> Finding:
    alarming = item.policy is OtherPolicy.ALARM
    return Finding(
        RULES["unmanaged-alarm" if alarming else "unmanaged"],
        Level.ALARM if alarming else Level.NOTE,
        item.address,
        f"unmanaged {unmanaged_line(item, names)}",
        (),
        item.since,
        item.span,
        item.live.remote_id,
    )


def _orphaned(item: Orphan, names: Names) -> Finding:
    text = orphan_line(item, names)
    return Finding(RULES["orphaned-grant"], Level.WARNING, item.address, text, (), "", item.span, item.live.remote_id)


def _unread(diagnostic: Diagnostic) -> Finding:
    text, details = unread_line(diagnostic), (safe(diagnostic.hint),) if diagnostic.hint else ()
    identity = "" if diagnostic.address else diagnostic.detail.partition(". ")[0]
    return Finding(RULES["not-read"], Level.ERROR, diagnostic.address, text, details, "", diagnostic.span, identity)
