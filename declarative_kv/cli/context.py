"""The composition root: one run's document, way to Azure, state and kinds, opened together and closed together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from declarative_kv.azure.clouds import storage_suffix
from declarative_kv.azure.credentials import ClientSecret
from declarative_kv.azure.directory import AzureDirectory
from declarative_kv.azure.session import Session, open_session
from declarative_kv.azure.storage_access import storage_access
from declarative_kv.azure.transport import Endpoint, shared_transport
from declarative_kv.cli.output import tell
from declarative_kv.engine.resolve import Directory
from declarative_kv.kinds import registry
from declarative_kv.model.access import Surroundings
from declarative_kv.model.blob_place import parse_blob_place
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import DkvError, StateLocked
from declarative_kv.model.kind import Kinds
from declarative_kv.model.secret import Sensitive
from declarative_kv.render.safe import safe
from declarative_kv.state import BlobStore, Journal, LocalStore, Store, blob_place, local_store

PRIVATE_EMULATOR: Final = ".emulator"
SNAPSHOT: Final = "emulator.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run works: what of a document is needed to reach Azure and the state."""

    cloud: Cloud
    tenant: str | None
    state: str
    root: str


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a command works with."""

    place: Place
    session: Session
    directory: Directory
    store: Store
    kinds: Kinds
    around: Surroundings | None = None
    """What stands around the grants, where it is known already and nobody can be asked."""


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def spec_types(kinds: Kinds) -> dict[str, type]:
    """The spec class of each kind, for what reads states and saved plans."""
    return {name: kind.spec_type for name, kind in kinds.items()}


def store_at(location: str) -> LocalStore:
    """The store of a state in a file; nothing is read yet."""
    return local_store(location, spec_types(registry()), clock=now)


@asynccontextmanager
async def opened(place: Place, *, verbose: bool = False) -> AsyncIterator[Run]:
    """A run against the cloud that the place names, closed at the end. Nothing is asked of Azure yet."""
    kinds = registry()
    local = nullcontext(store_at(place.state)) if blob_place(place.state) is None else None
    reached: AbstractContextManager[Mapping[str, Any]]
    reached = _emulator(place) if place.cloud.name == "emulator" else nullcontext({})
    with reached as options:
        session = open_session(place.cloud, place.tenant, trace=_show if verbose else None, **options)
        async with session as way, local or _stored(place, way, apart=bool(options), verbose=verbose) as store:
            yield Run(place, way, AzureDirectory(way), store, kinds)


@asynccontextmanager
async def held(
    place: Place, operation: str, *, wait: float = 0, verbose: bool = False
) -> AsyncIterator[tuple[Run, Journal]]:
    """A run that holds the state's lock, for which it waits so many seconds, and the journal it writes through.

    The lock of a file comes before anything is opened, so that whoever comes second hears at once who is at work. That
    of a blob needs the way to Azure, and once it is lost nothing more is written there.
    """
    if blob_place(place.state) is None:
        locked = store_at(place.state).locked(operation, wait, waiting)
        async with locked as journal, opened(place, verbose=verbose) as run:
            yield run, journal
        return
    async with opened(place, verbose=verbose) as run, run.store.locked(operation, wait, waiting) as journal:
        run.session.guarded.check = journal.check
        yield run, journal


@asynccontextmanager
async def _stored(where: Place, session: Session, *, apart: bool, verbose: bool) -> AsyncIterator[Store]:
    """The store of a state in a blob, by the run's own way to Azure, or `apart` from one that leads to an emulator."""
    from declarative_kv.azure.blobs import open_blobs

    place = parse_blob_place(where.state)
    access = storage_access(place.account, storage_suffix(session.cloud), os.environ)
    async with AsyncExitStack() as stack:
        transport = session.guarded.inner
        if apart:
            transport = await stack.enter_async_context(shared_transport(None, os.environ))
            transport = _told(transport) if verbose else transport
        blobs = open_blobs(access, place.container, session.credential, transport)
        yield BlobStore(place, await stack.enter_async_context(blobs), spec_types(registry()), now)


def _told(transport: Any) -> Any:
    from declarative_kv.azure.tracing import Traced

    return Traced(transport, _show)


def waiting(locked: StateLocked) -> None:
    """Say for whom this run waits."""
    tell(f"Waiting for the lock: {locked.diagnostics[0].detail}")


@contextmanager
def _emulator(place: Place) -> Iterator[Mapping[str, Any]]:
    """How the session reaches the emulator: the running one's proxy, or a private one's transport, and its identity."""
    from declarative_kv.emulator.host.attach import attached  # the local Azure, only where it is wanted
    from declarative_kv.emulator.host.failure import EmulatorError
    from declarative_kv.emulator.host.process import read_snapshot

    root = Path(place.root).parent
    beside = root if "://" in place.state else Path(place.state).parent
    try:
        private = beside / PRIVATE_EMULATOR
        with attached(private, os.environ, waiting=lambda: _busy(private)) as emulator:
            snapshot = root / SNAPSHOT
            if snapshot.exists():
                emulator.load_if_unwritten(read_snapshot(snapshot))
            yield _options(emulator, place.tenant)
    except EmulatorError as error:
        raise DkvError(Diagnostic("emulator", "The emulator cannot be used", error.message, error.hint)) from error


def _busy(folder: Path) -> None:
    """Say what this run waits for: a private emulator serves one at a time."""
    tell(
        f"Waiting for the emulator in {safe(str(folder))}: another run uses it, and a private one serves one at a time."
    )


def _options(emulator: Any, tenant: str | None) -> Mapping[str, Any]:
    from declarative_kv.emulator.seed import TENANT

    client_id, secret = _identity(emulator)
    credential = ClientSecret(tenant or TENANT, client_id, Sensitive(secret), source="emulator")
    if emulator.variables is None:
        return {"transport": emulator.transport, "credential": credential}
    endpoint = Endpoint(emulator.variables["HTTPS_PROXY"], emulator.variables["SSL_CERT_FILE"])
    return {"proxy": endpoint, "credential": credential, "limited": emulator.throttles}


def _identity(emulator: Any) -> tuple[str, str]:
    """The emulator's identity that AZURE_CLIENT_ID names, else its main one."""
    offered = emulator.variables or {}
    wanted = os.environ.get("AZURE_CLIENT_ID")
    if wanted and wanted == offered.get("DKV_EMULATOR_NORIGHTS_CLIENT_ID"):
        return wanted, offered["DKV_EMULATOR_NORIGHTS_CLIENT_SECRET"]
    return emulator.identity["client_id"], emulator.identity["client_secret"]


def _show(method: str, url: str, status: int, seconds: float) -> None:
    tell(f"{method} {safe(url)} -> {status or 'no answer'} ({seconds * 1000:.0f} ms)")
