"""Any text as path, query, headers, token or body, and any bytes on the proxy's wire, are answered or refused."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from declarative_kv.emulator.host.authority import authority, server_context
from declarative_kv.emulator.host.folder import CERTIFICATE
from declarative_kv.emulator.host.server import Gateway
from declarative_kv.emulator.http import Request
from tests.counts import count
from tests.fuzz.target import ARM, DIRECTORY, GROUP, LOGIN, VAULT, VAULT_ID, Target

QUIETLY: Final[dict[str, Any]] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate, Phase.shrink],
}
METHODS: Final = st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "X"])
TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LINE: Final = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)  # no server lets others through
HOSTS: Final = st.sampled_from([ARM, DIRECTORY, LOGIN, VAULT, "kv-none.vault.azure.net", "kv-one.vault.azure.cn"])
BEGINNINGS: Final = st.sampled_from(
    [
        "/",
        f"{GROUP}/",
        f"{VAULT_ID}/",
        "/secrets/",
        "/keys/",
        "/secrets/one/",
        "/keys/one/",
        "/deletedsecrets/",
        "/v1.0/",
        "/v1.0/users/",
        "/common/",
        "/subscriptions/",
        "//",
        "/providers/Microsoft.Authorization/",
        "",
    ]
)
VERSIONS: Final = st.sampled_from(["7.6", "2025-07-01", "2023-07-01", "2022-04-01", "0", "9999-99-99"]) | TEXT
PARAMETERS: Final = st.sampled_from(["api-version", "$filter", "$top", "$skiptoken", "maxresults", "%", ""]) | TEXT
HEADERS: Final = st.sampled_from(
    ["authorization", "content-type", "accept-language", "if-match", "x-ms-client-request-id", "cookie", "prefer"]
)
BODIES: Final = st.binary(max_size=60) | st.sampled_from(
    [b"", b"{", b"[]", b"null", b"\xff", b'"\\ud800"', b"9" * 5000]
)
LINES: Final = st.sampled_from(
    [
        b"GET /secrets?api-version=7.6 HTTP/1.1\r\n",
        b"CONNECT kv.vault.azure.net:443 HTTP/1.1\r\n",
        b"HOST: x\r\n",
        b"Host: kv-one.vault.azure.net\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"\r\n",
        b"\x00",
        b"Transfer-Encoding: chunked\r\n",
        b"ffffffffffffffff\r\n",
        b"5\r\nhello\r\n",
        b"POST http://a@b:c/ HTTP/1.1\r\n",
        b"Expect: 100-continue\r\n",
        b"Upgrade: websocket\r\nConnection: upgrade\r\n",
        b"GET //[ HTTP/1.1\r\n",
        b"POST /control/status HTTP/1.1\r\n",
        b"CONNECT :443 HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"GET * HTTP/9.9\r\n",
    ]
)
WIRE: Final = st.lists(LINES | st.binary(max_size=12), max_size=8).map(b"".join)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    shared = Target()
    yield shared
    shared.world.close()


def test_no_text_in_any_place_makes_it_fail(target: Target) -> None:
    @settings(max_examples=count(250, 14_000), **QUIETLY)
    @given(
        method=METHODS,
        host=HOSTS,
        beginning=BEGINNINGS,
        rest=TEXT,
        version=VERSIONS,
        query=st.dictionaries(PARAMETERS, TEXT, max_size=2),
        headers=st.dictionaries(HEADERS, LINE, max_size=2),
        body=BODIES,
    )
    def send(
        method: str,
        host: str,
        beginning: str,
        rest: str,
        version: str,
        query: dict[str, str],
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        target.reset()
        token = {"authorization": f"Bearer {target.token(host)}", "content-type": "application/json"}
        asked = tuple({"api-version": version, **query}.items())
        target.fire(Request(method, host, beginning + rest, asked, {**token, **headers}, body))

    send()


@asynccontextmanager
async def gateway(target: Target, folder: Path, failures: list[str]) -> AsyncIterator[int]:
    """The listening emulator; what its event loop complains of is added to `failures`."""

    async def control(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=403)

    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(str(context)))
    listening = Gateway(target.application, server_context(authority(folder)), control)
    port = await listening.open(0)
    try:
        yield port
    finally:
        await listening.close()


async def said(port: int, sent: bytes, tls: ssl.SSLContext | None) -> bytes:
    """What comes back for these bytes, through a tunnel where there is a context."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if tls is not None:
            writer.write(f"CONNECT {VAULT}:443 HTTP/1.1\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            await writer.start_tls(tls, server_hostname=VAULT)
        writer.write(sent)
        async with asyncio.timeout(0.03):
            return await reader.read()
    except TimeoutError:
        return bytes(reader._buffer)  # type: ignore[attr-defined]  # what came before the server waits for more
    except (ConnectionError, ssl.SSLError):
        return b""
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("through", ["the front door", "a tunnel"])
def test_no_bytes_on_the_wire_make_it_fail(target: Target, tmp_path: Path, through: str) -> None:
    failures: list[str] = []
    authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(tmp_path / CERTIFICATE))
    tls = trusting if through == "a tunnel" else None
    good = f"GET /secrets?api-version=7.6 HTTP/1.1\r\nHost: {VAULT}\r\nConnection: close\r\n\r\n".encode()

    with asyncio.Runner() as runner:
        opened = gateway(target, tmp_path, failures)
        port = runner.run(opened.__aenter__())

        @settings(max_examples=count(100, 1_000), **QUIETLY)
        @given(sent=WIRE)
        def send(sent: bytes) -> None:
            answer = runner.run(said(port, sent, tls))
            assert not answer.startswith(b"HTTP/1.1 5"), answer
            assert failures == []

        send()
        assert runner.run(said(port, good, trusting)).startswith(b"HTTP/1.1 401")
        runner.run(opened.__aexit__(None, None, None))


def test_no_depth_of_nesting_makes_it_fail(target: Target) -> None:
    for depth in (10, 1_000, 100_000):
        nested = b"[" * depth + b"]" * depth
        wrapped = b'{"value":' * depth + b"1" + b"}" * depth
        for body in (nested, wrapped, json.dumps({"value": "x" * depth}).encode()):
            target.shoot("PUT", VAULT, "/secrets/one", {"api-version": "7.6"}, body)
            target.shoot("POST", VAULT, "/keys/one/create", {"api-version": "7.6"}, body)
            target.shoot("PUT", ARM, VAULT_ID, {"api-version": "2023-07-01"}, body)
            target.shoot("POST", DIRECTORY, "/v1.0/groups", {}, body)
            target.shoot("POST", LOGIN, "/common/oauth2/v2.0/token", {}, body)
        deep = "(" * depth + ")" * depth
        for host, path in (
            (DIRECTORY, "/v1.0/users"),
            (ARM, f"{GROUP}/resources"),
            (DIRECTORY, "/v1.0" + "/x" * depth),
        ):
            target.shoot("GET", host, path, {"$filter": deep, "api-version": "2023-07-01"})
