"""`dkv validate`: offline checks."""

from __future__ import annotations

import typer

from declarative_kv.cli import options
from declarative_kv.cli.output import say

app = typer.Typer(add_completion=False)


@app.command()
def validate(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Check the configuration offline: no credential, no network."""
    from declarative_kv.cli.documents import loaded

    document = loaded(options.common(file, env, var, state, no_color, verbose))
    if document.invariants:
        from declarative_kv.cli.invariants import keep

        keep(document)
    count = len(document.resources)
    where = f" in environment {document.environment}" if document.environment else ""
    say(f"Valid: {count} {'entry' if count == 1 else 'entries'}{where}.")
