"""Who we are to Azure: one credential for all clients, asked once a scope, and which of its kinds spoke."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from declarative_kv.azure.pacing import Pace
from declarative_kv.azure.sign_in import unusable
from declarative_kv.model.document import Cloud
from declarative_kv.model.identity import Identity
from declarative_kv.model.secret import Sensitive

_EARLY: Final = 300
"""Seconds before its end at which a token is no longer used, as azure-core does."""
_NAMES: Final[Mapping[str, str]] = {
    "EnvironmentCredential": "environment variables",
    "WorkloadIdentityCredential": "workload identity",
    "ManagedIdentityCredential": "managed identity",
    "SharedTokenCacheCredential": "shared token cache",
    "VisualStudioCodeCredential": "Visual Studio Code",
    "AzureCliCredential": "Azure CLI",
    "AzurePowerShellCredential": "Azure PowerShell",
    "AzureDeveloperCliCredential": "Azure Developer CLI",
    "ClientSecretCredential": "client secret",
}


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """An application's own credential; `source` says in words where it came from."""

    tenant: str
    client_id: str
    secret: Sensitive
    source: str = "client secret"


class SharedCredential:
    """Wraps one asynchronous credential for all clients of a session.

    Every client has an authentication policy that asks for a token of its own; here they get the same one, and many
    that ask at a time cause one request. A challenge's claims always go through.
    """

    def __init__(self, inner: Any, tenant: str | None, source: str | None) -> None:
        self._inner = inner
        self._tenant = tenant
        self._source = source
        self._tokens: dict[tuple[Any, ...], Any] = {}
        self._asking: dict[tuple[Any, ...], asyncio.Lock] = {}

    @property
    def source(self) -> str:
        """In words, which credential gives the tokens."""
        if self._source is not None:
            return self._source
        # azure-identity tells which member of its chain spoke only through this attribute and its log.
        spoke = getattr(self._inner, "_successful_credential", None) or self._inner
        name = type(spoke).__name__
        return _NAMES.get(name, name)

    async def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> Any:
        """A token for the scopes, from memory where it is still good (azure-core's `AsyncSupportsTokenInfo`)."""
        asked = dict(options or {})
        if self._tenant and not asked.get("tenant_id"):
            asked["tenant_id"] = self._tenant
        key = (scopes, asked.get("tenant_id"), asked.get("enable_cae", False))
        async with self._asking.setdefault(key, asyncio.Lock()):
            if asked.get("claims") or not _is_good(self._tokens.get(key)):
                self._tokens[key] = await self._ask(scopes, asked)
            return self._tokens[key]

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        """The same in azure-core's older form."""
        from azure.core.credentials import AccessToken

        token = await self.get_token_info(*scopes, options={k: v for k, v in options.items() if v is not None})
        return AccessToken(token.token, int(token.expires_on))

    async def close(self) -> None:
        """Close the wrapped credential, where it can be."""
        close = getattr(self._inner, "close", None)
        if close is not None:
            await close()

    async def __aenter__(self) -> SharedCredential:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, scopes: tuple[str, ...], options: dict[str, Any]) -> Any:
        if hasattr(self._inner, "get_token_info"):
            return await self._inner.get_token_info(*scopes, options=options)
        return await self._inner.get_token(*scopes, **options)


def shared_credential(
    credential: Any, cloud: Cloud, tenant: str | None, transport: Any, pace: Pace
) -> SharedCredential:
    """The session's credential: the given one, an application's own, or azure-identity's default chain."""
    from declarative_kv.azure.retry import PatientRetry

    # By itself azure-identity gives up at the fourth try, seconds after the first.
    retry = partial(PatientRetry, pace)
    if isinstance(credential, ClientSecret):
        from azure.identity.aio import ClientSecretCredential

        inner: Any = ClientSecretCredential(
            credential.tenant,
            credential.client_id,
            credential.secret.reveal(),
            authority=cloud.authority,
            transport=transport,
            retry_policy_class=retry,
        )
        return SharedCredential(inner, tenant, credential.source)
    if credential is not None:
        return SharedCredential(credential, tenant, None)
    from azure.identity.aio import DefaultAzureCredential

    allowed = [tenant] if tenant else []
    try:
        inner = DefaultAzureCredential(
            authority=cloud.authority,
            transport=transport,
            retry_policy_class=retry,
            additionally_allowed_tenants=allowed,
        )
    except (ValueError, OSError) as error:  # it reads what the environment names at once: ids, a certificate's file
        raise unusable(str(error)) from error
    return SharedCredential(inner, tenant, None)


def read_identity(token: str, source: str) -> Identity:
    """Whom a Resource Manager token stands for; raises `ValueError` where it is not a JWT with an object id.

    The signature is not checked: Azure does that, we only read our own name in it.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("the access token is not a JWT")
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    object_id, tenant = claims.get("oid"), claims.get("tid")
    if not object_id or not tenant:
        raise ValueError("the access token names no object id or no tenant")
    app_id = claims.get("appid") or claims.get("azp")
    person = claims.get("upn") or claims.get("unique_name") or claims.get("preferred_username")
    is_user = claims.get("idtyp") == "user" or person is not None
    name = person or claims.get("app_displayname") or app_id or object_id
    return Identity(
        object_id=str(object_id).lower(),
        name=str(name),
        tenant=str(tenant).lower(),
        source=source,
        app_id=None if is_user or app_id is None else str(app_id).lower(),
        user=is_user,
    )


def _is_good(token: Any) -> bool:
    if token is None:
        return False
    now = time.time()
    refresh = getattr(token, "refresh_on", None)
    return token.expires_on - now > _EARLY and not (refresh and refresh <= now)
