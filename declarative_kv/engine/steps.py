"""One change carried out: pending before the first call that could create something, saved after the last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from declarative_kv.engine.entries import accepted, applied_entry, pending_entry, replaced_id
from declarative_kv.engine.fingerprint import KeyRing, stamp
from declarative_kv.engine.journal import Journal
from declarative_kv.engine.lag import settled
from declarative_kv.engine.pending import announce, is_gone, undone_when_refused
from declarative_kv.engine.refresh import NOT_GRANTED
from declarative_kv.engine.sides import as_known, moved, untaken
from declarative_kv.engine.standing import made_entry
from declarative_kv.engine.under import under_deletion, under_version
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Forbidden, Moved, PlanError
from declarative_kv.model.kind import Kinds, Plane, ResourceKind
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Condition, Observed, Scope
from declarative_kv.model.secret import Sensitive

T = TypeVar("T")

PROPAGATION = 600.0
"""Seconds that a fresh grant is waited for (Azure RBAC documentation: up to ten minutes)."""
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that a step works with. `pause` sleeps, in seconds.

    `rest` sleeps too, and is false, at once, when the run is stopped; `begins` is called in each change's own task.
    `helpful` are the object ids whose grants help the running identity; `granted` collects where they got some, `found`
    what came back with a recovered vault, `lost` what this run wrote over of somebody else's.
    """

    kinds: Kinds
    azure: Any
    journal: Journal
    values: Mapping[Address, Sensitive]
    ring: KeyRing
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    rest: Callable[[float], Awaitable[bool]] = field(kw_only=True)
    begins: Callable[[], None] = field(kw_only=True)
    helpful: frozenset[str] = frozenset()
    granted: set[str] = field(default_factory=set)
    saved_keys: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    found: dict[Address, Observed] = field(default_factory=dict)
    lost: dict[Address, Diagnostic] = field(default_factory=dict)

    def lately_granted(self, vault: str) -> bool:
        """Whether the running identity was granted something at the vault, or around it, in this run."""
        return any((vault.lower() + "/").startswith(where.rstrip("/") + "/") for where in self.granted)


async def carry_out(tools: Tools, change: Change) -> None:
    """Do one change and save its outcome; raises `AzureError` where Azure refuses, `PlanError` where others wrote."""
    kind = tools.kinds[change.address.kind]
    step = _STEPS[change.action]
    try:
        if kind.plane is Plane.DATA and change.reason is not Reason.CONTAINED:
            await _patiently(tools, change, lambda: step(tools, kind, change))
        else:
            await step(tools, kind, change)
    except Moved as error:
        seen, now = as_known(change) or tools.found.get(change.address), error.now
        problem = moved(kind, change.address, seen, now if isinstance(now, Observed) else None)
        raise PlanError(replace(problem, span=change.span)) from error
    _note_grant(tools, kind, change)


async def _create(tools: Tools, kind: ResourceKind, change: Change) -> None:
    wanted, fingerprint = await _with_value(tools, kind, change)
    await tools.journal.put(pending_entry(kind, change, fingerprint=fingerprint))
    async with undone_when_refused(tools.journal, change):
        live = await kind.create(tools.azure, wanted)
    await tools.journal.put(made_entry(kind, change, live, fingerprint))


async def settle(tools: Tools, change: Change) -> None:
    """Make a recovered vault match, as far as the plan printed what that takes, and save it."""
    assert change.desired is not None
    kind, live = tools.kinds[change.address.kind], tools.found[change.address]
    if kind.diff(_heeded(change, live), live.spec):
        await _bring_into_line(tools, kind, change, live)
    else:
        await tools.journal.put(applied_entry(kind, change, live, fingerprint={}))


async def _update(tools: Tools, kind: ResourceKind, change: Change) -> None:
    live = change.live or tools.found[change.address]
    await _bring_into_line(tools, kind, change, live)


async def _import(tools: Tools, kind: ResourceKind, change: Change) -> None:
    assert change.live is not None
    await tools.journal.put(applied_entry(kind, change, change.live, fingerprint={}))
    if change.diff:
        await _bring_into_line(tools, kind, replace(change, prior=tools.journal.get(change.address)), change.live)


async def _recover(tools: Tools, kind: ResourceKind, change: Change) -> None:
    """Bring it back; a secret is then made to match, a vault is looked at by the applier before anything goes on."""
    assert change.live is not None
    assert change.desired is not None
    await announce(tools.journal, change)
    async with undone_when_refused(tools.journal, change):
        live = await kind.recover(tools.azure, change.live)
    if kind.plane is Plane.CONTROL:
        if change.prior is None:
            # Ours from now on, with what it is: what the YAML wants otherwise is written, and known as such, later.
            found = applied_entry(kind, change, live, fingerprint={})
            await tools.journal.put(replace(found, spec=accepted(found.spec, live.spec)))
        else:
            await tools.journal.put(change.prior)
        return
    if not change.writes_value and not kind.diff(_heeded(change, live), live.spec):
        await tools.journal.put(applied_entry(kind, change, live, fingerprint={}))
        return
    await _bring_into_line(tools, kind, change, live)


async def _replace(tools: Tools, kind: ResourceKind, change: Change) -> None:
    """The new one exists and is read back before the old one goes; an unchanged one must go first.

    Where an interrupted run has begun it, what is there may be the new one already.
    """
    assert change.desired is not None
    old = change.live if change.live is not None and change.live.condition is Condition.LIVE else None
    begun = replaced_id(change.prior) is not None
    replaced = replaced_id(change.prior) or (change.prior.remote_id if change.prior is not None else None)
    same = old is not None and not begun and kind.equivalent(change.desired.spec, old.spec)
    ours = _is_ours_to_delete(change)
    await tools.journal.put(pending_entry(kind, change, fingerprint={}, replaces=None if same else replaced))
    if same and old is not None and ours:
        await _delete(tools, kind, change, old)
    new = await kind.create(tools.azure, change.desired.spec)
    if not same and replaced is not None and ours and replaced.lower() != new.id:
        await _read_back(tools, kind, change, new)
        if old is not None and not begun:
            await _delete(tools, kind, change, old)
        else:
            await kind.delete(tools.azure, replace(new, remote_id=replaced))
    if change.facts.get("shared") is False and kind.diff(_heeded(change, new), new.spec):
        # An equal one that is taken over, with settings of its own; what was just made has ours.
        new = await kind.update(tools.azure, _heeded(change, new), new)
    await tools.journal.put(made_entry(kind, change, new, {}))


async def _destroy(tools: Tools, kind: ResourceKind, change: Change) -> None:
    live = change.live or tools.found.get(change.address)
    if change.reason is not Reason.CONTAINED and live is not None:
        await announce(tools.journal, change)
        async with undone_when_refused(tools.journal, change):
            await _delete(tools, kind, change, live)
    if change.prior is not None and (replaced := replaced_id(change.prior)) is not None:
        await kind.delete(tools.azure, Observed(kind.name, replaced, change.prior.spec))
    await _forget(tools, kind, change)


async def _delete(tools: Tools, kind: ResourceKind, change: Change, live: Observed) -> None:
    """Delete it, and note where Azure's answer shows another object than the one that was read."""
    gone = await kind.delete(tools.azure, live)
    _note_lost(tools, change, under_deletion(kind, change, live, gone))


async def _forget(tools: Tools, kind: ResourceKind, change: Change) -> None:
    if (entry := tools.journal.get(change.address)) is None:
        return
    if is_gone(change):
        await forget_key(tools, entry.remote_id)
    await tools.journal.drop(change.address)


async def forget_key(tools: Tools, vault: str) -> None:
    """A vault that is gone took its key along."""
    if vault.lower() in tools.saved_keys:
        await tools.journal.key(vault, None)
        tools.saved_keys.pop(vault.lower())


_STEPS: Mapping[Action, Callable[[Tools, ResourceKind, Change], Awaitable[None]]] = {
    Action.CREATE: _create,
    Action.UPDATE: _update,
    Action.IMPORT: _import,
    Action.RECOVER: _recover,
    Action.REPLACE: _replace,
    Action.DESTROY: _destroy,
    Action.FORGET: _forget,
}


async def _bring_into_line(tools: Tools, kind: ResourceKind, change: Change, live: Observed) -> None:
    wanted, fingerprint = await _with_value(tools, kind, change)
    wanted = _heeded(change, live, wanted)
    if change.writes_value:
        await tools.journal.put(pending_entry(kind, change, fingerprint=fingerprint, live=live))
    else:
        await announce(tools.journal, change)
    async with undone_when_refused(tools.journal, change):
        done = await kind.update(tools.azure, wanted, live)
    await tools.journal.put(applied_entry(kind, change, done, fingerprint=fingerprint))
    if change.writes_value:
        _note_lost(tools, change, await under_version(kind, tools.azure, tools.pause, change, live, done))


def _note_lost(tools: Tools, change: Change, problem: Diagnostic | None) -> None:
    """Remember what this run wrote over: it is told at the end, and keeps nothing from going on."""
    if problem is not None:
        tools.lost[change.address] = replace(problem, span=change.span)


def _heeded(change: Change, live: Observed, spec: Any = None) -> Any:
    """The wanted spec (of the change, unless given) with the ignored attributes as they are."""
    assert change.desired is not None
    wanted = change.desired.spec if spec is None else spec
    kept = {name: getattr(live.spec, name) for name in change.desired.lifecycle.ignore if hasattr(live.spec, name)}
    return replace(wanted, **kept) if kept else wanted


async def _with_value(tools: Tools, kind: ResourceKind, change: Change) -> tuple[Any, dict[str, Any]]:
    """The spec as it is sent, and the fingerprint of its value where one is written."""
    assert change.desired is not None
    spec = change.desired.spec
    if not change.writes_value:
        return spec, {}
    value = tools.values[change.address]
    patient = tools.lately_granted(tools.ring.holder(spec.vault))
    key = await tools.ring.ensure(spec.vault, tools.journal.key, patient=patient)
    if key is not None:
        await _save_keys(tools)
    return replace(spec, value=value), stamp(key, change.address, value)


async def _save_keys(tools: Tools) -> None:
    for vault, facts in list(tools.ring.facts.items()):
        if tools.saved_keys.get(vault) != facts:
            await tools.journal.key(vault, facts)
            tools.saved_keys[vault] = facts


def _is_ours_to_delete(change: Change) -> bool:
    """Whether a replaced assignment may go: not one that was there before us, or that another entry takes over."""
    shared = change.prior is not None and bool(change.prior.facts.get("shared"))
    return not shared and change.reason is not Reason.HANDED_OVER


async def _read_back(tools: Tools, kind: ResourceKind, change: Change, new: Observed) -> None:
    assert change.desired is not None
    where: Scope = kind.scope(change.desired.spec)

    async def is_there() -> bool:
        return any(one.id == new.id for one in await tools.kinds[where.kind].read(tools.azure, where))

    if await settled(tools.pause, is_there, lambda seen: not seen):
        return
    raise PlanError(untaken(change, "nothing: the new role assignment is not there, so the old one was not removed"))


async def _patiently(tools: Tools, change: Change, call: Callable[[], Awaitable[T]]) -> T:
    """Repeat while Azure says "no access" and a grant made in this run may still be on its way."""
    waited, attempt = 0.0, 0
    while True:
        try:
            return await call()
        except Forbidden as error:
            if waited >= PROPAGATION or error.code not in NOT_GRANTED or not _may_come(tools, change):
                raise
            pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
            if not await tools.rest(pause):
                raise
        waited, attempt = waited + pause, attempt + 1


def _may_come(tools: Tools, change: Change) -> bool:
    """Whether access may be on its way: granted in this run where the change works, or where its key is."""
    vault = _vault_of(change)
    return tools.lately_granted(vault) or (change.writes_value and tools.lately_granted(tools.ring.holder(vault)))


def _vault_of(change: Change) -> str:
    side = change.desired or change.prior or change.live
    return str(side.spec.vault).lower() if side is not None else ""


def _note_grant(tools: Tools, kind: ResourceKind, change: Change) -> None:
    """Remember where the running identity was granted something, so that the data plane is given time to learn it."""
    if change.desired is None or change.action not in (Action.CREATE, Action.UPDATE, Action.REPLACE):
        return
    grantee = kind.grantee(change.desired.spec)
    if grantee is not None and grantee.lower() in tools.helpful:
        where = getattr(change.desired.spec, "vault", None) or change.desired.spec.scope
        tools.granted.add(str(where).lower())
