"""Drift as SARIF 2.1.0, for code scanning: each finding at its place in the YAML."""

from __future__ import annotations

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
_INDEX: Final = {name: number for number, name in enumerate(RULES)}


def drift_sarif(plan: Plan, tree: Tree) -> Json:
    """One run; what could not be read are notifications of the tool, for it is no finding about Azure."""
    found = findings(plan)
    summary = of_drift(plan)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver()},
                "automationDetails": {"id": f"dkv-drift/{safe(plan.head.environment or 'default')}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": plan.complete,
                        "exitCode": summary.code,
                        "endTimeUtc": plan.head.read_at,
                        "toolExecutionNotifications": [
                            _notification(finding, plan, tree) for finding in found if finding.level is Level.ERROR
                        ],
                    }
                ],
                "results": [_result(finding, plan, tree) for finding in found if finding.level is not Level.ERROR],
            }
        ],
    }


def _driver() -> Json:
    return {
        "name": "dkv",
        "fullName": "declarative-kv drift",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in RULES.values()],
    }


def _rule(rule: Rule) -> Json:
    level = {"unmanaged": "note", "orphaned-grant": "warning"}.get(rule.id, "error")
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": f"{rule.meaning} {rule.remedy}", "markdown": f"{rule.meaning}\n\n{rule.remedy}"},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["drift", "azure-key-vault"]},
    }


def _result(finding: Finding, plan: Plan, tree: Tree) -> Json:
    since = {"since": finding.since} if finding.since else {}
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": _INDEX[finding.rule.id],
        "level": _LEVELS[finding.level],
        "message": {"text": _message(finding)},
        "locations": [_location(finding, plan, tree)],
        "partialFingerprints": {"dkvFinding/v1": finding.fingerprint(plan.head.environment)},
        "properties": {"address": str(finding.address), **since},
    }


def _notification(finding: Finding, plan: Plan, tree: Tree) -> Json:
    return {
        "descriptor": {"id": finding.rule.id, "index": _INDEX[finding.rule.id]},
        "level": _LEVELS[finding.level],
        "message": {"text": _message(finding)},
        "locations": [_location(finding, plan, tree)],
    }


def _message(finding: Finding) -> str:
    """Sentences without markup: SARIF takes square brackets for links unless they are escaped."""
    where = f"{safe(str(finding.address))}: " if finding.address else ""
    since = f" ({safe(finding.since)})" if finding.since else ""
    text = "; ".join([f"{where}{finding.text}{since}", *finding.details])
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _location(finding: Finding, plan: Plan, tree: Tree) -> Json:
    """The place in the YAML; of what is no longer declared the root file's first line."""
    span = finding.span or Span(plan.head.root, 1, 1)
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
