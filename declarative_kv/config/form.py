"""One canonical layout for our YAML: the same tokens in the same order, with other blanks between them.

What stands between two tokens is blanks, line ends and comments, and nothing else is written anew, but for quotes that
mean nothing. So comments, the order of entries and the choice between brackets and lines stay their author's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from declarative_kv.config.emit import is_plain
from declarative_kv.config.tree import tokens

STEP = 2
"""How much deeper each level is."""

_BEFORE_COMMENT = 2
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""Line ends that YAML knows and editors do not; a file that has them is left as it is."""
_OPENING = (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
_CLOSING = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_AT_LEVEL = (yaml.BlockEntryToken, yaml.KeyToken, yaml.ValueToken)


def formed(text: str) -> str:
    """The text in the canonical layout; `config.tree` has parsed it before. Once more changes nothing.

    Line ends are the ones that the first line has.
    """
    windows = text.partition("\n")[0].endswith("\r")
    plain = text.replace("\r\n", "\n")
    if _OTHER_BREAKS.search(plain) or plain.startswith("%"):
        return text
    made = _Writer(plain).written()
    return made.replace("\n", "\r\n") if windows else made


@dataclass(frozen=True, slots=True)
class _Level:
    """A map or list without brackets: the column it stands at, and the one it will. A list may lie in its key's."""

    old: int
    new: int
    is_list: bool = False
    within: bool = False

    @property
    def shift(self) -> int:
        return self.new - self.old


@dataclass(slots=True)
class _Writer:
    """Writes token after token; `place` is where the last one ended in the text."""

    text: str
    parts: list[str] = field(default_factory=list)
    place: int = 0
    column: int = 0
    levels: list[_Level] = field(default_factory=list)
    above: tuple[_Level, ...] = ()
    last: Any = None
    flow: int = 0
    at_level: bool = False

    def written(self) -> str:
        """The whole text."""
        for token in tokens(self.text):
            match token:
                case yaml.BlockMappingStartToken():
                    self.open(token, is_list=False)
                case yaml.BlockSequenceStartToken():
                    self.open(token, is_list=True)
                case yaml.BlockEndToken():
                    self.leave_list()
                    self.levels.pop()
                case yaml.StreamEndToken():
                    self.end()
                case yaml.StreamStartToken():
                    pass
                case _:
                    self.token(token)
        return "".join(self.parts)

    def open(self, token: Any, *, is_list: bool) -> None:
        new = self.levels[-1].new + STEP if self.levels else 0
        self.levels.append(_Level(token.start_mark.column, new, is_list))

    def leave_list(self) -> None:
        """End a list that lies in its key's column, which has no end of its own."""
        if self.levels[-1].within:
            self.levels.pop()

    def token(self, token: Any) -> None:
        kind = token.__class__
        if kind is yaml.KeyToken and not self.flow:
            self.leave_list()
            self.at_level = True
        if kind is yaml.BlockEntryToken and not self.levels[-1].is_list:
            self.levels.append(_Level(token.start_mark.column, self.levels[-1].new + STEP, is_list=True, within=True))
        if token.start_mark.index == token.end_mark.index and kind is not yaml.ScalarToken:
            return
        if kind in _CLOSING:
            self.flow -= 1
            self.write(token, closing=True)
        else:
            self.write(token, closing=False)
        self.flow += kind in _OPENING

    def write(self, token: Any, *, closing: bool) -> None:
        """What stands before the token, and the token."""
        start, end = token.start_mark.index, token.end_mark.index
        gap = self.text[self.place : start]
        inside = bool(self.flow) or closing
        if "\n" in gap or self.last is None:
            self.lines(gap, token.start_mark.column, self.new_column(token, inside=inside))
        else:
            self.put(" " * self.between(token))
        raw = self.text[start:end]
        if token.__class__ is yaml.ScalarToken:
            raw = self.scalar(token, raw)
            end = start + len(raw) if token.style in ("|", ">") else end
            raw = self.quoted_or_moved(token, raw)
        self.put(raw)
        self.place, self.last, self.above, self.at_level = end, token, tuple(self.levels), False

    def put(self, text: str) -> None:
        self.parts.append(text)
        line = text.rpartition("\n")
        self.column = len(line[2]) if line[1] else self.column + len(text)

    def new_column(self, token: Any, *, inside: bool) -> int:
        """Where a token goes that begins a line."""
        if not self.levels:
            return token.start_mark.column if inside else 0
        level = self.levels[-1]
        if inside:
            return max(0, int(token.start_mark.column) + level.shift)
        return level.new if self.at_level or token.__class__ in _AT_LEVEL else level.new + STEP

    def between(self, token: Any) -> int:
        """How many blanks stand between the last token and this one, on one line."""
        kind, last = token.__class__, self.last.__class__
        if kind is yaml.ValueToken:
            return last is yaml.AliasToken
        if kind is yaml.FlowEntryToken or kind in _CLOSING:
            return last is yaml.ValueToken
        return last not in _OPENING

    def lines(self, gap: str, old: int, new: int) -> None:
        """Comments and blank lines up to a token that begins a line; one that ended at a line's end keeps its own."""
        trailing = self.comments(gap.split("\n")[:-1], old, new)
        if self.parts or trailing:
            self.put("\n" if self.last is not None or trailing else "")
        self.put(" " * new)

    def comments(self, lines: list[str], old: int, new: int) -> bool:
        """Write the comments; whether the last line has been begun."""
        begun = self.last is not None
        aligned: tuple[int, int] | None = None
        if begun and lines:
            aligned = self.trailing(lines.pop(0))
        blank = False
        for line in lines:
            said = line.strip(" \t")
            if not said:
                blank = begun
                continue
            column = len(line) - len(line.lstrip(" \t"))
            if begun:
                self.put("\n\n" if blank else "\n")
            self.put(" " * self.comment_column(column, old, new, aligned) + said)
            begun, blank = True, False
        if blank and old >= 0:
            self.put("\n")
        return begun

    def trailing(self, segment: str) -> tuple[int, int] | None:
        """The comment behind the last token, at least two blanks between them; its old and its new column."""
        said = segment.strip(" \t")
        if not said:
            return None
        blanks = len(segment) - len(segment.lstrip(" \t"))
        old = self.place - (self.text.rfind("\n", 0, self.place) + 1) + blanks
        self.put(" " * max(_BEFORE_COMMENT, blanks))
        new = self.column
        self.put(said)
        return old, new

    def comment_column(self, column: int, old: int, new: int, aligned: tuple[int, int] | None) -> int:
        """Where a comment goes: with what follows it, or with the level that it stood at."""
        if column == old or not self.above:
            return new if old >= 0 else 0
        if aligned is not None and column == aligned[0]:
            return aligned[1]
        if self.flow:
            return max(0, column + self.above[-1].shift)
        deepest = self.above[-1]
        if column > deepest.old:
            return deepest.new + (0 if self.after_text() else STEP)
        inner = max((level.old for level in self.above if level.old <= column), default=self.above[0].old)
        return next(level.new for level in self.above if level.old == inner)

    def after_text(self) -> bool:
        """Whether the last token is a text of several lines, to which a deeper comment would belong."""
        return self.last.__class__ is yaml.ScalarToken and self.last.style in ("|", ">")

    def scalar(self, token: Any, raw: str) -> str:
        """A scalar as it is written, the empty lines behind it left to what follows, unless they count."""
        if token.style not in ("|", ">"):
            return raw
        head = raw.partition("\n")[0].partition("#")[0]
        if "+" in head:
            return raw.removesuffix("\n")
        lines = raw.split("\n")
        within = next((len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip(" ")), len(raw))
        while not lines[-1].strip(" ") and len(lines[-1]) <= within:
            lines.pop()
        return "\n".join(lines)

    def quoted_or_moved(self, token: Any, raw: str) -> str:
        """A scalar without quotes that mean nothing; one of several lines moves with its level."""
        if "\n" not in raw:
            return str(token.value) if token.style in ("'", '"') and is_plain(token.value) else raw
        if token.style in ("'", '"') or self.flow:
            return raw
        shift = self.levels[-1].shift if self.levels else 0
        first, *rest = raw.split("\n")
        if token.plain:
            rest = [line.strip(" \t") and line.rstrip(" \t") for line in rest]
        return "\n".join([first.rstrip(" \t"), *(_moved(line, shift) for line in rest)])

    def end(self) -> None:
        """Comments behind the last token, and the end of the last line."""
        gap = self.text[self.place :]
        begun = self.comments(gap.split("\n"), -1, 0)
        ends_here = self.after_text() and not gap
        if begun and not ends_here:
            self.put("\n")


def _moved(line: str, shift: int) -> str:
    """A line further in or out, as far as it has blanks to lose."""
    if shift >= 0:
        return " " * shift + line if line else line
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(-shift, blanks) :]
