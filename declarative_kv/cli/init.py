"""`dkv init`: a starter file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli.output import tell

app = typer.Typer(add_completion=False)
_NAME = "dkv.yaml"


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where; made if need be.")] = Path()) -> None:
    """Write a starter file that plans cleanly against the emulator."""
    from declarative_kv.config import STARTER
    from declarative_kv.model.diagnostic import Diagnostic
    from declarative_kv.model.errors import DkvError

    path = folder / _NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER)
    except FileExistsError as error:
        detail = f"{path} exists, and init overwrites nothing."
        raise DkvError(Diagnostic("already-there", "There is a configuration already", detail)) from error
    except OSError as error:
        detail = f"{path} cannot be written: {error.strerror}."
        raise DkvError(Diagnostic("not-writable", "The file cannot be written", detail)) from error
    where = "" if folder == Path() else f" -f {folder}"
    tell(f"Wrote {path}. Next:\n    dkv plan{where}")
