"""Read what Azure holds: one read per scope, matched to addresses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import AzureError, Forbidden, Unavailable
from declarative_kv.model.kind import Kinds, Plane
from declarative_kv.model.resource import Barrier, Condition, Desired, Observed, OtherPolicy, Reading, Scope
from declarative_kv.model.state import State

_T = TypeVar("_T")
_AT_ONCE: Final = 64
"""How many scopes are read side by side: each vault has a connection of its own, and more of them gain no time."""
CONTAINER = "vault"
"""The kind whose objects hold everything on the data plane."""
_BARRIERS: Mapping[str, Barrier] = {
    "ForbiddenByRbac": Barrier.RIGHT,
    "ForbiddenByPolicy": Barrier.RIGHT,
    "AccessDenied": Barrier.RIGHT,
    "ForbiddenByFirewall": Barrier.RULES,
    "ForbiddenByConnection": Barrier.PRIVATE,
}
"""Key Vault's inner codes (recorded, or quoted in public issues) for who, and whence, may not list what it holds."""
NOT_GRANTED = frozenset(code for code, barrier in _BARRIERS.items() if barrier is Barrier.RIGHT)
"""Those that say that a right is missing."""


@dataclass(slots=True)
class _Gathered:
    """What the reads brought so far, by scope."""

    observed: dict[Scope, tuple[Observed, ...]] = field(default_factory=dict)
    failures: dict[Scope, AzureError] = field(default_factory=dict)
    listed: dict[str, Barrier | None] = field(default_factory=dict)

    def live_containers(self) -> frozenset[str]:
        """The ids of the vaults that are there now."""
        everything = (one for many in self.observed.values() for one in many)
        return frozenset(one.id for one in everything if one.kind == CONTAINER and one.condition is Condition.LIVE)


_Key = tuple[str, str]
"""What makes two scopes one read: the kind and, in lower case, the place."""


@dataclass(slots=True)
class _Wanted:
    """The distinct scopes by key, and what is wanted of each: thousands of addresses lie in one of them."""

    first: dict[_Key, Scope] = field(default_factory=dict)
    ids: dict[_Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    found: dict[tuple[_Key, ...], tuple[_Key, ...]] = field(default_factory=dict)

    def add(self, scopes: Iterable[Scope], known: str = "") -> tuple[_Key, ...]:
        """Take in the scopes of an address, and give their keys; `known` is the remote id that the state has."""
        keys: dict[_Key, None] = {}
        for scope in scopes:
            key = _key(scope)
            keys[key] = None
            self.first.setdefault(key, scope)
            # Who reads takes the ids from here: with the state's first, each is held once in memory.
            self.ids[key] |= {known, *scope.wanted} if known in scope.wanted else scope.wanted
        return self.found.setdefault(tuple(keys), tuple(keys))

    def scopes(self) -> list[Scope]:
        """Each scope with everything that is wanted of it."""
        return [replace(scope, wanted=frozenset(self.ids[key])) for key, scope in sorted(self.first.items())]


async def refresh(
    kinds: Kinds,
    azure: Any,
    desired: Desired,
    state: State,
    addresses: Iterable[Address] | None = None,
    *,
    destroying: bool = False,
    around: bool = False,
    live_only: frozenset[Address] = frozenset(),
) -> Reading:
    """Read every scope that `addresses` (default: all declared and all in state) lie in, each once.

    Raises nothing for what Azure refuses: that is in `unreadable` and `unread`. With `destroying` the contents of every
    container in state are listed, else of those alone that are no longer declared. With `around` the declared vaults
    are looked through for what nobody declared, as their `others` say. What the data plane does not show, for want of a
    right or of a way there, is listed indirectly; `listed` says where. Nobody asks whether what is at `live_only` is
    soft-deleted.
    """
    chosen = frozenset(addresses) if addresses is not None else frozenset(desired) | frozenset(state.entries)
    looks = _looks(kinds, desired, chosen) if around else {}
    wanted = _Wanted()
    places = {
        at: wanted.add(_scopes_of(kinds, desired, state, at, live=at in live_only), _known_id(state, at))
        for at in sorted(chosen)
    }
    wanted.add(looks.values())
    control, data = _planes(kinds, wanted.scopes())
    del wanted
    gathered = _Gathered()
    await _read_all(kinds, azure, control, gathered)
    there = gathered.live_containers()
    await _read_data(kinds, azure, [scope for scope in data if scope.at.lower() in there], gathered)
    unlisted = _unlisted(desired, places, looks, gathered)
    reading = replace(_match(kinds, desired, state, places, gathered), unlisted=unlisted, listed=gathered.listed)
    reading = await _examine_existing(kinds, azure, {at: desired[at] for at in chosen if at in desired}, reading)
    return await _contents(kinds, azure, {} if destroying else desired, state, reading)


def _scopes_of(kinds: Kinds, desired: Desired, state: State, at: Address, *, live: bool) -> Iterator[Scope]:
    """The scopes to read for one address: where the YAML wants it and where the state has it."""
    kind = kinds[at.kind]
    specs = [desired[at].spec] if at in desired else []
    if at in state.entries:
        specs.append(state.entries[at].spec)
    scopes = (kind.scope(spec) for spec in specs)
    # On a data plane it is what a list lacks of the wanted that has the soft-deleted listed too.
    return (replace(one, wanted=frozenset()) if live and kind.plane is Plane.DATA else one for one in scopes)


def _known_id(state: State, at: Address) -> str:
    """The remote id that the state has; empty for none."""
    return state.entries[at].remote_id if at in state.entries else ""


def _looks(kinds: Kinds, desired: Desired, chosen: Iterable[Address]) -> dict[tuple[Address, str], Scope]:
    """The reads that show what else lies in the declared vaults, by vault and kind.

    Grants are looked at whatever `others` says of them: they tell whether the running identity may write there.
    """
    found = {}
    for at in sorted(chosen):
        if at.kind != CONTAINER or at not in desired:
            continue
        container = kinds[CONTAINER].remote_id(desired[at].spec)
        for name, kind in kinds.items():
            ignored = desired[at].lifecycle.policy(name) is OtherPolicy.IGNORE and kind.plane is Plane.DATA
            if not ignored and (scope := kind.inside(container)) is not None:
                found[at, name] = scope
    return found


def _unlisted(
    desired: Desired,
    places: Mapping[Address, tuple[_Key, ...]],
    looks: Mapping[tuple[Address, str], Scope],
    gathered: _Gathered,
) -> dict[tuple[Address, str], Diagnostic]:
    """The looks that failed and that nothing depends on: no address, and no `others` that asks for more than a report.

    Their failures are taken out of what was gathered, so that the reading is complete without them.
    """
    needed = {key for keys in places.values() for key in keys}
    needed |= {
        _key(scope)
        for (at, name), scope in looks.items()
        if desired[at].lifecycle.policy(name) in (OtherPolicy.ALARM, OtherPolicy.DELETE)
    }
    spare = {_key(scope): scope for scope in gathered.failures if _key(scope) not in needed}
    failed = {key: gathered.failures.pop(scope).diagnostics[0] for key, scope in spare.items()}
    return {which: failed[_key(scope)] for which, scope in looks.items() if _key(scope) in failed}


def _key(scope: Scope) -> _Key:
    return scope.kind, scope.at.lower()


def _planes(kinds: Kinds, scopes: Iterable[Scope]) -> tuple[list[Scope], list[Scope]]:
    """The scopes by plane: control plane, data plane (whose vaults are read too)."""
    control: list[Scope] = []
    data: list[Scope] = []
    for scope in scopes:
        (data if kinds[scope.kind].plane is Plane.DATA else control).append(scope)
    known = {scope.at.lower() for scope in control if scope.kind == CONTAINER}
    missing = {scope.at.lower(): scope.at for scope in data if scope.at.lower() not in known}
    return control + [Scope(CONTAINER, at, frozenset({at})) for at in missing.values()], data


async def _read_all(kinds: Kinds, azure: Any, scopes: Iterable[Scope], into: _Gathered) -> None:
    """Read scopes side by side; what Azure refuses is kept as a failure of that scope."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def read(scope: Scope) -> None:
        try:
            async with turns:
                into.observed[scope] = tuple(await kinds[scope.kind].read(azure, scope))
            into.failures.pop(scope, None)
        except AzureError as error:
            into.failures.setdefault(scope, error)

    async with asyncio.TaskGroup() as group:
        for scope in scopes:
            group.create_task(read(scope))


async def _read_data(kinds: Kinds, azure: Any, scopes: Iterable[Scope], into: _Gathered) -> None:
    """Read what lies on data planes; where one refuses or cannot be reached, once more in the indirect way.

    Where that is refused too, the first refusal stands: it says what is missing.
    """
    scopes = list(scopes)
    await _read_all(kinds, azure, scopes, into)
    barriers = {one: why for one, error in into.failures.items() if one in scopes and (why := _barrier(error))}
    await _read_all(kinds, azure, [replace(scope, indirect=True) for scope in sorted(barriers)], into)
    into.listed |= {one.at.lower(): barriers.get(one) for one in scopes if one not in into.failures}


def _barrier(error: AzureError) -> Barrier | None:
    """What keeps us out, where it is a missing right or a closed network, and not a failure that passes."""
    if isinstance(error, Forbidden):
        return _BARRIERS.get(error.code)
    return Barrier.SILENT if isinstance(error, Unavailable) and error.status is None else None


def _match(
    kinds: Kinds,
    desired: Desired,
    state: State,
    places: Mapping[Address, tuple[_Key, ...]],
    gathered: _Gathered,
) -> Reading:
    """Give every observation its address: by the id in state, by the computed id, else as an equal under another id."""
    everything = [one for many in gathered.observed.values() for one in many]
    by_id = {one.id: one for one in everything}
    failed = {_key(scope): error for scope, error in gathered.failures.items()}
    unread = _unread(desired, places, failed)
    live: dict[Address, Observed] = {}
    # What is declared or in state has an owner, also where this run leaves its address out.
    for at in sorted(places.keys() | desired.keys() | state.entries.keys()):
        if at not in unread and (found := _find(kinds, desired, state, at, by_id, everything)) is not None:
            live[at] = found
    for one in live.values():
        by_id.pop(one.id, None)
    return Reading(
        live=live,
        rest=tuple(by_id.values()),
        unreadable=_unreadable(gathered, unread),
        unread=unread,
    )


def _unread(
    desired: Desired,
    places: Mapping[Address, tuple[_Key, ...]],
    failed: Mapping[tuple[str, str], AzureError],
) -> dict[Address, Diagnostic]:
    """The addresses whose scope, or whose vault, could not be read, each with the reason at its place."""
    unread = {}
    for at, keys in places.items() if failed else ():
        held = [(kind, where) for own, where in keys for kind in (CONTAINER, own)]
        error = next((failed[key] for key in held if key in failed), None)
        if error is not None:
            span = desired[at].span if at in desired else None
            unread[at] = replace(error.diagnostics[0], address=at, span=span)
    return unread


def _unreadable(gathered: _Gathered, unread: Mapping[Address, Diagnostic]) -> tuple[Diagnostic, ...]:
    """One diagnostic a failed read, at the first address that it hides; a vault before its contents."""
    last_first = sorted(unread.items(), key=lambda item: (item[0].key, item[0]), reverse=True)
    placed = {d.request_id or d.detail: d for _, d in last_first}
    found = (error.diagnostics[0] for error in gathered.failures.values())
    return tuple(sorted((placed.get(d.request_id or d.detail, d) for d in found), key=lambda d: d.place))


def _find(
    kinds: Kinds,
    desired: Desired,
    state: State,
    at: Address,
    by_id: Mapping[str, Observed],
    everything: Iterable[Observed],
) -> Observed | None:
    kind = kinds[at.kind]
    ids = [state.entries[at].remote_id] if at in state.entries else []
    if at in desired:
        ids.append(kind.remote_id(desired[at].spec))
    for remote_id in ids:
        if (found := by_id.get(remote_id.lower())) is not None:
            return found
    if at not in desired or not kind.replaceable:
        return None
    wanted = desired[at].spec
    return next(
        (one for one in everything if type(one.spec) is type(wanted) and kind.equivalent(wanted, one.spec)), None
    )


async def _examine_existing(kinds: Kinds, azure: Any, desired: Desired, reading: Reading) -> Reading:
    """Learn the version of `existing` secrets that name one; the value that comes along is dropped at once."""

    async def versioned(live: Observed) -> Observed:
        # Resource Manager's list shows the version, and where that was read the vault itself answers nothing.
        return live if "version" in live.facts else await kinds[live.kind].examine(azure, live)

    pinned = {
        at: versioned(reading.live[at])
        for at, resource in desired.items()
        if resource.lifecycle.existing and getattr(resource.spec, "version", None) and _lives(reading, at)
    }
    seen, refused = await _each(pinned)
    versions = {
        at: replace(one, spec=replace(one.spec, value=None, version=one.facts.get("version"))) for at, one in seen
    }
    return _without(replace(reading, live={**reading.live, **versions}), desired, refused)


def _lives(reading: Reading, at: Address) -> bool:
    return at in reading.live and reading.live[at].condition is Condition.LIVE


async def _contents(kinds: Kinds, azure: Any, desired: Desired, state: State, reading: Reading) -> Reading:
    """Learn what lies in the containers that are in state, exist, and are no longer declared."""
    doomed = {
        at: kinds[at.kind].contents(azure, reading.live[at])
        for at in state.entries
        if at not in desired and at in reading.live
    }
    listed, refused = await _each(doomed)
    return _without(replace(reading, contents={at: ids for at, ids in listed if ids}), desired, refused)


async def _each(asked: Mapping[Address, Awaitable[_T]]) -> tuple[list[tuple[Address, _T]], dict[Address, AzureError]]:
    """Ask side by side: the answers, and what Azure refused."""
    answers: list[tuple[Address, _T]] = []
    refused: dict[Address, AzureError] = {}

    async def ask(at: Address, answer: Awaitable[_T]) -> None:
        try:
            answers.append((at, await answer))
        except AzureError as error:
            refused[at] = error

    async with asyncio.TaskGroup() as group:
        for at, answer in asked.items():
            group.create_task(ask(at, answer))
    return sorted(answers, key=lambda answered: answered[0]), refused


def _without(reading: Reading, desired: Desired, refused: Mapping[Address, AzureError]) -> Reading:
    """The reading where these addresses could not be read to the end, so that nothing is decided about them."""
    reasons = {
        at: replace(error.diagnostics[0], address=at, span=desired[at].span if at in desired else None)
        for at, error in sorted(refused.items())
    }
    return replace(
        reading,
        live={at: one for at, one in reading.live.items() if at not in reasons},
        unreadable=(*reading.unreadable, *reasons.values()),
        unread={**reading.unread, **reasons},
    )
