"""The one HTTP session of a run, shared by the credential and every client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

_CONNECTIONS: Final = 256


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
    SDK, each request would build its own.
    """
    import aiohttp
    from azure.core.pipeline.transport import AioHttpTransport

    connector = aiohttp.TCPConnector(ssl=_context(proxy, environ), limit=_CONNECTIONS)
    async with aiohttp.ClientSession(
        connector=connector,
        trust_env=proxy is None,
        proxy=proxy.url if proxy else None,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield AioHttpTransport(session=session, session_owner=False)


def _context(proxy: Endpoint | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    if proxy is not None:
        return ssl.create_default_context(cafile=proxy.ca_file)
    context = ssl.create_default_context()
    # OpenSSL reads SSL_CERT_FILE itself; these two are what az and most Python tools go by.
    bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    if bundle:
        context.load_verify_locations(cafile=bundle)
    return context
