"""Drift as JUnit XML, for what shows test results: a case an address, a failure where it drifted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.plan import Plan
from declarative_kv.render.findings import Finding, Level, findings
from declarative_kv.render.places import Tree
from declarative_kv.render.safe import markup, safe

_OUTCOMES: Final = {Level.ALARM: "failure", Level.ERROR: "error"}


def drift_junit(plan: Plan, tree: Tree) -> str:
    """A suite with a case for every address held against Azure, and for everything else that was found."""
    by_case: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings(plan):
        by_case[_case(finding)].append(finding)
    spans = {str(checked.address): checked.span for checked in plan.checked}
    cases = [_case_of(name, by_case.get(name, ()), spans, tree) for name in sorted({*spans, *by_case})]
    found = [finding for many in by_case.values() for finding in many]
    failures = sum(1 for name in by_case if _outcome(by_case[name]) == "failure")
    errors = sum(1 for name in by_case if _outcome(by_case[name]) == "error")
    title = f"dkv drift {plan.head.environment}" if plan.head.environment else "dkv drift"
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'
    suite = f'<testsuite name="{markup(title)}" {counts} skipped="0" time="0" timestamp="{markup(plan.head.read_at)}">'
    properties = [
        "<properties>",
        f'<property name="subscription" value="{markup(plan.head.subscription)}"/>',
        f'<property name="identity" value="{markup(plan.head.identity)}"/>',
        f'<property name="findings" value="{len(found)}"/>',
        "</properties>",
    ]
    body = "\n".join([*properties, *cases])
    root = f'<testsuites name="dkv" {counts} time="0">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n{suite}\n{body}\n</testsuite>\n</testsuites>\n'


def _case(finding: Finding) -> str:
    return str(finding.address) if finding.address else finding.text


def _outcome(found: Iterable[Finding]) -> str:
    """How a case ends: what could not be read is an error unless something drifted for certain."""
    levels = {finding.level for finding in found}
    return next((_OUTCOMES[level] for level in (Level.ALARM, Level.ERROR) if level in levels), "")


def _case_of(name: str, found: Iterable[Finding], spans: Mapping[str, Span | None], tree: Tree) -> str:
    found = tuple(found)
    span = next((finding.span for finding in found if finding.span), spans.get(name))
    place = f' file="{markup(tree.path(span.file))}" line="{span.line}"' if span else ""
    opening = f'<testcase classname="{markup(_class(name))}" name="{markup(name)}" time="0"{place}'
    if not found:
        return f"{opening}/>"
    parts = [_part(finding) for finding in found]
    return "\n".join([f"{opening}>", *parts, "</testcase>"])


def _class(name: str) -> str:
    """Drift by vault, which is how viewers group cases."""
    try:
        address = Address.parse(name)
    except ValueError:
        return "dkv.drift"
    return f"dkv.drift.{address.container}" if address.key or address.kind == "vault" else f"dkv.drift.{address.kind}s"


def _part(finding: Finding) -> str:
    since = f" ({safe(finding.since)})" if finding.since else ""
    lines = "\n".join((finding.text + since, *finding.details, finding.rule.remedy))
    text = "\n".join(markup(line) for line in lines.split("\n"))
    if (outcome := _OUTCOMES.get(finding.level)) is None:
        return f"<system-out>{text}</system-out>"
    return f'<{outcome} type="{finding.rule.id}" message="{markup(finding.text)}">{text}</{outcome}>'
