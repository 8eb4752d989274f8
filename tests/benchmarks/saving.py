"""`python -m tests.benchmarks.saving`: what saving the state costs an apply, in a file and in a blob of Azurite.

An apply of N new secrets, 32 at a time: before each call a pending entry, after it an applied one. The call costs the
processor time that a set of a secret was measured to cost, and the latency, which storage has too. The share is how
much longer that takes than without a journal: once as fast as the client can, which no Azure allows, and once at the
pace of Azure's limit for one vault, with a tenth of the changes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from declarative_kv.azure.blobs import open_blobs
from declarative_kv.azure.storage_access import storage_access
from declarative_kv.azure.transport import shared_transport
from declarative_kv.engine.slots import Aside, begun_at_once
from declarative_kv.model.address import Address
from declarative_kv.model.blob_place import BlobPlace
from declarative_kv.model.specs import SecretSpec
from declarative_kv.model.state import Entry, Status
from declarative_kv.state import BlobStore, Journal, LocalStore, Store
from tests.clients.azurite_server import ACCOUNT, CONTAINER, MAIN, NODE, Azurite, azurite

CALL: Final = 0.0015
"""Seconds of processor time that a set of a secret costs the client."""
IN_FLIGHT: Final = 32
BOUND: Final = 0.05
LIMIT: Final = 30.0
"""Sets of secrets a second that one vault takes."""
GROUP: Final = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg"
VAULT: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
SPECS: Final = {"secret": SecretSpec}


@dataclass(frozen=True)
class Late:
    """A transport on which each request takes so much longer; it counts them."""

    inner: Any
    latency: float
    seen: list[str]

    async def send(self, request: Any, **options: Any) -> Any:
        self.seen.append(request.url)
        await asyncio.sleep(self.latency)
        return await self.inner.send(request, **options)

    async def sleep(self, seconds: float) -> None:
        await self.inner.sleep(seconds)

    async def __aenter__(self) -> Late:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def close(self) -> None: ...


def now() -> datetime:
    return datetime.now(UTC)


def entry(number: int, status: Status) -> Entry:
    name = f"secret-{number:05}"
    facts = {"version": "0" * 32, "created": 1_800_000_000, "updated": 1_800_000_000, "fingerprint": "0" * 64}
    spec = SecretSpec(vault=VAULT, name=name, content_type="text/plain", tags={"team": "payments"})
    return Entry(Address("secret", f"kv/{name}"), f"{VAULT}/secrets/{name}", spec, status=status, facts=facts)


async def applied(journal: Journal | None, changes: int, latency: float, rate: float) -> float:
    """Seconds that the changes take; without a journal nothing is saved."""
    under_way, slots = asyncio.Semaphore(begun_at_once(IN_FLIGHT)), asyncio.Semaphore(IN_FLIGHT)
    saved = Aside(journal, slots) if journal is not None else None
    begun, sent = time.perf_counter(), iter(range(changes))

    async def change(number: int) -> None:
        async with under_way, slots:
            if saved is not None:
                await saved.put(entry(number, Status.PENDING))
            await asyncio.sleep(max(0.0, begun + next(sent) / rate - time.perf_counter()) if rate else 0)
            busy(CALL)
            await asyncio.sleep(latency)
            if saved is not None:
                await saved.put(entry(number, Status.APPLIED))

    await asyncio.gather(*(change(number) for number in range(changes)))
    return time.perf_counter() - begun


def busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def measured(store: Store, changes: int, latency: float, rate: float) -> tuple[float, float]:
    """Seconds without a journal, and with one from taking the lock to giving it back."""
    plain = await applied(None, changes, latency, rate)
    begun = time.perf_counter()
    async with store.locked("apply") as journal:
        await applied(journal, changes, latency, rate)
    return plain, time.perf_counter() - begun


@asynccontextmanager
async def blob_store(server: Azurite, latency: float, seen: list[str]) -> AsyncIterator[Store]:
    access = storage_access(ACCOUNT, "core.windows.net", server.environ)
    async with AsyncExitStack() as stack:
        line = Late(await stack.enter_async_context(shared_transport(None, {})), latency, seen)
        blobs = await stack.enter_async_context(open_blobs(access, CONTAINER, None, line))
        yield BlobStore(BlobPlace(ACCOUNT, CONTAINER, f"{time.time_ns()}.json"), blobs, SPECS, now)


async def compared(folder: Path, server: Azurite | None, changes: int) -> bool:
    """Print a line for each pace, latency and place; whether the shares at Azure's pace are small."""
    kept = True
    for rate, count in ((0.0, changes), (LIMIT, changes // 10)):
        for latency in (0.0, 0.03):
            file = LocalStore(folder / f"{rate}-{latency}.json", SPECS, now)
            kept &= _row("a file", rate, latency, count, await measured(file, count, latency, rate), "")
            if server is not None:
                seen: list[str] = []
                async with blob_store(server, latency, seen) as store:
                    times = await measured(store, count, latency, rate)
                kept &= _row("a blob", rate, latency, count, times, f", {len(seen)} requests")
    return kept


def _row(where: str, rate: float, latency: float, changes: int, times: tuple[float, float], more: str) -> bool:
    plain, whole = times
    share = max(0.0, 1 - plain / whole)
    pace = f"at {rate:.0f}/s" if rate else "unpaced"
    print(
        f"{changes:,} changes {pace}, {latency * 1000:.0f} ms, state in {where}: "
        f"{plain:.2f} s without saving, {whole:.2f} s with it, share {share:.1%}{more}",
        flush=True,
    )
    return not rate or share <= BOUND


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.saving", description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dkv-bench-") as name:
        there = NODE is not None and MAIN.exists()
        with azurite(Path(name)) if there else nullcontext() as server:
            if server is None:
                print("not measured in a blob: Azurite is not installed (make clients)")
            else:
                server.make_container()
            return 0 if asyncio.run(compared(Path(name), server, options.changes)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
