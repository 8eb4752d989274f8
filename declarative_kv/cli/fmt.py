"""`dkv fmt`: one layout for the YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options

app = typer.Typer(add_completion=False)


@app.command("fmt")
def fmt_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Only these files; a folder is its dkv.yaml and what that includes."),
    ] = None,
    file: options.File = options.DEFAULT_FILE,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 2 where a file would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show the lines that change.")] = False,
) -> None:
    """Bring the YAML into one layout, comments and order kept, its meaning untouched; names each file that changes."""
    from declarative_kv.cli.documents import save
    from declarative_kv.cli.output import say
    from declarative_kv.config.forming import formed_files
    from declarative_kv.render.safe import safe

    files = formed_files(paths or [file], Path.cwd(), including=not paths, shown=diff)
    changed = [one for one in files if one.differs]
    for one in changed:
        if not check:
            save(one.path, one.after)
        say(safe(one.name))
        if diff:
            say("\n".join(map(safe, one.diff())))
    raise typer.Exit(2 if check and changed else 0)
