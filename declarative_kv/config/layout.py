"""A YAML file as its author laid it out: which characters each key and value takes, aliases and styles kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from declarative_kv.config.tree import events as events_of

Path = tuple[str | int, ...]


class Shape(StrEnum):
    """What a node is."""

    MAP = "map"
    LIST = "list"
    TEXT = "text"
    ALIAS = "alias"


@dataclass(slots=True)
class Node:
    """One value: `start` and `end` are positions in the text, without what stands behind it on its line.

    `text` is what a scalar means, or an alias' name; `style` the mark of a scalar that is quoted or a block. `flow`
    tells brackets from lines. `properties` is the anchor and tag in front of it, as they are written.
    """

    shape: Shape
    start: int
    end: int
    line: int
    column: int
    text: str = ""
    style: str = ""
    flow: bool = False
    properties: str = ""
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)

    @property
    def is_null(self) -> bool:
        """Whether it is a plain null, or nothing at all."""
        return self.shape is Shape.TEXT and not self.style and self.text in ("", "~", "null", "Null", "NULL")

    def find(self, key: str) -> tuple[Node, Node] | None:
        """The entry of a key in a map."""
        return next((entry for entry in self.entries if entry[0].text == key), None)

    def at(self, path: Path) -> Node | None:
        """The node below, by keys and indexes."""
        here: Node = self
        for part in path:
            if isinstance(part, int):
                if not 0 <= part < len(here.items):
                    return None
                here = here.items[part]
            else:
                found = here.find(part)
                if found is None:
                    return None
                here = found[1]
        return here


def layout(text: str) -> Node:
    """The one document of a text that `config.tree` has parsed before, and that is not empty."""
    events = events_of(text)
    _stream, _document, first = next(events), next(events), next(events)
    return _node(first, events, text)


def keys_by_place(root: Node) -> dict[tuple[int, int], Path]:
    """The path of every key and list item by its zero-based line and column."""
    found: dict[tuple[int, int], Path] = {}
    pending: list[tuple[Path, Node]] = [((), root)]
    while pending:
        path, here = pending.pop()
        for key, value in here.entries:
            found[key.line, key.column] = (*path, key.text)
            pending.append(((*path, key.text), value))
        for index, item in enumerate(here.items):
            found.setdefault((item.line, item.column), (*path, index))
            pending.append(((*path, index), item))
    return found


def _node(event: Any, events: Iterator[Any], text: str) -> Node:
    start = event.start_mark
    properties = _properties(event, text)
    node = Node(Shape.TEXT, start.index, event.end_mark.index, start.line, start.column, properties=properties)
    match event:
        case yaml.AliasEvent():
            node.shape, node.text = Shape.ALIAS, str(event.anchor)
        case yaml.MappingStartEvent():
            node.shape, node.flow = Shape.MAP, bool(event.flow_style)
            while not isinstance(inner := next(events), yaml.MappingEndEvent):
                key = _node(inner, events, text)
                node.entries.append((key, _node(next(events), events, text)))
            _close(node, inner, [one for entry in node.entries for one in entry])
        case yaml.SequenceStartEvent():
            node.shape, node.flow = Shape.LIST, bool(event.flow_style)
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                node.items.append(_node(inner, events, text))
            _close(node, inner, node.items)
        case _:
            node.text, node.style = event.value, event.style or ""
            if node.style in "|>" and node.style:
                node.end = node.start + len(text[node.start : node.end].rstrip())
    return node


def _close(node: Node, end: Any, inner: list[Node]) -> None:
    """Where a collection ends: at its bracket, or with the last thing in it."""
    node.end = end.end_mark.index if node.flow else inner[-1].end


def _properties(event: Any, text: str) -> str:
    """The anchor and the tag, as they are written, with the blanks behind them."""
    if isinstance(event, yaml.AliasEvent) or (event.anchor is None and event.tag is None):
        return ""
    position = event.start_mark.index
    begin = position
    while text[position : position + 1] in ("&", "!"):
        while text[position : position + 1] not in (" ", "\n", "\r", "\t", ""):
            position += 1
        while text[position : position + 1] in (" ", "\t"):
            position += 1
    return text[begin:position]
