"""The blobs of one container, as the store of a state needs them: conditional writes, appends, leases, snapshots."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from declarative_kv.azure.errors import raised, translated
from declarative_kv.azure.storage_access import StorageAccess
from declarative_kv.model.errors import AzureError

_WHOLE: Final = 256 * 2**20
"""Bytes up to which a blob is read and written in one request."""
_ABSENT: Final = frozenset({"BlobNotFound", "ResourceNotFound"})


@dataclass(frozen=True, slots=True)
class Waits:
    """Between the tries of one request: seconds before the second one, and the base of the powers added later on."""

    first: int = 1
    base: int = 2


USUAL: Final = Waits()


@dataclass(frozen=True, slots=True)
class Content:
    """A blob's bytes and the ETag that they were read under."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A snapshot that Azure keeps of a blob, by Azure's name for it, and the metadata that the blob had then."""

    snapshot: str
    metadata: Mapping[str, str]


class Blobs:
    """One container. Open it with `open_blobs`. Every method raises `AzureError` where Azure refuses.

    Its `status` and `code` tell why: 404 `ContainerNotFound`, 409 and 412 where a condition or a lease is in the way.
    """

    def __init__(self, container: Any) -> None:
        self._container = container

    async def read(self, name: str, offset: int | None = None, length: int | None = None) -> Content | None:
        """The blob, or a part of it; None where there is none."""
        blob = self._container.get_blob_client(name)
        try:
            with _translated(f"Reading the blob {name}", absent=True):
                stream = await blob.download_blob(offset, length)
                return Content(await stream.readall(), stream.properties.etag)
        except _Absent:
            return None

    async def size(self, name: str) -> tuple[int, str] | None:
        """The blob's length and ETag; None where there is none."""
        blob = self._container.get_blob_client(name)
        try:
            with _translated(f"Looking at the blob {name}", absent=True):
                found = await blob.get_blob_properties()
                return found.size, found.etag
        except _Absent:
            return None

    async def write(
        self, name: str, data: bytes, *, replacing: str = "", metadata: Mapping[str, str] | None = None
    ) -> str:
        """Put the blob in the place of the one with that ETag (empty: there must be none); gives the new ETag."""
        blob = self._container.get_blob_client(name)
        with _translated(f"Writing the blob {name}"):
            done = await blob.upload_blob(data, overwrite=True, metadata=dict(metadata or {}), **_condition(replacing))
        return str(done["etag"])

    async def begin(self, name: str) -> str:
        """A new, empty append blob where there is no blob; gives its ETag."""
        blob = self._container.get_blob_client(name)
        with _translated(f"Beginning the blob {name}"):
            done = await blob.create_append_blob(**_condition(""))
        return str(done["etag"])

    async def append(self, name: str, data: bytes, position: int, etag: str) -> str:
        """Add to an append blob that has that length and ETag, whole or not at all; gives the new ETag."""
        blob = self._container.get_blob_client(name)
        with _translated(f"Appending to the blob {name}"):
            done = await blob.append_block(data, appendpos_condition=position, **_condition(etag))
        return str(done["etag"])

    async def delete(self, name: str, etag: str) -> None:
        """Remove the blob with that ETag; none is no error."""
        blob = self._container.get_blob_client(name)
        try:
            with _translated(f"Deleting the blob {name}", absent=True):
                await blob.delete_blob(**_condition(etag))
        except _Absent:
            return
        except AzureError as error:
            # A second try, after an answer that was lost, may hear that the condition does not hold for no blob.
            if error.status != 412 or await self.size(name) is not None:
                raise

    async def touch(self, name: str, mark: str) -> None:
        """Give the blob another ETag and leave its content; none is no error."""
        blob = self._container.get_blob_client(name)
        try:
            with _translated(f"Marking the blob {name}", absent=True):
                await blob.set_blob_metadata({"mark": mark})
        except _Absent:
            return

    async def keep(self, name: str, etag: str) -> None:
        """Have Azure keep the blob with that ETag as a snapshot."""
        blob = self._container.get_blob_client(name)
        with _translated(f"Keeping the blob {name} as a snapshot"):
            await blob.create_snapshot(**_condition(etag))

    async def kept(self, name: str) -> list[Earlier]:
        """The snapshots of the blob, the oldest first."""
        with _translated(f"Listing the snapshots of the blob {name}"):
            pages = self._container.list_blobs(name_starts_with=name, include=["snapshots", "metadata"])
            found = [one async for one in pages if one.name == name and one.snapshot]
        return [Earlier(one.snapshot, one.metadata or {}) for one in sorted(found, key=lambda one: str(one.snapshot))]

    async def read_kept(self, name: str, snapshot: str) -> bytes:
        """A snapshot's bytes."""
        blob = self._container.get_blob_client(name, snapshot=snapshot)
        with _translated(f"Reading a snapshot of the blob {name}"):
            stream = await blob.download_blob()
            data: bytes = await stream.readall()
            return data

    async def drop_kept(self, name: str, snapshot: str) -> None:
        """Remove a snapshot; none is no error."""
        blob = self._container.get_blob_client(name, snapshot=snapshot)
        try:
            with _translated(f"Deleting a snapshot of the blob {name}", absent=True):
                await blob.delete_blob()
        except _Absent:
            return

    async def lease(self, name: str, seconds: int, lease: str) -> None:
        """Take a lease on the blob under a name of ours; 409 where another has one."""
        blob = self._container.get_blob_client(name)
        with _translated(f"Leasing the blob {name}"):
            await blob.acquire_lease(seconds, lease_id=lease)

    async def renew(self, name: str, lease: str) -> None:
        """Renew a lease; 409 where it is gone for good."""
        with _translated(f"Renewing the lease on the blob {name}"):
            await self._lease(name, lease).renew(retry_total=0, connection_timeout=5, read_timeout=5)

    async def release(self, name: str, lease: str) -> None:
        """Give a lease back."""
        with _translated(f"Releasing the lease on the blob {name}"):
            await self._lease(name, lease).release()

    async def break_lease(self, name: str) -> None:
        """End whoever's lease at once; 409 where there is none."""
        with _translated(f"Breaking the lease on the blob {name}"):
            await self._lease(name, None).break_lease(0)

    async def write_leased(self, name: str, data: bytes, lease: str) -> None:
        """Replace the content of a blob on which the lease is ours."""
        blob = self._container.get_blob_client(name)
        with _translated(f"Writing the blob {name}"):
            await blob.upload_blob(data, overwrite=True, lease=lease)

    def _lease(self, name: str, lease: str | None) -> Any:
        from azure.storage.blob.aio import BlobLeaseClient

        return BlobLeaseClient(self._container.get_blob_client(name), lease_id=lease)


@asynccontextmanager
async def open_blobs(
    access: StorageAccess, container: str, credential: Any, transport: Any, waits: Waits = USUAL
) -> AsyncIterator[Blobs]:
    """The blobs of a container; nothing is asked of Azure before the first call.

    `credential` is the run's, for where the operator's environment has neither a key nor a SAS token for the account.
    """
    from azure.storage.blob.aio import ContainerClient, ExponentialRetry

    client = ContainerClient(
        access.endpoint,
        container,
        credential=access.credential() or credential,
        transport=transport,
        retry_policy=ExponentialRetry(waits.first, waits.base, retry_total=4, random_jitter_range=waits.first),
        max_single_get_size=_WHOLE,
        max_single_put_size=_WHOLE,
        user_agent="declarative-kv",
    )
    # The transport is shared, so the client must not close it: it is left to whoever opened it.
    yield Blobs(client)


class _Absent(Exception):
    """There is no such blob."""


@contextmanager
def _translated(operation: str, *, absent: bool = False) -> Iterator[None]:
    """Turn what the SDK raises into an `AzureError` that has the answer's status and code.

    With `absent`, a blob that is not there is told as `_Absent`.
    """
    from azure.core.exceptions import HttpResponseError

    with translated(operation):
        try:
            yield
        except HttpResponseError as error:
            if error.response is None:
                raise
            if absent and error.response.status_code == 404 and _code(error) in _ABSENT:
                raise _Absent from error
            raise raised(error.response, operation) from error


def _code(error: Any) -> str:
    return str(error.response.headers.get("x-ms-error-code") or "")


def _condition(etag: str) -> dict[str, Any]:
    """Only where the blob has that ETag still; with none only where there is no blob."""
    from azure.core import MatchConditions

    if not etag:
        return {"match_condition": MatchConditions.IfMissing}
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}
