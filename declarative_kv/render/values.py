"""Settings and their changes, in one line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from declarative_kv.model.plan import AttrDiff
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import HIDDEN
from declarative_kv.render.safe import safe

NOT_SHOWN: Final = frozenset({"source", "value", "subscription", "tenant"})
"""Fields that no row shows as settings: a value's source has words of its own, the rest is in the plan's head."""


def shown(value: Any) -> str:
    """A setting's value as a reader of the YAML would write it; what is absent is `(none)`."""
    match value:
        case None:
            return "(none)"
        case bool():
            return "true" if value else "false"
        case Sensitive():
            return "(sensitive)"
        case Enum():
            return safe(str(value.value))
        case datetime():
            return moment(value)
        case str():
            return safe(value if value and value == value.strip() else json.dumps(value))
        case Mapping():
            return "{" + ", ".join(f"{safe(str(k))}: {shown(value[k])}" for k in sorted(value, key=str)) + "}"
        case frozenset() | set():
            return "[" + ", ".join(sorted(map(shown, value))) + "]"
        case Iterable():
            return "[" + ", ".join(map(shown, value)) + "]"
    return shown(dict(settings(value))) if is_dataclass(value) else safe(str(value))


def plain(value: Any) -> Any:
    """A setting's value as JSON: lists as lists, times as text; what is absent, and what must not be shown, is null."""
    match value:
        case None | bool() | int() | float():
            return value
        case Sensitive():
            return None
        case Mapping():
            return {str(key): plain(value[key]) for key in sorted(value, key=str)}
        case list() | tuple():
            return [plain(item) for item in value]
        case frozenset() | set():
            return sorted(map(plain, value))
    return {name: plain(item) for name, item in settings(value)} if is_dataclass(value) else _text(value)


def _text(value: Any) -> str:
    return moment(value) if isinstance(value, datetime) else str(value)


def moment(value: datetime) -> str:
    """`2027-06-30` for midnight UTC, else RFC 3339 with Z."""
    utc = value.astimezone(UTC)
    if (utc.hour, utc.minute, utc.second) == (0, 0, 0):
        return utc.date().isoformat()
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def changed(diff: AttrDiff) -> str:
    """`network.default: allow -> deny`."""
    path = ".".join(safe(str(part)) for part in diff.path)
    return f"{path}: {shown(diff.before)} -> {shown(diff.after)}"


def settings(spec: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """The settings that a spec writes, nested ones by dotted name; without values and what is part of its name."""
    found: list[tuple[str, Any]] = []
    for field in fields(spec):
        value = getattr(spec, field.name)
        if value is None or value == () or field.name in NOT_SHOWN or field.metadata == HIDDEN:
            continue
        if field.metadata.get("identity") and field.name != "name":
            continue
        if is_dataclass(value) and not isinstance(value, Sensitive):
            found.extend(settings(value, f"{prefix}{field.name}."))
        else:
            found.append((f"{prefix}{field.name}", value))
    return found


def packed(pieces: Iterable[str], width: int) -> list[str]:
    """The pieces joined by commas, in lines of at most `width` where a piece allows it."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + 2 + len(piece) <= width:
            lines[-1] += f", {piece}"
        else:
            lines.append(piece)
    return lines
