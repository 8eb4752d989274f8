"""The exit code and the closing line come from one value."""

from __future__ import annotations

import pytest

from declarative_kv.engine.events import Outcome
from declarative_kv.model.counts import Counts
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.plan import Action, Block, Drift, Options, Reason
from declarative_kv.model.state import State
from declarative_kv.render.summary import of_apply, of_drift, of_outcome, of_plan

from .plans import SAMPLE, SECRET_IS_NEW, at, change, plan_of

UNREAD = Diagnostic("forbidden", "Azure refused the operation")
BLOCK = Block("protected", at("vault.a"), "it is protected")
DRIFT = Drift(at("vault.a"), Action.UPDATE)


@pytest.mark.parametrize(
    ("reason", "plan", "detailed", "code"),
    [
        ("nothing to do", plan_of(), True, 0),
        ("changes, not asked for", plan_of(SECRET_IS_NEW), False, 0),
        ("changes", plan_of(SECRET_IS_NEW), True, 2),
        ("forgets are changes", plan_of(change("vault.a", Action.FORGET, reason=Reason.GONE)), True, 2),
        ("incomplete beats changes", plan_of(SECRET_IS_NEW, unreadable=(UNREAD,)), True, 4),
        ("blocked beats incomplete", plan_of(SECRET_IS_NEW, unreadable=(UNREAD,), blocks=(BLOCK,)), True, 3),
        ("drift alone, refreshed only", plan_of(drift=(DRIFT,), options=Options(refresh_only=True)), True, 2),
    ],
)
def test_the_code_of_a_plan(reason: str, plan: object, detailed: bool, code: int) -> None:
    assert of_plan(plan, detailed=detailed).code == code, reason  # type: ignore[arg-type]


def test_an_incomplete_plan_never_says_that_nothing_changed() -> None:
    lines = of_plan(plan_of(unreadable=(UNREAD,))).lines
    assert lines[0].startswith("Incomplete: 1 ")
    assert lines[-1] == "Plan: 0 to add, 0 to change, 0 to destroy."


@pytest.mark.parametrize(
    ("reason", "plan", "code"),
    [
        ("nothing moved", plan_of(), 0),
        ("something moved", plan_of(drift=(DRIFT,)), 2),
        ("an alarm", plan_of(unmanaged=SAMPLE.unmanaged), 2),
        ("drift beats incomplete", plan_of(drift=(DRIFT,), unreadable=(UNREAD,)), 2),
        ("incomplete", plan_of(unreadable=(UNREAD,)), 4),
    ],
)
def test_the_code_of_drift(reason: str, plan: object, code: int) -> None:
    assert of_drift(plan).code == code, reason  # type: ignore[arg-type]


def test_the_closing_lines_of_an_apply_are_terraforms() -> None:
    assert of_apply(Counts(added=1, changed=2, destroyed=3)).text == (
        "Apply complete! Resources: 1 added, 2 changed, 3 destroyed."
    )
    assert of_apply(Counts(imported=4, added=1)).text == (
        "Apply complete! Resources: 4 imported, 1 added, 0 changed, 0 destroyed."
    )
    assert of_apply(Counts(destroyed=3), destroying=True).text == "Destroy complete! Resources: 3 destroyed."


@pytest.mark.parametrize(
    ("reason", "outcome", "interrupted", "code"),
    [
        ("all done", Outcome(State(), done=(SECRET_IS_NEW,)), False, 0),
        ("something failed after something was saved", Outcome(State(), (SECRET_IS_NEW,), (UNREAD,)), False, 5),
        ("all failed", Outcome(State(), (), (UNREAD,)), False, 1),
        ("interrupted", Outcome(State(), unstarted=(at("vault.a"),)), True, 130),
        ("time is up", Outcome(State(), (SECRET_IS_NEW,), unstarted=(at("vault.a"),)), False, 5),
        (
            "a recovered vault is saved although what follows stops",
            Outcome(State(), (), (Diagnostic("known-after-recover", "x"),)),
            False,
            5,
        ),
    ],
)
def test_the_code_of_an_apply(reason: str, outcome: Outcome, interrupted: bool, code: int) -> None:
    assert of_outcome(outcome, interrupted=interrupted).code == code, reason


AGAIN = "To go on, run the same command again:\n    dkv apply"


def test_what_was_skipped_stands_under_the_failed_change_that_it_needed() -> None:
    many = {at(f"secret.app/s{number:02}"): at("access_policy.app/me") for number in range(22)}
    key = {at("access_policy.app/old"): at("fingerprint_key./groups/rg/vaults/kv-app")}
    broken = (at("access_policy.app/me"),)
    outcome = Outcome(State(), (SECRET_IS_NEW,), (UNREAD, UNREAD), {**many, **key}, broken=broken)
    summary = of_outcome(outcome, again=AGAIN)
    assert summary.lines[:2] == ("Skipped, because access_policy.app/me failed:", "    secret.app/s00")
    assert summary.lines[20:24] == (
        "    secret.app/s19",
        "    … and 2 more",
        "Skipped, because the removal of the fingerprint key in kv-app failed:",
        "    access_policy.app/old",
    )
    assert summary.lines[24:] == (
        AGAIN,
        "Applied in part: 0 added, 0 changed, 0 destroyed, 1 failed, 23 skipped. What is done is saved.",
    )


def test_nothing_is_left_to_do_after_a_run_that_did_all() -> None:
    assert of_outcome(Outcome(State(), done=(SECRET_IS_NEW,)), again=AGAIN).text.startswith("Apply complete!")


def test_a_failed_change_that_left_its_mark_is_a_part() -> None:
    assert of_outcome(Outcome(State(), failed=(UNREAD,), saved=True)).code == 5
