"""One entry of the state as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

from declarative_kv.model.state import Entry
from declarative_kv.render.safe import safe
from declarative_kv.render.values import settings, shown

_NAMED: Final = frozenset({"principal", "role", "scope", "application"})
_TIMES: Final = frozenset({"created", "updated", "deleted"})
"""Facts that are Azure's times, in seconds since the epoch."""


def entry_text(entry: Entry) -> str:
    """An entry for people: what it is, its settings and what Azure answered, each sorted by name."""
    lines = [
        str(entry.address),
        f"  id: {safe(entry.remote_id)}",
        f"  status: {entry.status}",
        f"  protect: {shown(entry.protect)}",
    ]
    if entry.depends_on:
        lines.append(f"  depends on: {', '.join(sorted(map(str, entry.depends_on)))}")
    return "\n".join([*lines, *_section("settings", _written(entry.spec)), *_section("facts", _known(entry))])


def _written(spec: Any) -> dict[str, Any]:
    """The settings, and of the parts of the object's name those that the id does not show."""
    named = {field.name: getattr(spec, field.name) for field in fields(spec) if field.name in _NAMED}
    if (source := getattr(spec, "source", None)) is not None:
        named["value_from"] = str(source)
    return dict(settings(spec)) | {name: value for name, value in named.items() if value is not None}


def _known(entry: Entry) -> dict[str, Any]:
    return {name: _time(fact) if name in _TIMES else fact for name, fact in entry.facts.items()}


def _time(fact: Any) -> Any:
    return datetime.fromtimestamp(fact, UTC) if isinstance(fact, int | float) else fact


def _section(title: str, values: dict[str, Any]) -> Iterator[str]:
    if values:
        yield f"  {title}:"
        yield from (f"    {safe(name)}: {shown(value)}" for name, value in sorted(values.items()))
