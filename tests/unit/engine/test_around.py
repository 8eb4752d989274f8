"""What lies in a declared vault beside what has an address: looked for, and what follows where that is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from declarative_kv.engine.plan import plan
from declarative_kv.engine.refresh import refresh
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.plan import Options
from declarative_kv.model.resource import Observed, OtherPolicy, Reading, Scope
from declarative_kv.model.state import State
from tests.unit.engine.fakes import HEAD, KINDS, FakeKind, at, entry, live, thing

VAULT = "/v/vault/a"


class VaultLike(FakeKind):
    """Vaults that are all there."""

    name = "vault"

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        return [live("vault.a")]


class Looked(FakeKind):
    """Things in vaults that can be listed, or not."""

    def __init__(self, *, refused: bool) -> None:
        self.refused = refused
        self.reads: list[Scope] = []

    def inside(self, container: str) -> Scope | None:
        return Scope(self.name, container)

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        self.reads.append(scope)
        if self.refused:
            raise Forbidden(Diagnostic("forbidden", "No", "Listing is refused."), operation="Listing", status=403)
        return [live("thing.stray", parent=VAULT)]


async def look(policy: OtherPolicy, *, refused: bool, around: bool = True) -> Reading:
    """A refresh of one declared vault in which no thing is declared."""
    kinds: Mapping[str, Any] = {"vault": VaultLike(), "thing": Looked(refused=refused)}
    desired = {at("vault.a"): thing("vault.a", others={"thing": policy})}
    return await refresh(kinds, None, desired, State(), around=around)


async def test_a_vault_is_looked_through_although_nothing_of_the_kind_is_declared() -> None:
    reading = await look(OtherPolicy.REPORT, refused=False)
    assert [one.spec.name for one in reading.rest] == ["stray"]


async def test_a_refresh_that_only_reads_back_does_not_look_around() -> None:
    assert not (await look(OtherPolicy.REPORT, refused=False, around=False)).rest


async def test_a_refused_look_for_a_report_leaves_the_reading_complete() -> None:
    reading = await look(OtherPolicy.REPORT, refused=True)
    assert list(reading.unlisted) == [(at("vault.a"), "thing")]
    assert not reading.unreadable


@pytest.mark.parametrize("policy", [OtherPolicy.ALARM, OtherPolicy.DELETE])
async def test_a_refused_look_makes_the_reading_incomplete_where_the_vault_asks_for_more(policy: OtherPolicy) -> None:
    reading = await look(policy, refused=True)
    assert [one.code for one in reading.unreadable] == ["forbidden"]
    assert not reading.unlisted


def test_the_last_grant_to_who_runs_dkv_stays_and_the_plan_says_why() -> None:
    kinds: Mapping[str, Any] = {**KINDS, "vault": VaultLike()}
    desired = {at("vault.a"): thing("vault.a", others={"grant": OtherPolicy.DELETE})}
    state = State("line", 1, {at("vault.a"): entry("vault.a")})
    rest = tuple(live(f"grant.{name}", to, parent=VAULT, label=name) for name, to in (("x", "me-id"), ("y", "other")))
    reading = Reading(live={at("vault.a"): live("vault.a")}, rest=rest)
    made = plan(kinds, desired, state, reading, {}, HEAD, Options())
    assert [str(change.address) for change in made.pending] == ["grant.a/y"]
    assert [note for note in made.notes if note.startswith("grant x on vault.a stays")]


def test_a_note_names_the_first_vaults_that_cannot_be_looked_through_and_counts_the_others() -> None:
    names = [f"vault.v{number}" for number in range(7)]
    kinds: Mapping[str, Any] = {**KINDS, "vault": VaultLike()}
    desired = {at(name): thing(name) for name in names}
    refused = Diagnostic("forbidden", "No", "Listing is refused.")
    reading = Reading(live={}, unlisted={(at(name), "item"): refused for name in names})
    (note,) = plan(kinds, desired, State(), reading, {}, HEAD, Options()).notes
    assert note.startswith("items of vault.v0, vault.v1, vault.v2, vault.v3, vault.v4 and 2 more cannot be listed")
