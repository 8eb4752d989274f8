"""A transport around another one: what those that add something to sending have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from azure.core.pipeline.transport import AsyncHttpTransport


class Wrapped(AsyncHttpTransport[Any, Any]):
    """Opens, closes and waits as `inner` does; a subclass says what happens to a request on its way there."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

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
