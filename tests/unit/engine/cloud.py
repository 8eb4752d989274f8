"""An Azure of a few lines, in which things lie in vaults: what the applier is tried with, without any HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from declarative_kv.engine.apply import apply
from declarative_kv.engine.events import Event, Outcome
from declarative_kv.engine.fingerprint import KeyRing
from declarative_kv.engine.steps import Tools
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import AzureError, StateError
from declarative_kv.model.kind import Plane
from declarative_kv.model.plan import Block, Change, Options, Plan
from declarative_kv.model.resource import Condition, Lifecycle, Observed, Resource, Scope
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.state import Entry, State
from tests.unit.engine.fakes import HEAD, DataKind, FakeKind, GrantKind, Thing, at
from tests.unit.engine.keys import MemoryKeys

BOX = "/v"
"""The id of the vault that the fakes' things lie in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Thing):
    """A thing with a value, behind the vault's data plane."""

    version: str | None = None
    value: Sensitive | None = field(default=None, compare=False, metadata={"hidden": True})


def refusal(error: type[AzureError], status: int, code: str = "") -> AzureError:
    """An answer of Azure's that is an error."""
    return error(Diagnostic(code.lower() or "refused", "Azure refused the operation"), status=status, code=code)


class Cloud:
    """What exists, by id; every call that was made; and what is answered with an error, in turn, None being none.

    `old` are lists that reads after a write still show, one each, before they show what is there: Azure's lists lag.
    `history` are the versions of things by name, `stamps` the facts of what is written.
    """

    def __init__(self, *there: Observed) -> None:
        box = Observed("vault", BOX, Thing(name="kv"))
        self.objects = {one.id: one for one in (box, *there)}
        self.calls: list[str] = []
        self.refusals: dict[str, list[AzureError | None]] = {}
        self.old: list[tuple[Observed, ...]] = []
        self.history: dict[str, list[Observed]] = {}
        self.stamps: dict[str, Any] = {}

    def called(self, verb: str, name: str) -> None:
        """Note a call, and refuse it where that was asked for."""
        call = f"{verb} {name}"
        self.calls.append(call)
        refusal = self.refusals[call].pop(0) if self.refusals.get(call) else None
        if refusal is not None:
            raise refusal

    def writes(self) -> list[str]:
        """The calls that were no reads."""
        return [call for call in self.calls if not call.startswith(("read ", "versions "))]


class Living:
    """The half of a kind that talks to a `Cloud`; the other half is a fake kind's."""

    async def read(self, azure: Cloud, scope: Scope) -> Iterable[Observed]:
        azure.called("read", scope.kind)
        lags = azure.old and azure.writes() and scope.kind != "vault"
        shown = azure.old.pop(0) if lags else tuple(azure.objects.values())
        return [one for one in shown if one.kind == scope.kind]

    async def examine(self, azure: Cloud, live: Observed) -> Observed:
        azure.called("examine", live.spec.name)
        return replace(live, spec=replace(live.spec, value=Sensitive("theirs")), facts={**live.facts, "version": "v1"})

    async def create(self, azure: Cloud, desired: Any) -> Observed:
        azure.called("create", desired.name)
        return self._put(azure, desired)

    async def update(self, azure: Cloud, desired: Any, live: Observed) -> Observed:
        azure.called("update", desired.name)
        return self._put(azure, desired)

    async def versions(self, azure: Cloud, live: Observed) -> Iterable[Observed]:
        azure.called("versions", live.spec.name)
        return azure.history.get(live.spec.name, ())

    async def delete(self, azure: Cloud, live: Observed) -> Observed | None:
        azure.called("delete", live.spec.name)
        return azure.objects.pop(live.id, None)

    async def recover(self, azure: Cloud, live: Observed) -> Observed:
        azure.called("recover", live.spec.name)
        azure.objects[live.id] = replace(live, condition=Condition.LIVE)
        return azure.objects[live.id]

    def _put(self, azure: Cloud, desired: Any) -> Observed:
        kind: Any = self
        made = Observed(kind.name, kind.remote_id(desired), desired, facts=azure.stamps)
        azure.objects[made.id] = made
        return made


class LivingThings(Living, FakeKind):
    """Things on the control plane."""


class LivingGrants(Living, GrantKind):
    """Grants to whom their colour names; an equal one under another id is returned, as Azure refuses a second one."""

    async def create(self, azure: Cloud, desired: Any) -> Observed:
        azure.called("create", desired.name)
        others = (one for one in azure.objects.values() if one.kind == self.name)
        alike = (one for one in others if self.equivalent(desired, one.spec) and one.id != self.remote_id(desired))
        return next(alike, None) or self._put(azure, desired)

    async def update(self, azure: Cloud, desired: Any, live: Observed) -> Observed:
        azure.called("update", desired.name)
        azure.objects[live.id] = replace(live, spec=desired)
        return azure.objects[live.id]


class LivingItems(Living, DataKind):
    """Things with values, on the data plane."""

    spec_type = Item
    holds_value = True


class LivingVaults(Living, FakeKind):
    """The one vault."""

    name = "vault"
    plane = Plane.CONTROL

    def remote_id(self, spec: Any) -> str:
        return BOX


LIVING: Mapping[str, Any] = {
    kind.name: kind for kind in (LivingThings(), LivingGrants(), LivingItems(), LivingVaults())
}


class MemoryJournal:
    """A journal that remembers every entry it was ever given.

    The lock is `lost` and this run knows, once it was `allowed` so many writes; or `taken`, and it hears when it asks.
    """

    def __init__(self, *entries: Entry, keys: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.entries = {entry.address: entry for entry in entries}
        self.keys = dict(keys or {})
        self.written: list[Entry] = []
        self.lost: StateError | None = None
        self.taken: StateError | None = None
        self.allowed = 0

    @property
    def state(self) -> State:
        return State("line", 1, dict(self.entries), dict(self.keys))

    def get(self, address: Address) -> Entry | None:
        return self.entries.get(address)

    async def check(self) -> None:
        self.allowed -= 1
        if self.lost is not None and self.allowed < 0:
            raise self.lost

    async def prove(self) -> None:
        if self.taken is not None:
            raise self.taken

    async def put(self, *entries: Entry) -> None:
        for entry in entries:
            self.written.append(entry)
            self.entries[entry.address] = entry

    async def drop(self, address: Address) -> None:
        del self.entries[address]

    async def key(self, vault: str, facts: Mapping[str, Any] | None) -> None:
        if facts is None:
            self.keys.pop(vault.lower(), None)
        else:
            self.keys[vault.lower()] = facts


@dataclass(slots=True)
class Applied:
    """An apply that is over, and what it left."""

    outcome: Outcome
    journal: MemoryJournal
    keys: MemoryKeys
    events: list[Event]
    pauses: list[float]
    begun: list[asyncio.Task[Any] | None] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        """The codes of what failed."""
        return [problem.code for problem in self.outcome.failed]


async def applied(
    cloud: Cloud,
    changes: Iterable[Change],
    journal: MemoryJournal | None = None,
    *,
    values: Mapping[str, str] | None = None,
    helpful: frozenset[str] = frozenset(),
    keys: MemoryKeys | None = None,
    stop: asyncio.Event | None = None,
    options: Options | None = None,
    kinds: Mapping[str, Any] | None = None,
    blocks: tuple[Block, ...] = (),
) -> Applied:
    """Apply these changes to a cloud; pauses are noted and not waited for."""
    journal = journal or MemoryJournal(*(change.prior for change in changes if change.prior is not None))
    keys = keys or MemoryKeys()
    over = Applied(Outcome(State()), journal, keys, [], [])

    async def pause(seconds: float) -> None:
        over.pauses.append(seconds)

    async def rest(seconds: float) -> bool:
        over.pauses.append(seconds)
        return stop is None or not stop.is_set()

    def begins() -> None:
        over.begun.append(asyncio.current_task())

    given = {at(address): Sensitive(text) for address, text in (values or {}).items()}
    ring = KeyRing(keys, recorded=journal.keys)
    tools = Tools(
        *(kinds or LIVING, cloud, journal, given, ring, pause, helpful),
        saved_keys=dict(journal.keys),
        rest=rest,
        begins=begins,
    )
    plan = Plan(HEAD, tuple(changes), blocks=blocks, options=options or Options())
    over.outcome = await apply(tools, plan, over.events.append, stop=stop)
    return over


def item(address: str, colour: str | None = "red", **lifecycle: Any) -> Resource:
    """A declared thing with a value."""
    return Resource(at(address), Item(name=at(address).path, colour=colour), lifecycle=Lifecycle(**lifecycle))


def kept(address: str, colour: str | None = "red", **fields: Any) -> Entry:
    """An applied thing with a value."""
    return Entry(at(address), f"/v/item/{at(address).path}", Item(name=at(address).path, colour=colour), **fields)


def lying(address: str, colour: str = "red", condition: Condition = Condition.LIVE, **facts: Any) -> Observed:
    """An observed thing with a value."""
    spec = Item(name=at(address).path, colour=colour)
    return Observed("item", f"/v/item/{at(address).path}", spec, condition, facts)
