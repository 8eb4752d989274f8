"""Findings of lint as JSON, Markdown, SARIF and JUnit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from declarative_kv.model.document import Document
from declarative_kv.model.lint import RULES, Finding, Rule, Weight
from declarative_kv.render.junit import Suite, suite
from declarative_kv.render.lint.told import by_rule, of_lint, shared, told
from declarative_kv.render.markdown import BUDGET, Block, within
from declarative_kv.render.places import Tree
from declarative_kv.render.safe import code, prose, safe
from declarative_kv.render.sarif import Run, described

FORMAT: Final = "dkv-lint/1"
_NAMES: Final = {Weight.BLOCK: "error", Weight.WARNING: "warning", Weight.NOTE: "note"}
Json = dict[str, Any]


def lint_json(found: Sequence[Finding], document: Document) -> Json:
    """Everything, what is ignored with its reason."""
    summary = of_lint(found)
    return {
        "format": FORMAT,
        "environment": document.environment,
        "findings": [_facts(finding) for finding in found],
        "rules": [_rule_facts(rule) for rule in RULES.values()],
        "exit_code": summary.code,
        "summary": list(summary.lines),
    }


def _facts(finding: Finding) -> Json:
    span = finding.span
    place = {"file": span.file, "line": span.line, "column": span.column} if span else {}
    return {
        "rule": finding.rule.id,
        "weight": finding.weight.value,
        "address": str(finding.address),
        "text": finding.text,
        "fix": finding.rule.fix,
        "ignored": finding.ignored or None,
        **place,
    }


def _rule_facts(rule: Rule) -> Json:
    twins = [{"tool": twin.tool.value, "id": twin.id, "title": twin.title} for twin in rule.twins]
    return {"id": rule.id, "title": rule.title, "why": rule.why, "fix": rule.fix, "twins": twins}


def lint_markdown(found: Sequence[Finding], document: Document, budget: int = BUDGET) -> str:
    """A list a rule, in at most `budget` characters; the verdict comes first and is never cut."""
    title = f"### dkv lint: {prose(document.environment or 'configuration')}"
    head = [title, "", *(f"**{prose(line)}**\n" for line in of_lint(found).lines)]
    blocks = [
        Block(f"#### {code(rule.id)} {prose(rule.title)}\n\n{rule.fix}", _lines(group), "findings", plain=True)
        for rule, group in by_rule(found).items()
    ]
    return within("\n".join(head), blocks, "", budget, how="`dkv lint`").rstrip("\n") + "\n"


def _lines(group: Iterable[Finding]) -> list[str]:
    return [
        f"- {one.weight.value}: {code(str(one.address))} {prose(one.text)}"
        + (f" ({code(f'{one.span.file}:{one.span.line}')})" if one.span else "")
        for one in group
    ]


def lint_sarif(found: Sequence[Finding], document: Document, tree: Tree) -> Json:
    """One run; what is ignored is a result that is suppressed in the source, with its reason."""
    rules = tuple(described(shared(rule), _NAMES[rule.weight], "lint") for rule in RULES.values())
    run = Run("lint", document.environment, document.root, rules)
    summary = of_lint(found)
    results = [{**run.result(told(one), tree), **_suppressed(one)} for one in found]
    return run.log({"executionSuccessful": True, "exitCode": summary.code}, results)


def _suppressed(finding: Finding) -> Json:
    if not finding.ignored:
        return {}
    return {"suppressions": [{"kind": "inSource", "justification": safe(finding.ignored)}]}


def lint_junit(found: Sequence[Finding], document: Document, tree: Tree, time: str) -> str:
    """A case an entry; what blocks is a failure."""
    kept = [told(finding) for finding in found if not finding.ignored]
    spans = {str(at): resource.span for at, resource in document.resources.items()}
    properties = {"findings": str(len(kept)), "ignored": str(len(found) - len(kept))}
    return suite(Suite("lint", document.environment, time, properties), kept, spans, tree)
