"""What the directory has under object ids: one question to Microsoft Graph for up to a thousand of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from declarative_kv.azure.session import Session

BATCH: Final = 1000
"""The ids that `directoryObjects/getByIds` takes at once."""


async def existing(azure: Session, object_ids: Iterable[str]) -> frozenset[str]:
    """Those of the object ids that are in the directory, lower case. Raises `AzureError` where it may not be read."""
    found = by_ids(azure, object_ids, "Looking for principals of grants", "?$select=id")
    return frozenset([str(one["id"]).lower() async for one in found])


async def by_ids(
    azure: Session, object_ids: Iterable[str], operation: str, query: str = ""
) -> AsyncIterator[Mapping[str, Any]]:
    """The directory's objects of these ids, as far as it has them. Raises `AzureError` where it may not be read."""
    asked = sorted({object_id.lower() for object_id in object_ids})
    for start in range(0, len(asked), BATCH):
        body = {"ids": asked[start : start + BATCH]}
        answer = await azure.graph(f"/directoryObjects/getByIds{query}", operation=operation, body=body)
        for one in answer.get("value") or ():
            yield one
