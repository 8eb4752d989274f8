"""Findings as JUnit XML, for what shows test results: a case an address, a failure where something is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    found = findings(plan)
    spans = {str(checked.address): checked.span for checked in plan.checked}
    properties = {"subscription": plan.head.subscription, "identity": plan.head.identity, "findings": str(len(found))}
    return suite(Suite("drift", plan.head.environment, plan.head.read_at, properties), found, spans, tree)


@dataclass(frozen=True, slots=True)
class Suite:
    """One run of a command: its name, the environment, when it was, and what else is worth knowing."""

    command: str
    environment: str | None
    time: str
    properties: Mapping[str, str]


def suite(run: Suite, found: Iterable[Finding], spans: Mapping[str, Span | None], tree: Tree) -> str:
    """The whole document: a case for each of the addresses that were looked at, and for everything that was found."""
    by_case: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        by_case[_case(finding)].append(finding)
    cases = [
        _case_of(name, run.command, by_case.get(name, ()), spans.get(name), tree) for name in sorted({*spans, *by_case})
    ]
    outcomes = [_outcome(many) for many in by_case.values()]
    title = f"dkv {run.command} {run.environment}" if run.environment else f"dkv {run.command}"
    counts = f'tests="{len(cases)}" failures="{outcomes.count("failure")}" errors="{outcomes.count("error")}"'
    opening = f'<testsuite name="{markup(title)}" {counts} skipped="0" time="0" timestamp="{markup(run.time)}">'
    properties = (f'<property name="{name}" value="{markup(value)}"/>' for name, value in run.properties.items())
    body = "\n".join(["<properties>", *properties, "</properties>", *cases])
    root = f'<testsuites name="dkv" {counts} time="0">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n{opening}\n{body}\n</testsuite>\n</testsuites>\n'


def _case(finding: Finding) -> str:
    return str(finding.address) if finding.address else finding.text


def _outcome(found: Iterable[Finding]) -> str:
    """How a case ends: what could not be read is an error unless something drifted for certain."""
    levels = {finding.level for finding in found}
    return next((_OUTCOMES[level] for level in (Level.ALARM, Level.ERROR) if level in levels), "")


def _case_of(name: str, command: str, found: Iterable[Finding], place: Span | None, tree: Tree) -> str:
    found = tuple(found)
    span = next((finding.span for finding in found if finding.span), place)
    where = f' file="{markup(tree.path(span.file))}" line="{span.line}"' if span else ""
    opening = f'<testcase classname="{markup(_class(name, command))}" name="{markup(name)}" time="0"{where}'
    if not found:
        return f"{opening}/>"
    parts = [_part(finding) for finding in found]
    return "\n".join([f"{opening}>", *parts, "</testcase>"])


def _class(name: str, command: str) -> str:
    """The cases by vault, which is how viewers group them."""
    try:
        address = Address.parse(name)
    except ValueError:
        return f"dkv.{command}"
    below = address.key or address.kind == "vault"
    return f"dkv.{command}.{address.container}" if below else f"dkv.{command}.{address.kind}s"


def _part(finding: Finding) -> str:
    since = f" ({safe(finding.since)})" if finding.since else ""
    lines = "\n".join((finding.text + since, *finding.details, finding.rule.remedy))
    text = "\n".join(markup(line) for line in lines.split("\n"))
    if (outcome := _OUTCOMES.get(finding.level)) is None:
        return f"<system-out>{text}</system-out>"
    return f'<{outcome} type="{finding.rule.id}" message="{markup(finding.text)}">{text}</{outcome}>'
