"""Findings of lint in every form: how the run ends, what is counted, and what names of others cannot do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.document import Cloud, Document, Origin
from declarative_kv.model.lint import RULES, Finding, Weight
from declarative_kv.model.resource import Resource
from declarative_kv.render.annotations import Severe, github_commands
from declarative_kv.render.lint.reports import lint_json, lint_junit, lint_markdown, lint_sarif
from declarative_kv.render.lint.text import lint_text
from declarative_kv.render.lint.told import of_lint, remarks
from declarative_kv.render.places import Tree

TREE = Tree("/repo", "/repo/infra")
NASTY = "secret.app/x\n::error::y##vso[z]\u202e<b>|`"


def finding(rule: str = "secret-expiry", weight: Weight = Weight.WARNING, **more: Any) -> Finding:
    place = more.pop("span", Span("dkv.yaml", 7, 3, 4))
    return Finding(RULES[rule], weight, Address("secret", more.pop("path", "app/s")), "It is so.", place, **more)


FOUND = (
    finding("secret-content-type", Weight.NOTE),
    finding(weight=Weight.BLOCK),
    finding(path="app/t", span=None),
    finding("access-model", Weight.NOTE, ignored="later"),
)
DOCUMENT = Document(
    "/repo/infra/dkv.yaml",
    "prod",
    Cloud("public"),
    Origin(None, ""),
    Origin(None, ""),
    {},
    "state.json",
    {},
    {Address("vault", "app"): Resource(Address("vault", "app"), None, span=Span("dkv.yaml", 3, 3))},
)


@pytest.mark.parametrize(
    ("found", "code", "line"),
    [
        ((), 0, "Lint: nothing found."),
        ((finding(weight=Weight.NOTE),), 0, "Lint: 1 note."),
        ((finding(), finding(), finding(weight=Weight.NOTE)), 0, "Lint: 2 warnings, 1 note."),
        (FOUND, 3, "Lint: 1 blocking, 1 warning, 1 note, 1 ignored."),
        ((finding(weight=Weight.BLOCK, ignored="why"),), 0, "Lint: 1 ignored."),
    ],
)
def test_only_what_blocks_ends_with_3_and_what_is_ignored_never(
    found: tuple[Finding, ...], code: int, line: str
) -> None:
    summary = of_lint(found)
    assert (summary.code, summary.lines) == (code, (line,))
    assert lint_json(found, DOCUMENT)["exit_code"] == code
    (run,) = lint_sarif(found, DOCUMENT, TREE)["runs"]
    assert run["invocations"][0]["exitCode"] == code
    assert lint_text(found).splitlines()[-1] == line


def test_the_text_has_a_block_a_rule_in_the_order_of_the_table_and_nothing_that_is_ignored() -> None:
    text = lint_text(FOUND)
    assert [line.split(":")[0] for line in text.splitlines() if not line.startswith(" ") and ": A" in line] == [
        "secret-expiry",
        "secret-content-type",
    ]
    assert "  block    secret.app/s  It is so.  dkv.yaml:7:3\n  warning  secret.app/t  It is so.\n  fix: Write" in text


def test_every_form_has_the_same_findings() -> None:
    assert [one["ignored"] for one in lint_json(FOUND, DOCUMENT)["findings"]] == [None, None, None, "later"]
    (run,) = lint_sarif(FOUND, DOCUMENT, TREE)["runs"]
    assert Counter(result["level"] for result in run["results"]) == {"note": 2, "error": 1, "warning": 1}
    assert [result.get("suppressions", [{}])[0].get("justification") for result in run["results"]] == [
        *(None, None, None),
        "later",
    ]
    assert all(run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    tests = ElementTree.fromstring(lint_junit(FOUND, DOCUMENT, TREE, "2026-11-22T00:00:00Z")).iter("testcase")
    assert {case.attrib["name"]: [part.tag for part in case] for case in tests} == {
        "secret.app/s": ["system-out", "failure"],
        "secret.app/t": ["system-out"],
        "vault.app": [],
    }
    assert [(one.level, one.span is None) for one in remarks(FOUND)] == [
        (Severe.NOTICE, False),
        (Severe.ERROR, False),
        (Severe.WARNING, True),
    ]
    assert lint_markdown(FOUND, DOCUMENT).count("\n- ") == 3


def test_a_name_can_end_no_line_and_give_no_command() -> None:
    found = (finding(path=NASTY.partition(".")[2]), finding(ignored=NASTY))
    shown = [
        lint_text(found),
        lint_markdown(found, DOCUMENT),
        lint_junit(found, DOCUMENT, TREE, "now"),
        *github_commands(remarks(found), TREE)[0].split("::")[2:],
        lint_sarif(found, DOCUMENT, TREE)["runs"][0]["results"][1]["suppressions"][0]["justification"],
    ]
    for text in shown:
        assert "\n::" not in text
        assert "##vso" not in text
        assert "\u202e" not in text
    assert "<b>" not in shown[2]


def test_markdown_says_how_much_is_left_out() -> None:
    many = [replace(finding(path=f"app/s{number}")) for number in range(500)]
    text = lint_markdown(many, DOCUMENT, budget=2000)
    assert len(text) <= 2000
    assert "lines of findings are left out here; `dkv lint` has all of them" in text
