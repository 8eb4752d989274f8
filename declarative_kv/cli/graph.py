"""`dkv graph`: the order of work."""

from __future__ import annotations

import typer

from declarative_kv.cli import options
from declarative_kv.cli.output import say

app = typer.Typer(add_completion=False)


@app.command()
def graph(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Print the order of work as a Mermaid diagram."""
    from declarative_kv.cli.documents import loaded
    from declarative_kv.render.graph import graph_mermaid

    document = loaded(options.common(file, env, var, state, no_color, verbose))
    say(graph_mermaid(document.resources))
