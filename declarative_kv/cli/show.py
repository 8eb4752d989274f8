"""`dkv show`: a saved plan, read again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.cli.reports import PLAN_FORMS, PlanFormat, Reports, chosen, forms

app = typer.Typer(add_completion=False)


@app.command("show")
def show_command(
    saved: Annotated[Path, typer.Argument(metavar="P", help="The saved plan.")],
    as_json: options.Json = False,
    as_markdown: options.Markdown = False,
    no_color: options.NoColor = False,
    form: PlanFormat = None,
    report: Reports = None,
) -> None:
    """Show a saved plan again."""
    from declarative_kv.cli.planning import shown
    from declarative_kv.cli.saved import read

    reports = forms(report, PLAN_FORMS)
    shape = chosen(form, as_json=as_json, as_markdown=as_markdown)
    shown(read(saved).plan, options.Common(no_color=no_color), shape, reports=reports)
