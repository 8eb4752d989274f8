"""What a CI job shows at the lines of the YAML, in the commands that GitHub Actions and Azure Pipelines know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Severity, Span
from declarative_kv.model.plan import Plan
from declarative_kv.render.drift_rows import unread_line
from declarative_kv.render.findings import Finding, Level, findings
from declarative_kv.render.names import Names
from declarative_kv.render.places import Tree
from declarative_kv.render.safe import (
    azure_pipelines,
    azure_pipelines_property,
    github,
    github_property,
    safe,
)

MOST: Final = 10
"""How many of one level GitHub shows of a step; what is more stands in the text and the summary."""


class Severe(StrEnum):
    """How loud an annotation is, in GitHub's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark at one line, or about the whole."""

    level: Severe
    title: str
    text: str
    span: Span | None = None


_OF_FINDING: Final[Mapping[Level, Severe]] = MappingProxyType(
    {Level.ALARM: Severe.ERROR, Level.ERROR: Severe.ERROR, Level.WARNING: Severe.WARNING, Level.NOTE: Severe.NOTICE}
)
_OF_DIAGNOSTIC: Final[Mapping[Severity, Severe]] = MappingProxyType(
    {Severity.ERROR: Severe.ERROR, Severity.WARNING: Severe.WARNING, Severity.NOTE: Severe.NOTICE}
)


def of_drift_findings(plan: Plan) -> tuple[Annotation, ...]:
    """One remark a finding."""
    return tuple(map(_found, findings(plan)))


def of_plan_findings(plan: Plan) -> tuple[Annotation, ...]:
    """Who gains or loses access, what blocks, what cannot be undone, what could not be read."""
    spans: dict[Address | None, Span | None] = {change.address: change.span for change in plan.changes}
    names = Names.of(plan)
    blocked = (
        Annotation(Severe.ERROR, f"Blocked: {b.code}", _told(b.address, b.detail), spans.get(b.address))
        for b in plan.blocked
    )
    final = (
        Annotation(Severe.WARNING, "Cannot be undone", _told(i.address, i.detail), i.span or spans.get(i.address))
        for i in plan.irreversible
    )
    access = (
        Annotation(
            Severe.NOTICE,
            "Gains access" if a.gained else "Loses access",
            f"{safe(a.who)} {'' if a.gained else 'no longer '}{safe(a.phrase)}: "
            f"{names.scope(a.resource) if a.resource.startswith('/') else safe(a.resource)} ({safe(a.via)})",
            spans.get(a.address),
        )
        for a in plan.access
    )
    unread = (Annotation(Severe.ERROR, "Could not be read", unread_line(d), d.span) for d in plan.unreadable)
    return (*blocked, *unread, *final, *access)


def of_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[Annotation, ...]:
    """One remark a problem."""
    return tuple(
        Annotation(_OF_DIAGNOSTIC[d.severity], f"{d.summary} [{d.code}]", d.detail or d.summary, d.span)
        for d in diagnostics
    )


def github_commands(annotations: Sequence[Annotation], tree: Tree) -> list[str]:
    """`::error file=dkv.yaml,line=40,title=…::…`, as many of each level as GitHub shows."""
    lines = []
    for one in _shown(annotations):
        place = {}
        if one.span:
            place = {"file": tree.path(one.span.file), "line": str(one.span.line), "col": str(one.span.column)}
        properties = ",".join(f"{k}={github_property(v)}" for k, v in {**place, "title": safe(one.title)}.items())
        lines.append(f"::{one.level} {properties}::{github(one.text)}")
    return lines


def azure_commands(annotations: Sequence[Annotation], tree: Tree) -> list[str]:
    """`##vso[task.logissue type=error;sourcepath=…;linenumber=…]…`; Azure knows errors and warnings only."""
    lines = []
    for one in _shown([one for one in annotations if one.level is not Severe.NOTICE]):
        place = {}
        if one.span:
            line, column = str(one.span.line), str(one.span.column)
            place = {"sourcepath": tree.path(one.span.file), "linenumber": line, "columnnumber": column}
        properties = "".join(f"{k}={azure_pipelines_property(v)};" for k, v in {"type": one.level, **place}.items())
        lines.append(f"##vso[task.logissue {properties}]{azure_pipelines(f'{one.title}: {one.text}')}")
    return lines


def _shown(annotations: Sequence[Annotation]) -> list[Annotation]:
    """At most ten of a level; the tenth says how many more there are."""
    shown: list[Annotation] = []
    for level in Severe:
        same = [one for one in annotations if one.level is level]
        if len(same) > MOST:
            more = f"{len(same) - MOST + 1} more: see the job's summary."
            same = [*same[: MOST - 1], Annotation(level, "And more", more)]
        shown += same
    return shown


def _found(finding: Finding) -> Annotation:
    since = f" ({safe(finding.since)})" if finding.since else ""
    where = f"{safe(str(finding.address))}: " if finding.address else ""
    text = "\n".join([f"{where}{finding.text}{since}", *finding.details])
    return Annotation(_OF_FINDING[finding.level], finding.rule.title, text, finding.span)


def _told(address: Address | None, detail: str) -> str:
    return safe(f"{address}: {detail}" if address else detail)
