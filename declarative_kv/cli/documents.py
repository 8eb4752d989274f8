"""The configuration that a command line names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from declarative_kv.cli.options import Common, variables
from declarative_kv.cli.output import painted, tell
from declarative_kv.config import load
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import DkvError
from declarative_kv.render.diagnostics import diagnostics_text


def loaded(common: Common) -> Document:
    """The document, its warnings told; raises `ConfigError` with all mistakes."""
    document = load(
        Path(common.file),
        environment=common.environment,
        variables=variables(common.variables),
        state=common.state,
        environ=os.environ,
        cwd=Path.cwd(),
    )
    warn(document.warnings, no_color=common.no_color)
    return document


def warn(warnings: Iterable[Diagnostic], *, no_color: bool) -> None:
    """Tell what is no error."""
    text = diagnostics_text(warnings, painted(sys.stderr, no_color=no_color))
    if text:
        tell(f"{text}\n")


def save(path: Path, text: str) -> None:
    """Write a file of the configuration anew, line ends as they are."""
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        detail = f"{path} cannot be written: {error.strerror}."
        raise DkvError(Diagnostic("not-writable", "The file cannot be written", detail)) from error
