"""`--format auto`: what GitHub Actions and Azure Pipelines show of a run beside its text.

Both read commands from the job's log, so those are printed as data; GitHub's summary and outputs go to files it names.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from declarative_kv.cli.output import say
from declarative_kv.cli.reports import tree_of, writing

if TYPE_CHECKING:
    from declarative_kv.engine.events import Outcome
    from declarative_kv.model.counts import Counts
    from declarative_kv.model.diagnostic import Diagnostic
    from declarative_kv.model.document import Document
    from declarative_kv.model.lint import Finding
    from declarative_kv.model.plan import Plan
    from declarative_kv.render.annotations import Annotation
    from declarative_kv.render.summary import Summary

_SUMMARY: Final = "dkv-{}.md"
"""The name of the summary that an Azure Pipelines agent uploads, by the command's name."""


class Platform(StrEnum):
    """Who runs the job, as far as that has commands of its own."""

    GITHUB = "github"
    AZURE = "azure"
    OTHER = "other"

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ) -> Platform:
        """By the variables that the runners set."""
        if environ.get("GITHUB_ACTIONS") == "true":
            return cls.GITHUB
        return cls.AZURE if environ.get("TF_BUILD", "").lower() == "true" else cls.OTHER


@dataclass(frozen=True, slots=True)
class Told:
    """What a job is told of a run: remarks at lines, a page for its summary, and outputs for its later steps."""

    command: str
    annotations: Sequence[Annotation] = ()
    markdown: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


def of_plan(plan: Plan, summary: Summary, command: str = "plan") -> Told:
    """What a plan tells."""
    from declarative_kv.render.annotations import of_plan_findings
    from declarative_kv.render.plan_markdown import plan_markdown

    counts = plan.counts()
    changes = counts.any or (plan.options.refresh_only and bool(plan.drift))
    outputs = {
        "exitcode": str(summary.code),
        "changes": _word(changes),
        "blocked": _word(bool(plan.blocked)),
        "complete": _word(plan.complete),
        **_counts(counts),
        "summary": summary.lines[-1],
    }
    return Told(command, of_plan_findings(plan), plan_markdown(plan), outputs)


def of_apply(plan: Plan, outcome: Outcome, summary: Summary) -> Told:
    """What an apply tells: how it ended, and below that the plan that it carried out."""
    from declarative_kv.render.annotations import of_diagnostics
    from declarative_kv.render.markdown import ended
    from declarative_kv.render.plan_markdown import plan_markdown

    outputs = {"exitcode": str(summary.code), **_counts(outcome.counts), "summary": summary.lines[-1]}
    return Told("apply", of_diagnostics(outcome.failed), ended(summary.lines, plan_markdown(plan)), outputs)


def of_drift(plan: Plan, summary: Summary) -> Told:
    """What drift tells."""
    from declarative_kv.render.annotations import of_drift_findings
    from declarative_kv.render.drift_markdown import drift_markdown

    outputs = {
        "exitcode": str(summary.code),
        "drifted": _word(summary.code == 2),
        "complete": _word(plan.complete),
        "summary": summary.lines[-1],
    }
    return Told("drift", of_drift_findings(plan), drift_markdown(plan), outputs)


def of_lint(found: Sequence[Finding], document: Document) -> Told:
    """What lint tells."""
    from declarative_kv.render.lint import told
    from declarative_kv.render.lint.reports import lint_markdown

    summary = told.of_lint(found)
    outputs = {"exitcode": str(summary.code), "blocked": _word(summary.code == 3), "summary": summary.lines[-1]}
    return Told("lint", told.remarks(found), lint_markdown(found, document), outputs)


def of_errors(diagnostics: Sequence[Diagnostic], code: int) -> Told:
    """What a run that ends with errors tells."""
    from declarative_kv.render.annotations import of_diagnostics

    return Told("error", of_diagnostics(diagnostics), "", {"exitcode": str(code)})


def tell_platform(told: Told, environ: Mapping[str, str] = os.environ) -> None:
    """Give the platform what it shows; nothing on another one."""
    from declarative_kv.render.annotations import azure_commands, github_commands

    tree = tree_of(environ)
    match Platform.here(environ):
        case Platform.GITHUB:
            lines = github_commands(told.annotations, tree)
            _append(environ.get("GITHUB_STEP_SUMMARY"), told.markdown)
            _append(environ.get("GITHUB_OUTPUT"), _outputs(told.outputs))
        case Platform.AZURE:
            lines = azure_commands(told.annotations, tree)
            lines += _uploaded(told, environ)
            lines += _variables(told.outputs)
        case Platform.OTHER:
            return
    if lines:
        say("\n".join(lines))


def _counts(counts: Counts) -> dict[str, str]:
    return {one.name: str(getattr(counts, one.name)) for one in fields(counts)}


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def _append(file: str | None, text: str) -> None:
    if not file or not text:
        return
    path = Path(file)
    with writing(path), path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(f"{text.rstrip()}\n")


def _outputs(outputs: Mapping[str, str]) -> str:
    """Outputs between delimiters that no value can know, so that none can end early and set another."""
    lines = []
    for name, value in outputs.items():
        end = f"end-{secrets.token_hex(12)}"
        lines += [f"{name}<<{end}", value, end]
    return "\n".join(lines)


def _uploaded(told: Told, environ: Mapping[str, str]) -> list[str]:
    """The summary as a file in the agent's folder, and the command that uploads it."""
    from declarative_kv.render.safe import azure_pipelines

    folder = environ.get("AGENT_TEMPDIRECTORY")
    if not folder or not told.markdown:
        return []
    path = Path(folder).resolve() / _SUMMARY.format(told.command)
    with writing(path):
        path.write_text(told.markdown, encoding="utf-8", errors="backslashreplace")
    return [f"##vso[task.uploadsummary]{azure_pipelines(str(path))}"]


def _variables(outputs: Mapping[str, str]) -> list[str]:
    """Output variables `dkv_…`, which later steps and jobs can read."""
    from declarative_kv.render.safe import azure_pipelines

    return [
        f"##vso[task.setvariable variable=dkv_{name};isOutput=true]{azure_pipelines(value)}"
        for name, value in outputs.items()
    ]
