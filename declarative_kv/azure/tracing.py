"""A transport that tells of each request it carries: what `-v` shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.pipeline.transport import AsyncHttpTransport

Trace = Callable[[str, str, int, float], None]
"""Called with method, URL without its query, status (0 where there was no answer) and seconds."""


class Traced(AsyncHttpTransport[Any, Any]):
    """Carries everything to `inner`, and tells `trace` of it; never a header, a body or a query."""

    def __init__(self, inner: Any, trace: Trace) -> None:
        self._inner = inner
        self._trace = trace

    async def send(self, request: Any, **options: Any) -> Any:
        """Send, and tell how it went."""
        started, status = time.perf_counter(), 0
        try:
            response = await self._inner.send(request, **options)
            status = response.status_code
            return response
        finally:
            url = urlsplit(request.url)
            self._trace(request.method, f"{url.scheme}://{url.netloc}{url.path}", status, time.perf_counter() - started)

    async def sleep(self, duration: float) -> None:
        """Wait as the inner transport waits."""
        await self._inner.sleep(duration)

    async def open(self) -> None:
        """Open the inner transport."""
        await self._inner.open()

    async def close(self) -> None:
        """Close the inner transport."""
        await self._inner.close()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(exc_type, exc_value, traceback)
