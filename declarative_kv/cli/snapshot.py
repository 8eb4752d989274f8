"""`dkv snapshot`: a picture of what Azure holds, for plans that may not reach it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False)


@app.command("snapshot")
def snapshot_command(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the picture is written.")],
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Write down what a plan reads, without any value: `dkv plan --live FILE` needs neither credential nor network."""
    from declarative_kv.cli.picturing import taken, write

    common = options.common(file, env, var, state, no_color, verbose)
    write(out, in_loop(taken(common)))
