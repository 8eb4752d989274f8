"""`dkv secret set`: give a kept secret its value."""

from __future__ import annotations

from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.engine.loop import in_loop

app = typer.Typer(add_completion=False, help="Set the value of a secret that is kept in Azure.", no_args_is_help=True)


@app.callback()
def secret() -> None:
    """Set the value of a secret that is kept in Azure."""


@app.command("set")
def set_command(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Such as secret.payments/partner-cert.")],
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    lock_timeout: options.LockTimeout = 0,
    shard: options.ShardOption = None,
) -> None:
    """Set a kept value from a prompt or a pipe; it is never echoed."""
    from declarative_kv.cli.keeping import kept_set

    (at,) = options.addresses([address])
    common = options.common(file, env, var, state, no_color, verbose)
    in_loop(kept_set(common, at, wait=lock_timeout, shard=options.shard(shard)))
