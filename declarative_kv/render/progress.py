"""What an apply says while it works: plain lines anywhere, a live view on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TextIO

from declarative_kv.engine.events import Event, Failed, Finished, Note, Skipped, Started
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, Reason
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.safe import safe

if TYPE_CHECKING:
    from rich.progress import Progress

_DOING: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.CREATE: "creating",
        Action.UPDATE: "updating",
        Action.REPLACE: "replacing",
        Action.RECOVER: "recovering",
        Action.IMPORT: "importing",
        Action.DESTROY: "destroying",
        Action.FORGET: "forgetting",
        Action.NOOP: "saving",
    }
)
_DONE: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.CREATE: "created",
        Action.UPDATE: "updated",
        Action.REPLACE: "replaced",
        Action.RECOVER: "recovered",
        Action.IMPORT: "imported",
        Action.DESTROY: "destroyed",
        Action.FORGET: "forgotten",
        Action.NOOP: "saved",
    }
)
Report = Callable[[Event], None]


def event_line(event: Event, paint: Paint = PLAIN) -> str | None:
    """What happened, in one line; None for what only a live view shows."""
    match event:
        case Finished(change, _) if change.reason is Reason.CONTAINED:
            return f"{safe(str(change.address))}: {paint('green', 'gone with its vault')}"
        case Finished(change, seconds):
            return f"{safe(str(change.address))}: {paint('green', _DONE[change.action])} after {seconds:.1f}s"
        case Failed(change, diagnostics):
            why = "; ".join(safe(diagnostic.summary) for diagnostic in diagnostics)
            return f"{safe(str(change.address))}: {paint('red', 'failed')} ({why})"
        case Skipped(change, because):
            return f"{safe(str(change.address))}: {paint('yellow', 'skipped')}, because {safe(str(because))} failed"
        case Note(text):
            return safe(text)
    return None


def started_line(event: Started) -> str | None:
    """What begins now; None for what goes with its vault, by no call of its own."""
    if event.change.reason is Reason.CONTAINED:
        return None
    return f"{safe(str(event.change.address))}: {_DOING[event.change.action]}..."


@contextmanager
def reporting(stream: TextIO, total: int, *, live: bool, paint: Paint = PLAIN) -> Iterator[Report]:
    """A function that takes an apply's events and shows them on `stream` until the context ends."""
    if not live:
        yield lambda event: _write(stream, event, paint)
        return
    with _live(stream, total) as report:
        yield report


def _write(stream: TextIO, event: Event, paint: Paint) -> None:
    line = started_line(event) if isinstance(event, Started) else event_line(event, paint)
    if line is not None:
        with suppress(OSError):  # Nobody reads any longer, or the disk is full: the apply matters more than its words.
            print(line, file=stream, flush=True)


@contextmanager
def _live(stream: TextIO, total: int) -> Iterator[Report]:
    """A bar over all changes with what is in flight below it; finished lines scroll away above."""
    from rich.console import Console  # 80 ms, and only a terminal needs it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        view = _View(progress, total)

        def report(event: Event) -> None:
            line = event_line(event, Paint(colour=True))
            if line is not None:
                console.print(Text.from_ansi(line))
            view.take(event)

        yield report


class _View:
    """The bar's text: what is in flight."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._flying: dict[Address, str] = {}
        self._task = progress.add_task("applying", total=total)

    def take(self, event: Event) -> None:
        """Move the bar as the event says."""
        if isinstance(event, Note):
            return
        if isinstance(event, Started):
            if (line := started_line(event)) is not None:
                self._flying[event.change.address] = line
        else:
            self._flying.pop(event.change.address, None)
            self._progress.advance(self._task)
        shown = next(iter(self._flying.values()), "applying")
        more = f" and {len(self._flying) - 1} more" if len(self._flying) > 1 else ""
        from rich.markup import escape

        self._progress.update(self._task, description=escape(shown + more))
