"""States in blobs of Azurite, over a line on which requests and answers get lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AsyncHttpTransport

from declarative_kv.azure.blobs import Waits, open_blobs
from declarative_kv.azure.storage_access import storage_access
from declarative_kv.azure.transport import shared_transport
from declarative_kv.model.address import Address
from declarative_kv.model.blob_place import BlobPlace
from declarative_kv.model.specs import SecretSpec
from declarative_kv.model.state import Entry, State, Status
from declarative_kv.state import BlobStore, Store
from declarative_kv.state.lease import USUAL, Timing
from tests.clients.azurite_server import ACCOUNT, CONTAINER, Azurite

SPECS = {"secret": SecretSpec}
VAULT = "/subscriptions/2/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"


def now() -> datetime:
    return datetime.now(UTC)


def entry(name: str, status: Status = Status.APPLIED, **facts: Any) -> Entry:
    spec = SecretSpec(vault=VAULT, name=name)
    return Entry(Address("secret", f"kv/{name}"), f"{VAULT}/secrets/{name}", spec, status=status, facts=facts)


def names(state: State) -> list[str]:
    return [address.key for address in state.entries]


@dataclass
class Line(AsyncHttpTransport[Any, Any]):
    """The way to Azurite, on which answers get lost: those of requests that `loses` picks, each once or always."""

    inner: Any
    loses: Callable[[Any], bool] = lambda _: False
    cut: Callable[[Any], bool] = lambda _: False
    hangs: Callable[[Any], bool] = lambda _: False
    seen: list[str] = field(default_factory=list)

    async def send(self, request: Any, **options: Any) -> Any:
        self.seen.append(f"{request.method} {request.url}")
        if self.cut(request):
            raise ServiceRequestError("the line is cut")
        if self.hangs(request):
            await asyncio.sleep(60)
        response = await self.inner.send(request, **options)
        if self.loses(request):
            raise ServiceResponseError("the answer is lost")
        return response

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aenter__(self) -> Line:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@asynccontextmanager
async def blob_store(server: Azurite, timing: Timing = USUAL) -> AsyncIterator[tuple[BlobStore, Line]]:
    """A store of its own in the container, and the line that leads to it."""
    place = BlobPlace(ACCOUNT, CONTAINER, f"teams/{uuid4()} a.json")
    access = storage_access(ACCOUNT, "core.windows.net", server.environ)
    async with shared_transport(None, {}) as transport:
        line = Line(transport)
        async with open_blobs(access, CONTAINER, None, line, Waits(0, 0)) as blobs:
            yield BlobStore(place, blobs, SPECS, now, timing), line


async def run(store: Store, *entries: Entry) -> None:
    """One whole run that puts these."""
    async with store.locked("apply") as journal:
        await journal.put(*entries)
