"""`dkv lint`: what the configuration would be better without."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.cli.reports import Form, Renderers, forms, tree_of, write

if TYPE_CHECKING:
    from declarative_kv.model.document import Document
    from declarative_kv.model.lint import Finding

app = typer.Typer(add_completion=False)


class LintForm(StrEnum):
    """The forms of lint on the command line."""

    TEXT = "text"
    AUTO = "auto"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JUNIT = "junit"


Reports = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        "--report",
        metavar="FILE",
        help="Also write a report, in the form that the file's name ends in; may be given several times.",
    ),
]


@app.command("lint")
def lint_command(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    no_color: options.NoColor = False,
    strict: Annotated[bool, typer.Option("--strict", help="Every warning blocks.")] = False,
    form: Annotated[LintForm, typer.Option("--format", help="In which form, on standard output.")] = LintForm.TEXT,
    out: Reports = None,
) -> None:
    """Say what the configuration would be better without, offline. Exits 3 where something of it blocks."""
    from declarative_kv.cli.documents import loaded
    from declarative_kv.cli.output import say
    from declarative_kv.render.lint.told import of_lint

    reports = forms(out, tuple(Form(one.value) for one in LintForm))
    document = loaded(options.common(file, env, var, None, no_color, False))
    found = _found(document, strict=strict)
    write(reports, _renderers(found, document, no_color=True))
    say(_renderers(found, document, no_color=no_color)[Form(form.value)]())
    if form is LintForm.AUTO:
        from declarative_kv.cli import ci

        ci.tell_platform(ci.of_lint(found, document))
    raise typer.Exit(of_lint(found).code)


def _found(document: Document, *, strict: bool) -> tuple[Finding, ...]:
    """The findings; a `strict` run lets every warning block."""
    from declarative_kv.engine.lint import examined
    from declarative_kv.model.lint import Weight

    found = examined(document)
    if not strict:
        return found
    return tuple(one.weighing(Weight.BLOCK) if one.weight is Weight.WARNING else one for one in found)


def _renderers(found: Sequence[Finding], document: Document, *, no_color: bool) -> Renderers:
    """How the findings read in each form; nothing is loaded or made before it is asked for."""
    return {
        Form.TEXT: lambda: _text(found, no_color=no_color),
        Form.AUTO: lambda: _text(found, no_color=no_color),
        Form.JSON: lambda: _json(found, document),
        Form.MARKDOWN: lambda: _markdown(found, document),
        Form.SARIF: lambda: _sarif(found, document),
        Form.JUNIT: lambda: _junit(found, document),
    }


def _text(found: Sequence[Finding], *, no_color: bool) -> str:
    import sys

    from declarative_kv.cli.output import painted
    from declarative_kv.render.lint.text import lint_text

    return lint_text(found, painted(sys.stdout, no_color=no_color))


def _json(found: Sequence[Finding], document: Document) -> str:
    from declarative_kv.cli.output import json_text
    from declarative_kv.render.lint.reports import lint_json

    return json_text(lint_json(found, document))


def _markdown(found: Sequence[Finding], document: Document) -> str:
    from declarative_kv.render.lint.reports import lint_markdown

    return lint_markdown(found, document).rstrip("\n")


def _sarif(found: Sequence[Finding], document: Document) -> str:
    from declarative_kv.cli.output import json_text
    from declarative_kv.render.lint.reports import lint_sarif

    return json_text(lint_sarif(found, document, tree_of()))


def _junit(found: Sequence[Finding], document: Document) -> str:
    from datetime import UTC, datetime

    from declarative_kv.render.lint.reports import lint_junit

    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return lint_junit(found, document, tree_of(), time).rstrip("\n")
