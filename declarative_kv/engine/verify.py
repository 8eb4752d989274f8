"""Read back what was written: one read per scope, and an error for every write that did not take, or did not last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from declarative_kv.engine.lag import settled
from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.sides import NOT_TAKEN, STAMPS, above, untaken, written
from declarative_kv.engine.steps import Tools
from declarative_kv.engine.words import deviation, shortfall
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.plan import Action, AttrDiff, Change, Reason
from declarative_kv.model.resource import Condition, Observed, Reading
from declarative_kv.model.state import Entry, State

_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.RECOVER, Action.REPLACE, Action.DESTROY})


async def read_back(tools: Tools, done: Iterable[Change]) -> dict[Address, Diagnostic]:
    """The writes among `done` that cannot be seen in Azure, each with the reason; asked again while lists lag."""
    open_: dict[Address, Change] = {change.address: change for change in done if _is_write(change)}
    problems: dict[Address, Diagnostic] = {}

    async def look() -> None:
        reading = await _read(tools, open_.values()) if open_ else Reading({})
        for at, change in tuple(open_.items()):
            problem = _problem(tools, change, reading)
            if problem is None:
                problems.pop(at, None)
                del open_[at]
            else:
                problems[at] = problem

    await settled(tools.pause, look, lambda _: any(problem.code == NOT_TAKEN for problem in problems.values()))
    return problems


def _is_write(change: Change) -> bool:
    if change.action is Action.IMPORT:
        return bool(change.diff)
    return change.action in _WRITES and change.reason is not Reason.CONTAINED


async def _read(tools: Tools, changes: Iterable[Change]) -> Reading:
    changes = tuple(changes)
    desired = {c.address: c.desired for c in changes if c.desired is not None}
    entries = {c.address: entry for c in changes if (entry := tools.journal.get(c.address) or _gone(c)) is not None}
    state, addresses = State(entries=entries), [change.address for change in changes]
    gone = frozenset(change.address for change in changes if change.action is Action.DESTROY)
    return await refresh(tools.kinds, tools.azure, desired, state, addresses, live_only=gone)


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
        return untaken(change, f"{_entry(tools, live)} is still there") if live is not None and there else None
    if live is None:
        return untaken(change, "nothing: it is not there")
    if not there:
        newer = _is_newer(tools, change, live, "deleted")
        return _overwritten(tools, change, live) if newer else untaken(change, "a soft-deleted object")
    return _differing(tools, change, live) or _other_version(tools, change, live)


def _differing(tools: Tools, change: Change, live: Observed) -> Diagnostic | None:
    """Settings that are not as they were written: as before the write, or as somebody else has set them since."""
    found = _unmet(tools, change, live)
    if not found:
        return None
    before = change.live or tools.found.get(change.address)
    was = {d.path: d.before for d in _unmet(tools, change, before)} if before is not None else {}
    unchanged = before is None or all(d.path in was and was[d.path] == d.before for d in found)
    if unchanged and not any(_is_newer(tools, change, live, stamp) for stamp in STAMPS):
        return untaken(change, f"{_entry(tools, live)}: {shortfall(found)}")
    return _overwritten(tools, change, live, deviation(found))


def _unmet(tools: Tools, change: Change, live: Observed) -> list[AttrDiff]:
    assert change.desired is not None
    found = tools.kinds[change.address.kind].diff(change.desired.spec, live.spec)
    return [d for d in found if d.path[0] not in change.desired.lifecycle.ignore]


def _other_version(tools: Tools, change: Change, live: Observed) -> Diagnostic | None:
    """Another value than the written one, by the second that its version was made in."""
    if not change.writes_value:
        return None
    if _is_newer(tools, change, live, "created"):
        return _overwritten(tools, change, live)
    wrote, seen = _facts(tools, change).get("created"), live.facts.get("created")
    older = isinstance(wrote, int) and isinstance(seen, int) and seen < wrote
    return untaken(change, "an older version in the list") if older else None


def _is_newer(tools: Tools, change: Change, live: Observed, stamp: str) -> bool:
    """Whether Azure shows a later second than the one of this run's write."""
    wrote = _facts(tools, change).get("created" if stamp == "created" else "updated")
    seen = live.facts.get(stamp)
    return isinstance(wrote, int) and isinstance(seen, int) and seen > wrote


def _facts(tools: Tools, change: Change) -> Mapping[str, Any]:
    entry = tools.journal.get(change.address)
    return entry.facts if entry is not None else {}


def _entry(tools: Tools, live: Observed) -> str:
    """Which entry of Azure's it is about: of a grant that has no name of its own, whose."""
    grantee = tools.kinds[live.kind].grantee(live.spec)
    return f"the entry of {grantee} on {(live.parent or '').rpartition('/')[2]}" if grantee and live.parent else "it"


def _overwritten(tools: Tools, change: Change, live: Observed, found: str = "") -> Diagnostic:
    ours = written(_facts(tools, change)) or "it"
    return replace(above(change.address, ours, live, found), span=change.span)
