"""Before a write: whether what the plan saw is still so. One fresh read a scope, when the first write in it comes up.

Azure has no compare-and-swap. What moved since the plan is left as it is, and the change fails with both sides. What
this run makes, and what lies in what it makes or brings back, needs no look: nothing was there before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from declarative_kv.engine.lag import BEFORE, settled
from declarative_kv.engine.refresh import CONTAINER, NOT_GRANTED
from declarative_kv.engine.sides import as_known, differs, filled, may_lag, moved
from declarative_kv.engine.steps import Tools
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import AzureError, Forbidden, PlanError
from declarative_kv.model.kind import Plane, ResourceKind
from declarative_kv.model.plan import Action, Change, Plan, Reason
from declarative_kv.model.resource import Condition, Observed, Scope

_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.RECOVER, Action.DESTROY})
_Moved = dict[Address, Observed | None]


@dataclass(frozen=True, slots=True)
class Lookout:
    """What a run looks at once more, scope by scope. `going` are the remote ids of what the plan destroys.

    `emptied` are the groups that may be deleted with whatever is in them. `seen` collects, by scope, what moved.
    """

    tools: Tools
    batches: Mapping[Scope, tuple[Change, ...]]
    scopes: Mapping[Address, Scope]
    contained: Mapping[Address, tuple[Change, ...]]
    going: frozenset[str]
    emptied: frozenset[Address | None]
    seen: dict[Scope, _Moved] = field(default_factory=dict)
    locks: dict[Scope, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


def lookout(tools: Tools, plan: Plan) -> Lookout:
    """Everything that the plan writes over, or takes to be absent, by the read that shows it."""
    made = frozenset(_made(tools, plan))
    batches: dict[Scope, list[Change]] = defaultdict(list)
    first: dict[tuple[str, str], Scope] = {}
    contained: dict[Address, list[Change]] = defaultdict(list)
    for change in plan.pending:
        if _is_looked_at(change) and not _lies_below(_remote_id(tools, change), made):
            scope = _scope(tools, change)
            batches[first.setdefault((scope.kind, scope.at.lower()), scope)].append(change)
            if change.reason is Reason.CONTAINED:
                contained[Address(CONTAINER, change.address.container)].append(change)
    return Lookout(
        tools,
        {scope: tuple(changes) for scope, changes in batches.items()},
        {change.address: scope for scope, changes in batches.items() for change in changes},
        {at: tuple(changes) for at, changes in contained.items()},
        going=frozenset(c.live.id for c in plan.pending if c.action is Action.DESTROY and c.live is not None),
        emptied=frozenset(block.address for block in plan.blocks if block.code == "group-not-empty"),
    )


async def check(out: Lookout, change: Change) -> None:
    """Raise `PlanError` where the object, or what goes with it, is not as the plan saw it; `AzureError` as reads do."""
    if change.reason is Reason.CONTAINED:
        return
    contained = out.contained.get(change.address, ())
    # The scope of the object itself last: nothing but its own write then comes between.
    ordered = sorted(contained, key=lambda one: out.scopes[one.address] == out.scopes.get(change.address))
    problems = [d for one in (*ordered, change) if (d := await _problem(out, one))]
    if change.action is Action.DESTROY and not problems:
        problems = [d async for d in _left_behind(out, change)]
    if problems:
        raise PlanError(*problems)


def _made(tools: Tools, plan: Plan) -> Iterator[str]:
    """The ids of what the run makes or brings back, and what lies in it then is known to it."""
    for change in plan.pending:
        if change.action in (Action.CREATE, Action.RECOVER):
            yield _remote_id(tools, change)


def _is_looked_at(change: Change) -> bool:
    """Whether it writes to Azure, and the plan has seen what is there, or that nothing is."""
    if change.action is Action.IMPORT:
        return bool(change.diff)
    unseen = change.action is Action.DESTROY and change.live is None
    return change.action in _WRITES and change.known and not unseen


def _remote_id(tools: Tools, change: Change) -> str:
    """The id of the object that a change is about."""
    if change.live is not None:
        return change.live.id
    assert change.desired is not None, change.address
    return tools.kinds[change.address.kind].remote_id(change.desired.spec).lower()


def _lies_below(remote_id: str, made: frozenset[str]) -> bool:
    ends = (at for at, character in enumerate(remote_id) if character == "/")
    return bool(made) and any(remote_id[:end] in made for end in ends)


def _scope(tools: Tools, change: Change) -> Scope:
    side = change.live or change.desired
    assert side is not None, change.address
    return tools.kinds[change.address.kind].scope(side.spec)


async def _problem(out: Lookout, change: Change) -> Diagnostic | None:
    scope = out.scopes.get(change.address)
    seen = await _moved_in(out, scope) if scope is not None else {}
    if change.address not in seen:
        return None
    kind, now = out.tools.kinds[change.address.kind], seen[change.address]
    if kind.holds_value and now is not None and now.condition is Condition.LIVE:
        now = await _with_version(out.tools, kind, now)
    return replace(moved(kind, change.address, as_known(change), now), span=change.span)


async def _with_version(tools: Tools, kind: ResourceKind, now: Observed) -> Observed:
    """The same with the version's id, which lists do not show; one request, made only where something has moved."""
    try:
        versions = await kind.versions(tools.azure, now)
    except AzureError:
        return now  # The error is about the move, and is told without the id.
    return next((one for one in versions if not differs(kind, now, one)), now)


async def _left_behind(out: Lookout, change: Change) -> AsyncIterator[Diagnostic]:
    """What has come into a group that is about to go with everything in it."""
    if change.live is None or change.address in out.emptied or None in out.emptied:
        return
    ids = await out.tools.kinds[change.address.kind].contents(out.tools.azure, change.live)
    if left := [one for one in ids if one.lower() not in out.going]:
        yield filled(change.address, left)


async def _moved_in(out: Lookout, scope: Scope) -> _Moved:
    """What moved in a scope, by address, with what is there now; looked at once a run, again while lists may lag."""
    async with out.locks[scope]:
        if scope not in out.seen:
            out.seen[scope] = await settled(
                out.tools.pause,
                lambda: _compare(out.tools, scope, out.batches[scope]),
                lambda found: any(may_lag(c.live, found[c.address]) for c in out.batches[scope] if c.address in found),
                BEFORE,
            )
        return out.seen[scope]


async def _compare(tools: Tools, scope: Scope, changes: Iterable[Change]) -> _Moved:
    there = await _read(tools, scope, tuple(changes))
    now = [(change, _now(tools, change, there)) for change in changes]
    return {change.address: one for change, one in now if _is_moved(tools, change, one)}


def _now(tools: Tools, change: Change, there: Mapping[str, Observed]) -> Observed | None:
    """The object of a change, or the one that grants the same under another id."""
    found = there.get(_remote_id(tools, change))
    kind = tools.kinds[change.address.kind]
    if found is not None or change.live is not None or change.desired is None or not kind.replaceable:
        return found
    wanted = change.desired.spec
    alike = (one for one in there.values() if type(one.spec) is type(wanted) and kind.equivalent(wanted, one.spec))
    return next(alike, None)


def _is_moved(tools: Tools, change: Change, now: Observed | None) -> bool:
    gone = now is None or now.condition is not Condition.LIVE
    if change.action is Action.DESTROY and gone:
        return False  # Somebody was quicker; there is nothing left to undo.
    return differs(tools.kinds[change.address.kind], change.live, now)


async def _read(tools: Tools, scope: Scope, changes: tuple[Change, ...]) -> dict[str, Observed]:
    """What a scope holds now, by id: the soft-deleted only where the plan saw such. A missing vault holds nothing."""
    kind = tools.kinds[scope.kind]
    if kind.plane is Plane.CONTROL:
        wanted = frozenset(_remote_id(tools, change) for change in changes)
        return _by_id(await kind.read(tools.azure, replace(scope, wanted=wanted)))
    vault = _by_id(await tools.kinds[CONTAINER].read(tools.azure, Scope(CONTAINER, scope.at, frozenset({scope.at}))))
    if scope.at.lower() not in vault or vault[scope.at.lower()].condition is not Condition.LIVE:
        return {}
    deleted = frozenset(c.live.id for c in changes if c.live is not None and c.live.condition is not Condition.LIVE)
    try:
        return _by_id(await kind.read(tools.azure, replace(scope, wanted=deleted)))
    except Forbidden as error:
        if error.code not in NOT_GRANTED:
            raise
        # The grant that opens the list is on its way; Resource Manager shows the same to who may read the vault.
        return _by_id(await kind.read(tools.azure, replace(scope, indirect=True)))


def _by_id(found: Iterable[Observed]) -> dict[str, Observed]:
    return {one.id: one for one in found}
