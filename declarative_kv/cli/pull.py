"""`dkv pull`: readable YAML from what exists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False)


@app.command("pull")
def pull_command(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VAULT]...", help="Names or ARM ids; * and ? match; a group's id means its vaults."),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="NAME", help="The vaults of a resource group.")
    ] = None,
    subscription: Annotated[
        str | None, typer.Option("--subscription", metavar="ID", help="Only there; alone it means all of its vaults.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write a root file, and a file a vault, there.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    attach: Annotated[
        bool, typer.Option("--attach", help="The vaults stay somebody else's; what is below them is managed.")
    ] = False,
    cloud: Annotated[str | None, typer.Option("--cloud", metavar="NAME", help="Where no file says it.")] = None,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Write YAML from what exists: planning it imports everything and changes nothing. Reads no secret's value."""
    from declarative_kv.cli.pulling import Wanted, pulled

    common = options.common(file, env, var, state, no_color, verbose)
    if not (what or group or subscription):
        hint = "Name vaults, a --group, or a --subscription:\n    dkv pull 'kv-payments-*' --out payments"
        raise options.usage("Nothing says what is to be pulled.", hint)
    wanted = Wanted(tuple(what or ()), group, subscription, cloud, attach=attach)
    raise typer.Exit(in_loop(pulled(wanted, common, out, force=force)))
