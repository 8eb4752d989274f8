"""Drift as text: what changed outside since the last apply, what nobody declared, what could not be read."""

from __future__ import annotations

from declarative_kv.model.plan import Plan
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.render.drift_rows import drift_lines, orphan_line, unmanaged_line, unread_line
from declarative_kv.render.names import Names
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.plan_text import head_lines
from declarative_kv.render.safe import safe
from declarative_kv.render.summary import of_drift


def drift_text(plan: Plan, paint: Paint = PLAIN) -> str:
    """One block an address, unmanaged objects after them, and the closing line."""
    lines = head_lines(plan, paint)
    for drift in plan.drift:
        first, *rest = drift_lines(drift)
        lines.append(paint("red" if first.startswith("-") else "yellow", first[0]) + first[1:])
        lines.extend(f"    {line}" for line in rest)
    names = Names.of(plan)
    for item in plan.unmanaged:
        if item.policy is not OtherPolicy.IGNORE:
            sign = paint("red", "!") if item.policy is OtherPolicy.ALARM else "?"
            lines.append(f"{sign} unmanaged {unmanaged_line(item, names)}")
    lines.extend(f"? orphaned {safe(str(item.address))}  {orphan_line(item, names)}" for item in plan.orphans)
    for diagnostic in plan.unreadable:
        lines.append(f"! not read  {unread_line(diagnostic)}")
    lines.extend(f"Note: {safe(note)}" for note in plan.notes)
    return "\n".join([*lines, "", *(paint("bold", line) for line in of_drift(plan).lines)])
