"""The same YAML laid out in every way that people lay it out, and some that they should not."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from declarative_kv.config.emit import is_plain, quoted

WORDS = (
    "a",
    "kv-one",
    "on",
    "no",
    "0123",
    "2027-06-30",
    "key vault",
    "x: y",
    "#c",
    "$(env)",
    "",
    "é ü",
    "a,b",
    "it's",
    "~",
)
COMMENTS = ("# c", "#", "#: x", "# a: b", "# - a", "#'\"")


def tree(random: Random, depth: int = 0) -> Any:
    """Random data: maps, lists, texts, nothing."""
    shape = random.random()
    if depth == 0 or (shape < 0.35 and depth < 4):
        keys = dict.fromkeys(random.choice(WORDS) for _ in range(random.randrange(1, 4)))
        return {key: tree(random, depth + 1) for key in keys}
    if shape < 0.6 and depth < 4:
        return [tree(random, depth + 1) for _ in range(random.randrange(0, 4))]
    if shape < 0.7:
        return "\n".join(random.choice(("one", "  two", "three #", "")) for _ in range(3)).strip("\n") or None
    return random.choice((None, *WORDS))


def laid_out(data: Any, random: Random) -> str:
    """The data as a file."""
    lines = list(_block(data, random.randrange(0, 3), random))
    head = [_comment(random) for _ in range(random.randrange(0, 2))]
    text = "\n".join([*head, *lines]) + random.choice(("", "\n", "\n\n\n", "\n# end", "\n  # end\n"))
    return text.replace("\n", "\r\n") if random.random() < 0.1 else text


def _comment(random: Random) -> str:
    return " " * random.randrange(0, 9) + random.choice(COMMENTS)


def _noise(random: Random) -> Iterator[str]:
    while random.random() < 0.15:
        yield random.choice(("", "  ", _comment(random)))


def _block(data: Any, indent: int, random: Random) -> Iterator[str]:
    blanks = " " * indent
    items = data.items() if isinstance(data, dict) else [(None, item) for item in data]
    for key, value in items:
        yield from _noise(random)
        start = blanks + (
            "-" if key is None else _scalar(key, random, key=True) + " " * random.choice((0, 0, 0, 2)) + ":"
        )
        yield from _entry(start, value, indent, random, listed=key is None)


def _entry(start: str, value: Any, indent: int, random: Random, *, listed: bool) -> Iterator[str]:
    if isinstance(value, dict | list) and value and random.random() < 0.7:
        yield from _below(start, value, indent, random, listed=listed)
    elif isinstance(value, str) and "\n" in value:
        yield from _text(start, value, indent, random)
    else:
        style = random.random()
        said = _flow(value, random)
        if style < 0.1 and said:
            yield start
            yield " " * (indent + random.randrange(1, 5)) + said + _tail(random)
        else:
            yield (start + " " * random.randrange(1, 4) + said).rstrip() + _tail(random)


def _below(start: str, value: Any, indent: int, random: Random, *, listed: bool) -> Iterator[str]:
    if listed and random.random() < 0.6:
        wide = len(start) + random.randrange(1, 4)
        first, *rest = [
            line for line in _block(value, wide, random) if line.strip() and not line.strip().startswith("#")
        ]
        yield start + " " * (wide - len(start)) + first.lstrip()
        yield from rest
        return
    yield start + _tail(random)
    inner = (
        indent if isinstance(value, list) and not listed and random.random() < 0.4 else indent + random.randrange(1, 6)
    )
    yield from _block(value, inner, random)


def _text(start: str, value: str, indent: int, random: Random) -> Iterator[str]:
    """A text of several lines."""
    if value.startswith(" ") or random.random() < 0.2:
        yield f"{start} {quoted(value)}{_tail(random)}"
        return
    yield f"{start} {random.choice('|>')}{random.choice(('', '-', '+'))}" + random.choice(("", "  # text"))
    blanks = " " * (indent + random.randrange(1, 5))
    yield from (blanks + line if line else "" for line in value.split("\n"))
    yield from [""] * random.randrange(0, 2)


def _tail(random: Random) -> str:
    return random.choice(("", "", "", " ", "   ", " # c", "     # c"))


def _scalar(value: str | None, random: Random, *, key: bool = False) -> str:
    if value is None:
        return random.choice(("null", "~"))
    if "\n" in value or (not is_plain(value) and value not in ("on", "no", "0123", "2027-06-30")):
        return quoted(value)
    return random.choice((value, value, quoted(value), "'" + value.replace("'", "''") + "'"))


def _flow(value: Any, random: Random) -> str:
    pad, gap = random.choice(("", " ")), random.choice((" ", "", "  "))
    match value:
        case dict():
            parts = [f"{_scalar(key, random)}: {_flow(inner, random)}" for key, inner in value.items()]
            return "{" + pad + f",{gap or ' '}".join(parts) + pad + "}"
        case list():
            return "[" + pad + f",{gap}".join(_flow(inner, random) for inner in value) + pad + "]"
        case None if random.random() < 0.3:
            return "null"
        case _:
            return _scalar(value, random)
