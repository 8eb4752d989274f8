"""One run's way to Azure: lazily made clients over one transport and one credential, and the raw hot paths."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import quote, urlsplit

from declarative_kv.azure import clouds, ids
from declarative_kv.azure.credentials import ClientSecret, SharedCredential, read_identity, shared_credential
from declarative_kv.azure.errors import raised, translated
from declarative_kv.azure.pacing import Lane, Pace
from declarative_kv.azure.patience import Clock, OutOfTime, Patience, begin_change
from declarative_kv.azure.transport import Endpoint, shared_transport
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import AzureError, NotAuthenticated
from declarative_kv.model.identity import Identity
from declarative_kv.model.secret import Sensitive

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline.transport import AsyncHttpTransport
    from azure.core.rest import HttpRequest
    from azure.keyvault.secrets.aio import SecretClient
    from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient
    from azure.mgmt.keyvault.aio import KeyVaultManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient

    from declarative_kv.azure.guarded import Guarded
    from declarative_kv.azure.tracing import Trace

KEY_VAULT: Final = "2026-02-01"
"""The API version of vaults on Resource Manager; older ones retire in February 2027."""
SECRETS: Final = "2025-07-01"
AUTHORIZATION: Final = "2022-04-01"
RESOURCES: Final = "2025-04-01"
SUBSCRIPTIONS: Final = "2022-12-01"

_T = TypeVar("_T")


class Session:
    """Open one with `open_session`. Clients are made when first asked for, and closed with the session.

    `guarded` is the transport below the pacing. `memo` keeps facts of the run that several kinds need (see `known`);
    `poll_seconds` is how often a typed long-running call asks again where Azure does not say.
    """

    def __init__(
        self,
        cloud: Cloud,
        tenant: str | None,
        credential: SharedCredential,
        transport: Any,
        pace: Pace,
        *,
        guarded: Guarded,
        poll_seconds: float,
    ) -> None:
        self.cloud = cloud
        self.tenant = tenant
        self.memo: dict[Any, Any] = {}
        self.guarded = guarded
        self._credential = credential
        self._transport = transport
        self._pace = pace
        self.poll_seconds = poll_seconds
        self._clients: dict[tuple[str, str], Any] = {}
        self._lanes: dict[str, Lane] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def identity(self) -> Identity:
        """Who is signed in, from the Resource Manager token; raises `NotAuthenticated`."""
        operation = "Signing in"
        scope = clouds.resource_manager_scope(self.cloud)
        with translated(operation):
            token = await self._credential.get_token_info(scope)
        try:
            return read_identity(token.token, self._credential.source)
        except ValueError as error:
            diagnostic = Diagnostic("not-authenticated", "Azure does not know who is asking", f"{operation}: {error}.")
            raise NotAuthenticated(diagnostic, operation=operation) from error

    def vaults(self, subscription: str) -> KeyVaultManagementClient:
        """The client for vaults and their access policies."""

        def make() -> Any:
            from azure.mgmt.keyvault.aio import KeyVaultManagementClient

            return KeyVaultManagementClient(self._login(), subscription, api_version=KEY_VAULT, **self._arm_options())

        client: KeyVaultManagementClient = self._client("vaults", subscription, make)
        return client

    def authorization(self, subscription: str) -> AuthorizationManagementClient:
        """The client for role assignments and definitions (its API version is fixed: 2022-04-01)."""

        def make() -> Any:
            from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient

            return AuthorizationManagementClient(self._login(), subscription, **self._arm_options())

        client: AuthorizationManagementClient = self._client("authorization", subscription, make)
        return client

    def resources(self, subscription: str) -> ResourceManagementClient:
        """The client for resource groups."""

        def make() -> Any:
            from azure.mgmt.resource.resources.aio import ResourceManagementClient

            return ResourceManagementClient(self._login(), subscription, api_version=RESOURCES, **self._arm_options())

        client: ResourceManagementClient = self._client("resources", subscription, make)
        return client

    def secrets(self, vault_id: str) -> SecretClient:
        """The data-plane client of one vault."""

        def make() -> Any:
            from azure.keyvault.secrets.aio import SecretClient

            uri = self.vault_uri(vault_id)
            self._pace.lies_in(uri, ids.parse_vault(vault_id).subscription)
            return SecretClient(uri, self._login(), api_version=SECRETS, **self._options())

        client: SecretClient = self._client("secrets", vault_id.lower(), make)
        return client

    @property
    def credential(self) -> AsyncTokenCredential:
        """The run's sign-in, for clients of other services."""
        return self._login()

    def vault_uri(self, vault_id: str) -> str:
        """The data-plane address of the vault with that ARM id, without trailing slash."""
        return clouds.vault_uri(self.cloud, ids.parse_vault(vault_id).name)

    @property
    def stop(self) -> asyncio.Event:
        """Set it to end the run: nothing waits for a limit or tries again any longer, and what is in flight ends."""
        return self._pace.clock.stop

    def begin_change(self) -> None:
        """What this task asks for from now on is one change: it has so much time for what goes wrong."""
        begin_change(self._pace.patience.change)

    async def rest(self, seconds: float) -> bool:
        """Wait for what may never come; false, and at once, where the run is stopped."""
        try:
            await self._pace.clock.sleep(seconds)
        except OutOfTime:
            return False
        return True

    async def pause(self, seconds: float) -> None:
        """Wait as the transport waits: an emulator in process does not."""
        await self._transport.sleep(seconds)

    def alone(self, identifier: str) -> asyncio.Lock:
        """A lock for writes that Azure does not take side by side, by the id of what they change."""
        return self._locks.setdefault(identifier.lower(), asyncio.Lock())

    async def known(self, key: Any, make: Callable[[], Awaitable[_T]]) -> _T:
        """The fact of that key, made at most once a run; drop it from `memo` where a write outdates it."""
        async with self.alone(f"memo {key}"):
            if key not in self.memo:
                self.memo[key] = await make()
            fact: _T = self.memo[key]
            return fact

    def forget(self, *key: str) -> None:
        """Drop every fact whose key begins so: a write has outdated it."""
        for one in [one for one in self.memo if one[: len(key)] == key]:
            self.memo.pop(one)

    async def send(
        self, client: Any, request: HttpRequest, *, operation: str, hide: Sensitive | None = None, once: bool = False
    ) -> Any:
        """Send a raw request through a client's own pipeline; gives the JSON of the answer, None where it has none.

        Raises `AzureError`. `hide` is a value that no message may repeat; `once` keeps a request that is not
        idempotent from being repeated unless Azure surely did not carry it out.
        """
        options = {"once": True} if once else {}
        with translated(operation, hide=hide):
            response = await client.send_request(request, **options)
        if response.status_code >= 400:
            raise raised(response, operation, hide=hide)
        try:
            return response.json() if response.content else None
        except ValueError as error:
            summary = "Azure did not answer in the form that it documents"
            raise AzureError(Diagnostic("azure-error", summary, f"{operation}: the answer is no JSON.")) from error

    async def arm(
        self, method: str, path: str, *, version: str, operation: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """A raw Resource Manager request; `path` is an ARM id or begins with one, not encoded."""
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, self._arm_url(path, version, ""), json=body)
        return await self.send(self._raw_arm(), request, operation=operation)

    async def vault(
        self,
        vault_id: str,
        method: str,
        path: str,
        *,
        operation: str,
        body: Mapping[str, Any] | None = None,
        hide: Sensitive | None = None,
        once: bool = False,
    ) -> Any:
        """A raw data-plane request to a vault, within its limit of requests in flight."""
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, path, json=body)
        async with self._lane(vault_id).turn():
            return await self.send(self.secrets(vault_id), request, operation=operation, hide=hide, once=once)

    async def arm_pages(self, path: str, *, version: str, operation: str, where: str = "") -> AsyncIterator[list[Any]]:
        """The pages of a Resource Manager list, to its end, however short or empty some are; `where` filters it."""
        first = self._arm_url(path, version, where)
        async for page in self._pages(self._raw_arm(), first, None, operation):
            yield page

    async def vault_pages(self, vault_id: str, path: str, *, operation: str) -> AsyncIterator[list[Any]]:
        """The pages of a data-plane list, to its end, however short or empty some are."""
        first = f"{self.vault_uri(vault_id)}{path}"
        async for page in self._pages(self.secrets(vault_id), first, self._lane(vault_id), operation):
            yield page

    async def graph(self, path: str, *, operation: str, body: Mapping[str, Any] | None = None) -> Any:
        """A GET of Microsoft Graph v1.0, with a `body` a POST; `path` begins with a slash and is encoded already."""
        from azure.core.rest import HttpRequest

        client = self._raw("graph", clouds.graph_scope(self.cloud))
        method = "GET" if body is None else "POST"
        url = path if path.startswith(self.cloud.graph) else f"{self.cloud.graph}/v1.0{path}"
        return await self.send(client, HttpRequest(method, url, json=body), operation=operation)

    async def graph_pages(self, path: str, *, operation: str) -> AsyncIterator[list[Any]]:
        """The pages of a list of Microsoft Graph, to its end."""
        first = f"{self.cloud.graph}/v1.0{path}"
        url: str | None = first
        while url:
            _same_host(url, first, operation)
            answer = await self.graph(url, operation=operation)
            yield answer.get("value") or []
            url = answer.get("@odata.nextLink")

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients.values():
            await client.close()

    async def _pages(self, client: Any, first: str, lane: Lane | None, operation: str) -> AsyncIterator[list[Any]]:
        from azure.core.rest import HttpRequest

        url: str | None = first
        while url:
            _same_host(url, first, operation)
            request = HttpRequest("GET", url)
            if lane is None:
                answer = await self.send(client, request, operation=operation)
            else:
                async with lane.turn():
                    answer = await self.send(client, request, operation=operation)
            yield answer.get("value") or []
            url = answer.get("nextLink")

    def _arm_url(self, path: str, version: str, where: str) -> str:
        query = f"&$filter={quote(where)}" if where else ""
        return f"{self.cloud.resource_manager}{ids.encoded(path)}?api-version={version}{query}"

    def _client(self, kind: str, key: str, make: Callable[[], Any]) -> Any:
        if (kind, key) not in self._clients:
            self._clients[kind, key] = make()
        return self._clients[kind, key]

    def _raw_arm(self) -> Any:
        return self._raw("arm", clouds.resource_manager_scope(self.cloud))

    def _raw(self, kind: str, scope: str) -> Any:
        """An azure-core pipeline for one audience, for the calls that no typed client makes cheaply."""

        def make() -> Any:
            from azure.core import AsyncPipelineClient
            from azure.core.pipeline import policies

            retry = self._options()["retry_policy"]
            login = policies.AsyncBearerTokenCredentialPolicy(self._login(), scope)
            steps = [policies.RequestIdPolicy(), policies.UserAgentPolicy("declarative-kv"), retry, login]
            return AsyncPipelineClient("", transport=self._transport, policies=steps)

        return self._client(kind, "", make)

    def _lane(self, vault_id: str) -> Lane:
        return self._lanes.setdefault(vault_id.lower(), Lane())

    def _login(self) -> AsyncTokenCredential:
        # azure-core has two protocols of credentials, and its clients take either, though their types say one.
        return cast("AsyncTokenCredential", self._credential)

    def _options(self) -> dict[str, Any]:
        from declarative_kv.azure.retry import PatientRetry

        retry = PatientRetry(self._pace)
        return {"transport": self._transport, "retry_policy": retry, "user_agent": "declarative-kv"}

    def _arm_options(self) -> dict[str, Any]:
        scopes = [clouds.resource_manager_scope(self.cloud)]
        return {**self._options(), "base_url": self.cloud.resource_manager, "credential_scopes": scopes}


@asynccontextmanager
async def open_session(
    cloud: Cloud,
    tenant: str | None,
    *,
    transport: AsyncHttpTransport[Any, Any] | None = None,
    proxy: Endpoint | None = None,
    credential: AsyncTokenCredential | ClientSecret | None = None,
    environ: Mapping[str, str] = os.environ,
    trace: Trace | None = None,
    limited: bool = True,
    patience: Patience | None = None,
) -> AsyncIterator[Session]:
    """A session over `transport` (an emulator in process), over the `proxy` of a running one, or over the network.

    Nothing is asked before the first call. `credential` is azure-identity's default chain unless given. `trace` is told
    of every request. Azure's published limits are kept to unless `limited` is false.
    """
    from declarative_kv.azure.guarded import Guarded
    from declarative_kv.azure.paced import Paced

    _leave_words_to_errors()
    async with AsyncExitStack() as stack:
        carrier: Any = transport or await stack.enter_async_context(shared_transport(proxy, environ))
        if trace is not None:
            from declarative_kv.azure.tracing import Traced

            carrier = Traced(carrier, trace)
        guarded = carrier = Guarded(carrier, cloud.authority)
        pace = Pace(Clock(carrier.sleep), cloud.resource_manager, limited=limited, patience=patience)
        carrier = Paced(carrier, pace)
        shared = shared_credential(credential, cloud, tenant, carrier, pace)
        stack.push_async_callback(shared.close)
        near = transport is not None or proxy is not None
        session = Session(cloud, tenant, shared, carrier, pace, guarded=guarded, poll_seconds=0.05 if near else 3.0)
        stack.push_async_callback(session.close)
        yield session


def _leave_words_to_errors() -> None:
    """Keep the SDKs' log from standard error where nobody set logging up: what it says stands in our errors too."""
    logger = logging.getLogger("azure")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _same_host(url: str, first: str, operation: str) -> None:
    """Raise `AzureError` where a list goes on at another host: our token is for this one."""
    if urlsplit(url).hostname != urlsplit(first).hostname:
        summary = "Azure did not answer in the form that it documents"
        raise AzureError(Diagnostic("azure-error", summary, f"{operation}: the list goes on at another host."))
