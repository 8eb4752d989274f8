"""Drift: where Azure differs from what was applied last, and we did not do it."""

from __future__ import annotations

from datetime import UTC, datetime

from declarative_kv.engine.changes import Inputs, drifted
from declarative_kv.engine.verdict import value_moved
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, Drift
from declarative_kv.model.resource import Condition, Observed
from declarative_kv.model.state import Status


def drift_of(inputs: Inputs) -> tuple[Drift, ...]:
    """The drift of every chosen entry of the state that could be read, in order of address."""
    found = (_drift(inputs, at) for at in sorted(inputs.chosen & frozenset(inputs.state.entries)))
    return tuple(one for one in found if one is not None)


def _drift(inputs: Inputs, at: Address) -> Drift | None:
    entry, live = inputs.state.entries[at], inputs.reading.live.get(at)
    if at in inputs.reading.unread or entry.status is Status.PENDING or _hidden_by_vault(inputs, at):
        return None
    if live is None:
        return Drift(at, Action.DESTROY, prior=entry)
    if live.condition is Condition.SOFT_DELETED:
        return Drift(at, Action.DESTROY, since=_since(live, "deleted"), prior=entry, live=live)
    ignored = inputs.desired[at].lifecycle.ignore if at in inputs.desired else frozenset()
    diff = tuple(d for d in drifted(inputs.kinds[at.kind], entry, live) if d.path[0] not in ignored)
    moved = value_moved(entry, live)
    if not diff and not moved:
        return None
    return Drift(at, Action.UPDATE, diff, moved, _since(live, "updated"), entry, live)


def _hidden_by_vault(inputs: Inputs, at: Address) -> bool:
    """Whether the vault around it is gone or soft-deleted: then the vault's own drift says it all."""
    vault = Address("vault", at.container)
    if not at.key or vault not in inputs.state.entries or at.kind == "role_assignment":
        return False
    live = inputs.reading.live.get(vault)
    return live is None or live.condition is not Condition.LIVE


def _since(live: Observed, fact: str) -> str:
    moment = live.facts.get(fact)
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(moment, int | float) else ""
