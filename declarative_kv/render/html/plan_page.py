"""A plan as one page: who gains and loses access before anything else, then what stops it, then what it does."""

from __future__ import annotations

from declarative_kv.model.plan import Plan
from declarative_kv.render.html import changes, graph, matrix, sections
from declarative_kv.render.html.frame import Section, Tile, Verdict, page
from declarative_kv.render.html.rights import of_plan, rights
from declarative_kv.render.names import Names
from declarative_kv.render.summary import Summary
from declarative_kv.render.summary import of_plan as summary_of

_GRID = (
    "What the grants that are declared, or were found in these vaults and above them, give before the plan and after"
    " it. What custom roles permit is not known here; dkv access tells."
)


def plan_page(plan: Plan) -> str:
    """The whole document; no secret value is in it."""
    counts, summary = plan.counts(), summary_of(plan)
    tiles = [
        Tile(counts.added, "to add", "plus"),
        Tile(counts.changed, "to change", "turn"),
        Tile(counts.destroyed, "to destroy", "minus"),
        Tile(counts.imported, "to import", "turn"),
        Tile(sum(1 for line in plan.access if line.gained), "rights gained", "warn"),
        Tile(sum(1 for line in plan.access if not line.gained), "rights lost", "warn"),
    ]
    parts = [
        sections.access(plan.access, Names.of(plan), "What this plan gives to and takes from each principal."),
        sections.guards(plan),
        sections.irreversible(plan),
        changes.changes(plan),
        *_refreshed(plan),
        matrix.section(rights(of_plan(plan)), _GRID),
        graph.of_plan(plan),
        sections.unmanaged(plan),
        sections.unread(plan),
        sections.notes(plan),
    ]
    title = f"Plan for {plan.head.environment}" if plan.head.environment else "Plan"
    return page(title, plan.head, _verdict(plan, summary), tiles, parts)


def _refreshed(plan: Plan) -> list[Section]:
    """What a refresh-only plan takes over; other plans say it in their rows."""
    return [changes.drift(plan)] if plan.options.refresh_only else []


def _verdict(plan: Plan, summary: Summary) -> Verdict:
    line = summary.lines[-1]
    if plan.blocked:
        return Verdict("Blocked", "bad", line)
    if not plan.complete:
        return Verdict("Incomplete", "bad", line)
    moves = plan.counts().any or (plan.options.refresh_only and bool(plan.drift))
    return Verdict("Changes", "turn", line) if moves else Verdict("In order", "good", line)
