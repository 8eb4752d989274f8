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
    """Keep what came back in `tools.found`.

    Raises `PlanError` with `known-after-recover` where the recovered vault takes changes that the plan did not print.
    """
    below = [c for c in plan.changes if c.address == vault.address or c.address.container == vault.address.path]
    below = [c for c in below if c.address == vault.address or c.address.key]
    desired = {c.address: c.desired for c in below if c.desired is not None}
    addresses = [c.address for c in below]
    reading = await refresh(tools.kinds, tools.azure, desired, plan_state(tools, below), addresses)
    tools.found.update({at: one for at, one in reading.live.items() if one.condition is Condition.LIVE})
    problems = [found for c in below if (found := _surprise(tools, c, reading))]
    if not problems:
        return
    raise PlanError(
        Diagnostic(
            code="known-after-recover",
            summary="The recovered vault is not as the plan could tell",
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
    at: Address = change.address
    if change.known and change.action is not Action.CREATE:
        return ""
    if at in reading.unread:
        # What stays as it is need not be seen: the right to see it may be among the grants that follow.
        return "" if change.action is Action.NOOP else f"{at} cannot be read"
    live = tools.found.get(at)
    match change.action:
        case Action.CREATE:
            return f"{at} exists already" if live is not None and change.prior is None else ""
        case Action.DESTROY:
            return ""
    if live is None:
        return f"{at} did not come back"
    assert change.desired is not None
    found = tools.kinds[at.kind].diff(change.desired.spec, live.spec)
    ignored = change.desired.lifecycle.ignore
    return deviation((d for d in found if d.path[0] not in ignored and d not in change.diff), at)
