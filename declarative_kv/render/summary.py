"""The exit code and the closing lines of a run, decided together so that they cannot disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from declarative_kv.engine.apply import KEY_KIND
from declarative_kv.engine.events import Outcome
from declarative_kv.model.address import Address
from declarative_kv.model.counts import Counts
from declarative_kv.model.plan import Plan
from declarative_kv.render.findings import alarms
from declarative_kv.render.safe import safe

NO_CHANGES = "No changes. Your infrastructure matches the configuration."

SHOWN: Final = 20
"""How many of the skipped are named under each cause; the progress has named them all."""
_AFTER_RECOVER = "known-after-recover"
"""The problem of a recover that is done itself, and stops what comes after it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended: its exit code, and the lines that say so."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, joined."""
        return "\n".join(self.lines)


def of_plan(plan: Plan, *, detailed: bool = False) -> Summary:
    """How `plan` ends. Blocked (3) beats incomplete (4) beats changes (2, only if `detailed`)."""
    counts = plan.counts()
    changes = counts.any or (plan.options.refresh_only and bool(plan.drift))
    code = 3 if plan.blocked else 4 if not plan.complete else 2 if detailed and changes else 0
    lines = [*_hindrances(plan), *_moves(counts), *_forgets(counts)]
    if not counts.any and plan.complete and not plan.blocked:
        closing = _refreshed(plan) if plan.options.refresh_only else NO_CHANGES
        return Summary(code, (*lines, closing))
    return Summary(code, (*lines, planned(counts)))


def of_apply(counts: Counts, *, destroying: bool = False) -> Summary:
    """How a successful apply ends, in Terraform's words."""
    forgotten = (f"Forgotten: {_entries(counts.forgotten)}.",) if counts.forgotten else ()
    forgotten = (*((f"Moved: {_entries(counts.moved)}.",) if counts.moved else ()), *forgotten)
    if destroying:
        return Summary(0, (*forgotten, f"Destroy complete! Resources: {counts.destroyed} destroyed."))
    imported = f"{counts.imported} imported, " if counts.imported else ""
    done = f"{imported}{counts.added} added, {counts.changed} changed, {counts.destroyed} destroyed"
    return Summary(0, (*forgotten, f"Apply complete! Resources: {done}."))


def of_outcome(outcome: Outcome, *, interrupted: bool = False, destroying: bool = False, again: str = "") -> Summary:
    """How an apply ends: 0 if all is done, 130 if interrupted, 5 if something was saved, else 1.

    `again` are the words and the command to go on with, where there is anything left to do.
    """
    done = of_apply(outcome.counts, destroying=destroying)
    left = _left(outcome)
    if not left and not interrupted:
        return done
    saved = bool(outcome.done) or outcome.saved or any(failed.code == _AFTER_RECOVER for failed in outcome.failed)
    code = 130 if interrupted else 5 if saved else 1
    counts = outcome.counts
    word = "Interrupted" if interrupted else "Applied in part" if saved else "Not applied"
    numbers = f"{counts.added} added, {counts.changed} changed, {counts.destroyed} destroyed"
    closing = f"{word}: {', '.join([numbers, *left])}. What is done is saved."
    return Summary(code, (*_skips(outcome), *([again] if again else []), closing))


def _skips(outcome: Outcome) -> Iterator[str]:
    """What was skipped, under the failed change that it needed."""
    by_cause: dict[Address, list[Address]] = defaultdict(list)
    for at, cause in sorted((outcome.skipped or {}).items()):
        by_cause[cause].append(at)
    for cause, skipped in sorted(by_cause.items()):
        yield f"Skipped, because {_named(cause)} failed:"
        yield from (f"    {safe(str(at))}" for at in skipped[:SHOWN])
        if len(skipped) > SHOWN:
            yield f"    … and {len(skipped) - SHOWN} more"


def _named(at: Address) -> str:
    """An address, or in words what the removal of a fingerprint key is, which has none."""
    if at.kind == KEY_KIND:
        return f"the removal of the fingerprint key in {safe(at.path.rpartition('/')[2])}"
    return safe(str(at))


def _left(outcome: Outcome) -> list[str]:
    """What was not done, in words."""
    numbers = {
        "failed": len(outcome.broken) or len(outcome.failed),
        "skipped": len(outcome.skipped or ()),
        "not begun": len(outcome.unstarted),
    }
    return [f"{number} {word}" for word, number in numbers.items() if number]


def of_drift(plan: Plan) -> Summary:
    """How `drift` ends: 2 with anything to be alarmed about, else 4 if not all could be read."""
    found = alarms(plan)
    if not found:
        if plan.complete:
            return Summary(0, ("No drift. Azure holds what was applied.",))
        return Summary(4, (*_hindrances(plan), "No drift in what could be read."))
    unmanaged = sum(1 for finding in found if finding.rule.id == "unmanaged-alarm")
    moved = len(found) - unmanaged
    parts = [f"{number} {word}" for number, word in ((moved, "changed outside"), (unmanaged, "unmanaged")) if number]
    return Summary(2, (*_hindrances(plan), f"Drift: {', '.join(parts)}."))


def planned(counts: Counts) -> str:
    """Terraform's closing line of a plan, word for word."""
    imported = f"{counts.imported} to import, " if counts.imported else ""
    return f"Plan: {imported}{counts.added} to add, {counts.changed} to change, {counts.destroyed} to destroy."


def _refreshed(plan: Plan) -> str:
    if plan.drift:
        return f"Changed outside: {len(plan.drift)}. Applying this writes what was found into the state only."
    return NO_CHANGES


def _hindrances(plan: Plan) -> list[str]:
    if plan.complete:
        return []
    return [f"Incomplete: {len(plan.unreadable)} of the reads failed; what they would tell is not in here."]


def _moves(counts: Counts) -> list[str]:
    if not counts.moved:
        return []
    return [f"Move: {_entries(counts.moved)} to other addresses in the state; Azure is left alone."]


def _forgets(counts: Counts) -> list[str]:
    if not counts.forgotten:
        return []
    return [f"Forget: {_entries(counts.forgotten)} to drop from the state; Azure is left alone."]


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"
