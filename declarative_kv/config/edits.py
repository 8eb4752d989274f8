"""Single settings changed in a file's text: every line that a change does not need stays as it is, to the letter.

Each edit takes a text and gives a text; places are looked up anew each time. What cannot be changed without touching
something else (an alias, a comment within brackets) raises `Untouchable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from declarative_kv.config.emit import inline, scalar
from declarative_kv.config.layout import Node, Path, Shape, layout


class Untouchable(Exception):
    """The change would touch more than what it is about; the text says why, as the end of a sentence."""


def set_value(text: str, path: Path, value: Any) -> str:
    """The text with a setting at a path, made with the maps above it where it is not there."""
    here = layout(text)
    for depth, part in enumerate(path):
        if here.shape is Shape.ALIAS:
            raise Untouchable("it comes through an alias, which stands for other entries too")
        found = here.find(str(part))
        if found is None:
            return _with_key(text, here, str(part), _nested(path[depth + 1 :], value))
        here = found[1]
        if here.is_null and depth + 1 < len(path):
            return _in_place_of(text, here, _nested(path[depth + 1 :], value))
    return _replaced(text, here, value)


def remove(text: str, path: Path) -> str:
    """The text without an entry. A map without brackets that loses its last one leaves its key with nothing behind it.

    In an environment, where nothing behind a key takes away what all environments share, `{}` stands there.
    """
    root = layout(text)
    parent = root.at(path[:-1])
    found = parent.find(str(path[-1])) if parent is not None else None
    if parent is None or found is None:
        raise Untouchable("it is not written there")
    if len(parent.entries) == 1 and len(path) > 1:
        above = root.at(path[:-2])
        holder = above.find(str(path[-2])) if above is not None else None
        assert holder is not None, "a node that was found has a key"
        colon = text.index(":", holder[0].end) if path[0] == "environments" else None
        return _emptied(text, parent, colon)
    index = parent.entries.index(found)
    spans = [(key.start, value.end) for key, value in parent.entries]
    return _without(text, parent, spans, index)


def _nested(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = {str(part): value}
    return value


def _replaced(text: str, node: Node, value: Any) -> str:
    if node.shape is Shape.ALIAS or node.properties:
        raise Untouchable("it has an anchor or comes through an alias, so other entries would change too")
    if node.shape is Shape.LIST and isinstance(value, Sequence) and not isinstance(value, str) and value:
        return _relisted(text, node, value)
    return _in_place_of(text, node, value)


def _in_place_of(text: str, node: Node, value: Any) -> str:
    if node.shape is not Shape.TEXT and "#" in text[node.start : node.end]:
        raise Untouchable("there are comments in it")
    if node.shape is not Shape.TEXT and not node.flow:
        before = text[: node.start].rstrip()
        if "#" in _line_before(text, len(before)):
            raise Untouchable("there are comments in it")
        return f"{before} {inline(value)}{text[node.end :]}"
    gap = " " if text[node.start - 1 : node.start] in (":", "-") else ""
    return f"{text[: node.start]}{gap}{inline(value)}{text[node.end :]}"


def _relisted(text: str, node: Node, wanted: Sequence[Any]) -> str:
    """The list with other items: those that stay keep their places, new ones come last."""
    if not node.items:
        return _in_place_of(text, node, wanted)
    words = {_same(scalar(one)): scalar(one) for one in wanted}
    there = [_meaning(item) for item in node.items]
    kept = {word for word in words if word in there}
    added = [written for word, written in words.items() if word not in there]
    for index in reversed(range(len(node.items))):
        if there[index] in kept:
            kept.discard(there[index])
        elif len(node.items) == 1:
            return _in_place_of(text, node, wanted)
        else:
            text = _without(text, node, [(item.start, item.end) for item in node.items], index)
            # What stands before the item has not moved; what stands behind it was looked at already.
            node = _again(text, node)
    return _with_items(text, node, added) if added else text


def _again(text: str, node: Node) -> Node:
    """The same list after a change within it."""
    pending = [layout(text)]
    while pending:
        here = pending.pop()
        if (here.start, here.shape) == (node.start, Shape.LIST):
            return here
        pending += [*here.items, *(one for entry in here.entries for one in entry)]
    # Its first item went, and a list without brackets begins with that.
    raise Untouchable("its first line would go")


def _meaning(item: Node) -> str:
    """An item in the form that items are compared in; nothing for what is no plain text."""
    if item.shape is not Shape.TEXT or item.properties or "$(" in item.text:
        return ""
    return _same(scalar(item.text))


def _same(word: str) -> str:
    """Letter case never counts in a list, and an address is a range of one."""
    return word.lower().removesuffix("/32")


def _with_items(text: str, node: Node, words: Iterable[str]) -> str:
    last = node.items[-1]
    if node.flow:
        return f"{text[: last.end]}, {', '.join(words)}{text[last.end :]}"
    position = _end_of_line(text, last.end)
    dash = _line_before(text, last.start)
    return text[:position] + "".join(f"\n{dash}{word}" for word in words) + text[position:]


def _with_key(text: str, node: Node, key: str, value: Any) -> str:
    """The map with one more entry, behind the others."""
    if node.shape is not Shape.MAP:
        raise Untouchable("what stands there is no map")
    written = inline({key: value})[1:-1]
    if not node.entries:
        return f"{text[: node.start]}{node.properties}{{{written}}}{text[node.end :]}"
    last = node.entries[-1][1]
    if node.flow:
        return f"{text[: last.end]}, {written}{text[last.end :]}"
    position = _end_of_line(text, last.end)
    indent = " " * node.entries[0][0].column
    return f"{text[:position]}\n{indent}{written}{text[position:]}"


def _without(text: str, node: Node, spans: Sequence[tuple[int, int]], index: int) -> str:
    """The collection without one of several entries, each given by where it begins and ends."""
    start, end = spans[index]
    if not node.flow:
        first = text.rfind("\n", 0, start) + 1
        if text[first:start].strip(" " if node.shape is Shape.MAP else " -"):
            raise Untouchable("something else stands on its line")
        last = _end_of_line(text, end)
        return text[:first] + text[last + 1 :]
    begin, stop = (start, spans[index + 1][0]) if index + 1 < len(spans) else (spans[index - 1][1], end)
    if "#" in text[begin:start] or "#" in text[end:stop]:
        raise Untouchable("there is a comment within the brackets")
    return text[:begin] + text[stop:]


def _emptied(text: str, node: Node, colon: int | None) -> str:
    """The map without its only entry; `colon` is where the one behind its key stands, if that must not be all."""
    if node.flow:
        return f"{text[: node.start]}{node.properties}{{}}{text[node.end :]}"
    first, last = text.rfind("\n", 0, node.start) + 1, _end_of_line(text, node.end)
    if text[first : node.start].strip() or node.properties:
        raise Untouchable("something else stands on its line")
    if colon is None:
        return text[:first] + text[last + 1 :]
    return f"{text[: colon + 1]} {{}}{text[colon + 1 : first]}{text[last + 1 :]}"


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _line_before(text: str, position: int) -> str:
    """What stands on the line before a place: blanks and dashes."""
    return text[text.rfind("\n", 0, position) + 1 : position]


def is_variable(node: Node) -> str | None:
    """The variable that a scalar consists of, if that is all it says."""
    said = node.text
    inside = said[2:-1]
    return inside if said.startswith("$(") and said.endswith(")") and "(" not in inside else None
