"""Findings as SARIF 2.1.0, for code scanning: each at its place in the YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from declarative_kv import __version__
from declarative_kv.model.diagnostic import Span
from declarative_kv.model.plan import Plan
from declarative_kv.render.findings import RULES, Finding, Level, Rule, findings
from declarative_kv.render.places import Tree
from declarative_kv.render.safe import safe
from declarative_kv.render.summary import of_drift

Json = dict[str, Any]
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {Level.ALARM: "error", Level.WARNING: "warning", Level.NOTE: "note", Level.ERROR: "error"}
_ROOT: Final = "%SRCROOT%"


def drift_sarif(plan: Plan, tree: Tree) -> Json:
    """One run; what could not be read are notifications of the tool, for it is no finding about Azure."""
    found = findings(plan)
    summary = of_drift(plan)
    run = Run("drift", plan.head.environment, plan.head.root, tuple(map(_rule, RULES.values())))
    invocation = {
        "executionSuccessful": plan.complete,
        "exitCode": summary.code,
        "endTimeUtc": plan.head.read_at,
        "toolExecutionNotifications": [
            _notification(finding, run, tree) for finding in found if finding.level is Level.ERROR
        ],
    }
    results = [run.result(finding, tree) for finding in found if finding.level is not Level.ERROR]
    return run.log(invocation, results)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command: its name, the environment, the root file for what has no place, and the rules."""

    command: str
    environment: str | None
    root: str
    rules: tuple[Json, ...]

    def log(self, invocation: Json, results: list[Json]) -> Json:
        """The whole document."""
        return {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "dkv",
                            "fullName": f"declarative-kv {self.command}",
                            "semanticVersion": __version__,
                            "rules": list(self.rules),
                        }
                    },
                    "automationDetails": {"id": f"dkv-{self.command}/{safe(self.environment or 'default')}/"},
                    "columnKind": "unicodeCodePoints",
                    "invocations": [invocation],
                    "results": results,
                }
            ],
        }

    def index(self, rule: Rule) -> int:
        """Where a rule stands among those of the run."""
        return next(number for number, one in enumerate(self.rules) if one["id"] == rule.id)

    def result(self, finding: Finding, tree: Tree) -> Json:
        """One finding at its place."""
        since = {"since": finding.since} if finding.since else {}
        return {
            "ruleId": finding.rule.id,
            "ruleIndex": self.index(finding.rule),
            "level": _LEVELS[finding.level],
            "message": {"text": _message(finding)},
            "locations": [_location(finding, self.root, tree)],
            "partialFingerprints": {"dkvFinding/v1": finding.fingerprint(self.environment)},
            "properties": {"address": str(finding.address), **since},
        }


def described(rule: Rule, level: str, tag: str) -> Json:
    """A rule as SARIF lists it."""
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": f"{rule.meaning} {rule.remedy}", "markdown": f"{rule.meaning}\n\n{rule.remedy}"},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [tag, "azure-key-vault"]},
    }


def _rule(rule: Rule) -> Json:
    return described(rule, {"unmanaged": "note", "orphaned-grant": "warning"}.get(rule.id, "error"), "drift")


def _notification(finding: Finding, run: Run, tree: Tree) -> Json:
    return {
        "descriptor": {"id": finding.rule.id, "index": run.index(finding.rule)},
        "level": _LEVELS[finding.level],
        "message": {"text": _message(finding)},
        "locations": [_location(finding, run.root, tree)],
    }


def _message(finding: Finding) -> str:
    """Sentences without markup: SARIF takes square brackets for links unless they are escaped."""
    where = f"{safe(str(finding.address))}: " if finding.address else ""
    since = f" ({safe(finding.since)})" if finding.since else ""
    text = "; ".join([f"{where}{finding.text}{since}", *finding.details])
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _location(finding: Finding, root: str, tree: Tree) -> Json:
    """The place in the YAML; of what is no longer declared the root file's first line."""
    span = finding.span or Span(root, 1, 1)
    uri = tree.uri(span.file)
    base = {} if uri.startswith("file:") else {"uriBaseId": _ROOT}
    logical = [{"fullyQualifiedName": safe(str(finding.address)), "kind": "resource"}] if finding.address else []
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, **base},
            "region": {"startLine": span.line, "startColumn": span.column, "endColumn": span.column + span.width},
        },
        **({"logicalLocations": logical} if logical else {}),
    }
