"""The emulator as a transport of azure-core: the real asynchronous clients talk to it without a socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlencode, urlsplit

from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.core.pipeline.transport import AsyncHttpResponse as LegacyAsyncHttpResponse
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.pipeline.transport import HttpRequest as LegacyHttpRequest
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.core.utils import case_insensitive_dict

from declarative_kv.emulator.host.request_log import Recorder, record
from declarative_kv.emulator.hostnames import is_served
from declarative_kv.emulator.http import Request, Response


class Answers(Protocol):
    """What answers requests: the emulator's `Application`."""

    async def answer(self, request: Request) -> Response:
        """The answer to one request."""
        ...


class InProcessTransport(AsyncHttpTransport[Any, Any]):
    """Carries the requests of azure-core pipelines straight into an emulator in this process.

    `recorder` receives the request log's entry of each answered request. `pace` scales the waits of retries and
    of long-running operations: 0, the default, yields to the loop and goes on, because emulated time is no one's.
    A host that is not Azure's, and a dropped connection, raise `ServiceRequestError`, as over a socket.
    """

    def __init__(self, application: Answers, *, recorder: Recorder | None = None, pace: float = 0.0) -> None:
        self._application = application
        self._recorder = recorder
        self._pace = pace

    async def send(self, request: Any, *, stream: bool = False, **_: Any) -> Any:
        """Answer `request`, a request of `azure.core.rest` or the older one; the response matches its family.

        Connection options (timeouts, proxies, certificates) mean nothing here and are accepted.
        """
        asked = await _decoded(request)
        if not is_served(asked.host):
            raise ServiceRequestError(f"The emulator does not stand in for {asked.host}.")
        started = time.perf_counter()
        answer = await self._application.answer(asked)
        if self._recorder is not None:
            status = 0 if answer.dropped else answer.status
            self._recorder(record(asked, status, time.perf_counter() - started, time.time()))
        if answer.dropped:
            raise ServiceRequestError("Server disconnected")
        if isinstance(request, LegacyHttpRequest):
            return _LegacyInProcessResponse(request, answer)
        return _InProcessResponse(request, answer, is_read=not stream)

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close; a closed transport still works, as several clients may share it."""

    async def sleep(self, duration: float) -> None:
        """Wait `duration` seconds times the pace."""
        await asyncio.sleep(duration * self._pace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        return None


async def _decoded(request: Any) -> Request:
    """The emulator's request for a request of either family."""
    if request.files:
        raise TypeError("No Azure API that the emulator answers takes a multipart body.")
    url = urlsplit(request.url)
    body = await _body(request.data)
    headers = dict(request.headers)
    return Request.from_target(request.method, url.netloc, url.path or "/", url.query, headers, body, "in-process")


async def _body(data: Any) -> bytes:
    """The bytes a transport would send for `data`; a mapping is a form. Raises `TypeError` for other types."""
    match data:
        case None:
            return b""
        case bytes() | bytearray():
            return bytes(data)
        case str():
            return data.encode()
        case Mapping():
            return urlencode(data).encode()
        case AsyncIterable():
            return b"".join([chunk async for chunk in data])
        case Iterable():
            return b"".join(data)
    raise TypeError(f"A body of type {type(data).__name__} cannot be sent.")


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


def _charset(content_type: str | None) -> str | None:
    """The charset a Content-Type names, or None."""
    for part in (content_type or "").split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset":
            return value.strip('"')
    return None


class _LegacyInProcessResponse(LegacyAsyncHttpResponse):
    """The answer to a request of `azure.core.pipeline.transport`, read already."""

    def __init__(self, request: Any, answer: Response) -> None:
        super().__init__(request, answer)
        self.status_code = answer.status
        self.headers = case_insensitive_dict(answer.headers)
        self.reason = _reason(answer.status)
        self.content_type = self.headers.get("content-type")
        self._content = answer.body

    def body(self) -> bytes:
        return self._content

    def stream_download(self, pipeline: Any, **_: Any) -> AsyncIterator[bytes]:
        return _chunks(self._content)


class _InProcessResponse(AsyncHttpResponse):
    """The answer to a request of `azure.core.rest`; in memory from the start, so reading never waits."""

    def __init__(self, request: HttpRequest, answer: Response, *, is_read: bool) -> None:
        self._request = request
        self._answer = answer
        self._headers: MutableMapping[str, str] = case_insensitive_dict(answer.headers)
        self._encoding = _charset(answer.headers.get("content-type"))
        self._is_closed = is_read
        self._is_stream_consumed = is_read

    @property
    def request(self) -> HttpRequest:
        return self._request

    @property
    def status_code(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> MutableMapping[str, str]:
        return self._headers

    @property
    def reason(self) -> str:
        return _reason(self._answer.status)

    @property
    def content_type(self) -> str | None:
        return self._headers.get("content-type")

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @property
    def is_stream_consumed(self) -> bool:
        return self._is_stream_consumed

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def content(self) -> bytes:
        return self._answer.body

    @property
    def internal_response(self) -> Response:
        """What azure-core's older policies look at."""
        return self._answer

    def body(self) -> bytes:
        """The older name of `content`, which polling still uses."""
        return self._answer.body

    def text(self, encoding: str | None = None) -> str:
        return self._answer.body.decode(encoding or self._encoding or "utf-8-sig")

    def json(self) -> Any:
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise HttpResponseError(response=self)

    async def read(self) -> bytes:
        self._is_stream_consumed = True
        await self.close()
        return self._answer.body

    async def iter_bytes(self, **_: Any) -> AsyncIterator[bytes]:
        async for chunk in _chunks(await self.read()):
            yield chunk

    async def iter_raw(self, **_: Any) -> AsyncIterator[bytes]:
        async for chunk in _chunks(await self.read()):
            yield chunk

    def stream_download(self, pipeline: Any, **_: Any) -> AsyncIterator[bytes]:
        """The older name of `iter_bytes`."""
        return self.iter_bytes()

    async def close(self) -> None:
        self._is_closed = True

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncHttpResponse: {self.status_code} {self.reason}>"


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content
