"""Source texts and places in them: files are read whole and places are packed into one integer each.

A configuration of 10,000 secrets has about 200,000 places; as integers they cost a few megabytes, and the few that
somebody looks at become `Span`s.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from declarative_kv.config.reading import DISK, Files
from declarative_kv.model.diagnostic import Span

LIMIT = 10 * 1024 * 1024
"""The size of the largest file that is read, in bytes."""

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What YAML 1.1 takes for the end of a line."""
_LINE_BITS, _COLUMN_BITS, _WIDTH_BITS = 24, 16, 12
_MAX_COLUMN = (1 << _COLUMN_BITS) - 1
_MAX_WIDTH = (1 << _WIDTH_BITS) - 1
_SHOWN = 400
"""How much of a line is shown; where the place lies behind that, nothing."""
TO_END = _MAX_WIDTH
"""The width of what goes on beyond its line."""


def pack(file: int, line: int, column: int, width: int) -> int:
    """A mark: file number and zero-based line and column; `width` in characters."""
    # Each scalar of each file is marked, and `min` takes longer than all the rest.
    column = column if column < _MAX_COLUMN else _MAX_COLUMN
    width = width if width < _MAX_WIDTH else _MAX_WIDTH
    return ((file << _LINE_BITS | line) << _COLUMN_BITS | column) << _WIDTH_BITS | width


def unpack(mark: int) -> tuple[int, int, int, int]:
    """File number, zero-based line and column, and width of a mark."""
    width = mark & _MAX_WIDTH
    column = mark >> _WIDTH_BITS & _MAX_COLUMN
    place = mark >> _WIDTH_BITS + _COLUMN_BITS
    return place >> _LINE_BITS, place & (1 << _LINE_BITS) - 1, column, width


def file_of(mark: int) -> int:
    """The number of the file that a mark lies in."""
    return unpack(mark)[0]


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its number, its real place, the name that people see, and its text."""

    number: int
    path: Path
    name: str
    text: str
    _lines: list[str] = field(default_factory=list, compare=False, repr=False)

    def line(self, number: int) -> str:
        """A line by its number from zero; empty behind the end."""
        if not self._lines:
            self._lines.extend(_BREAK.split(self.text))
        return self._lines[number] if number < len(self._lines) else ""

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file start from."""
        return self.path.parent


@dataclass(slots=True)
class Sources:
    """The files that were read, by number, and what in them must not be shown.

    `texts` are read in place of the files with those paths. `disk` is where the others are read from, and `prefix`
    stands before every name that people see, to say where that is.
    """

    files: list[Source] = field(default_factory=list)
    texts: Mapping[Path, str] = field(default_factory=dict)
    disk: Files = DISK
    prefix: str = ""
    _hidden: dict[tuple[int, int], set[tuple[int, int]]] = field(default_factory=dict)
    _names: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def shared(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names of an entry's settings, once for all entries that have the same."""
        return self._names.setdefault(names, names)

    def add(self, path: Path, name: str, text: str) -> Source:
        """Register a file that was read."""
        source = Source(len(self.files), path, name, text)
        self.files.append(source)
        return source

    def of(self, mark: int) -> Source:
        """The file that a mark lies in."""
        return self.files[file_of(mark)]

    def hide(self, mark: int) -> None:
        """Star out what a mark covers wherever its line is shown."""
        number, line, column, width = unpack(mark)
        self._hidden.setdefault((number, line), set()).add((column, width))

    def span(self, mark: int) -> Span:
        """The place of a mark, with its line of text in which values that slipped in are starred out."""
        number, line, column, width = unpack(mark)
        text = self.files[number].line(line)
        shown = self._masked(number, line, text) if self._hidden else text
        if column >= _SHOWN:
            shown = ""
        width = max(1, min(width, len(text) - column))
        return Span(self.prefix + self.files[number].name, line + 1, column + 1, width, shown[:_SHOWN])

    def _masked(self, number: int, line: int, text: str) -> str:
        for start, width in self._hidden.get((number, line), ()):
            end = len(text) if width == TO_END else min(start + width, len(text))
            text = text[:start] + "*" * (end - start) + text[end:]
        return text


class Places(Mapping[str, Span]):
    """The places of an entry's settings by name, made when somebody asks for one; small, as there is one an entry."""

    __slots__ = ("_marks", "_names", "_sources")

    def __init__(self, sources: Sources, marks: Mapping[str, tuple[int, int]]) -> None:
        self._sources = sources
        self._names = sources.shared(tuple(marks))
        self._marks = array("Q", [key for key, _ in marks.values()])

    def __getitem__(self, key: str) -> Span:
        try:
            return self._sources.span(self._marks[self._names.index(key)])
        except ValueError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
