"""Compare secrets' values with their sources for a plan, and collect those that an apply is going to write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol, TypeVar

from declarative_kv.engine.fingerprint import KeyRing, digest, same_print, vault_of
from declarative_kv.engine.refresh import CONTAINER
from declarative_kv.engine.resolve import Resolved
from declarative_kv.engine.verdict import (
    Evidence,
    fingerprinted,
    judge_by_print,
    judge_deleted,
    judge_examined,
    judge_generated,
    judge_imported,
    judge_unread,
    key_id,
    unmoved,
)
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Forbidden, NotFound, StalePlan, ValueMissing
from declarative_kv.model.plan import NOT_ASKED, Change, Value, Verdict
from declarative_kv.model.resource import Barrier, Condition, Observed, Reading, Resource
from declarative_kv.model.secret import Key, Sensitive
from declarative_kv.model.source import GenerateSource, Kept, Source
from declarative_kv.model.state import Entry, State

AT_ONCE = 64
"""How many values are read or compared side by side."""

T = TypeVar("T")
R = TypeVar("R")
Examiner = Callable[[Observed], Awaitable[Observed]]
"""A kind's `examine` with its session: the same object with its version and its value, by one request."""


class Sources(Protocol):
    """Where values come from; `declarative_kv.values.Sources` is one."""

    async def read(self, source: Source) -> Sensitive:
        """The value that a source gives now; raises `ValueMissing` whose detail is a clause that says why not."""
        ...


async def compare(
    resolved: Resolved,
    state: State,
    reading: Reading,
    sources: Sources,
    ring: KeyRing,
    examiner: Examiner,
    *,
    importing: Callable[[Address], bool],
    chosen: Collection[Address] | None = None,
    mode: str = "available",
) -> Mapping[Address, Verdict]:
    """What is known about the value of each declared secret among `chosen` (default: all), `existing` ones left out.

    `mode` is the `--values` option: `available` compares what has a value, `required` raises `ValueMissing` with all
    that have none, `never` reads no source and no value. `importing` tells whether an object that the state does not
    know may be taken over. A verdict's `facts` are to be merged into the entry's. Raises the first `AzureError` other
    than a missing right.
    """
    seen = chain(reading.live.values(), reading.rest)
    there = frozenset(one.id for one in seen if one.kind == CONTAINER and one.condition is Condition.LIVE)
    comparison = _Comparison(state, reading, there, sources, ring, examiner, importing, mode, _shut(reading))
    wanted = [
        resource
        for at, resource in sorted(resolved.desired.items())
        if getattr(resource.spec, "source", None) is not None
        and not resource.lifecycle.existing
        and (chosen is None or at in chosen)
    ]
    verdicts = await _each(wanted, comparison.verdict)
    if mode == "required" and comparison.missing:
        raise ValueMissing(*comparison.missing)
    return {resource.address: verdict for resource, verdict in zip(wanted, verdicts, strict=True)}


async def collect(changes: Iterable[Change], sources: Sources, ring: KeyRing) -> Mapping[Address, Sensitive]:
    """The values of all changes that write one, read before the first write; generated ones are made here.

    Raises `ValueMissing` with all that have none, and `StalePlan` where a source gives another value than the plan saw.
    """
    writing = [one for one in changes if one.writes_value]
    missing: list[Diagnostic] = []
    stale: list[Diagnostic] = []

    async def value(change: Change) -> Sensitive | None:
        assert change.desired is not None, change.address
        try:
            found = await sources.read(change.desired.spec.source)
        except ValueMissing as error:
            missing.extend(_told(error, change.desired))
            return None
        if not await _as_planned(change, found, ring):
            stale.append(_stale(change))
        return found

    values = await _each(writing, value)
    if missing:
        raise ValueMissing(*missing)
    if stale:
        raise StalePlan(*stale)
    return {change.address: found for change, found in zip(writing, values, strict=True) if found is not None}


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One comparison of many secrets; `missing` gathers what the sources did not give.

    `there` has the ids of the live vaults: one that is gone is not asked for its key. `shut` says of vaults, by
    id, why none of their secrets can be read: their lists told it, or a refusal that is for all.
    """

    state: State
    reading: Reading
    there: frozenset[str]
    sources: Sources
    ring: KeyRing
    examiner: Examiner
    importing: Callable[[Address], bool]
    mode: str
    shut: dict[str, str]
    missing: list[Diagnostic] = field(default_factory=list)

    async def verdict(self, resource: Resource) -> Verdict:
        """The verdict on one secret."""
        at, source = resource.address, resource.spec.source
        if isinstance(source, Kept):
            return Verdict(Value.NONE)
        if at in self.reading.unread:
            return Verdict(Value.NOT_COMPARED, "the secret could not be read")
        live, entry = self.reading.live.get(at), self.state.entries.get(at)
        if isinstance(source, GenerateSource):
            return await self._generated(at, live, entry)
        if self.mode == "never":
            return Verdict(Value.NOT_COMPARED, NOT_ASKED)
        if live is not None and entry is None and not self.importing(at):
            return Verdict(Value.NOT_COMPARED, "the state does not know it")
        try:
            value = await self.sources.read(source)
        except ValueMissing as error:
            self.missing.extend(_told(error, resource))
            return Verdict(Value.NOT_COMPARED, error.diagnostics[0].detail)
        if live is None:
            return await self._created(resource, value)
        if entry is None:
            return await self._imported(at, live, value)
        return await self._known(Evidence(at, entry, live, value))

    async def _created(self, resource: Resource, value: Sensitive) -> Verdict:
        """A secret that is not there; where its vault has a key already, the plan holds an apply to this very value."""
        key = await self._key(resource.spec.vault)
        if key is None:
            return Verdict(Value.NEW)
        return Verdict(Value.NEW, seen=digest(key, resource.address, value), key=key.id)

    async def _known(self, evidence: Evidence) -> Verdict:
        """A secret that the state knows: by fingerprint where the list shows it as we left it, else by one request."""
        entry, live = evidence.entry, evidence.live
        recorded = key_id(entry)
        if recorded is not None and vault_of(recorded) in self.there and vault_of(recorded) not in self.shut:
            evidence = replace(evidence, key=await self.ring.by_id(recorded))
        if live.condition is Condition.SOFT_DELETED:
            return judge_deleted(evidence)
        if evidence.key is not None and fingerprinted(entry) and unmoved(entry, live):
            return judge_by_print(evidence)
        examined = await self._examine(evidence.address, live)
        if isinstance(examined, str):
            return judge_unread(evidence, examined)
        return judge_examined(replace(evidence, live=examined, fresh=await self._key(live.parent)))

    async def _imported(self, at: Address, live: Observed, value: Sensitive) -> Verdict:
        if live.condition is Condition.SOFT_DELETED:
            return Verdict(Value.NOT_COMPARED, "it is soft-deleted; the next plan compares it")
        examined = await self._examine(at, live)
        if isinstance(examined, str):
            return Verdict(Value.NOT_COMPARED, examined)
        return judge_imported(at, examined, value, await self._key(live.parent))

    async def _generated(self, at: Address, live: Observed | None, entry: Entry | None) -> Verdict:
        """A generated value has no source to compare with: it is made once, and later only its version is looked at."""
        if live is None:
            return Verdict(Value.NEW)
        settled = entry is None or self.mode == "never" or live.condition is Condition.SOFT_DELETED
        if entry is None or settled or unmoved(entry, live):
            return Verdict(Value.SAME)
        examined = await self._examine(at, live)
        if isinstance(examined, str):
            return Verdict(Value.SAME)
        return judge_generated(at, entry, examined, await self._key(live.parent))

    async def _examine(self, at: Address, live: Observed) -> Observed | str:
        """The object with its version and value, or why it cannot be had."""
        vault = (live.parent or "").lower()
        if vault in self.shut:
            return self.shut[vault].format(vault=at.container)
        try:
            return await self.examiner(live)
        except Forbidden as error:
            if self.reading.listed.get(vault) is Barrier.RIGHT and self._is_for_all(error.code, vault):
                self.shut[vault] = _NO_RIGHT
            return _refused(error.code).format(vault=at.container)
        except NotFound:
            return "it went while the plan was made"

    def _is_for_all(self, code: str, vault: str) -> bool:
        """Whether a refusal holds for every secret of a vault: policies know no single ones, roles may be for one."""
        if code != "ForbiddenByRbac":
            return code in ("ForbiddenByPolicy", "AccessDenied")
        below = f"{vault}/secrets/"
        seen = (*self.reading.live.values(), *self.reading.rest)
        return not any(str(getattr(one.spec, "scope", "")).lower().startswith(below) for one in seen)

    async def _key(self, vault: str | None) -> Key | None:
        """The key that serves a vault, where the vault that holds it is there and can be reached."""
        if vault is None or (holder := self.ring.holder(vault)) not in self.there or holder in self.shut:
            return None
        return await self.ring.existing(vault)


_NO_RIGHT = "no right to read values on vault {vault}"
_NO_WAY = "the network rules of vault {vault} refuse this machine"
_SHUT: Mapping[Barrier, str] = {
    Barrier.RULES: _NO_WAY,
    Barrier.PRIVATE: _NO_WAY,
    Barrier.SILENT: "the host of vault {vault} cannot be reached",
}


def _shut(reading: Reading) -> dict[str, str]:
    """Why no secret of a vault can be read, by the vault's id, where its list told that already."""
    return {vault: _SHUT[why] for vault, why in reading.listed.items() if why is not None and why in _SHUT}


def _refused(code: str) -> str:
    """Why a value could not be read, from Key Vault's inner error code."""
    if code == "SecretDisabled":
        return "the secret is disabled"
    return _NO_WAY if code in ("ForbiddenByFirewall", "ForbiddenByConnection") else _NO_RIGHT


async def _as_planned(change: Change, value: Sensitive, ring: KeyRing) -> bool:
    """Whether the value is the one that the plan saw, where it left a fingerprint that can still be checked."""
    verdict = change.verdict
    if verdict is None or verdict.seen is None or verdict.key is None:
        return True
    key = await ring.by_id(verdict.key)
    return key is not None and same_print(digest(key, change.address, value), verdict.seen)


def _stale(change: Change) -> Diagnostic:
    return Diagnostic(
        code="stale-plan",
        summary="The plan no longer matches",
        detail=f"The source of {change.address} gives another value than when the plan was made, or the fingerprint "
        "key that could tell is gone.",
        hint="Make a new plan.",
        span=change.span,
        address=change.address,
    )


def _told(error: ValueMissing, resource: Resource) -> list[Diagnostic]:
    """Why a source gave nothing, as a sentence with a place."""
    span, at = resource.spans.get("value_from") or resource.span, resource.address
    return [
        replace(one, detail=f"The value of {at} cannot be had: {one.detail}.", span=span, address=at)
        for one in error.diagnostics
    ]


async def _each(items: Sequence[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Work on every item, a bounded number side by side; results in the items' order, the first error ends all."""
    results: dict[int, R] = {}
    queue = iter(enumerate(items))

    async def worker() -> None:
        for number, item in queue:
            results[number] = await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(items))):
                group.create_task(worker())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [results[number] for number in range(len(items))]
