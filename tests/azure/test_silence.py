"""What becomes of requests that nobody answers: cut connections, hosts that are not there, answers that do not come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import AzureError as SdkError
from azure.core.rest import HttpRequest

from declarative_kv.azure.patience import Patience
from declarative_kv.azure.session import Session, open_session
from declarative_kv.azure.tracing import Traced
from declarative_kv.azure.transport import shared_transport, was_reached
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import Unavailable
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import SecretSpec, VaultSpec
from tests.conftest import login_of
from tests.kinds.cases import GROUP, KINDS, VAULT

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Reads each request to its end; `answers` are given one a request, b"" cuts the connection instead."""

    def __init__(self, answers: list[bytes]) -> None:
        self.received: list[bytes] = []
        self._answers = answers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await self._head(reader):
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                self.received.append(head.partition(b" ")[0] + b" " + await reader.readexactly(length))
                answer = self._answers.pop(0) if self._answers else b""
                writer.write(answer)
                await writer.drain()
                if not answer:
                    return
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""


@asynccontextmanager
async def served(*answers: bytes) -> AsyncIterator[tuple[Any, str, Server]]:
    """The transport of a run over the network, and a server that answers so."""
    server = Server(list(answers))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, shared_transport(None, {}) as transport:
        yield transport, f"http://127.0.0.1:{port}/secrets/db", server


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
@pytest.mark.parametrize("before", [[], [OK]])
async def test_a_request_whose_connection_is_cut_is_sent_once_by_the_transport(
    method: str, before: list[bytes]
) -> None:
    """On a fresh connection and on one that was used before, as aiohttp itself would repeat it on both."""
    async with served(*before) as (transport, url, server):
        for _ in before:
            await transport.send(HttpRequest("GET", url))
        with pytest.raises(SdkError) as caught:
            await transport.send(HttpRequest(method, url, content=b"the value" if method == "PUT" else None))

    assert server.received[len(before) :] == [b"PUT the value" if method == "PUT" else method.encode() + b" "]
    assert was_reached(caught.value)


async def test_a_host_that_is_not_there_was_never_reached() -> None:
    async with served() as (transport, url, _):
        pass
    async with shared_transport(None, {}) as transport:
        with pytest.raises(SdkError) as caught:
            await transport.send(HttpRequest("GET", url))

    assert not was_reached(caught.value)


@asynccontextmanager
async def impatient(world: World, **seconds: float) -> AsyncIterator[tuple[Session, list[dict[str, Any]]]]:
    seen: list[dict[str, Any]] = []
    transport = InProcessTransport(Application(world), recorder=lambda entry: seen.append(dict(entry)))
    async with open_session(
        Cloud("emulator"), TENANT, transport=transport, credential=login_of(world), patience=Patience(**seconds)
    ) as session:
        yield session, seen


async def make_vault(session: Session, name: str) -> str:
    spec: VaultSpec = replace(VAULT, name=name, network=None, access="rbac")
    await KINDS["resource_group"].create(session, GROUP)
    await KINDS["vault"].create(session, spec)
    return KINDS["vault"].remote_id(spec)


async def test_an_answer_that_does_not_come_is_not_waited_for_but_asked_for_again(world: World) -> None:
    async with impatient(world, answer=0.5) as (session, _):
        vault = await make_vault(session, "kv-slow")
        await KINDS["secret"].create(session, SecretSpec(vault=vault, name="db", value=Sensitive("x")))
        world.fail("GET", "/secrets/db", delay=3600, times=2)
        answer = await session.vault(vault, "GET", "/secrets/db", operation="Reading")

    assert answer["value"] == "x"


async def test_a_value_whose_setting_is_not_answered_is_looked_for_before_it_is_set_again(world: World) -> None:
    async with impatient(world, answer=0.5) as (session, seen):
        vault = await make_vault(session, "kv-slow-put")
        await KINDS["secret"].create(session, SecretSpec(vault=vault, name="other", value=Sensitive("x")))
        before = len(seen)
        world.fail("PUT", "/secrets/db", delay=3600, times=1)
        await KINDS["secret"].create(session, SecretSpec(vault=vault, name="db", value=Sensitive("x")))

    # The request that was given up stays unanswered, and is in no log.
    assert [(one["method"], one["status"]) for one in seen[before:]] == [("GET", 404), ("PUT", 200)]


async def test_a_service_that_never_answers_is_unavailable_in_the_end(world: World) -> None:
    async with impatient(world, answer=0.05, request=20.0) as (session, _):
        vault = await make_vault(session, "kv-silent")
        world.fail("*", "/secrets/db", delay=3600)
        with pytest.raises(Unavailable) as caught:
            await session.vault(vault, "GET", "/secrets/db", operation="Reading")

    assert "No answer came within 0.05 seconds." in caught.value.diagnostics[0].detail


class Hurried(Traced):
    """The real transport, but nobody waits for its sleep; `slept` is how long they would have."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner, lambda *_: None)
        self.slept = 0.0

    async def sleep(self, duration: float) -> None:
        self.slept += duration


class Signed:
    """A credential that needs no sign-in."""

    async def get_token_info(self, *_: str, **__: Any) -> AccessTokenInfo:
        return AccessTokenInfo("token", 4102444800)


async def test_an_unreachable_host_is_given_up_sooner_than_one_that_fails() -> None:
    async with served() as (_, url, _):
        gone = url.removeprefix("http://").partition("/")[0]
    signed: Any = Signed()
    async with shared_transport(None, {}) as carrier:
        hurried = Hurried(carrier)
        cloud = Cloud("custom", resource_manager=f"https://{gone}")
        async with open_session(cloud, TENANT, transport=hurried, credential=signed) as session:
            with pytest.raises(Unavailable):
                await session.arm("GET", "/subscriptions", version="2022-12-01", operation="Reading")

    assert 10 < hurried.slept <= 30


async def test_many_requests_to_one_host_share_few_connections() -> None:
    opened, most = 0, asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        server = Server([OK] * 40)
        if opened == 32:
            most.set()
        await most.wait()
        await server.serve(reader, writer)

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, shared_transport(None, {}) as transport, asyncio.TaskGroup() as group:
        for _ in range(40):
            group.create_task(transport.send(HttpRequest("GET", f"http://127.0.0.1:{port}/")))
    assert opened == 32
