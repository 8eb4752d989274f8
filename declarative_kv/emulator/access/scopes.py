"""What stands above a scope: rights that are given there reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from declarative_kv.emulator.store import Store


def scopes_upwards(store: Store, scope: str) -> Iterator[str]:
    """The scope and everything above it, lower case, without a trailing slash; the root comes last, as ``.

    Above a resource stand its parent resources, its group, its subscription, then the management groups that the
    subscription's record lists (nearest first), the tenant's root group and the root.
    """
    parts = scope.strip("/").lower().split("/") if scope.strip("/") else []
    at = parts.index("providers") if "providers" in parts else len(parts)
    first_resource = at + 4
    for length in range(len(parts), first_resource - 1, -2):
        yield "/" + "/".join(parts[:length])
    if parts[:1] == ["subscriptions"]:
        for length in range(min(at, 4), 1, -2):
            yield "/" + "/".join(parts[:length])
        subscription = store.get("subscriptions", parts[1]) if len(parts) > 1 else None
        if subscription is not None:
            groups = [*subscription.get("managementGroups", ()), subscription["tenantId"]]
            yield from (f"/providers/microsoft.management/managementgroups/{g.lower()}" for g in groups)
    yield ""
