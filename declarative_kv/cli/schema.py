"""`dkv schema`: the YAML's JSON Schema."""

from __future__ import annotations

import typer

from declarative_kv.cli.output import say_json

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the YAML, for editors."""
    from declarative_kv.config import json_schema

    say_json(json_schema())
