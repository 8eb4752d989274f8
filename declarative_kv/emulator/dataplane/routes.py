"""The front of a vault's data plane: challenge, token, authorisation, then the operation the route names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import unquote

from declarative_kv.emulator.access.authz import Decision, check_vault
from declarative_kv.emulator.clouds import PUBLIC, cloud_of
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.limits import refuse_address, refuse_surplus
from declarative_kv.emulator.dataplane.operations import Operation, operation_at
from declarative_kv.emulator.directory import groups_of
from declarative_kv.emulator.entra.tokens import Caller, TokenError, bearer, issuer, verify
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault, not_emulated
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.store import Record
from declarative_kv.emulator.world import World

_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
_SERVICE_VERSION: Final = "1.9.3070.1"
# Key Vault's own application id is accepted as an audience, too.
_APPLICATION: Final = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
_UNRESOLVED: Final = Response(0, dropped=True)
# The web server in front of Key Vault refuses these in a path, whatever is behind it (recorded for %).
_DANGEROUS: Final = frozenset("<>*%&:\\?")


def answer_vault(world: World, request: Request) -> Response:
    """Answer one request to a vault's host; a host without a vault does not answer, as its name would not resolve."""
    vault = _vault_of(world, request)
    if vault is None:
        return _UNRESOLVED
    if not _DANGEROUS.isdisjoint(unquote(request.path)):
        return _dangerous(request)
    try:
        response = _answer(world, request, vault)
    except AzureFault as fault:
        return refuse_vault(world, request, fault)
    return Response(response.status, {**_headers(world, request, vault), **response.headers}, response.body)


def refuse_vault(world: World, request: Request, fault: AzureFault) -> Response:
    """The error as the request's vault would answer it."""
    vault = _vault_of(world, request)
    if vault is None:
        return _UNRESOLVED
    response = fault.response()
    headers = {**_headers(world, request, vault), **response.headers}
    if fault.status == 401 and not since(world, "2019-01-01"):
        # The challenges of 2018 have no body (recorded).
        return Response(401, {name: text for name, text in headers.items() if name != "content-type"})
    return Response(response.status, headers, response.body)


def _vault_of(world: World, request: Request) -> Record | None:
    """The vault of that name, once its name resolves: while it is registered it has no address."""
    vault = world.store.get("vaults", request.host.partition(".")[0])
    return None if vault is None or vault.get("ready_at", 0.0) > world.clock.now() else vault


def _answer(world: World, request: Request, vault: Mapping[str, Any]) -> Response:
    # The challenge comes before everything else: clients send their first request without token and body.
    caller = _caller(world, request, vault)
    refuse_address(world, vault, _described(world, caller), _named(vault))
    segments = tuple(part for part in unquote(request.path).split("/") if part)
    operation = operation_at(request.method, segments)
    if operation is None:
        raise not_emulated(request)
    if request.parameter("api-version") is None:
        raise AzureFault(400, "BadParameter", "The request does not say its api-version.")
    if len(segments) > 1 and _NAME.fullmatch(segments[1]) is None:
        raise AzureFault(400, "BadParameter", f"The request URI contains an invalid name: {segments[1]}")
    refuse_surplus(world, request, vault, operation, segments)
    decision = _authorise(world, caller, vault, operation, segments)
    # Parts of a write must not survive the refusal of the rest.
    with world.store.transaction():
        response = operation.run(VaultCall(world, request, vault, caller, segments))
    if decision.assignment is None:
        return response
    granted = {"x-ms-keyvault-rbac-assignment-id": decision.assignment.replace("-", "")}
    return Response(response.status, {**response.headers, **granted}, response.body)


def _dangerous(request: Request) -> Response:
    """What the web server answers by itself: a page, without any of Key Vault's headers (recorded)."""
    found = next(character for character in unquote(request.path) if character in _DANGEROUS)
    text = (
        "<!DOCTYPE html>\r\n<html><head><title>Runtime Error</title></head><body><h1>Server Error</h1>"
        f"<h2>A potentially dangerous Request.Path value was detected from the client ({escape(found)}).</h2>"
        "</body></html>\r\n"
    )
    return Response(400, {"content-type": "text/html; charset=utf-8"}, text.encode())


def _caller(world: World, request: Request, vault: Mapping[str, Any]) -> Caller:
    token = bearer(request.headers.get("authorization"))
    cloud = cloud_of(request.host)
    if token is None:
        raise _challenge(world, request, vault, _missing_token(world))
    try:
        caller = verify(world, token, (cloud.vault_audience, _APPLICATION), exact=True)
    except TokenError as error:
        # The texts for a malformed and for an expired token are known from issues, not recorded.
        texts = {
            "audience": f"AKV10022: Invalid audience. Expected {cloud.vault_audience}, found: {error.found}.",
            "expired": "[TokenExpired] Error validating token: 'S2S12086'.",
            "malformed": "[BearerReadAccessTokenFailed] Error validating token: 'IDX12709'.",
        }
        raise _challenge(world, request, vault, texts[error.reason]) from error
    tenant = vault["properties"]["tenantId"].lower()
    if caller.tenant.lower() != tenant:
        text = f"AKV10032: Invalid issuer. Expected one of {issuer(tenant)}, found {issuer(caller.tenant)}."
        raise _challenge(world, request, vault, text)
    return caller


def _missing_token(world: World) -> str:
    """The text as it grew over the years (recorded)."""
    if not since(world, "2021-06-01"):
        return "Request is missing a Bearer or PoP token."
    if not since(world, "2025-07-01"):
        return "AKV10000: Request is missing a Bearer or PoP token."
    return "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token."


def _challenge(world: World, request: Request, vault: Mapping[str, Any], message: str) -> AzureFault:
    cloud = cloud_of(request.host)
    tenant = vault["properties"]["tenantId"]
    # Until some day in 2023 the public cloud named its older login host (recorded).
    login = cloud.login if cloud is not PUBLIC or since(world, "2023-04-01") else "login.windows.net"
    value = f'Bearer authorization="https://{login}/{tenant}", resource="{cloud.vault_audience}"'
    return AzureFault(401, "Unauthorized", message, headers={"www-authenticate": value})


def _authorise(
    world: World, caller: Caller, vault: Mapping[str, Any], operation: Operation, segments: tuple[str, ...]
) -> Decision:
    """The decision that allows the operation; raises 403 with the text that Key Vault has for the vault's model."""
    action = f"Microsoft.KeyVault/vaults/{operation.action}"
    resource = vault["id"].lower()
    if operation.named:
        resource += f"/{segments[0].lower().removeprefix('deleted')}/{segments[1].lower()}"
    decision = check_vault(world, caller, vault, operation.permission, action, resource)
    if decision.allowed:
        return decision
    reason = decision.reason or "AccessDenied"
    text = _REFUSALS[reason].format(
        caller=_described(world, caller),
        permission=operation.permission.replace("/", " "),
        action=action,
        resource=resource,
        vault=_named(vault),
        denial="null" if decision.denied is None else f"'{decision.denied['name'].replace('-', '').lower()}'",
    )
    raise AzureFault(403, "Forbidden", text, inner=reason)


# Recorded texts, but AccessDenied's, which is quoted in an issue.
_REFUSALS: Final[Mapping[str, str]] = {
    "ForbiddenByPolicy": (
        "The user, group or application '{caller}' does not have {permission} permission on key vault '{vault}'. For "
        "help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
    ),
    "AccessDenied": ("Access denied. Caller was not found on any access policy.\r\nCaller: {caller}\r\nVault: {vault}"),
    "ForbiddenByRbac": (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
        "definitions were changed recently, please observe propagation time.\r\nCaller: {caller}\r\n"
        "Action: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: {denial}\r\n"
        "DecisionReason: null \r\nVault: {vault}\r\n"
    ),
}


def _described(world: World, caller: Caller) -> str:
    groups = len(groups_of(world, caller.object_id))
    counted = f"numgroups={groups};" if groups else ""
    return f"appid={caller.app_id};oid={caller.object_id};{counted}iss={issuer(caller.tenant)}"


def _named(vault: Mapping[str, Any]) -> str:
    return f"{vault['name']};location={_location(vault)}"


def _location(vault: Mapping[str, Any]) -> str:
    return str(vault["location"]).replace(" ", "").lower()


def _headers(world: World, request: Request, vault: Mapping[str, Any]) -> dict[str, str]:
    address = world.settings.public_ip
    headers = {
        "cache-control": "no-cache",
        "x-ms-keyvault-region": _location(vault),
        "x-ms-keyvault-service-version": _SERVICE_VERSION,
        "x-ms-keyvault-network-info": f"conn_type=Ipv4;addr={address};act_addr_fam=InterNetwork;",
        "x-ms-request-id": str(uuid.uuid4()),
    }
    client_id = request.headers.get("x-ms-client-request-id")
    if client_id is not None:
        headers["x-ms-client-request-id"] = client_id
    return headers
