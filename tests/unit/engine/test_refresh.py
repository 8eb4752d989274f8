"""What a refresh counts as nobody's, when a run is about some of the addresses only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from declarative_kv.engine.refresh import refresh
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.state import State

from .fakes import FakeKind, at, entry, live, thing


class Listed(FakeKind):
    """Things of a vault that is listed whole, whoever was asked for."""

    def __init__(self, *there: Observed) -> None:
        self.there = there

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        return self.there


async def test_what_is_declared_or_in_state_is_somebodys_even_when_it_is_left_out() -> None:
    kinds: Mapping[str, Any] = {"thing": Listed(*(live(f"thing.{name}") for name in ("a", "b", "c", "stray")))}
    desired = {at(f"thing.{name}"): thing(f"thing.{name}") for name in ("a", "b")}
    state = State(entries={at("thing.c"): entry("thing.c")})

    reading = await refresh(kinds, None, desired, state, [at("thing.a")])

    assert list(reading.live) == [at("thing.a"), at("thing.b"), at("thing.c")]
    assert [one.spec.name for one in reading.rest] == ["stray"]
