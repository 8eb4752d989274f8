"""The entry point, and the one place where errors become text and exit codes."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Annotated, Any, Final

import typer

from declarative_kv import __version__
from declarative_kv.cli.commands import Commands
from declarative_kv.cli.output import painted, silence, unwritten
from declarative_kv.model.errors import DkvError

USAGE: Final = 64
INTERRUPTED: Final = 130
_OBJECTS: Final = 100_000
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_WRONG_USE: Final[type[Exception]] = typer.BadParameter.__mro__[2]
"""The base of everything that the command line's parser complains about; typer has no public name for it."""

app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None, name="dkv")


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"dkv {__version__}")
        raise typer.Exit


@app.callback()
def dkv(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda value: _version(wanted=value), help="Say which.")
    ] = False,
) -> None:
    """Keep Azure Key Vault as YAML says: vaults, access and secrets, planned and applied."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; prints whatever goes wrong to standard error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # What a run builds lives to its end: looking for garbage after every 700 objects takes a quarter of a large plan.
    gc.set_threshold(_OBJECTS)
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with _terminable():
        code = _guarded(arguments)
    _flush()
    return code


def _guarded(arguments: list[str]) -> int:
    """The exit code of a command, every exception turned to text."""
    try:
        return _invoked(arguments)
    except _WRONG_USE as error:
        getattr(error, "show")()  # noqa: B009 - the parser's own words, with the command's usage line
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:
        silence(sys.stdout)
        return 0
    except OSError as error:
        if error.errno not in _FULL:
            return _bug()
        silence(sys.stdout)
        return _told([unwritten(error)], arguments)
    except DkvError as error:
        return _told([error], arguments)
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        if all(isinstance(leaf, DkvError) for leaf in leaves):
            return _told(leaves, arguments)
        if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
            return INTERRUPTED
        return _bug()
    except Exception:
        return _bug()


def _invoked(arguments: list[str]) -> int:
    outcome = typer.main.get_command(app).main(arguments, prog_name="dkv", standalone_mode=False, obj=tuple(arguments))
    return outcome if isinstance(outcome, int) else 0


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _told(errors: Sequence[Any], arguments: list[str]) -> int:
    """Show the diagnostics of our own errors; the exit code is the first error's."""
    from declarative_kv.render.diagnostics import diagnostics_text

    diagnostics = sorted({d: None for error in errors for d in error.diagnostics}, key=lambda d: d.place)
    paint = painted(sys.stderr, no_color="--no-color" in arguments)
    if diagnostics:
        sys.stderr.write(f"{diagnostics_text(diagnostics, paint)}\n")
    code = int(errors[0].exit_code)
    if _tells_platform(arguments):
        from declarative_kv.cli import ci

        ci.tell_platform(ci.of_errors(diagnostics, code))
    return code


def _tells_platform(arguments: Sequence[str]) -> bool:
    """Whether the command line says `--format auto`, however far it was understood."""
    return "--format=auto" in arguments or ("--format", "auto") in pairwise(arguments)


def _bug() -> int:
    """A mistake of ours: the traceback stays, without the values of variables."""
    traceback.print_exc(file=sys.stderr)
    sys.stderr.write(f"\nThis is a mistake in dkv {__version__}. Please report it with the lines above.\n")
    return 1


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does, whoever handles that at the moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _open_streams() -> None:
    """Give a process that was started without an output stream one that leads nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open until the process ends


def _terminated(*_: object) -> None:
    # Shells let what they start in the background ignore Ctrl-C, which must not make it deaf to SIGTERM too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _flush() -> None:
    """Write out what is buffered; a reader that went away is no error, nor is what failed before."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            silence(stream)
