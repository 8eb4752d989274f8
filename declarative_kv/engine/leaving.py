"""What the YAML wrote of an object and writes no longer: from then on that is left to Azure. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any


def left_out(before: Any, after: Any, prefix: str = "") -> Iterator[str]:
    """The settings that `before` wrote and `after` does not, as dotted names; tags and network one by one."""
    for name in _managed(before.__class__):
        was = getattr(before, name)
        if was is None:
            continue
        now = getattr(after, name)
        if now is None:
            yield prefix + name
        elif is_dataclass(was):
            yield from left_out(was, now, f"{prefix}{name}.")
        elif isinstance(was, Mapping):
            yield from (f"{prefix}{name}.{key}" for key in sorted(was) if key not in now)


@cache
def _managed(spec: Any) -> tuple[str, ...]:
    """The fields of a class of specs that the YAML may leave to Azure."""
    told = (field for field in fields(spec) if field.compare)
    return tuple(
        field.name for field in told if not field.metadata.get("identity") and not field.metadata.get("hidden")
    )
