"""`dkv demo`: the whole product on a private emulator, explained as it goes."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False)


@app.command("demo")
def demo_command() -> None:
    """Tour plan, apply, drift and destroy on a private emulator, in under a minute."""
    from declarative_kv.cli.tour import tour

    raise typer.Exit(tour())
