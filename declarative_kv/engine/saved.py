"""Saved plans: a plan as a JSON file, to be applied later exactly as it was reviewed.

A saved plan names the sources of values and holds no value: the codec refuses them.
"""

from __future__ import annotations

from typing import Any

from declarative_kv.model.codec import Malformed, Specs, decode, encode
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError
from declarative_kv.model.plan import Plan

FORMAT = "dkv-plan/1"


def encode_plan(plan: Plan) -> dict[str, Any]:
    """The JSON object of a plan. `TypeError` where a value would get in."""
    return {"format": FORMAT, "plan": encode(plan)}


def decode_plan(data: Any, spec_types: Specs) -> Plan:
    """The plan of a JSON object; `PlanError` for what is none, or was written by another version."""
    found = data.get("format") if isinstance(data, dict) else None
    if isinstance(found, str) and found.startswith("dkv-plan/") and found != FORMAT:
        raise _unreadable(f"It has the format {found[:40]}; this version knows {FORMAT}.")
    if found != FORMAT:
        raise _unreadable("It is not a saved plan.")
    try:
        plan: Plan = decode(Plan, data.get("plan"), spec_types)
    except Malformed as error:
        raise _unreadable(f"It is damaged: {error}.") from error
    return plan


def _unreadable(detail: str) -> PlanError:
    return PlanError(
        Diagnostic(
            code="plan-unreadable",
            summary="The saved plan cannot be read",
            detail=detail,
            hint="Make a new one:\n    dkv plan --out FILE",
        )
    )
