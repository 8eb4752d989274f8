"""Drift as JSON, for schedules and dashboards."""

from __future__ import annotations

from typing import Any, Final

from declarative_kv.model.plan import Plan
from declarative_kv.render.facts import diagnostic_facts, drift_facts, head_facts, orphan_facts, unmanaged_facts
from declarative_kv.render.summary import of_drift

FORMAT: Final = "dkv-drift/1"


def drift_json(plan: Plan) -> dict[str, Any]:
    """What moved, what is unmanaged, and whether all could be read (`complete`); no secret value is in it."""
    summary = of_drift(plan)
    return {
        "format": FORMAT,
        "head": head_facts(plan),
        "complete": plan.complete,
        "drifted": summary.code == 2,
        "drift": [drift_facts(drift) for drift in plan.drift],
        "unmanaged": unmanaged_facts(plan),
        "orphaned": orphan_facts(plan),
        "unreadable": [diagnostic_facts(diagnostic) for diagnostic in plan.unreadable],
        "notes": list(plan.notes),
        "exit_code": summary.code,
        "summary": list(summary.lines),
    }
