"""Two writers at one object: when they differ, and how both sides are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.sides import above, as_known, beneath, differs, filled, foreign, may_lag, moved, written
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Condition, Observed
from tests.unit.engine.cloud import LIVING, kept, lying
from tests.unit.engine.fakes import at

ITEM = LIVING["item"]
X = "item.x"
SEEN = lying(X, created=10, updated=20)
GONE = lying(X, condition=Condition.SOFT_DELETED, deleted=50)


@pytest.mark.parametrize(
    ("reason", "seen", "now", "expected", "lag"),
    [
        ("equal", SEEN, lying(X, created=10, updated=20), False, False),
        ("neither is there", None, None, False, True),
        ("appeared", None, SEEN, True, True),
        ("gone", SEEN, None, True, True),
        ("deleted", SEEN, GONE, True, True),
        ("deleted again", GONE, lying(X, condition=Condition.SOFT_DELETED, deleted=60), True, False),
        ("other settings", SEEN, lying(X, "blue", created=10, updated=20), True, False),
        ("written later", SEEN, lying(X, created=10, updated=30), True, False),
        ("an old list", SEEN, lying(X, created=5, updated=20), True, True),
        ("nobody tells when", lying(X), SEEN, False, False),
    ],
)
def test_when_two_looks_differ(reason: str, seen: Observed, now: Observed, expected: bool, lag: bool) -> None:
    assert (differs(ITEM, seen, now), may_lag(seen, now)) == (expected, lag), reason


@pytest.mark.parametrize(
    ("seen", "now", "text"),
    [
        (None, SEEN, "The plan saw nothing; now there is made 1970-01-01T00:00:10Z, changed 1970-01-01T00:00:20Z."),
        (GONE, None, "The plan saw a soft-deleted one (since 1970-01-01T00:00:50Z); now there is nothing."),
        (lying(X, condition=Condition.SOFT_DELETED), None, "The plan saw a soft-deleted one; now there is nothing."),
        (lying(X), lying(X, "blue"), "Since the plan: colour: red -> blue."),
        (lying(X), lying(X), "The plan saw one; now there is one."),
        (SEEN, lying(X, "blue"), f"The plan saw {written(SEEN.facts)}; now there is one (colour: red -> blue)."),
        (
            lying(X, condition=Condition.SOFT_DELETED, deleted="2026-01-02T00:00:00Z"),
            None,
            "The plan saw a soft-deleted one (since 2026-01-02T00:00:00Z); now there is nothing.",
        ),
    ],
)
def test_what_was_left_alone_is_told_with_both_sides(seen: Observed | None, now: Observed | None, text: str) -> None:
    problem = moved(ITEM, at(X), seen, now)
    assert problem.detail == f"item.x was left as it is. {text}"
    assert (problem.code, problem.address) == ("moved-meanwhile", at(X))


@pytest.mark.parametrize(
    ("count", "names"), [(2, "kv-0, kv-1"), (6, "kv-0, kv-1, kv-2, kv-3, kv-4 …")], ids=["some", "many"]
)
def test_what_came_into_a_group_is_named(count: int, names: str) -> None:
    problem = filled(at("thing.g"), [f"/v/vaults/kv-{number}" for number in range(count)])
    assert problem.detail.endswith(f"now there is {names}.")


def theirs(**facts: Any) -> Observed:
    return replace(lying(X, **facts), parent="/groups/rg/vaults/kv", label="x")


@pytest.mark.parametrize(
    ("now", "hint"),
    [
        (theirs(version="v2"), "az keyvault secret show --vault-name kv --name x --version v2 --query attributes"),
        (theirs(condition=Condition.SOFT_DELETED), "az keyvault secret recover --vault-name kv --name x"),
        (theirs(), "dkv plan"),
    ],
    ids=["an earlier version", "deleted", "neither"],
)
def test_what_was_written_over_can_be_found_again(now: Observed, hint: str) -> None:
    problem = beneath(ITEM, at(X), SEEN, now, "The new value")
    assert problem.hint.endswith(hint)
    assert problem.detail.startswith("The new value went over a write of somebody else's. The plan saw made 1970-")


def test_what_somebody_wrote_over_ours_is_told_with_ours() -> None:
    problem = above(at(X), written({"version": "v1", "created": 10}), lying(X, created=30), "colour is blue, not red")
    assert problem.detail == (
        "item.x: This run wrote version v1, made 1970-01-01T00:00:10Z; then somebody else did: now there is "
        "made 1970-01-01T00:00:30Z (colour is blue, not red)."
    )
    assert above(at(X), "it", None, "").detail.endswith("now there is nothing.")


def version(name: str, created: int, colour: str = "red", updated: int | None = None) -> Observed:
    return lying(X, colour, version=name, created=created, updated=updated or created)


OURS = {"version": "ours", "created": 40}
KNOWN = lying(X, created=20, updated=20)


@pytest.mark.parametrize(
    ("reason", "versions", "expected"),
    [
        ("ours on the one that was seen", [version("seen", 20), version("ours", 40), version("old", 5)], []),
        ("another one in between", [version("seen", 20), version("b", 30), version("ours", 40)], ["b"]),
        ("two, oldest first", [version("c", 31), version("b", 30), version("seen", 20)], ["b", "c"]),
        ("the seen one was changed", [version("seen", 20, "blue", 25), version("ours", 40)], ["seen"]),
        ("two in the second that was seen", [version("a", 20, "blue"), version("seen", 20)], []),
    ],
)
def test_the_versions_of_others_are_those_that_nobody_knew(
    reason: str, versions: list[Observed], expected: list[str]
) -> None:
    assert [one.facts["version"] for one in foreign(versions, KNOWN, OURS, ITEM)] == expected, reason


@pytest.mark.parametrize(
    ("reason", "live", "facts", "version"),
    [
        ("the very version", lying(X, created=20), {"created": 20, "version": "v1"}, "v1"),
        ("another one", lying(X, created=21), {"created": 20, "version": "v1"}, None),
        ("nobody knows its id", lying(X, created=20), {"created": 20}, None),
        ("nothing is known", lying(X), {}, None),
    ],
)
def test_the_version_that_the_plan_saw_is_named_where_the_state_knows_it(
    reason: str, live: Observed, facts: dict[str, Any], version: str | None
) -> None:
    change = Change(at(X), Action.UPDATE, Reason.CONFIG_MOVED, prior=kept(X, facts=facts), live=live)
    known = as_known(change)
    assert known is not None
    assert known.facts.get("version") == version, reason
    assert as_known(replace(change, live=None)) is None
    assert as_known(replace(change, prior=None)) == live
