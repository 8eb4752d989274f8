"""What is read back after a run: whether each write took, and whether somebody else wrote after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.lag import PAUSES
from declarative_kv.model.plan import Action, AttrDiff, Change, Reason
from declarative_kv.model.resource import Condition, Observed
from tests.unit.engine.cloud import Cloud, applied, item, kept, lying
from tests.unit.engine.fakes import at, entry, live

X = "item.x"
TO_BLUE = (AttrDiff(("colour",), "red", "blue"),)
OURS: dict[str, Any] = {"created": 40, "updated": 40, "version": "ours"}
TAKEN, TOPPED = "write-not-taken", "overwritten-meanwhile"


def paint(*, value: bool = False) -> Change:
    """An update from red to blue, perhaps with a new value."""
    wanted = item(X, "blue")
    return Change(
        at(X),
        Action.UPDATE,
        Reason.CONFIG_MOVED,
        TO_BLUE,
        desired=wanted,
        prior=kept(X),
        live=lying(X, created=20, updated=20),
        writes_value=value,
    )


def shown(colour: str = "blue", *, gone: bool = False, **facts: Any) -> Observed:
    return lying(X, colour, Condition.SOFT_DELETED if gone else Condition.LIVE, **facts)


@pytest.mark.parametrize(
    ("reason", "value", "seen", "code", "detail"),
    [
        ("as before the write", False, shown("red", created=20, updated=20), TAKEN, "colour is red, not blue"),
        ("otherwise", False, shown("green", created=20, updated=20), TOPPED, "(colour is green, not blue)"),
        ("as before, and later", False, shown("red", created=20, updated=50), TOPPED, "changed 1970-01-01T00:00:50Z"),
        ("a new value on top", True, shown(created=50, updated=50), TOPPED, "This run wrote version ours, made 1970"),
        ("an old version", True, shown(created=20, updated=20), TAKEN, "an older version in the list"),
        ("deleted afterwards", False, shown(gone=True, deleted=50), TOPPED, "a soft-deleted one (since 1970"),
        ("deleted, nobody knows when", False, shown(gone=True, deleted=40), TAKEN, "a soft-deleted object"),
    ],
)
async def test_what_is_not_as_it_was_written(reason: str, value: bool, seen: Observed, code: str, detail: str) -> None:
    cloud = Cloud(lying(X, created=20, updated=20))
    cloud.stamps, cloud.old = OURS, [(seen,)] * (len(PAUSES) + 1)
    over = await applied(cloud, [paint(value=value)], values={X: "some value"})
    assert over.codes == [code], reason
    assert detail in over.outcome.failed[0].detail
    assert bool(over.pauses) is (code == TAKEN)


@pytest.mark.parametrize("facts", [{}, {"created": 40, "updated": 40}], ids=["nobody tells when", "in our second"])
async def test_what_is_as_it_was_written(facts: dict[str, Any]) -> None:
    cloud = Cloud(lying(X, created=20, updated=20))
    cloud.stamps, cloud.old = OURS, [(shown(**facts),)]
    assert (await applied(cloud, [paint(value=True)], values={X: "some value"})).codes == []


async def test_one_foreign_write_does_not_keep_the_others_from_being_asked_again() -> None:
    other = replace(paint(), address=at("item.y"), desired=item("item.y", "blue"), prior=None, live=lying("item.y"))
    cloud = Cloud(lying(X, created=20, updated=20), lying("item.y"))
    cloud.old = [(shown("green"), lying("item.y")), (shown("green"), lying("item.y", "blue"))]
    over = await applied(cloud, [paint(), other])
    assert (over.codes, over.pauses) == ([TOPPED], [PAUSES[0]])


@pytest.mark.parametrize(
    ("parent", "words"), [("/groups/rg/vaults/kv", "the entry of me on kv is still there"), (None, "it is still there")]
)
async def test_a_grant_that_azure_did_not_remove_is_named(parent: str | None, words: str) -> None:
    mine = live("grant.g", "me", parent=parent)
    cloud = Cloud(mine)
    cloud.old = [(mine,)] * (len(PAUSES) + 1)
    gone = Change(at("grant.g"), Action.DESTROY, Reason.UNDECLARED, prior=entry("grant.g", "me"), live=mine)
    over = await applied(cloud, [gone])
    assert over.codes == [TAKEN]
    assert words in over.outcome.failed[0].detail
