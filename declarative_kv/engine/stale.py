"""Whether a saved plan still fits: the state's entries and Azure's objects that it read are as they were."""

from __future__ import annotations

from collections.abc import Iterator

from declarative_kv.engine.guards import left_behind
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import StalePlan
from declarative_kv.model.plan import Change, Plan
from declarative_kv.model.resource import Desired, Observed, Reading
from declarative_kv.model.state import State


def desired_of(plan: Plan) -> Desired:
    """What the plan wants, as a refresh takes it."""
    return {change.address: change.desired for change in plan.changes if change.desired is not None}


def check_fresh(plan: Plan, state: State, reading: Reading) -> None:
    """Raise `StalePlan` with every address of the plan whose entry or object is not as the plan saw it."""
    problems = [_problem(one.address, why) for one in plan.changes if (why := _moved(one, state, reading))]
    problems += [_problem(at, f"{at} would take something along that came into it") for at in _filled(plan, reading)]
    if plan.base[0] and state.lineage != plan.base[0]:
        problems = [_problem(None, "The state is another one (its lineage differs)")]
    if problems:
        raise StalePlan(*problems)


def _moved(change: Change, state: State, reading: Reading) -> str:
    """What is not as the plan saw it, in words; empty where all is."""
    at = change.address
    if at in reading.unread:
        return f"{at} can no longer be read: something has changed"
    entry = state.entries.get(at) != change.prior
    azure = not _same(reading.live.get(at) or _unmanaged(change, reading), change.live)
    where = " and ".join(name for name, moved in (("in the state", entry), ("in Azure", azure)) if moved)
    return f"{at} has changed {where}" if where else ""


def _filled(plan: Plan, reading: Reading) -> Iterator[Address]:
    """The containers to destroy that hold something else now, although the plan saw nothing else in them."""
    seen = {block.address for block in plan.blocks if block.code == "group-not-empty"}
    yield from (at for at in left_behind(reading, plan.changes) if at not in seen)


def _unmanaged(change: Change, reading: Reading) -> Observed | None:
    """The object of a change that has no address of its own: one that nobody declared."""
    if change.live is None:
        return None
    return next((one for one in reading.rest if one.id == change.live.id), None)


def _same(now: Observed | None, then: Observed | None) -> bool:
    if now is None or then is None:
        return now is then
    # Resource Manager's list shows a secret's version and the vault's own does not: it differs where both tell it.
    untold = {"version"} - (now.facts.keys() & then.facts.keys())
    one, other = ({name: fact for name, fact in side.facts.items() if name not in untold} for side in (now, then))
    return (now.id, now.spec, now.condition, one) == (then.id, then.spec, then.condition, other)


def _problem(address: Address | None, why: str) -> Diagnostic:
    return Diagnostic(
        code="stale-plan",
        summary="The plan no longer matches",
        detail=f"{why} since the plan was made.",
        hint="Make a new plan.",
        address=address,
    )
