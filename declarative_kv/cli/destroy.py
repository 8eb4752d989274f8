"""`dkv destroy`: delete what the state holds and owns."""

from __future__ import annotations

from functools import partial

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False)


@app.command("destroy")
def destroy_command(
    context: typer.Context,
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
    allow: options.Allow = None,
    shard: options.ShardOption = None,
) -> None:
    """Delete all that the state holds and owns; protected ones need --allow protected."""
    from declarative_kv.cli.again import same_command
    from declarative_kv.cli.applying import Manner, applied
    from declarative_kv.cli.planning import Asked

    common = options.common(file, env, var, state, no_color, verbose)
    asked = Asked(target, exclude, destroy=True, allow=allow, shard=shard)
    again = partial(same_command, context.obj)
    manner = Manner(auto_approve, parallelism, timeout, lock_timeout, again=again)
    raise typer.Exit(in_loop(applied(common, asked.options(), manner, word="destroy")))
