"""A transport that tells of each request it carries: what `-v` shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from declarative_kv.azure.wrapped import Wrapped

Trace = Callable[[str, str, int, float], None]
"""Called with method, URL without its query, status (0 where there was no answer) and seconds."""


class Traced(Wrapped):
    """Carries everything to `inner`, and tells `trace` of it; never a header, a body or a query."""

    def __init__(self, inner: Any, trace: Trace) -> None:
        super().__init__(inner)
        self._trace = trace

    async def send(self, request: Any, **options: Any) -> Any:
        """Send, and tell how it went."""
        started, status = time.perf_counter(), 0
        try:
            response = await self.inner.send(request, **options)
            status = response.status_code
            return response
        finally:
            url = urlsplit(request.url)
            self._trace(request.method, f"{url.scheme}://{url.netloc}{url.path}", status, time.perf_counter() - started)
