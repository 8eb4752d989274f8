"""HashiCorp's configuration language, written so that no text can become anything but a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from declarative_kv.render.safe import in_hcl, safe

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WIDE: Final = 90
"""A list that is longer than this stands on several lines."""


@dataclass(frozen=True, slots=True)
class Code:
    """An expression as it stands, such as a reference."""

    text: str


@dataclass(frozen=True, slots=True)
class Stanza:
    """A block of the language; `remarks` are comments above it. An attribute of None is left out."""

    type: str
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Stanza, ...] = ()
    remarks: tuple[str, ...] = ()


def hcl(blocks: Iterable[Stanza]) -> str:
    """Blocks as a file's text, a blank line between two; ends with a line break where there is anything."""
    return "\n".join("\n".join([*_block(block), ""]) for block in blocks)


def template(parts: Iterable[str | Code]) -> Any:
    """A text with expressions in it; a text alone stays one, and so does an expression."""
    found = tuple(parts)
    if len(found) == 1:
        return found[0]
    inner = (f"${{{part.text}}}" if isinstance(part, Code) else in_hcl(part) for part in found)
    return Code(f'"{"".join(inner)}"')


def expression(value: Any) -> str:
    """A value as an expression."""
    match value:
        case Code(text):
            return text
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return f'"{in_hcl(value)}"'
        case Mapping():
            return _map(value)
        case Sequence():
            return _list([expression(one) for one in value])
    raise TypeError(f"{type(value).__name__} has no form in HCL")


def _map(value: Mapping[str, Any]) -> str:
    if not value:
        return "{}"
    keys = {key: key if _NAME.fullmatch(key) else expression(key) for key in value}
    lines = _aligned([(keys[key], expression(one)) for key, one in value.items()])
    return "\n".join(["{", *_indented(lines), "}"])


def _list(items: list[str]) -> str:
    line = f"[{', '.join(items)}]"
    if len(line) <= _WIDE and "\n" not in line:
        return line
    return "\n".join(["[", *_indented(line for one in items for line in f"{one},".split("\n")), "]"])


def _block(block: Stanza) -> Iterator[str]:
    yield from (f"# {safe(remark)}" for remark in block.remarks)
    head = " ".join([block.type, *map(expression, block.labels)])
    said = [(name, expression(value)) for name, value in block.attributes.items() if value is not None]
    if not said and not block.blocks:
        yield f"{head} {{}}"
        return
    yield f"{head} {{"
    yield from _indented(_aligned(said))
    for place, inner in enumerate(block.blocks):
        if said or place:
            yield ""
        yield from _indented(_block(inner))
    yield "}"


def _aligned(said: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines `name = value`, the signs of neighbours on single lines below each other, as `terraform fmt` has them."""
    for long, group in groupby(said, key=lambda one: "\n" in one[1]):
        run = list(group)
        width = 0 if long else max(len(name) for name, _ in run)
        for name, value in run:
            yield from f"{name.ljust(width)} = {value}".split("\n")


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" if line else "" for line in lines)
