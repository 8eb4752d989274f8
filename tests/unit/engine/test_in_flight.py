"""What the next plan says of a run that was ended: what it was about to do, and what Azure has now."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.engine.changes import Inputs
from declarative_kv.engine.entries import announced_entry, begun_value, pending_entry, was_being
from declarative_kv.engine.notes import outside_notes
from declarative_kv.kinds.secret import SecretKind
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.plan import Action, Change, Options, Reason
from declarative_kv.model.resource import Condition, Observed, Reading, Resource
from declarative_kv.model.specs import SecretSpec
from declarative_kv.model.state import Entry, State, Status
from tests.unit.engine.fakes import KINDS, at, entry, live

DB = at("secret.kv/db")
SPEC = SecretSpec(vault="/v", name="db")
PRIOR = Entry(DB, "/v/secrets/db", SPEC, facts={"version": "v1", "created": 1})


def begun(action: Action, prior: Entry | None = PRIOR) -> Entry:
    change = Change(DB, action, Reason.CONFIG_MOVED, desired=Resource(DB, SPEC), prior=prior)
    return pending_entry(SecretKind(), change, fingerprint={})


def note(left: Entry, there: Observed | None = None, **reading: Any) -> tuple[str, ...]:
    live = {left.address: there} if there is not None else {}
    inputs = Inputs(
        KINDS,
        {},
        State(entries={left.address: left}),
        Reading(live, **reading),
        {},
        Options(),
        frozenset({left.address}),
    )
    return tuple(one.partition("earlier run ended: ")[2] for one in outside_notes(inputs))


def db(condition: Condition = Condition.LIVE, **facts: Any) -> Observed:
    return Observed("secret", "/v/secrets/db", SPEC, condition, facts)


@pytest.mark.parametrize(
    ("left", "doing"),
    [
        (begun(Action.CREATE, None), "created"),
        (begun(Action.UPDATE), "given a new value"),
        (begun(Action.IMPORT), "given a new value"),
        (begun(Action.RECOVER), "given a new value"),
        (begun(Action.REPLACE), "replaced"),
        (begun_value(PRIOR), "given a new value"),
        (announced_entry(PRIOR, Action.UPDATE), "changed"),
        (announced_entry(PRIOR, Action.IMPORT), "changed"),
        (announced_entry(PRIOR, Action.DESTROY), "deleted"),
        (announced_entry(PRIOR, Action.RECOVER), "recovered"),
        (entry("thing.a", status=Status.PENDING), ""),
    ],
)
def test_an_entry_tells_what_was_about_to_happen(left: Entry, doing: str) -> None:
    assert was_being(left) == doing


@pytest.mark.parametrize(
    ("left", "there", "said"),
    [
        (begun(Action.CREATE, None), None, "it was being created, and is not there"),
        (begun(Action.CREATE, None), db(), "it was being created, and is there"),
        (begun(Action.UPDATE), db(created=1), "it was being given a new value, and has no newer version"),
        (begun(Action.UPDATE), db(created=2), "it was being given a new value, and has a newer version"),
        (begun(Action.UPDATE), None, "it was being given a new value, and is not there"),
        (
            announced_entry(PRIOR, Action.DESTROY),
            db(Condition.SOFT_DELETED),
            "it was being deleted, and is soft-deleted",
        ),
        (entry("thing.a", status=Status.PENDING), live("thing.a"), "it is there"),
    ],
)
def test_the_next_plan_says_what_was_about_to_happen_and_what_is_there(
    left: Entry, there: Observed | None, said: str
) -> None:
    assert note(left, there) == (said,)


def test_nothing_is_said_of_what_is_done_or_cannot_be_read() -> None:
    assert note(PRIOR) == ()
    assert note(begun(Action.CREATE, None), unread={DB: Diagnostic("forbidden", "no")}) == ()
