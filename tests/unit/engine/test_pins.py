"""Who is looked up to be pinned, and what is said of those who cannot be found."""

from __future__ import annotations

import pytest

from declarative_kv.engine.pins import object_ids, unpinned
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.document import Principal, Selector
from declarative_kv.model.errors import PlanError
from tests.unit.engine.test_resolve import ALICE, CI, FakeDirectory

PEOPLE = {
    one.key: one
    for one in (
        Principal("me", Selector.CURRENT, ""),
        Principal("alice", Selector.USER, "alice@contoso.example", span=Span("dkv.yaml", 4, 3)),
        Principal("ci", Selector.APP_ID, "8f0f", span=Span("dkv.yaml", 5, 3)),
        Principal("pinned", Selector.GROUP, "Ops", ALICE),
        Principal("bare", Selector.OBJECT_ID, ALICE, ALICE),
    )
}


def test_only_who_has_a_name_and_no_id_needs_one() -> None:
    assert unpinned(PEOPLE) == ("alice", "ci")


async def test_everybody_is_asked_for_once_and_ids_are_lower_case() -> None:
    directory = FakeDirectory(people={"alice@contoso.example": (ALICE, "User", "Alice"), "8f0f": (CI, None, "ci")})
    assert await object_ids([PEOPLE["alice"], PEOPLE["ci"]], directory) == {"alice": ALICE, "ci": CI.lower()}
    assert sorted(directory.asked) == ["principal 8f0f", "principal alice@contoso.example"]


async def test_all_who_cannot_be_found_are_told_at_once_with_their_places() -> None:
    def lost(code: str) -> PlanError:
        return PlanError(Diagnostic(code, "s", "d", "h"))

    directory = FakeDirectory(
        people={"alice@contoso.example": lost("unknown-principal"), "8f0f": lost("ambiguous-principal")}
    )
    with pytest.raises(PlanError) as caught:
        await object_ids([PEOPLE["alice"], PEOPLE["ci"]], directory)
    found = [(one.code, one.span.line if one.span else 0) for one in caught.value.diagnostics]
    assert found == [("unknown-principal", 4), ("ambiguous-principal", 5)]
