"""The in-process transport carries what the real SDK pipelines send, and answers what they expect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.core import AsyncPipelineClient
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.core.pipeline import AsyncPipeline
from azure.core.pipeline.policies import AsyncRetryPolicy, ContentDecodePolicy
from azure.core.pipeline.transport import HttpRequest as LegacyHttpRequest
from azure.core.rest import HttpRequest

from declarative_kv.emulator.host.request_log import Recorder
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.transport import InProcessTransport

VAULT = "https://kv-one.vault.azure.net"


class Echo:
    """Answers every request with what it was asked; `scripted` answers come first."""

    def __init__(self, *scripted: Response) -> None:
        self.asked: list[Request] = []
        self.scripted = list(scripted)

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        if self.scripted:
            return self.scripted.pop(0)
        return json_response(200, {"method": request.method, "body": request.body.decode()})


def over(application: Echo, *, recorder: Recorder | None = None, **options: Any) -> AsyncPipelineClient[Any, Any]:
    transport = InProcessTransport(application, recorder=recorder)
    return AsyncPipelineClient("", transport=transport, **options)


async def test_a_request_reaches_the_application_decoded() -> None:
    echo = Echo()
    client = over(echo)
    url = f"{VAULT}/secrets/Db%20One?api%2Dversion=7.4&maxresults=25"
    response = await client.send_request(HttpRequest("PUT", url, json={"value": "x"}, headers={"X-Ms-A": "b"}))

    assert response.json() == {"method": "PUT", "body": '{"value": "x"}'}
    (asked,) = echo.asked
    assert (asked.host, asked.path) == ("kv-one.vault.azure.net", "/secrets/Db%20One")
    assert asked.parameter("api-version") == "7.4"
    assert asked.headers["x-ms-a"] == "b"


async def test_an_older_request_sends_a_form_and_reads_its_answer() -> None:
    echo = Echo()
    pipeline: AsyncPipeline[Any, Any] = AsyncPipeline(InProcessTransport(echo), [ContentDecodePolicy()])
    form: dict[str, str | int] = {"client_id": "a", "scope": "https://vault.azure.net/.default"}
    request = LegacyHttpRequest("POST", "https://login.microsoftonline.com/t/oauth2/v2.0/token", data=form)
    answer = await pipeline.run(request)

    assert json.loads(answer.http_response.text())["body"] == (
        "client_id=a&scope=https%3A%2F%2Fvault.azure.net%2F.default"
    )
    assert answer.http_response.headers["CONTENT-TYPE"].startswith("application/json")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"abc", "bytes"), ("abc", "text"), (iter([b"a", b"bc"]), "an iterator")],
)
async def test_a_body_arrives_whole(content: Any, reason: str) -> None:
    echo = Echo()
    client = over(echo)
    await client.send_request(HttpRequest("POST", f"{VAULT}/secrets/restore", content=content))
    assert echo.asked[0].body == b"abc", reason


async def test_a_streamed_answer_is_read_in_chunks() -> None:
    client = over(Echo(Response(200, {}, b"payload")))
    response = await client.send_request(HttpRequest("GET", f"{VAULT}/secrets"), stream=True)
    assert not response.is_closed
    assert b"".join([chunk async for chunk in response.iter_bytes()]) == b"payload"
    assert response.is_closed


async def test_an_error_status_raises_the_sdks_error() -> None:
    refused = json_response(403, {"error": {"code": "Forbidden", "message": "no right"}})
    client = over(Echo(refused))
    response = await client.send_request(HttpRequest("GET", f"{VAULT}/secrets"))
    with pytest.raises(HttpResponseError, match="no right") as raised:
        response.raise_for_status()
    assert raised.value.status_code == 403


async def test_retries_wait_no_real_time() -> None:
    echo = Echo(json_response(429, {}, {"Retry-After": "3600"}))
    client = over(echo, policies=[AsyncRetryPolicy()])
    response = await client.send_request(HttpRequest("GET", f"{VAULT}/secrets"))
    assert response.status_code == 200
    assert len(echo.asked) == 2


async def test_a_dropped_connection_is_a_request_error() -> None:
    client = over(Echo(Response(0, dropped=True)), policies=[])
    with pytest.raises(ServiceRequestError, match="disconnected"):
        await client.send_request(HttpRequest("GET", f"{VAULT}/secrets"))


@pytest.mark.parametrize(
    "host",
    ["example.com", "vault.azure.net", "a.b.vault.azure.net", "kv.vault.azure.net.example.com", "127.0.0.1"],
)
async def test_a_host_that_is_not_azures_is_refused(host: str) -> None:
    echo = Echo()
    client = over(echo, policies=[])
    with pytest.raises(ServiceRequestError, match="does not stand in for"):
        await client.send_request(HttpRequest("GET", f"https://{host}/"))
    assert echo.asked == []


async def test_the_recorder_sees_every_request_without_body_or_token() -> None:
    entries: list[dict[str, Any]] = []
    client = over(Echo(), recorder=entries.append)
    request = HttpRequest(
        "PUT",
        f"{VAULT}/secrets/a?api-version=7.4&$skiptoken=x",
        content=b"s3cret",
        headers={"Authorization": "t0ken"},
    )
    await client.send_request(request)

    (entry,) = entries
    assert set(entry) == {"t", "host", "method", "path", "query", "status", "ms", "client"}
    assert (entry["method"], entry["path"], entry["status"]) == ("PUT", "/secrets/a", 200)
    assert entry["query"] == "api-version=7.4&$skiptoken=x"
    assert "s3cret" not in str(entry)
    assert "t0ken" not in str(entry)
