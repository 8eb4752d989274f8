"""Drift as Markdown, for an issue or a job's summary."""

from __future__ import annotations

from declarative_kv.model.plan import Plan
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.render.drift_rows import drift_lines, orphan_line, unmanaged_line, unread_line
from declarative_kv.render.markdown import BUDGET, Block, within
from declarative_kv.render.names import Names
from declarative_kv.render.plan_text import head_lines
from declarative_kv.render.safe import code, prose
from declarative_kv.render.summary import of_drift

_HOW = "`dkv drift`"


def drift_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """What moved, in at most `budget` characters; the verdict comes first and is never cut."""
    summary = of_drift(plan)
    head = [f"### dkv drift: {prose(plan.head.environment or 'state against Azure')}", ""]
    head += [f"**{prose(summary.lines[-1])}**", ""]
    head += [line for told in head_lines(plan) for line in (prose(told), "")]
    names = Names.of(plan)
    alarms = [
        f"- {prose(unmanaged_line(item, names))}" for item in plan.unmanaged if item.policy is not OtherPolicy.IGNORE
    ]
    unread = [f"- {prose(unread_line(item))}" for item in plan.unreadable]
    orphans = [f"- {code(str(item.address))} {prose(orphan_line(item, names))}" for item in plan.orphans]
    notes = [f"- {prose(note)}" for note in plan.notes]
    blocks = [Block("", drift_lines(drift), "drift") for drift in plan.drift]
    for title, lines in (("Unmanaged", alarms), ("Granted to nobody", orphans), ("Notes", notes)):
        if lines:
            blocks.append(Block(f"#### {title}", lines, title.lower(), plain=True))
    if unread:
        head += ["#### Could not be read", "", *unread[:50], ""]
    return within("\n".join(head), blocks, "", budget, how=_HOW).rstrip("\n") + "\n"
