"""Files that a command leaves for people: never in the place of others unasked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError


def check_free(paths: Iterable[Path], *, force: bool, command: str) -> None:
    """Raise unless every file is new, or may be overwritten."""
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        detail = f"{', '.join(there)} is there already, and {command} overwrites nothing unasked."
        hint = "Choose another --out, or overwrite with --force."
        raise DkvError(Diagnostic("already-there", "There is a configuration already", detail, hint))


def written_to(path: Path, text: str) -> None:
    """Write a file, its folders too; `DkvError` where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        detail = f"{path} cannot be written: {error.strerror}."
        raise DkvError(Diagnostic("not-writable", "The file cannot be written", detail)) from error
