"""Plain data out as YAML: block style for what is marked as `Block`, one line for what is small and fits it.

Untrusted text is safe in it: what YAML could read otherwise stands in double quotes, with every character that does not
print escaped, and `$(` is written `$$(`, so that no name from Azure becomes a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

WIDTH = 110
"""How long a line may become before a map or list is spread over several."""

_PLAIN = re.compile(r"[^\W_](?:[\w./@$()+*-]|:(?=[\w/])| (?=[^\W_]))*")
_IDENTIFIER = re.compile(r"/[\w./()-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Block(dict[str, Any]):
    """A map whose entries each begin a line."""


@dataclass(frozen=True, slots=True)
class Remarked:
    """A value with a comment behind it; the comment is ours, never Azure's."""

    value: Any
    remark: str


def emit(tree: Mapping[str, Any], heading: str = "") -> str:
    """A file's text: what `load` reads back is `tree`, with every text in it taken literally."""
    head = "".join(f"# {line}\n" for line in heading.splitlines())
    return head + "\n".join(_block(tree, 0)) + "\n"


def literal(text: str) -> str:
    """A text in which nothing is a variable."""
    return text.replace("$(", "$$(")


def scalar(value: Any) -> str:
    """A flag, a number, a moment, or a text in the plainest style that means that text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case datetime():
            return moment(value)
    text = literal(str(value))
    return text if is_plain(text) else quoted(text)


def moment(value: datetime) -> str:
    """A date where it is midnight, else the time, in UTC."""
    whole = value.astimezone(UTC)
    if (whole.hour, whole.minute, whole.second) == (0, 0, 0):
        return whole.strftime("%Y-%m-%d")
    return whole.strftime("%Y-%m-%dT%H:%M:%SZ")


def is_plain(text: str) -> bool:
    """Whether the text needs no quotes anywhere, and no reader of YAML takes it for anything but text."""
    if not (_PLAIN.fullmatch(text) or _IDENTIFIER.fullmatch(text)) or not text.isprintable():
        return False
    return not any(pattern.match(text) for pattern in _meanings().get(text[0], ()))


def quoted(text: str) -> str:
    """The text in double quotes."""
    return '"' + "".join(map(_escaped, text)) + '"'


def inline(value: Any) -> str:
    """A value on one line."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_key(key)}: {inline(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(inline, value)) + "]"
        case _:
            return scalar(value)


@cache
def _meanings() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """What YAML 1.1 takes plain texts for (flags, numbers, dates, null), by their first character."""
    import yaml

    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    return {first: tuple(pattern for _, pattern in found) for first, found in resolvers.items() if first}


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _key(key: str) -> str:
    return key if is_plain(key) else quoted(key)


def _block(tree: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, value in tree.items():
        remark = ""
        if isinstance(value, Remarked):
            value, remark = value.value, f"  # {value.remark}"
        start = f"{indent}{_key(key)}:"
        if _on_one_line(value, len(start)):
            yield f"{start} {inline(value)}{remark}"
        elif isinstance(value, Mapping):
            yield f"{start}{remark}"
            yield from _block(value, depth + 1)
        else:
            yield f"{start}{remark}"
            yield from (f"{indent}  - {inline(item)}" for item in value)


def _on_one_line(value: Any, used: int) -> bool:
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence) or not value:
        return True
    return not _has_blocks(value) and used + 1 + len(inline(value)) <= WIDTH


def _has_blocks(value: Any) -> bool:
    if isinstance(value, Mapping):
        return isinstance(value, Block) or any(isinstance(one, Remarked) or _has_blocks(one) for one in value.values())
    return False
