"""The one HTTP session of a run, shared by the credential and every client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

_CONNECTIONS: Final = 256
_PER_HOST: Final = 32
_IDLE: Final = 2.0
"""Seconds for which a connection that nobody uses stays open. Each takes 300 KB, and a run has hundreds of vaults."""
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running emulator: its proxy's URL, and the file of the authority that signs its certificates."""

    url: str
    ca_file: str


@asynccontextmanager
async def shared_transport(proxy: Endpoint | None, environ: Mapping[str, str]) -> AsyncIterator[Any]:
    """An azure-core transport over one aiohttp session.

    With `proxy`, everything goes there and the environment's proxies are not asked; without, `HTTPS_PROXY`, `NO_PROXY`
    and the certificate bundles that other Azure tools honour apply. One TLS context serves all connections: left to the
    SDK, each request would build its own. `DkvError` where the environment's proxy or bundle cannot be used.
    """
    import aiohttp
    from azure.core.pipeline.transport import AioHttpTransport

    if proxy is None:
        _check_proxies(environ)
    connector = aiohttp.TCPConnector(
        ssl=_context(proxy, environ), limit=_CONNECTIONS, limit_per_host=_PER_HOST, keepalive_timeout=_IDLE
    )
    async with aiohttp.ClientSession(
        connector=connector,
        trust_env=proxy is None,
        proxy=proxy.url if proxy else None,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_sent_once,),
    ) as session:
        yield AioHttpTransport(session=session, session_owner=False)


async def _sent_once(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from sending a request again by itself.

    It repeats a PUT or DELETE whose connection ends before an answer, whether the server has carried it out or not,
    and a secret that is set twice has two versions. Repeating is for our own retry, which knows what may be.
    """
    import aiohttp

    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def was_reached(error: Exception) -> bool:
    """Whether a request that azure-core gave up may have come to the server; false: there was no connection."""
    import aiohttp
    from azure.core.exceptions import ServiceRequestTimeoutError

    inner = getattr(error, "inner_exception", None)
    return not isinstance(error, ServiceRequestTimeoutError) and not isinstance(inner, aiohttp.ClientConnectorError)


def _context(proxy: Endpoint | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    if proxy is not None:
        return ssl.create_default_context(cafile=proxy.ca_file)
    context = ssl.create_default_context()
    # OpenSSL reads SSL_CERT_FILE itself; these two are what az and most Python tools go by.
    bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    if bundle:
        try:
            context.load_verify_locations(cafile=bundle)
        except OSError as error:
            name = "REQUESTS_CA_BUNDLE" if environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
            why = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror
            raise _unusable(name, f"{bundle}: {why}") from error
    return context


def _check_proxies(environ: Mapping[str, str]) -> None:
    """Refuse a proxy's address that is no URL. It may hold a password, so it is not repeated."""
    for name in _PROXIES:
        if (value := environ.get(name)) and not _is_proxy(value):
            raise _unusable(name, "it is not an address such as http://proxy.contoso.example:8080")


def _is_proxy(value: str) -> bool:
    try:
        url = urlsplit(value)
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        return False


def _unusable(name: str, why: str) -> DkvError:
    detail = f"The environment variable {name} is set, and cannot be used: {why}."
    hint = f"Correct it, or go on without it:\n    unset {name}"
    return DkvError(Diagnostic("network-setting", "The network's settings cannot be used", detail, hint))
