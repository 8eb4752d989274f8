"""Read what Azure holds: one read per scope, matched to addresses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import AzureError, Forbidden
from declarative_kv.model.kind import Kinds, Plane
from declarative_kv.model.resource import Condition, Desired, Observed, OtherPolicy, Reading, Scope
from declarative_kv.model.state import State

_T = TypeVar("_T")
CONTAINER = "vault"
"""The kind whose objects hold everything on the data plane."""
NOT_GRANTED = frozenset({"ForbiddenByRbac", "ForbiddenByPolicy", "AccessDenied"})
"""Key Vault's inner codes for a missing right (recorded); a closed network has others."""


@dataclass(slots=True)
class _Gathered:
    """What the reads brought so far, by scope."""

    observed: dict[Scope, tuple[Observed, ...]] = field(default_factory=dict)
    failures: dict[Scope, AzureError] = field(default_factory=dict)

    def live_containers(self) -> frozenset[str]:
        """The ids of the vaults that are there now."""
        everything = (one for many in self.observed.values() for one in many)
        return frozenset(one.id for one in everything if one.kind == CONTAINER and one.condition is Condition.LIVE)


async def refresh(
    kinds: Kinds,
    azure: Any,
    desired: Desired,
    state: State,
    addresses: Iterable[Address] | None = None,
    *,
    destroying: bool = False,
    around: bool = False,
    helpful: frozenset[str] = frozenset(),
) -> Reading:
    """Read every scope that `addresses` (default: all declared and all in state) lie in, each once.

    Raises nothing for what Azure refuses: that is in `unreadable` and `unread`. With `destroying` the contents of every
    container in state are listed, else of those alone that are no longer declared. With `around` the declared vaults
    are looked through for what nobody declared, as their `others` say. `helpful` are the object ids whose grants help
    the running identity: where one is declared and missing, what it would show is looked up in another way.
    """
    chosen = frozenset(addresses) if addresses is not None else frozenset(desired) | frozenset(state.entries)
    places = {at: _places(kinds, desired, state, at) for at in sorted(chosen)}
    looks = _looks(kinds, desired, chosen) if around else {}
    control, data = _scopes(kinds, [*(scope for scopes in places.values() for scope in scopes), *looks.values()])
    gathered = _Gathered()
    await _read_all(kinds, azure, control, gathered)
    there = gathered.live_containers()
    await _read_all(kinds, azure, [scope for scope in data if scope.at.lower() in there], gathered)
    await _read_all(kinds, azure, _before_access(kinds, desired, gathered, helpful), gathered)
    unlisted = _unlisted(desired, places, looks, gathered)
    reading = replace(_match(kinds, desired, state, places, gathered), unlisted=unlisted)
    reading = await _examine_existing(kinds, azure, {at: desired[at] for at in chosen if at in desired}, reading)
    return await _contents(kinds, azure, {} if destroying else desired, state, reading)


def _places(kinds: Kinds, desired: Desired, state: State, at: Address) -> tuple[Scope, ...]:
    """The scopes to read for one address: where the YAML wants it and where the state has it."""
    kind = kinds[at.kind]
    specs = [desired[at].spec] if at in desired else []
    if at in state.entries:
        specs.append(state.entries[at].spec)
    return tuple(kind.scope(spec) for spec in specs)


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
    places: Mapping[Address, tuple[Scope, ...]],
    looks: Mapping[tuple[Address, str], Scope],
    gathered: _Gathered,
) -> dict[tuple[Address, str], Diagnostic]:
    """The looks that failed and that nothing depends on: no address, and no `others` that asks for more than a report.

    Their failures are taken out of what was gathered, so that the reading is complete without them.
    """
    needed = {_key(scope) for scopes in places.values() for scope in scopes}
    needed |= {
        _key(scope)
        for (at, name), scope in looks.items()
        if desired[at].lifecycle.policy(name) in (OtherPolicy.ALARM, OtherPolicy.DELETE)
    }
    spare = {_key(scope): scope for scope in gathered.failures if _key(scope) not in needed}
    failed = {key: gathered.failures.pop(scope).diagnostics[0] for key, scope in spare.items()}
    return {which: failed[_key(scope)] for which, scope in looks.items() if _key(scope) in failed}


def _key(scope: Scope) -> tuple[str, str]:
    """What makes two scopes one read."""
    return scope.kind, scope.at.lower()


def _scopes(kinds: Kinds, scopes: Iterable[Scope]) -> tuple[list[Scope], list[Scope]]:
    """The distinct scopes with their wanted ids united: control plane, data plane (whose vaults are read too)."""
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    first: dict[tuple[str, str], Scope] = {}
    for scope in scopes:
        first.setdefault(_key(scope), scope)
        wanted[_key(scope)] |= scope.wanted
    merged = [replace(scope, wanted=frozenset(wanted[key])) for key, scope in sorted(first.items())]
    data = [scope for scope in merged if kinds[scope.kind].plane is Plane.DATA]
    control = [scope for scope in merged if kinds[scope.kind].plane is Plane.CONTROL]
    known = {scope.at.lower() for scope in control if scope.kind == CONTAINER}
    missing = {scope.at.lower(): scope.at for scope in data if scope.at.lower() not in known}
    return control + [Scope(CONTAINER, at, frozenset({at})) for at in missing.values()], data


async def _read_all(kinds: Kinds, azure: Any, scopes: Iterable[Scope], into: _Gathered) -> None:
    """Read scopes side by side; what Azure refuses is kept as a failure of that scope."""

    async def read(scope: Scope) -> None:
        try:
            into.observed[scope] = tuple(await kinds[scope.kind].read(azure, scope))
            into.failures.pop(scope, None)
        except AzureError as error:
            into.failures.setdefault(scope, error)

    async with asyncio.TaskGroup() as group:
        for scope in scopes:
            group.create_task(read(scope))


def _before_access(kinds: Kinds, desired: Desired, gathered: _Gathered, helpful: frozenset[str]) -> list[Scope]:
    """The reads of data planes to repeat in another way: refused, and the grant that opens them is yet to be made.

    Without that a first apply which failed after it made the vault, or a grant that was taken away by hand, would keep
    every later plan from being complete, and so from making the grant.
    """
    refused = {
        scope
        for scope, error in gathered.failures.items()
        if kinds[scope.kind].plane is Plane.DATA and isinstance(error, Forbidden) and error.code in NOT_GRANTED
    }
    coming = _missing_grants(kinds, desired, gathered, helpful) if refused else []
    return [
        replace(scope, indirect=True)
        for scope in sorted(refused)
        if any(f"{scope.at}/".lower().startswith(where) for where in coming)
    ]


def _missing_grants(kinds: Kinds, desired: Desired, gathered: _Gathered, helpful: frozenset[str]) -> list[str]:
    """Where the running identity is to be granted what it does not have yet: ARM ids in lower case, a slash behind."""
    everything = [one for many in gathered.observed.values() for one in many]
    found = []
    for at, resource in desired.items():
        kind, spec = kinds[at.kind], resource.spec
        if resource.lifecycle.existing or str(kind.grantee(spec)).lower() not in helpful:
            continue
        there = (one.spec for one in everything if type(one.spec) is type(spec))
        if not any(kind.equivalent(spec, live) and not kind.diff(spec, live) for live in there):
            found.append(f"{getattr(spec, 'scope', None) or spec.vault}".lower().rstrip("/") + "/")
    return found


def _match(
    kinds: Kinds,
    desired: Desired,
    state: State,
    places: Mapping[Address, tuple[Scope, ...]],
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
    matched = {one.id for one in live.values()}
    return Reading(
        live=live,
        rest=tuple(one for one in by_id.values() if one.id not in matched),
        unreadable=_unreadable(gathered, unread),
        unread=unread,
    )


def _unread(
    desired: Desired,
    places: Mapping[Address, tuple[Scope, ...]],
    failed: Mapping[tuple[str, str], AzureError],
) -> dict[Address, Diagnostic]:
    """The addresses whose scope, or whose vault, could not be read, each with the reason at its place."""
    unread = {}
    for at, scopes in places.items():
        keys = [(kind, scope.at.lower()) for scope in scopes for kind in (CONTAINER, scope.kind)]
        error = next((failed[key] for key in keys if key in failed), None)
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
    pinned = {
        at: kinds[at.kind].examine(azure, reading.live[at])
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
