"""Where a secret's value may have slipped into the YAML, so that no message about its line shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from declarative_kv.config.tree import Map, Seq

_SOURCES = frozenset(("env", "file", "command", "generate"))


def slipped_in(tree: Any) -> Iterator[int]:
    """The marks of all scalars that stand where people put a value by mistake."""
    seen: set[int] = set()
    pending: list[tuple[str, Any]] = [("", tree)]
    while pending:
        name, here = pending.pop()
        if not isinstance(here, Map | Seq) or id(here) in seen:
            continue
        seen.add(id(here))
        places = here.marks.items() if isinstance(here, Map) else ((None, (mark, mark)) for mark in here.marks)
        values = here.values() if isinstance(here, Map) else here
        for (key, (_, mark)), value in zip(places, values, strict=True):
            if isinstance(value, str) and _suspicious(name, key, value):
                yield mark
            elif not isinstance(value, str):
                pending.append(("value" if name == "value" else key or name, value))


def _suspicious(above: str, key: str | None, value: str) -> bool:
    """Whether a scalar under `key` (None in a list) below `above` may be a value."""
    if key == "value" or above == "value" or (key == "secrets" and above != "others"):
        return True
    if above == "secrets":
        return key is not None  # a list below `secrets` holds an access policy's permissions
    if key == "value_from":
        return value != "kept"
    return above == "value_from" and key not in _SOURCES


_IN_LINE = re.compile(r"""\bvalue["']?\s*:\s*|\bvalue_from["']?\s*:\s*(?!kept\b|\{|$)""")
_AFTER_KEY = re.compile(r":\s+(?!\{|$)")


def in_line(text: str, path: tuple[str | None, ...]) -> int | None:
    """The column from which a line of a file that cannot be parsed must not be shown; None where it may be.

    `path` has the keys below which the parser stood when it gave up; it may lag a little behind the line.
    """
    found = _IN_LINE.search(text)
    if found is None and "secrets" in path:
        found = _AFTER_KEY.search(text)
    if found is not None:
        return found.end()
    return 0 if path and path[-1] in ("value", "value_from") else None
