"""Drift as text and JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.plan import Action, AttrDiff, Drift
from declarative_kv.model.resource import Condition
from declarative_kv.render.drift_json import drift_json
from declarative_kv.render.drift_text import drift_text
from declarative_kv.render.facts import drift_facts

from .plans import PAYMENTS, SAMPLE, at, observed, plan_of, secret, vault

MOVED = Drift(
    at("secret.payments/db"),
    Action.UPDATE,
    (AttrDiff(("content_type",), "text/plain", None),),
    value_moved=True,
    since="2026-11-20T10:00:00Z",
)
GONE = Drift(at("vault.payments"), Action.DESTROY)
HIDDEN = Drift(
    at("secret.payments/x"),
    Action.DESTROY,
    live=replace(observed("secret", f"{PAYMENTS}/secrets/x", secret("x")), condition=Condition.SOFT_DELETED),
)


def test_each_change_outside_is_told_with_what_moved() -> None:
    lines = drift_text(plan_of(drift=(MOVED, GONE, HIDDEN))).splitlines()
    assert lines[1:] == [
        "~ secret.payments/db  changed 2026-11-20T10:00:00Z",
        "    value: a new version was set",
        "    content_type: text/plain -> (none)",
        "- vault.payments  deleted",
        "- secret.payments/x  soft-deleted",
        "",
        "Drift: 3 changed outside.",
    ]


def test_without_drift_it_says_so() -> None:
    assert drift_text(plan_of()).endswith("No drift. Azure holds what was applied.")


def test_what_could_not_be_read_is_told() -> None:
    unread = Diagnostic("forbidden", "Azure refused the operation", address=at("secret.payments/db"))
    text = drift_text(plan_of(unreadable=(unread,)))
    assert "! not read  secret.payments/db  Azure refused the operation" in text
    assert text.endswith("No drift in what could be read.")


def test_the_json_says_whether_it_is_complete() -> None:
    unread = Diagnostic("forbidden", "Azure refused the operation")
    assert drift_json(plan_of())["complete"] is True
    found = drift_json(plan_of(drift=(MOVED,), unreadable=(unread,), unmanaged=SAMPLE.unmanaged))
    assert found["complete"] is False
    assert found["exit_code"] == 2
    assert found["drift"][0] == {
        "address": "secret.payments/db",
        "action": "update",
        "value_moved": True,
        "since": "2026-11-20T10:00:00Z",
        "differences": [{"path": ["content_type"], "before": "text/plain", "after": None}],
    }
    assert json.loads(json.dumps(found)) == found


def test_an_unmanaged_object_to_be_alarmed_about_is_drift() -> None:
    plan = plan_of(unmanaged=SAMPLE.unmanaged)
    assert "! unmanaged access_policy 77aa… on vault.payments (alarm)" in drift_text(plan)
    assert drift_json(plan)["drifted"] is True


def test_a_vault_that_lost_a_setting_reads_as_none() -> None:
    drift = Drift(at("vault.payments"), Action.UPDATE, (AttrDiff(("tags", "team"), vault().tags, "x"),))
    assert "tags.team: (none) -> x" in drift_text(plan_of(drift=(drift,)))


def test_lists_and_times_are_json_and_not_text() -> None:
    when = datetime(2027, 6, 30, tzinfo=UTC)
    moved = replace(MOVED, diff=(AttrDiff(("secrets",), ("get",), ("get", "set")), AttrDiff(("expires",), None, when)))
    assert drift_facts(moved)["differences"] == [
        {"path": ["secrets"], "before": ["get"], "after": ["get", "set"]},
        {"path": ["expires"], "before": None, "after": "2027-06-30"},
    ]
