"""Drift: where Azure differs from what was applied last, and we did not do it."""

from __future__ import annotations

from datetime import UTC, datetime

from declarative_kv.engine.changes import Inputs, drifted
from declarative_kv.engine.verdict import value_moved
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.found import Checked
from declarative_kv.model.plan import Action, AttrDiff, Drift
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
        return Drift(at, Action.DESTROY, prior=entry, span=_place(inputs, at))
    if live.condition is Condition.SOFT_DELETED:
        since = since_of(live, "deleted")
        return Drift(at, Action.DESTROY, since=since, prior=entry, live=live, span=_place(inputs, at))
    declared = inputs.declared(at)
    ignored = declared.lifecycle.ignore if declared is not None else frozenset()
    diff = tuple(d for d in drifted(inputs.kinds[at.kind], entry, live) if d.path[0] not in ignored)
    moved = value_moved(entry, live)
    if not diff and not moved:
        return None
    return Drift(at, Action.UPDATE, diff, moved, since_of(live), entry, live, _place(inputs, at, diff))


def checked_of(inputs: Inputs) -> tuple[Checked, ...]:
    """The entries of the state that were held against Azure, in order of address."""
    entries, live = inputs.state.entries, inputs.reading.live
    held = (at for at in sorted(inputs.chosen & frozenset(entries)) if at not in inputs.reading.unread)
    return tuple(
        Checked(at, tuple(sorted(entries[at].depends_on)), _place(inputs, at), entries[at], live.get(at)) for at in held
    )


def _place(inputs: Inputs, at: Address, diff: tuple[AttrDiff, ...] = ()) -> Span | None:
    """Where the YAML says what moved, as closely as it can be told; None for what it no longer has."""
    if (resource := inputs.declared(at)) is None:
        return None
    return next((resource.spans[d.path[0]] for d in diff if d.path[0] in resource.spans), resource.span)


def _hidden_by_vault(inputs: Inputs, at: Address) -> bool:
    """Whether the vault around it is gone or soft-deleted: then the vault's own drift says it all."""
    vault = Address("vault", at.container)
    if not at.key or vault not in inputs.state.entries or at.kind == "role_assignment":
        return False
    live = inputs.reading.live.get(vault)
    return live is None or live.condition is not Condition.LIVE


def since_of(live: Observed, fact: str = "updated") -> str:
    """When Azure says that the object became as it is; empty where Azure does not say."""
    moment = live.facts.get(fact, live.changed if fact == "updated" else "")
    if isinstance(moment, str) and moment:  # Resource Manager's times are texts, Key Vault's are seconds
        moment = datetime.fromisoformat(moment).timestamp()
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(moment, int | float) else ""
