"""Before anything is written the run is asked whether it still may; reading and signing in go on."""

from __future__ import annotations

import pytest

from declarative_kv.azure.session import Session
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import StateLockLost

GROUP = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-guarded"


async def test_nothing_is_written_after_the_lock_is_lost(azure: Session) -> None:
    async def check() -> None:
        raise StateLockLost(Diagnostic("state-lock-lost", "The lock on the state is lost", "It is."))

    async def send(method: str, body: dict[str, str] | None = None) -> object:
        return await azure.arm(method, GROUP, version="2025-04-01", operation="Trying", body=body)

    azure.guarded.check = check
    assert (await azure.identity()).object_id, "signing in is no write"
    with pytest.raises(StateLockLost):
        await send("PUT", {"location": "westeurope"})
    azure.guarded.check = None
    await send("PUT", {"location": "westeurope"})
    azure.guarded.check = check
    assert await send("GET")
    with pytest.raises(StateLockLost):
        await send("DELETE")
    assert await send("GET"), "the group is still there"
