"""`dkv plan`: what would change, and who gains or loses access."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.cli.reports import PLAN_FORMS, PlanFormat, Reports, chosen, forms
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False)


@app.command("plan")
def plan_command(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="P", help="Save the plan for apply.")] = None,
    as_json: options.Json = False,
    as_markdown: options.Markdown = False,
    detailed: Annotated[bool, typer.Option("--detailed-exitcode", help="Exit 2 where there are changes.")] = False,
    target: options.Targets = None,
    exclude: options.Excludes = None,
    replace: options.Replaces = None,
    destroy: options.Destroy = False,
    refresh_only: options.RefreshOnly = False,
    import_all: options.Import = False,
    import_only: options.ImportOnly = False,
    values: options.ValuesOption = options.Values.AVAILABLE,
    allow: options.Allow = None,
    form: PlanFormat = None,
    report: Reports = None,
    shard: options.ShardOption = None,
    live: Annotated[
        Path | None, typer.Option("--live", metavar="FILE", help="From a picture of `dkv snapshot`; reaches nothing.")
    ] = None,
) -> None:
    """Show what would change, and who gains or loses access."""
    from declarative_kv.cli.planning import Asked, made, shown

    reports = forms(report, PLAN_FORMS)
    common = options.common(file, env, var, state, no_color, verbose)
    shape = chosen(form, as_json=as_json, as_markdown=as_markdown)
    asked = Asked(target, exclude, replace, destroy, refresh_only, import_all, import_only, values, allow, shard)
    if live is not None and (out is not None or values is not options.Values.AVAILABLE):
        raise options.usage("--live compares no values and makes no saved plan, so it goes with neither option.")
    plan = in_loop(made(common, asked.options(), out, live))
    raise typer.Exit(shown(plan, common, shape, detailed=detailed, reports=reports).code)
