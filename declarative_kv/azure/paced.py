"""The transport that every client of a run shares: it sends a request when its time has come, and waits so long.

Here, and not in a policy of each pipeline, since a challenge's second request, the polls of long operations and the
sign-in come past no policy of ours, and each of them counts.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from azure.core.exceptions import ServiceRequestError, ServiceResponseTimeoutError

from declarative_kv.azure.pacing import Pace
from declarative_kv.azure.patience import OutOfTime
from declarative_kv.azure.wrapped import Wrapped

_SLOWEST: Final = 100_000
"""Bytes a second; what is larger, such as a state in a blob, is given time to be sent over a slow line."""


class NotSent(ServiceRequestError):
    """The request was kept back for too long, and has not left this machine."""

    def __init__(self, reason: OutOfTime) -> None:
        super().__init__(str(reason))
        self.asked = reason.asked


class Paced(Wrapped):
    """Carries everything to `inner` at the pace that Azure's limits allow."""

    def __init__(self, inner: Any, pace: Pace) -> None:
        super().__init__(inner)
        self._pace = pace

    async def send(self, request: Any, **options: Any) -> Any:
        """Send when there is room; raises `NotSent`, or `ServiceResponseTimeoutError` where no answer comes."""
        try:
            async with self._pace.turn(request.method, request.url) as turn:
                response = await self._answer(request, options)
                text = await _text(response) if response.status_code == 429 else ""
                turn.answered(response.status_code, response.headers, text)
                return response
        except OutOfTime as error:
            raise NotSent(error) from None

    async def _answer(self, request: Any, options: dict[str, Any]) -> Any:
        seconds = self._pace.patience.answer + int(request.headers.get("Content-Length") or 0) / _SLOWEST
        try:
            async with asyncio.timeout(seconds) as patience:
                return await self.inner.send(request, **options)
        except TimeoutError as error:
            if not patience.expired():
                raise
            raise ServiceResponseTimeoutError(f"No answer came within {seconds:g} seconds.") from error


async def _text(response: Any) -> str:
    """The body of an answer, which a caller that streams has not read yet; it keeps what is read here."""
    load = getattr(response, "load_body", None) or getattr(response, "read", None)
    if load is not None:
        await load()
    return str(response.text())
