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
