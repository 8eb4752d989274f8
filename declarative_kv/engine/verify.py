"""Read back what was written: one read per scope, and an error for every write that did not take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.steps import Tools
from declarative_kv.engine.words import deviation
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Condition, Observed, Reading
from declarative_kv.model.state import Entry, State

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between repeated reads while Azure's lists lag behind its writes."""

_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.RECOVER, Action.REPLACE, Action.DESTROY})


async def read_back(tools: Tools, done: Iterable[Change]) -> dict[Address, Diagnostic]:
    """The writes among `done` that cannot be seen in Azure, each with the reason; asked again while lists lag."""
    written = [change for change in done if _is_write(change)]
    problems: dict[Address, Diagnostic] = {}
    for pause in (*PAUSES, None):
        if not written:
            return {}
        reading = await _read(tools, written)
        problems = {c.address: d for c in written if (d := _problem(tools, c, reading)) is not None}
        written = [change for change in written if change.address in problems]
        if written and pause is not None:
            await tools.pause(pause)
    return problems


def _is_write(change: Change) -> bool:
    if change.action is Action.IMPORT:
        return bool(change.diff)
    return change.action in _WRITES and change.reason is not Reason.CONTAINED


async def _read(tools: Tools, changes: Iterable[Change]) -> Reading:
    desired = {c.address: c.desired for c in changes if c.desired is not None}
    entries = {c.address: entry for c in changes if (entry := tools.journal.get(c.address) or _gone(c)) is not None}
    return await refresh(tools.kinds, tools.azure, desired, State(entries=entries), [c.address for c in changes])


def _gone(change: Change) -> Entry | None:
    """Something to look for where the state has no entry: what was deleted."""
    if change.live is None:
        return change.prior
    return change.prior or Entry(change.address, change.live.remote_id, change.live.spec)


def _problem(tools: Tools, change: Change, reading: Reading) -> Diagnostic | None:
    if change.address in reading.unread:
        return None  # Without the right to read, Azure's own answer to the write is all there is.
    live = reading.live.get(change.address)
    there = live is not None and live.condition is Condition.LIVE
    if change.action is Action.DESTROY:
        return _untaken(change, "it is still there") if there else None
    if live is None or not there:
        return _untaken(change, "it is not there")
    assert change.desired is not None
    kind = tools.kinds[change.address.kind]
    differing = [
        d for d in kind.diff(change.desired.spec, live.spec) if d.path[0] not in change.desired.lifecycle.ignore
    ]
    if differing:
        return _untaken(change, deviation(differing))
    if change.writes_value and _older(live, tools.journal.get(change.address)):
        return _untaken(change, "the list shows an older version")
    return None


def _older(live: Observed, entry: Entry | None) -> bool:
    facts: Mapping[str, Any] = entry.facts if entry is not None else {}
    wrote, seen = facts.get("created"), live.facts.get("created")
    return isinstance(wrote, int) and isinstance(seen, int) and seen < wrote


def _untaken(change: Change, found: str) -> Diagnostic:
    return Diagnostic(
        code="write-not-taken",
        summary="Azure accepted a write that did not take",
        detail=f"Azure confirmed the {change.action} of {change.address}, but read back {found}.",
        hint="Plan again; if it stays so, somebody or something else writes the same object.",
        span=change.span,
        address=change.address,
    )
