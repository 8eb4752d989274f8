"""`dkv principals`: names for who, and the ids behind them."""

from __future__ import annotations

from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False, help="Write down who the principals of the YAML are.", no_args_is_help=True)


@app.callback()
def principals() -> None:
    """Write down who the principals of the YAML are."""


@app.command("pin")
def pin_command(
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]...", help="Only these keys of `principals`, pinned or not.")
    ] = None,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 2 where an id would be written.")] = False,
) -> None:
    """Look up who is given by name, and write the `object_id` beside it; a pinned one that is named is checked."""
    from declarative_kv.cli.pinning import pinned

    common = options.common(file, env, var, None, no_color, verbose)
    raise typer.Exit(in_loop(pinned(common, tuple(keys or ()), check=check)))
