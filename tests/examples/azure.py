"""What Azure holds, asked with Azure's own clients as any other program would: through the emulator's proxy."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.mgmt.authorization.aio import AuthorizationManagementClient
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from declarative_kv.emulator.host import process

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"


@dataclass(frozen=True)
class Clients:
    """The clients of the subscription, and a client for each vault on request."""

    vaults: KeyVaultManagementClient
    authorization: AuthorizationManagementClient
    resources: ResourceManagementClient
    _secrets: Any
    deployer: str
    """The object id that the clients and `dkv` sign in as."""

    async def secrets(self, vault: str) -> SecretClient:
        """A client of the vault's secrets, closed with the others."""
        client: SecretClient = await self._secrets(vault)
        return client


@asynccontextmanager
async def clients_of(folder: Path) -> AsyncIterator[Clients]:
    """The clients of the running emulator in `folder`, signed in as its main identity."""
    variables = process.exported(folder)
    context = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(ssl=context)
        session = aiohttp.ClientSession(
            proxy=variables["HTTPS_PROXY"], connector=connector, auto_decompress=False, trust_env=False
        )
        transport: Any = AioHttpTransport(session=await stack.enter_async_context(session), session_owner=False)
        credential: Any = await stack.enter_async_context(
            ClientSecretCredential(
                variables["AZURE_TENANT_ID"],
                variables["AZURE_CLIENT_ID"],
                variables["AZURE_CLIENT_SECRET"],
                transport=transport,
            )
        )

        async def secrets(vault: str) -> SecretClient:
            url = f"https://{vault}.vault.azure.net"
            return await stack.enter_async_context(SecretClient(url, credential, transport=transport))

        async def opened(kind: Any) -> Any:
            return await stack.enter_async_context(kind(credential, SUBSCRIPTION, transport=transport))

        yield Clients(
            vaults=await opened(KeyVaultManagementClient),
            authorization=await opened(AuthorizationManagementClient),
            resources=await opened(ResourceManagementClient),
            _secrets=secrets,
            deployer=variables["DKV_EMULATOR_OBJECT_ID"],
        )
