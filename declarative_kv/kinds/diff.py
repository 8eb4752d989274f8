"""The difference between what is wanted and what is there: field by field, of what is written only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any

from declarative_kv.model.plan import AttrDiff
from declarative_kv.model.specs import HIDDEN, IDENTITY

_SKIPPED = frozenset(IDENTITY) | frozenset(HIDDEN)


def differences(desired: Any, live: Any) -> tuple[AttrDiff, ...]:
    """What an update would change, sorted by path; `()` when equal.

    Both are specs of one type. What is None in `desired` is unmanaged; of a mapping (tags) the keys that `desired` has
    count; lists are whole and without order. The specs' own `==` is asked first, as nearly all are equal.
    """
    if desired == live:
        return ()
    return tuple(sorted(_of_fields((), desired, live), key=lambda found: found.path))


def _of_fields(path: tuple[str, ...], desired: Any, live: Any) -> list[AttrDiff]:
    found: list[AttrDiff] = []
    for name in _compared(desired.__class__):
        written = getattr(desired, name)
        if written is not None and written != (there := getattr(live, name, None)):
            found += _of_value((*path, name), written, there)
    return found


@cache
def _compared(spec: Any) -> tuple[str, ...]:
    """The fields of a class of specs that can differ."""
    return tuple(one.name for one in fields(spec) if one.compare and not _SKIPPED & frozenset(one.metadata))


def _of_value(path: tuple[str, ...], desired: Any, live: Any) -> list[AttrDiff]:
    if is_dataclass(desired):
        return _of_fields(path, desired, live)
    if isinstance(desired, Mapping):
        there = live or {}
        return [
            AttrDiff((*path, str(key)), there.get(key), value)
            for key, value in desired.items()
            if there.get(key) != value
        ]
    return [] if _comparable(desired) == _comparable(live) else [AttrDiff(path, live, desired)]


def _comparable(value: Any) -> Any:
    """A form in which equal settings are equal: Azure keeps whole seconds, no order of lists, and no empty text."""
    match value:
        case datetime():
            return int(value.timestamp())
        case tuple() | list():
            return tuple(sorted(set(value)))
        case "":
            return None
    return value
