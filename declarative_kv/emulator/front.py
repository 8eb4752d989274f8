"""The front of Resource Manager: what it answers without a token, and how it refuses a bad one."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from declarative_kv.emulator.clouds import Cloud, cloud_of
from declarative_kv.emulator.entra.tokens import Caller, TokenError, bearer, issuer, verify
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.world import World

_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/]+)(?:/|$)", re.IGNORECASE)


def answer_metadata(request: Request) -> Response | None:
    """The endpoints of the cloud, which anybody may read; None if the request is for something else."""
    if request.method != "GET" or request.path.rstrip("/").lower() != "/metadata/endpoints":
        return None
    described = _endpoints(cloud_of(request.host))
    # Terraform asks with 2022-09-01 and reads one cloud; what older versions answer, a list, is unverified.
    if (request.parameter("api-version") or "9999") >= "2022-09-01":
        return json_response(200, described)
    return json_response(200, [described])


def resource_manager_caller(world: World, request: Request) -> Caller:
    """Who calls Resource Manager; raises 401 with a pointer to the tenant (the texts are known from issues)."""
    tenant = _tenant_of(world, request.path)
    token = bearer(request.headers.get("authorization"))
    if token is None:
        text = "Authentication failed. The 'Authorization' header is missing."
        raise _refused(request, tenant, "AuthenticationFailed", text)
    audiences = cloud_of(request.host).resource_manager_audiences
    try:
        caller = verify(world, token, audiences)
    except TokenError as error:
        refusals = {
            "malformed": ("InvalidAuthenticationToken", "The access token is invalid."),
            "expired": ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now."),
            "audience": (
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{error.found}'. It should "
                f"exactly match with one of the allowed audiences {_quoted(audiences)}.",
            ),
        }
        raise _refused(request, tenant, *refusals[error.reason]) from error
    if tenant is not None and caller.tenant != tenant:
        text = (
            f"The access token is from the wrong issuer '{issuer(caller.tenant)}'. It must match the tenant "
            f"'{issuer(tenant)}' associated with this subscription. Please use the authority (URL) "
            f"'https://{cloud_of(request.host).login}/{tenant}' to get the token."
        )
        raise _refused(request, tenant, "InvalidAuthenticationTokenTenant", text)
    return caller


def common_headers(request: Request) -> dict[str, str]:
    """What Resource Manager and Graph put on every answer."""
    identifier = str(uuid.uuid4())
    headers = {
        "cache-control": "no-cache",
        "pragma": "no-cache",
        "x-ms-request-id": identifier,
        "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id", identifier),
        "strict-transport-security": "max-age=31536000; includeSubDomains",
        "x-content-type-options": "nosniff",
    }
    client_id = request.headers.get("x-ms-client-request-id")
    if client_id is not None:
        headers["x-ms-client-request-id"] = client_id
    return headers


def _tenant_of(world: World, path: str) -> str | None:
    match = _SUBSCRIPTION.match(path)
    record = None if match is None else world.store.get("subscriptions", match[1].lower())
    return None if record is None else str(record["tenantId"])


def _refused(request: Request, tenant: str | None, code: str, text: str) -> AzureFault:
    authority = f"https://{cloud_of(request.host).login}/{tenant or 'common'}"
    challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{text}"'
    headers = {"www-authenticate": challenge, "x-ms-failure-cause": "gateway"}
    return AzureFault(401, code, text, headers=headers)


def _quoted(audiences: frozenset[str]) -> str:
    return ",".join(f"'{audience}{end}'" for audience in sorted(audiences) for end in ("", "/"))


def _endpoints(cloud: Cloud) -> dict[str, Any]:
    suffix = cloud.vault_suffix.removeprefix(".")
    return {
        "name": cloud.name,
        "portal": f"https://{cloud.portal}",
        "resourceManager": f"https://{cloud.resource_manager}/",
        "microsoftGraphResourceId": f"{cloud.graph_audience}/",
        "authentication": {
            "loginEndpoint": f"https://{cloud.login}/",
            "audiences": [f"{name}/" for name in sorted(cloud.resource_manager_audiences, reverse=True)],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {"keyVaultDns": suffix, "storage": cloud.storage_suffix},
    }
