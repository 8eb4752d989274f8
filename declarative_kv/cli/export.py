"""`dkv export …`: the way to another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options

app = typer.Typer(add_completion=False, help="Write what is kept here for another tool.", no_args_is_help=True)


@app.callback()
def export() -> None:
    """Write what is kept here for another tool to go on with."""


@app.command("terraform")
def terraform_command(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write a file for each part there, not all to stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Write azurerm's resources and import blocks, from the YAML and the state alone. Holds no secret's value."""
    from declarative_kv.cli.exporting import told_to_terraform

    common = options.common(file, env, var, state, no_color, verbose)
    told_to_terraform(common, out, force=force)
