"""After a vault came back: look at what came with it, and go on only with what the plan printed."""

from __future__ import annotations

from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.steps import Tools
from declarative_kv.engine.words import deviation
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError
from declarative_kv.model.plan import Action, Change, Plan
from declarative_kv.model.resource import Condition, Reading
from declarative_kv.model.state import State


async def check_recovered(tools: Tools, plan: Plan, vault: Change) -> None:
    """Raise `PlanError` with `known-after-recover` where the recovered vault holds what the plan did not show."""
    below = [c for c in plan.changes if c.address == vault.address or c.address.container == vault.address.path]
    below = [c for c in below if c.address == vault.address or c.address.key]
    desired = {c.address: c.desired for c in below if c.desired is not None}
    reading = await refresh(tools.kinds, tools.azure, desired, plan_state(tools, below), desired)
    problems = [found for c in below if c.desired is not None and (found := _surprise(tools, c, reading))]
    if not problems:
        return
    raise PlanError(
        Diagnostic(
            code="known-after-recover",
            summary="The recovered vault is not as it was applied",
            detail=f"{vault.address} is back, with settings that the plan could not show: " + "; ".join(problems) + ".",
            hint="Look at the rest with a new plan:\n    dkv plan",
            span=vault.span,
            address=vault.address,
        )
    )


def plan_state(tools: Tools, below: list[Change]) -> State:
    """The entries of these changes as they are now."""
    found = (tools.journal.get(change.address) for change in below)
    return State(entries={entry.address: entry for entry in found if entry is not None})


def _surprise(tools: Tools, change: Change, reading: Reading) -> str:
    """What is unexpected at one address, in words; empty where nothing is."""
    assert change.desired is not None
    at: Address = change.address
    live = reading.live.get(at)
    if at in reading.unread:
        return f"{at} cannot be read"
    there = live is not None and live.condition is Condition.LIVE
    if change.action is Action.CREATE and change.known:
        return f"{at} exists already" if there and change.prior is None else ""
    if live is None or not there:
        return f"{at} did not come back"
    ignored = change.desired.lifecycle.ignore
    differing = [d for d in tools.kinds[at.kind].diff(change.desired.spec, live.spec) if d.path[0] not in ignored]
    return deviation(differing, at)
