"""Printing: data to standard output, everything else to standard error; quiet when the reader has gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError
from declarative_kv.render.paint import Paint


def is_terminal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a person looks at the stream: a terminal, and not one that a CI job pretends to have."""
    return stream.isatty() and not environ.get("CI") and environ.get("TERM") != "dumb"


def painted(stream: TextIO, *, no_color: bool, environ: Mapping[str, str] = os.environ) -> Paint:
    """Colours for a terminal, unless `--no-color` or NO_COLOR says no."""
    return Paint(colour=is_terminal(stream, environ) and not no_color and not environ.get("NO_COLOR"))


def say(text: str) -> None:
    """Print data. Work goes on when the reader has gone, for it may be an apply."""
    _print(text, sys.stdout)


def tell(text: str) -> None:
    """Print what is not data."""
    _print(text, sys.stderr)


def say_json(value: Any) -> None:
    """Print data as JSON, in the order that it was built in."""
    say(json_text(value))


def json_text(value: Any) -> str:
    """A value as JSON of several lines."""
    import json

    from declarative_kv.render.safe import in_json

    return in_json(json.dumps(value, indent=2, ensure_ascii=True))


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        silence(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise unwritten(error) from error


def unwritten(error: OSError) -> DkvError:
    """Standard output is a file that takes no more, as on a full disk."""
    detail = f"Standard output cannot be written: {error.strerror}."
    hint = "Make room, or send the output elsewhere. What was applied is saved."
    return DkvError(Diagnostic("not-writable", "The file cannot be written", detail, hint))


def silence(stream: Any) -> None:
    """Point a stream that takes no more at nothing, so that the interpreter's last flush is quiet."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)
