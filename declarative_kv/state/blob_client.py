"""What a store asks of the blobs of a container; `declarative_kv.azure.blobs` has the contract of each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Content(Protocol):
    """A blob's bytes and their ETag."""

    @property
    def data(self) -> bytes:
        """The bytes."""
        ...

    @property
    def etag(self) -> str:
        """The ETag."""
        ...


class Earlier(Protocol):
    """A snapshot that Azure keeps of a blob."""

    @property
    def snapshot(self) -> str:
        """Azure's name for it."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata that the blob had then."""
        ...


class Blobs(Protocol):
    """The blobs of one container. Each call raises `AzureError`."""

    async def read(self, name: str, offset: int | None = None, length: int | None = None) -> Content | None:
        """The blob or a part of it."""
        ...

    async def size(self, name: str) -> tuple[int, str] | None:
        """Length and ETag."""
        ...

    async def write(
        self, name: str, data: bytes, *, replacing: str = "", metadata: Mapping[str, str] | None = None
    ) -> str:
        """Put a blob in the place of the one with that ETag."""
        ...

    async def begin(self, name: str) -> str:
        """A new append blob."""
        ...

    async def append(self, name: str, data: bytes, position: int, etag: str) -> str:
        """Add to it."""
        ...

    async def delete(self, name: str, etag: str) -> None:
        """Remove it."""
        ...

    async def touch(self, name: str, mark: str) -> None:
        """Give it another ETag."""
        ...

    async def keep(self, name: str, etag: str) -> None:
        """Keep it as a snapshot."""
        ...

    async def kept(self, name: str) -> Sequence[Earlier]:
        """Its snapshots, the oldest first."""
        ...

    async def read_kept(self, name: str, snapshot: str) -> bytes:
        """A snapshot's bytes."""
        ...

    async def drop_kept(self, name: str, snapshot: str) -> None:
        """Remove a snapshot."""
        ...

    async def lease(self, name: str, seconds: int, lease: str) -> None:
        """Take a lease."""
        ...

    async def renew(self, name: str, lease: str) -> None:
        """Renew it."""
        ...

    async def release(self, name: str, lease: str) -> None:
        """Give it back."""
        ...

    async def break_lease(self, name: str) -> None:
        """End anybody's."""
        ...

    async def write_leased(self, name: str, data: bytes, lease: str) -> None:
        """Replace a leased blob's content."""
        ...
