"""The emulator behind one loopback port: a proxy for Azure's host names that ends TLS itself."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict

from declarative_kv.emulator.host.request_log import Recorder, record
from declarative_kv.emulator.hostnames import is_served
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.transport import Answers

_MAX_HEAD: Final = 64 * 1024
_MAX_BODY: Final = 1024**3  # a snapshot of a large world comes in one piece
_HANDSHAKE_SECONDS: Final = 30.0
# What aiohttp works out for itself from the body.
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection"})
_PROXY_OPTIONS: Final[dict[str, Any]] = {
    "access_log": None,
    "keepalive_timeout": 3600.0,
    "max_line_size": 64 * 1024,
    "max_field_size": 64 * 1024,
}

_SCHEME_AND_HOST: Final = re.compile("https?://[^/?]*", re.IGNORECASE)

Control = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Gateway:
    """The listening emulator. Requests for Azure's hosts go to the application, others to `control`.

    `latency` is in seconds, added to every request; `recorder` receives the request log's entries,
    each before its answer is sent. A CONNECT to any other host answers 403; nothing is ever forwarded.
    """

    def __init__(
        self,
        application: Answers,
        context: ssl.SSLContext,
        control: Control,
        *,
        latency: float = 0.0,
        recorder: Recorder | None = None,
    ) -> None:
        self._application = application
        self._context = context
        self._control = control
        self._latency = latency
        self._recorder = recorder
        self._tunnels: set[asyncio.Task[None]] = set()
        self._secure = web.Server(self._answer, request_factory=_request, **_PROXY_OPTIONS)
        self._plain = web.Server(self._answer_plain, request_factory=_request, **_PROXY_OPTIONS)
        self._listener: asyncio.Server | None = None

    async def open(self, port: int) -> int:
        """Listen on the loopback interface; gives the port, 0 asks for any. Raises `OSError` if taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _FrontDoor(self), "127.0.0.1", port, backlog=1024)
        chosen: int = self._listener.sockets[0].getsockname()[1]
        return chosen

    async def close(self) -> None:
        """Stop listening; requests in flight get a moment to finish, idle connections are closed."""
        if self._listener is not None:
            self._listener.close()
        for tunnel in list(self._tunnels):
            tunnel.cancel()
        for server in (self._secure, self._plain):
            server.pre_shutdown()
            await server.shutdown(2.0)

    def admit(self, transport: asyncio.Transport) -> None:
        """Turn a connection that asked to CONNECT into a TLS one that the application answers."""
        tunnel = asyncio.get_running_loop().create_task(self._tunnel(transport))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    def plain(self, transport: asyncio.Transport, received: bytes) -> None:
        """Answer a connection that speaks HTTP without a tunnel: control, or a refusal."""
        handler = self._plain()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(received)

    async def _tunnel(self, transport: asyncio.Transport) -> None:
        early = _Early()
        loop = asyncio.get_running_loop()
        try:
            secure = await loop.start_tls(
                transport, early, self._context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
            )
        except OSError:  # also ssl.SSLError: a client that does not trust the authority hangs up
            transport.abort()
            return
        if secure is None:
            return
        handler = self._secure()
        handler.connection_made(secure)
        secure.set_protocol(handler)
        # A client may send its first request together with the end of the handshake.
        if early.received:
            handler.data_received(bytes(early.received))
        if early.lost:
            handler.connection_lost(early.reason)

    async def _answer(self, asked: web.BaseRequest) -> web.StreamResponse:
        started = time.perf_counter()
        request = await _decoded(asked)
        if not is_served(request.host):
            return _refusal(421, f"The emulator does not stand in for {request.host}.")
        if self._latency:
            await asyncio.sleep(self._latency)
        status = 500
        try:
            answer = await self._application.answer(request)
            status = 0 if answer.dropped else answer.status
        finally:
            if self._recorder is not None:
                self._recorder(record(request, status, time.perf_counter() - started, time.time()))
        return _hung_up(asked) if answer.dropped else _encoded(answer)

    async def _answer_plain(self, asked: web.BaseRequest) -> web.StreamResponse:
        if asked.raw_path.startswith("/control/"):
            return await self._control(asked)
        return _refusal(403, "The emulator answers for Azure's hosts through CONNECT, and forwards nothing.")


class _FrontDoor(asyncio.Protocol):
    """A new connection, until its first request line says what it wants."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._received += data
        if b"\r\n\r\n" not in self._received:
            if len(self._received) > _MAX_HEAD:
                self._transport.close()
            return
        head = bytes(self._received)
        if not head.startswith(b"CONNECT "):
            self._gateway.plain(self._transport, head)
            return
        refusal = _connect_refusal(head)
        if refusal is not None:
            self._transport.write(refusal)
            self._transport.close()
            return
        self._transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._gateway.admit(self._transport)


class _Early(asyncio.Protocol):
    """Keeps what arrives between the end of a handshake and the protocol that will read it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.lost = False
        self.reason: Exception | None = None

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost, self.reason = True, exc


def _connect_refusal(head: bytes) -> bytes | None:
    """The answer to a CONNECT that is not for a served host on port 443; None where it is."""
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
    if len(words) != 3 or not head.endswith(b"\r\n\r\n"):
        return _raw(400, "Bad Request", "A CONNECT request has a target, and nothing follows it.")
    host, _, port = words[1].rpartition(":")
    if port != "443" or not is_served(host):
        return _raw(403, "Forbidden", f"The emulator does not stand in for {words[1]}, and forwards nothing.")
    return None


def _raw(status: int, reason: str, text: str) -> bytes:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode("latin-1") + body


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: asyncio.Task[None]) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_MAX_BODY)


async def _decoded(asked: web.BaseRequest) -> Request:
    path, _, query = _SCHEME_AND_HOST.sub("", asked.raw_path).partition("?")
    if asked.headers.get("expect", "").lower() == "100-continue":
        await asked.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await asked.read() if asked.body_exists else b""
    return Request.from_target(asked.method, asked.host, path, query, asked.headers, body)


def _encoded(answer: Response) -> web.Response:
    kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _FRAMING]
    return web.Response(status=answer.status, headers=CIMultiDict(kept), body=answer.body or None)


def _hung_up(asked: web.BaseRequest) -> web.Response:
    """Cut the connection without an answer; what is returned is never sent."""
    if asked.transport is not None:
        asked.transport.abort()
    return web.Response(status=500)


def _refusal(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers={"Connection": "close"})
