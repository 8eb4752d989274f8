"""After a write: what of somebody else's it went over, in the moment between the last look and the write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from declarative_kv.engine.lag import settled
from declarative_kv.engine.sides import as_known, beneath, differs, foreign
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.kind import ResourceKind
from declarative_kv.model.plan import Change
from declarative_kv.model.resource import Observed


def under_deletion(kind: ResourceKind, change: Change, live: Observed, gone: Observed | None) -> Diagnostic | None:
    """What was deleted, as Azure answered, where that is not what was read."""
    if gone is None or not differs(kind, live, replace(gone, condition=live.condition)):
        return None
    return beneath(kind, change.address, as_known(change) or live, gone, f"The deletion of {change.address}")


async def under_version(
    kind: ResourceKind,
    azure: Any,
    pause: Callable[[float], Awaitable[None]],
    change: Change,
    live: Observed,
    done: Observed,
) -> Diagnostic | None:
    """The version of somebody else that lies under `done`, the new one, or is `live` with other settings."""

    async def versions() -> list[Observed]:
        return list(await kind.versions(azure, live))

    def is_old(seen: list[Observed]) -> bool:
        return bool(seen) and all(one.facts.get("version") != done.facts.get("version") for one in seen)

    try:
        seen = await settled(pause, versions, is_old)
    except Forbidden:
        return None  # Who may write but not list cannot look: the guide says so.
    if not (theirs := foreign(seen, live, done.facts, kind)):
        return None
    ours = f"The new value of {change.address} (version {done.facts.get('version')})"
    return beneath(kind, change.address, as_known(change) or live, theirs[-1], ours)
