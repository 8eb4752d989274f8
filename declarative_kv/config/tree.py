"""YAML to plain data that knows its places: a small builder over the C parser's events.

Keys and scalars stay the text that was written (`on`, `no`, `0123`); only a plain `null`, `~` or nothing is None. What
a text means is for the schema to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs leave the C parser out

from declarative_kv.config.problem import MAX_PROBLEMS, Problem, Unparsable
from declarative_kv.config.source import TO_END, Source, pack, unpack

MAX_DEPTH = 64
MAX_EXPANDED = 100_000
"""How many nodes all aliases of a file together may stand for."""

MAX_NODES = 300_000
"""How many keys and values a file may have, aliases counted as what they stand for: about 25,000 secrets."""

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TEXT_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str"))
_MAP_TAGS = frozenset((None, "!", "tag:yaml.org,2002:map"))
_LIST_TAGS = frozenset((None, "!", "tag:yaml.org,2002:seq"))
_MERGE = "<<"


class Map(dict[str, Any]):
    """A mapping; `marks` holds the places of each key and its value, `at` the place of the whole."""

    __slots__ = ("at", "marks")

    def __init__(self, at: int) -> None:
        self.at = at
        self.marks: dict[str, tuple[int, int]] = {}

    def put(self, key: str, value: Any, marks: tuple[int, int]) -> None:
        """Set a key together with its places."""
        self[key] = value
        self.marks[key] = marks

    def drop(self, key: str) -> None:
        """Take a key out."""
        del self[key]
        del self.marks[key]

    def copy(self) -> Map:
        """A shallow copy with its places."""
        twin = Map(self.at)
        twin.update(self)
        twin.marks.update(self.marks)
        return twin

    def key_mark(self, key: str) -> int:
        """The place of a key, or of the map where it is not set."""
        return self.marks[key][0] if key in self.marks else self.at

    def value_mark(self, key: str) -> int:
        """The place of a value, or of the map where it is not set."""
        return self.marks[key][1] if key in self.marks else self.at


class Seq(list[Any]):
    """A list; `marks` holds the places of its items, `at` the place of the whole."""

    __slots__ = ("at", "marks")

    def __init__(self, at: int) -> None:
        self.at = at
        self.marks: list[int] = []


@dataclass(slots=True)
class _Frame:
    """A collection that is being built. `before` counts the nodes before it, `height` how deep it is inside."""

    map: Map | None
    items: Seq
    mark: int
    before: int
    anchor: str | None
    key: str | None = None
    key_mark: int = 0
    height: int = 1
    merges: list[tuple[Any, int]] = field(default_factory=list)


def parse(source: Source) -> tuple[Any, list[Problem], list[Map]]:
    """The one document of a file, the problems that did not end it, and what was left out for a key set twice.

    The document is None where the file holds nothing. Raises `Unparsable` for what ends it.
    """
    builder = _Builder(source)
    try:
        builder.run()
    except yaml.reader.ReaderError as error:
        raise Unparsable(_unreadable_text(source, error), builder.path) from error
    except yaml.MarkedYAMLError as error:
        raise Unparsable(_syntax(source, error), builder.path) from error
    except Unparsable as error:
        raise Unparsable(error.problem, builder.path) from error
    return builder.root, builder.problems, builder.dropped


def events(text: str) -> Iterator[Any]:
    """The parser's events, one by one; raises what it raises for a text that is no YAML."""
    parser = CParser(text)
    while parser.check_event():
        yield parser.get_event()


def tokens(text: str) -> Iterator[Any]:
    """The scanner's tokens, one by one; raises what it raises for a text that is no YAML."""
    parser = CParser(text)
    while parser.check_token():
        yield parser.get_token()


class _Builder:
    """Turns events to data; holds what is open, and counts against the caps."""

    __slots__ = (
        *("anchors", "dropped", "expanded", "nodes", "number", "problems", "root", "source", "stack", "texts", "top"),
    )

    def __init__(self, source: Source) -> None:
        self.source = source
        self.number = source.number
        self.root: Any = None
        self.problems: list[Problem] = []
        self.dropped: list[Map] = []
        self.stack: list[_Frame] = []
        self.top: _Frame | None = None
        self.texts: dict[str, str] = {}
        self.anchors: dict[str, tuple[Any, int, int, int] | None] = {}
        self.nodes = 0
        self.expanded = 0

    @property
    def path(self) -> tuple[str | None, ...]:
        """The keys whose values are open."""
        return tuple(frame.key for frame in self.stack)

    def run(self) -> None:
        parser = CParser(self.source.text)
        documents = 0
        get = parser.get_event
        while True:
            event = get()
            kind = event.__class__
            if kind is yaml.ScalarEvent:
                self.scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self.start(event, kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.end()
            elif kind is yaml.AliasEvent:
                self.alias(event)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise Unparsable(self.problem("several-documents", event, *_SEVERAL))
            elif kind is yaml.StreamEndEvent:
                return

    def scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        line, column = start.line, start.column
        mark = pack(self.number, line, column, end.column - column if end.line == line else TO_END)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Unparsable(self.problem("file-too-large", event, *_LARGE))
        # Keys, and values such as a content type, stand in a large file thousands of times.
        text = self.texts.setdefault(event.value, event.value)
        top = self.top
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self.problems.append(self.problem("unsupported-tag", event, *_TAG))
        if top is not None and top.key is None and top.map is not None:
            self.key(top, top.map, text, mark)
            return
        value = None if text in _NULLS and event.implicit[0] and event.tag is None else text
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, mark, 1, 0)
        self.attach(value, mark)

    def key(self, top: _Frame, node: Map, key: str, mark: int) -> None:
        if key in node:
            line = unpack(node.marks[key][0])[1] + 1
            detail = f"`{key}` is set on line {line} already; YAML would silently keep only one of the two."
            self.problems.append(Problem("duplicate-key", detail, "Remove one of the two.", mark))
            if len(self.problems) > MAX_PROBLEMS:
                raise Unparsable(Problem("too-many-problems", *_MANY, mark))
        top.key, top.key_mark = key, mark

    def attach(self, value: Any, mark: int) -> None:
        top = self.top
        if top is None:
            self.root = value
            return
        if top.map is None or top.key is None:
            top.items.append(value)
            top.items.marks.append(mark)
            return
        if top.key == _MERGE:
            top.merges.append((value, mark))
        elif top.key not in top.map:
            top.map.put(top.key, value, (top.key_mark, mark))
        else:
            self.drop(top.key, value, (top.key_mark, mark))
        top.key = None

    def drop(self, key: str, value: Any, marks: tuple[int, int]) -> None:
        """Keep what is left out with the key above it, so that a value in it can be found and hidden."""
        above = self.stack[-2].key if len(self.stack) > 1 else None
        inner, outer = Map(marks[0]), Map(marks[0])
        inner.put(key, value, marks)
        outer.put(above or "", inner, marks)
        self.dropped.append(outer)

    def start(self, event: Any, is_map: bool) -> None:
        start, end = event.start_mark, event.end_mark
        mark = pack(self.number, start.line, start.column, max(1, end.column - start.column))
        self.nodes += 1
        top = self.top
        if top is not None and top.key is None and top.map is not None:
            raise Unparsable(self.problem("key-not-text", event, *_KEY))
        if event.tag not in (_MAP_TAGS if is_map else _LIST_TAGS):
            self.problems.append(self.problem("unsupported-tag", event, *_TAG))
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.top = _Frame(Map(mark) if is_map else None, Seq(mark), mark, self.nodes, event.anchor)
        self.stack.append(self.top)
        if len(self.stack) > MAX_DEPTH:
            raise Unparsable(self.problem("too-deep", event, *_DEEP))

    def end(self) -> None:
        frame = self.stack.pop()
        node: Map | Seq = frame.items
        if frame.map is not None:
            node = frame.map
            for value, mark in frame.merges:
                self.merge(frame.map, value, mark)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (node, frame.mark, self.nodes - frame.before + 1, frame.height)
        self.top = self.stack[-1] if self.stack else None
        if self.top is not None:
            self.top.height = max(self.top.height, frame.height + 1)
        self.attach(node, frame.mark)

    def merge(self, into: Map, value: Any, mark: int) -> None:
        """What `<<` brings: keys that the map does not set itself, the first of several maps winning."""
        maps = value if isinstance(value, Seq) else [value]
        if not all(isinstance(each, Map) for each in maps):
            hint = "Write `<<: *anchor`, or a list of such aliases."
            self.problems.append(Problem("merge-key", "`<<` takes a map, or a list of maps.", hint, mark))
            return
        for each in maps:
            for key, item in each.items():
                if key not in into:
                    into.put(key, item, each.marks[key])

    def alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            detail = f"No node before it is anchored as `&{event.anchor}`."
            raise Unparsable(self.problem("unknown-alias", event, detail, "Define the anchor first, or fix its name."))
        anchored = self.anchors[event.anchor]
        if anchored is None:
            detail = f"`*{event.anchor}` stands inside the node that `&{event.anchor}` names, so it has no end."
            raise Unparsable(self.problem("recursive-alias", event, detail, "Write the inner part out."))
        value, _, weight, height = anchored
        self.nodes += weight
        self.expanded += weight
        if self.expanded > MAX_EXPANDED:
            raise Unparsable(self.problem("alias-bomb", event, *_BOMB))
        top = self.top
        if top is None or len(self.stack) + height > MAX_DEPTH:
            raise Unparsable(self.problem("too-deep", event, *_DEEP))
        top.height = max(top.height, height + 1)
        mark = pack(self.number, event.start_mark.line, event.start_mark.column, len(event.anchor) + 1)
        if top.key is None and top.map is not None:
            if not isinstance(value, str):
                raise Unparsable(self.problem("key-not-text", event, *_KEY))
            self.key(top, top.map, value, mark)
            return
        self.attach(value, mark)

    def problem(self, code: str, event: Any, detail: str, hint: str) -> Problem:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else TO_END
        return Problem(code, detail, hint, pack(self.number, start.line, start.column, width))


_SEVERAL = (
    "A configuration file holds one YAML document; what follows the second `---` would be ignored.",
    "Move the second document to a file of its own and name it under `include`.",
)
_TAG = (
    "Only plain text, maps and lists are read; a tag such as `!!binary` or `!ref` has no meaning here.",
    "Remove the tag.",
)
_KEY = ("A map or list stands where a key must stand.", "Put the key in quotes if it is meant as text.")
_DEEP = (
    f"Maps and lists may be nested {MAX_DEPTH} deep; a configuration needs fewer than ten.",
    "Look for brackets that are not closed.",
)
_LARGE = (
    f"The file has more than {MAX_NODES:,} keys and values.",
    "Split it, and name the parts under `include`.",
)
_MANY = (
    f"More than {MAX_PROBLEMS:,} keys are set twice or have a tag.",
    "Check that this is the right file.",
)
_BOMB = (
    f"The aliases of this file stand for more than {MAX_EXPANDED:,} nodes together.",
    "Write the parts out, or use `defaults`.",
)


def _unreadable_text(source: Source, error: yaml.reader.ReaderError) -> Problem:
    before = source.text[: error.position]
    line = before.count("\n")
    column = len(before) - before.rfind("\n") - 1
    detail = f"Character {error.character!r} may not stand in YAML; such characters come from binary data."
    return Problem("binary-file", detail, "Remove the character.", pack(source.number, line, column, 1))


def _syntax(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    """The parser's complaint in its place."""
    words = ", ".join(part for part in (error.context, error.problem) if part)
    hint = "Check quotes, brackets and indentation on this line and the one before; tabs do not indent."
    place = error.problem_mark
    assert place is not None, "the parser always says where"
    line, column = place.line, place.column
    while line > 0 and not source.line(line).strip():
        # Where the file ends there is nothing to show: the last line that has text shows what is missing.
        line -= 1
        column = max(0, len(source.line(line)) - 1)
    mark = pack(source.number, line, column, 1)
    return Problem("syntax", f"{words[:1].upper()}{words[1:]}.", hint, mark)
