"""What a client reads of Entra before it signs in: the clouds, a tenant's endpoints, the signing keys."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from declarative_kv.emulator.clouds import Cloud, cloud_of
from declarative_kv.emulator.era import since
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.store import Record
from declarative_kv.emulator.world import World

_INSTANCE = re.compile(r"/[^/]+/discovery/instance/?", re.IGNORECASE)
_CONFIGURATION = re.compile(r"/([^/]+)/(v2\.0/)?\.well-known/openid-configuration/?", re.IGNORECASE)
_KEYS = re.compile(r"/([^/]+)/discovery/(v2\.0/)?keys/?", re.IGNORECASE)
_ANY_TENANT = frozenset({"common", "organizations"})
# Recorded in January 2022, not yet in April 2021.
_KERBEROS_SINCE = "2021-10-01"
_CLAIMS = (
    *("sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host"),
    *("aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash"),
    *("c_hash", "email"),
)
_ALIASES = (
    ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ("login.microsoftonline.de",),
    ("login.microsoftonline.us", "login.usgovcloudapi.net"),
    ("login-us.microsoftonline.com",),
)


def answer_discovery(world: World, request: Request) -> Response | None:
    """The answer to a discovery request; None if the request is for something else."""
    if request.method != "GET":
        return None
    path = unquote(request.path)
    if _INSTANCE.fullmatch(path):
        return json_response(200, _instance(request))
    if match := _CONFIGURATION.fullmatch(path):
        return _configuration(world, request, match[1], new=match[2] is not None)
    if _KEYS.fullmatch(path):
        return json_response(200, {"keys": [world.keyring.published()]})
    return None


def tenant_of(world: World, name: str) -> Record | None:
    """The tenant of an id or of a domain name; read-only."""
    tenants = world.store.table("tenants")
    wanted = name.lower()
    if wanted in tenants:
        return tenants[wanted]
    return next((tenant for tenant in tenants.values() if tenant.get("defaultDomain") == wanted), None)


def _instance(request: Request) -> dict[str, Any]:
    endpoint = request.parameter("authorization_endpoint") or ""
    base = endpoint.removesuffix("/").removesuffix("/authorize").removesuffix("/oauth2/v2.0")
    metadata = []
    for aliases in _ALIASES:
        cached = "login.windows.net" if "login.windows.net" in aliases else aliases[0]
        metadata.append({"preferred_network": aliases[0], "preferred_cache": cached, "aliases": list(aliases)})
    return {
        "tenant_discovery_endpoint": f"{base}/v2.0/.well-known/openid-configuration",
        "api-version": request.parameter("api-version") or "1.1",
        "metadata": metadata,
    }


def _configuration(world: World, request: Request, name: str, *, new: bool) -> Response:
    tenant = tenant_of(world, name)
    if tenant is None and name.lower() not in _ANY_TENANT:
        text = (
            f"AADSTS90002: Tenant '{name}' not found. Check to make sure you have the correct tenant ID and "
            "are signing into the correct cloud. Check with your subscription administrator, this may happen "
            "if there are no active subscriptions for the tenant."
        )
        body = {"error": "invalid_tenant", "error_description": text, "error_codes": [90002]}
        return json_response(400, body)
    identifier = "{tenantid}" if tenant is None else tenant["tenantId"]
    segment = name.lower() if tenant is None else identifier
    found = _endpoints(cloud_of(request.host), request.host, segment, identifier, new=new)
    found["tenant_region_scope"] = None if tenant is None else tenant.get("regionScope", "EU")
    if not since(world, _KERBEROS_SINCE):
        del found["kerberos_endpoint"]
    return json_response(200, found)


def _endpoints(cloud: Cloud, host: str, segment: str, identifier: str, *, new: bool) -> dict[str, Any]:
    base, version = f"https://{host}/{segment}", "/v2.0" if new else ""
    issuer = f"https://{host}/{identifier}/v2.0" if new else f"https://sts.windows.net/{identifier}/"
    return {
        "token_endpoint": f"{base}/oauth2{version}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery{version}/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"https://{cloud.graph}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2{version}/authorize",
        "device_authorization_endpoint": f"{base}/oauth2{version}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2{version}/logout",
        "claims_supported": list(_CLAIMS),
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": None,
        "cloud_instance_name": cloud.instance,
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": cloud.graph,
        "rbac_url": "https://pas.windows.net",
    }
