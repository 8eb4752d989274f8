"""`dkv rehearse`: a plan applied to an emulated Azure that holds what a picture shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False)


@app.command("rehearse")
def rehearse_command(
    live: Annotated[Path, typer.Option("--live", metavar="FILE", help="A picture of `dkv snapshot`.")],
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    import_all: options.Import = False,
    allow: options.Allow = None,
) -> None:
    """Apply the plan to a copy of what a picture shows, values made up, and plan again: nothing must be left to do."""
    from declarative_kv.cli.planning import Asked
    from declarative_kv.cli.rehearsing import rehearsed

    common = options.common(file, env, var, state, no_color, verbose)
    asked = Asked(import_all=import_all, values=options.Values.NEVER, allow=allow)
    raise typer.Exit(in_loop(rehearsed(common, asked.options(), live)))
