"""Which principals the directory has: one question to Microsoft Graph for up to a thousand of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from declarative_kv.azure.session import Session

BATCH: Final = 1000
"""The ids that `directoryObjects/getByIds` takes at once."""


async def existing(azure: Session, object_ids: Iterable[str]) -> frozenset[str]:
    """Those of the object ids that are in the directory, lower case. Raises `AzureError` where it may not be read."""
    asked = sorted({object_id.lower() for object_id in object_ids})
    found: set[str] = set()
    for start in range(0, len(asked), BATCH):
        body = {"ids": asked[start : start + BATCH]}
        operation = "Looking for principals of grants"
        answer = await azure.graph("/directoryObjects/getByIds?$select=id", operation=operation, body=body)
        found |= {str(one["id"]).lower() for one in answer.get("value") or ()}
    return frozenset(found)
