"""Settings in the words of the YAML, for errors that name them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from declarative_kv.model.plan import AttrDiff


def word(value: object) -> str:
    """One setting as the YAML would have it; what is not there is `(none)`."""
    match value:
        case None:
            return "(none)"
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return f"[{', '.join(word(one) for one in value)}]"
    return str(value)


def deviation(diffs: Iterable[AttrDiff], of: object = None) -> str:
    """`sku of vault.a is premium, not standard`, for each of these."""
    whose = f" of {of}" if of is not None else ""
    return "; ".join(f"{'.'.join(d.path)}{whose} is {word(d.before)}, not {word(d.after)}" for d in diffs)


def shortfall(diffs: Iterable[AttrDiff]) -> str:
    """What is missing and what is too much, item by item where a setting is a list; else as `deviation` says it."""
    return "; ".join(_items(d) if isinstance(d.after, tuple | list) else deviation([d]) for d in diffs)


def _items(diff: AttrDiff) -> str:
    there, wanted = tuple(diff.before or ()), tuple(diff.after)
    lacking = [word(one) for one in wanted if one not in there]
    more = [word(one) for one in there if one not in wanted]
    parts = [f"lacks {', '.join(lacking)}"] if lacking else []
    parts += [f"has {', '.join(more)} beyond what was written"] if more else []
    return f"{'.'.join(diff.path)} {' and '.join(parts)}"
