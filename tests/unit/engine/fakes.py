"""A kind of five lines' worth of behaviour, for a planner that is handed its kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.kind import Plane
from declarative_kv.model.plan import AttrDiff, Head
from declarative_kv.model.resource import Condition, Observed, Resource, Scope
from declarative_kv.model.state import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A spec with a name, a colour, and the vault it lies in."""

    name: str = field(metadata={"identity": True})
    vault: str = field(default="/v", metadata={"identity": True})
    colour: str | None = None


class FakeKind:
    """Things that hold no value and live on the control plane."""

    name = "thing"
    spec_type = Thing
    immutable = frozenset({"shape"})
    replaceable = False
    soft_deletes = True
    plane = Plane.CONTROL
    holds_value = False

    def remote_id(self, spec: Any) -> str:
        return f"{spec.vault}/{self.name}/{spec.name}"

    def scope(self, spec: Any) -> Scope:
        return Scope(self.name, spec.vault, frozenset({self.remote_id(spec)}))

    def inside(self, container: str) -> Scope | None:
        return None

    def diff(self, desired: Any, live: Any) -> tuple[AttrDiff, ...]:
        if desired.colour is None or desired.colour == live.colour:
            return ()
        return (AttrDiff(("colour",), live.colour, desired.colour),)

    def grantee(self, spec: Any) -> str | None:
        return None

    def equivalent(self, desired: Any, live: Any) -> bool:
        return bool(desired.name == live.name)

    async def contents(self, azure: Any, live: Observed) -> tuple[str, ...]:
        return ()

    async def versions(self, azure: Any, live: Observed) -> tuple[Observed, ...]:
        return ()


class DataKind(FakeKind):
    """Things behind a vault's data plane."""

    name = "item"
    plane = Plane.DATA


class GrantKind(FakeKind):
    """Things that grant access to whom their colour names."""

    name = "grant"
    replaceable = True

    def grantee(self, spec: Any) -> str | None:
        return str(spec.colour)


KINDS: Mapping[str, Any] = {kind.name: kind for kind in (FakeKind(), DataKind(), GrantKind())}
HEAD = Head(None, "s", "YAML", "me", "test", 1, "00:00:00Z", object_id="me-id")


def at(text: str) -> Address:
    """An address from its text."""
    return Address.parse(text)


def thing(address: str, colour: str | None = "red", *, needs: tuple[str, ...] = (), **lifecycle: Any) -> Resource:
    """A declared thing."""
    from declarative_kv.model.resource import Lifecycle

    place = at(address)
    spec = Thing(name=place.path, colour=colour)
    return Resource(place, spec, frozenset(map(at, needs)), Lifecycle(**lifecycle))


def entry(address: str, colour: str | None = "red", *, needs: tuple[str, ...] = (), **fields: Any) -> Entry:
    """An applied thing in state."""
    place = at(address)
    spec = Thing(name=place.path, colour=colour)
    return Entry(place, f"/v/{place.kind}/{place.path}", spec, frozenset(map(at, needs)), **fields)


def live(address: str, colour: str = "red", condition: Condition = Condition.LIVE, **fields: Any) -> Observed:
    """An observed thing."""
    place = at(address)
    spec = Thing(name=place.path, colour=colour)
    return Observed(place.kind, f"/v/{place.kind}/{place.path}", spec, condition, **fields)
