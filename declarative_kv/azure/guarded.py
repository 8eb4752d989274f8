"""A transport that asks, before each request that may change something, whether this run may still write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from declarative_kv.azure.wrapped import Wrapped

Check = Callable[[], Awaitable[None]]

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Guarded(Wrapped):
    """Carries everything to `inner`. `check` raises where nothing may be written any longer; None: nobody minds.

    Here, below pacing and retries, since a request may wait for minutes between its caller's decision and its way out.
    Signing in is no write, and the check itself may need it.
    """

    def __init__(self, inner: Any, authority: str) -> None:
        super().__init__(inner)
        self.check: Check | None = None
        self._authority = urlsplit(authority).hostname

    async def send(self, request: Any, **options: Any) -> Any:
        """Send, where it may be sent."""
        writes = request.method not in _READING and urlsplit(request.url).hostname != self._authority
        if writes and self.check is not None:
            await self.check()
        return await self.inner.send(request, **options)
