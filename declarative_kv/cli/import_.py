"""`dkv import`: take over objects that exist already."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False)


@app.command("import")
def import_command(
    context: typer.Context,
    address: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Such as secret.payments/db-password.")],
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
    import_only: options.ImportOnly = False,
    values: options.ValuesOption = options.Values.AVAILABLE,
    allow: options.Allow = None,
    shard: options.ShardOption = None,
) -> None:
    """Take over objects that exist already: plan and apply of these addresses and of nothing else."""
    from declarative_kv.cli.again import same_command
    from declarative_kv.cli.applying import Manner, applied
    from declarative_kv.cli.planning import Asked

    common = options.common(file, env, var, state, no_color, verbose)
    asked = Asked(target=address, import_only=import_only, values=values, allow=allow, shard=shard)
    chosen = replace(asked.options(), alone=True)
    again = partial(same_command, context.obj)
    manner = Manner(auto_approve, parallelism, timeout, lock_timeout, again=again)
    raise typer.Exit(in_loop(applied(common, chosen, manner, word="import", importing=chosen.targets)))
