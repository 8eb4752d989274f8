"""Drift as one page: what moved outside, who holds more or less access for it, what nobody declared."""

from __future__ import annotations

from declarative_kv.model.plan import Plan
from declarative_kv.render.findings import Level, findings
from declarative_kv.render.html import changes, graph, matrix, sections
from declarative_kv.render.html.frame import Tile, Verdict, page
from declarative_kv.render.html.rights import difference, of_drift, rights
from declarative_kv.render.names import Names
from declarative_kv.render.summary import of_drift as summary_of


def drift_page(plan: Plan) -> str:
    """The whole document; no secret value is in it."""
    summary = summary_of(plan)
    found = findings(plan)
    tiles = [
        Tile(len(plan.drift), "changed outside", "minus"),
        Tile(sum(1 for one in found if one.rule.id == "unmanaged-alarm"), "unmanaged, alarm", "minus"),
        Tile(sum(1 for one in found if one.rule.id == "unmanaged"), "unmanaged, reported", "turn"),
        Tile(len(plan.orphans), "granted to nobody", "warn"),
        Tile(sum(1 for one in found if one.level is Level.ERROR), "not read", "minus"),
        Tile(len(plan.checked), "addresses compared", "quiet"),
    ]
    sides = of_drift(plan)
    lead = "What somebody holds now and did not by what was applied, or the other way round."
    parts = [
        sections.access(difference(sides), Names.of(plan), lead),
        changes.drift(plan),
        sections.unmanaged(plan),
        sections.orphans(plan),
        sections.unread(plan),
        matrix.section(rights(sides), "Before is what was applied last, after is what Azure has now."),
        graph.of_drift(plan),
        sections.notes(plan),
    ]
    word, tone = {0: ("No drift", "good"), 4: ("Incomplete", "bad")}.get(summary.code, ("Drift", "bad"))
    title = f"Drift of {plan.head.environment}" if plan.head.environment else "Drift"
    return page(title, plan.head, Verdict(word, tone, summary.lines[-1]), tiles, parts)
