"""A transport that asks, before each request that may change something, whether this run may still write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from azure.core.pipeline.transport import AsyncHttpTransport

Check = Callable[[], Awaitable[None]]

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Guarded(AsyncHttpTransport[Any, Any]):
    """Carries everything to `inner`. `check` raises where nothing may be written any longer; None: nobody minds.

    Here, below pacing and retries, since a request may wait for minutes between its caller's decision and its way out.
    Signing in is no write, and the check itself may need it.
    """

    def __init__(self, inner: Any, authority: str) -> None:
        self.inner = inner
        self.check: Check | None = None
        self._authority = urlsplit(authority).hostname

    async def send(self, request: Any, **options: Any) -> Any:
        """Send, where it may be sent."""
        writes = request.method not in _READING and urlsplit(request.url).hostname != self._authority
        if writes and self.check is not None:
            await self.check()
        return await self.inner.send(request, **options)

    async def sleep(self, duration: float) -> None:
        """Wait as the inner transport waits."""
        await self.inner.sleep(duration)

    async def open(self) -> None:
        """Open the inner transport."""
        await self.inner.open()

    async def close(self) -> None:
        """Close the inner transport."""
        await self.inner.close()

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.inner.__aexit__(exc_type, exc_value, traceback)
