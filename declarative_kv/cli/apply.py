"""`dkv apply`: carry out a plan."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.cli.reports import ApplyForm, ApplyFormat
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False)


@app.command("apply")
def apply_command(
    context: typer.Context,
    saved: Annotated[Path | None, typer.Argument(metavar="P", help="A saved plan; exactly that is applied.")] = None,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    auto_approve: options.AutoApprove = False,
    parallelism: options.Parallelism = options.DEFAULT_PARALLELISM,
    timeout: options.Timeout = None,
    lock_timeout: options.LockTimeout = 0,
    target: options.Targets = None,
    exclude: options.Excludes = None,
    replace: options.Replaces = None,
    destroy: options.Destroy = False,
    refresh_only: options.RefreshOnly = False,
    import_all: options.Import = False,
    import_only: options.ImportOnly = False,
    values: options.ValuesOption = options.Values.AVAILABLE,
    allow: options.Allow = None,
    form: ApplyFormat = ApplyForm.TEXT,
    shard: options.ShardOption = None,
) -> None:
    """Carry out the changes, or exactly a saved plan."""
    from declarative_kv.cli.again import new_plan, same_command
    from declarative_kv.cli.applying import Manner, applied, applied_saved, saved_path
    from declarative_kv.cli.planning import Asked

    common = options.common(file, env, var, state, no_color, verbose)
    asked = Asked(target, exclude, replace, destroy, refresh_only, import_all, import_only, values, allow, shard)
    plan = saved_path(saved)
    again = partial(new_plan, plan, saved) if plan and saved else partial(same_command, context.obj)
    told = form is ApplyForm.AUTO
    manner = Manner(auto_approve, parallelism, timeout, lock_timeout, tell_platform=told, again=again)
    if plan is None:
        raise typer.Exit(in_loop(applied(common, asked.options(), manner)))
    if asked != Asked() or env or var or state:
        raise options.usage("A saved plan is applied as it is: options that shape a plan do not go with it.")
    raise typer.Exit(in_loop(applied_saved(plan, common, manner)))
