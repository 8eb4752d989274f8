"""What changed outside, in words: shared by the text and the Markdown."""

from __future__ import annotations

from declarative_kv.model.plan import Action, Drift
from declarative_kv.model.resource import Condition
from declarative_kv.render.safe import safe
from declarative_kv.render.values import changed


def drift_lines(drift: Drift) -> tuple[str, ...]:
    """The address with what happened to it, then one line for each setting that moved."""
    hidden = drift.live is not None and drift.live.condition is Condition.SOFT_DELETED
    match drift.action:
        case Action.UPDATE:
            sign, word = "~", "changed"
        case _:
            sign, word = "-", "soft-deleted" if hidden else "deleted"
    since = f" {safe(drift.since)}" if drift.since else ""
    return (f"{sign} {safe(str(drift.address))}  {word}{since}", *differences(drift))


def differences(drift: Drift) -> tuple[str, ...]:
    """The settings that moved, from what was applied to what Azure holds."""
    value = ("value: a new version was set",) if drift.value_moved else ()
    return (*value, *map(changed, drift.diff))
