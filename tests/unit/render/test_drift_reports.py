"""Findings are the one definition of drift; SARIF and JUnit show all of them at their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.found import Checked, Orphan
from declarative_kv.model.plan import Action, AttrDiff, Drift, Plan
from declarative_kv.model.resource import Condition, OtherPolicy
from declarative_kv.render.drift_json import drift_json
from declarative_kv.render.drift_markdown import drift_markdown
from declarative_kv.render.drift_text import drift_text
from declarative_kv.render.findings import RULES, Level, alarms, findings
from declarative_kv.render.junit import drift_junit
from declarative_kv.render.places import Tree
from declarative_kv.render.sarif import drift_sarif
from declarative_kv.render.summary import of_drift

from .plans import CI, HEAD, PAYMENTS, SAMPLE, at, grant, line, observed, plan_of, policy, secret

TREE = Tree("/repo", "/repo/infra")
MOVED = Drift(
    at("secret.payments/db"),
    Action.UPDATE,
    (AttrDiff(("content_type",), "text/[plain]", None),),
    value_moved=True,
    since="2026-11-20T10:00:00Z",
    span=Span("dkv.yaml", 17, 7, 11),
)
HIDDEN = Drift(
    at("secret.payments/x"),
    Action.DESTROY,
    live=replace(observed("secret", f"{PAYMENTS}/secrets/x", secret("x")), condition=Condition.SOFT_DELETED),
)
GONE = Drift(at("vault.old"), Action.DESTROY)
ALARM = replace(SAMPLE.unmanaged[0], span=line(31))
NOTE = replace(ALARM, policy=OtherPolicy.REPORT, address=at("secret.payments/stranger"), since="2026-11-21T00:00:00Z")
IGNORED = replace(ALARM, policy=OtherPolicy.IGNORE)
ORPHANS = (
    Orphan(at("access_policy.payments/ci"), CI, observed("access_policy", f"{PAYMENTS}/p", policy("get")), line(40)),
    Orphan(at("role_assignment.payments/x"), "9f9f0000", observed("role_assignment", f"{PAYMENTS}/r", grant())),
)
UNREAD = Diagnostic(
    "forbidden", "Azure refused the operation", "Reading hr failed. So.", "Grant it.", line(60), at("vault.hr")
)
NAMELESS = Diagnostic("unavailable", "Azure did not answer", "Listing failed. So.")
EVERYTHING = plan_of(
    drift=(MOVED, HIDDEN, GONE),
    unmanaged=(ALARM, NOTE, IGNORED),
    orphans=ORPHANS,
    unreadable=(UNREAD, NAMELESS),
    checked=(Checked(at("vault.payments"), (), line(31)), Checked(MOVED.address, (at("vault.payments"),), line(16))),
)


def results(plan: Plan) -> list[dict[str, Any]]:
    (run,) = drift_sarif(plan, TREE)["runs"]
    return list(run["results"])


def cases(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    for case in ElementTree.fromstring(drift_junit(plan, TREE)).iter("testcase"):
        yield case.attrib["name"], [part.tag for part in case]


@pytest.mark.parametrize(
    ("reason", "plan", "code"),
    [
        ("nothing", plan_of(), 0),
        ("something moved", plan_of(drift=(MOVED,)), 2),
        ("an alarm about a stranger", plan_of(unmanaged=(ALARM,)), 2),
        ("a stranger that is only reported", plan_of(unmanaged=(NOTE,)), 0),
        ("a stranger that is ignored", plan_of(unmanaged=(IGNORED,)), 0),
        ("a grant to nobody", plan_of(orphans=ORPHANS), 0),
        ("something not read", plan_of(unreadable=(UNREAD,)), 4),
        ("all of it", EVERYTHING, 2),
    ],
)
def test_every_report_and_the_exit_code_say_the_same(reason: str, plan: Plan, code: int) -> None:
    assert of_drift(plan).code == code, reason
    count = len(alarms(plan))
    assert (count > 0) == (code == 2)
    assert drift_json(plan)["drifted"] is (code == 2)
    errors = [result for result in results(plan) if result["level"] == "error"]
    assert len(errors) == count
    assert sum("failure" in parts for _, parts in cases(plan)) == count
    assert of_drift(plan).text in drift_text(plan)
    assert of_drift(plan).lines[-1] in drift_markdown(plan)


def test_what_is_ignored_is_in_no_report() -> None:
    assert findings(plan_of(unmanaged=(IGNORED,))) == ()


def test_the_closing_line_counts_what_moved_and_what_alarms() -> None:
    assert of_drift(EVERYTHING).lines[-1] == "Drift: 3 changed outside, 1 unmanaged."


def test_each_finding_has_its_rule_and_its_level() -> None:
    assert [(finding.rule.id, finding.level) for finding in findings(EVERYTHING)] == [
        ("changed-outside", Level.ALARM),
        ("deleted-outside", Level.ALARM),
        ("deleted-outside", Level.ALARM),
        ("unmanaged-alarm", Level.ALARM),
        ("unmanaged", Level.NOTE),
        ("orphaned-grant", Level.WARNING),
        ("orphaned-grant", Level.WARNING),
        ("not-read", Level.ERROR),
        ("not-read", Level.ERROR),
    ]


def test_orphans_are_told_with_their_role_and_their_name() -> None:
    text = drift_text(EVERYTHING)
    assert "? orphaned access_policy.payments/ci  ci (1b2c…) is not in the directory" in text
    assert "? orphaned role_assignment.payments/x  9f9f0000 is not in the directory (Key Vault Reader)" in text
    assert [one["object_id"] for one in drift_json(EVERYTHING)["orphaned"]] == [CI, "9f9f0000"]


def test_a_place_in_sarif_is_the_repositorys() -> None:
    first = results(EVERYTHING)[0]["locations"][0]
    assert first["physicalLocation"] == {
        "artifactLocation": {"uri": "infra/dkv.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 17, "startColumn": 7, "endColumn": 18},
    }
    assert first["logicalLocations"][0]["fullyQualifiedName"] == "secret.payments/db"


def test_what_is_no_longer_declared_is_placed_at_the_root_file() -> None:
    plan = plan_of(drift=(GONE,), head=replace(HEAD, root="/repo/infra/my vaults.yaml"))
    place = results(plan)[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "infra/my%20vaults.yaml"
    assert place["region"]["startLine"] == 1


def test_a_file_outside_the_repository_is_named_by_a_uri() -> None:
    outside = replace(MOVED, span=Span("/etc/dkv.yaml", 1, 1))
    place = results(plan_of(drift=(outside,)))[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///etc/dkv.yaml"}
    assert Tree("/repo", "/repo").path("../other.yaml") == "/other.yaml"
    assert TREE.line(line(3)) == "infra/dkv.yaml:3"


def test_brackets_in_a_message_make_no_link() -> None:
    (result,) = results(plan_of(drift=(MOVED,)))
    assert r"content_type: text/\[plain\] -> (none)" in result["message"]["text"]


def test_fingerprints_outlive_moved_lines_and_other_values() -> None:
    moved = replace(MOVED, span=line(99), diff=(AttrDiff(("content_type",), "other", "value"),), since="")
    before, after = (results(plan_of(drift=(one,)))[0]["partialFingerprints"] for one in (MOVED, moved))
    assert before == after


def test_fingerprints_tell_everything_else_apart() -> None:
    prints = [finding.fingerprint("prod") for finding in findings(EVERYTHING)]
    assert len(set(prints)) == len(prints)
    assert findings(EVERYTHING)[0].fingerprint("test") != prints[0]
    nameless = findings(plan_of(unreadable=(NAMELESS, replace(NAMELESS, detail="Reading something else failed."))))
    assert len({finding.fingerprint(None) for finding in nameless}) == 2
    twins = findings(plan_of(unmanaged=(NOTE, replace(NOTE, live=replace(NOTE.live, remote_id="/another")))))
    assert len({finding.fingerprint(None) for finding in twins}) == 2


def test_what_was_not_read_is_a_notification_and_no_result() -> None:
    (run,) = drift_sarif(EVERYTHING, TREE)["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [one["descriptor"]["id"] for one in invocation["toolExecutionNotifications"]] == ["not-read", "not-read"]
    assert {result["ruleId"] for result in run["results"]} <= set(RULES)
    assert "logicalLocations" not in invocation["toolExecutionNotifications"][1]["locations"][0]


def test_junit_has_a_case_an_address_and_a_failure_where_it_drifted() -> None:
    found = dict(cases(EVERYTHING))
    assert found["vault.payments"] == []
    assert found["secret.payments/db"] == ["failure"]
    assert found["secret.payments/stranger"] == ["system-out"]
    assert found["vault.hr"] == ["error"]
    assert found["Listing failed"] == ["error"]
    suite = ElementTree.fromstring(drift_junit(EVERYTHING, TREE))[0]
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == (str(len(found)), "4", "2")


def test_junit_groups_by_vault_and_names_the_place() -> None:
    root = ElementTree.fromstring(drift_junit(replace(EVERYTHING, head=replace(HEAD, environment=None)), TREE))
    by_name = {case.attrib["name"]: case.attrib for case in root.iter("testcase")}
    assert by_name["secret.payments/db"]["classname"] == "dkv.drift.payments"
    assert by_name["secret.payments/db"]["file"] == "infra/dkv.yaml"
    assert by_name["secret.payments/db"]["line"] == "17"
    assert by_name["Listing failed"]["classname"] == "dkv.drift"
    assert root[0].attrib["name"] == "dkv drift"


def test_the_tree_of_a_page_is_absolute() -> None:
    assert Tree(Path("/repo").as_posix(), "/repo").uri("a b.yaml") == "a%20b.yaml"
