"""The front of a vault's data plane: challenge, token, authorisation, then the operation the route names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from declarative_kv.emulator.access.authz import Decision, check_vault
from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.dataplane import backup, deleted, secrets
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.directory import groups_of
from declarative_kv.emulator.entra.tokens import Caller, TokenError, bearer, issuer, verify
from declarative_kv.emulator.errors import AzureFault, not_emulated
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.store import Record
from declarative_kv.emulator.world import World

_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
_SERVICE_VERSION: Final = "1.9.3070.1"
# Key Vault's own application id is accepted as an audience, too.
_APPLICATION: Final = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
_SECRETS: Final = "Microsoft.KeyVault/vaults/secrets/"


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route does, and the right it needs: `permission` in a policy's words, `action` in a role's."""

    permission: str
    action: str
    run: Callable[[VaultCall], Response]


# Method and shape of the path; `*` is a name or a version.
_ROUTES: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "secrets"): Operation("list", "readMetadata/action", secrets.list_secrets),
    ("PUT", "secrets/*"): Operation("set", "setSecret/action", secrets.set_secret),
    ("GET", "secrets/*"): Operation("get", "getSecret/action", secrets.get_secret),
    ("GET", "secrets/*/*"): Operation("get", "getSecret/action", secrets.get_secret),
    ("PATCH", "secrets/*"): Operation("set", "update/action", secrets.change_secret),
    ("PATCH", "secrets/*/*"): Operation("set", "update/action", secrets.change_secret),
    ("GET", "secrets/*/versions"): Operation("list", "readMetadata/action", secrets.list_versions),
    ("DELETE", "secrets/*"): Operation("delete", "delete", deleted.delete_secret),
    ("POST", "secrets/*/backup"): Operation("backup", "backup/action", backup.back_up),
    ("POST", "secrets/restore"): Operation("restore", "restore/action", backup.restore),
    ("GET", "deletedsecrets"): Operation("list", "readMetadata/action", deleted.list_deleted),
    ("GET", "deletedsecrets/*"): Operation("get", "readMetadata/action", deleted.get_deleted),
    ("DELETE", "deletedsecrets/*"): Operation("purge", "purge/action", deleted.purge_deleted),
    ("POST", "deletedsecrets/*/recover"): Operation("recover", "recover/action", deleted.recover_deleted),
}
_UNRESOLVED: Final = Response(0, dropped=True)
_VERBS: Final = frozenset({"versions", "backup", "recover"})


def answer_vault(world: World, request: Request) -> Response:
    """Answer one request to a vault's host; a host without a vault does not answer, as its name would not resolve."""
    vault = _vault_of(world, request)
    if vault is None:
        return _UNRESOLVED
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
    return Response(response.status, {**_headers(world, request, vault), **response.headers}, response.body)


def _vault_of(world: World, request: Request) -> Record | None:
    return world.store.get("vaults", request.host.partition(".")[0])


def _answer(world: World, request: Request, vault: Mapping[str, Any]) -> Response:
    # The challenge comes before everything else: clients send their first request without token and body.
    caller = _caller(world, request, vault)
    segments = tuple(part for part in unquote(request.path).split("/") if part)
    operation = _ROUTES.get((request.method, _shape(request.method, segments)))
    if operation is None:
        raise not_emulated(request)
    if request.parameter("api-version") is None:
        raise AzureFault(400, "BadParameter", "The request does not say its api-version.")
    if len(segments) > 1 and _NAME.fullmatch(segments[1]) is None:
        raise AzureFault(400, "BadParameter", f"The request URI contains an invalid name: {segments[1]}")
    decision = _authorise(world, caller, vault, operation, segments)
    # Parts of a write must not survive the refusal of the rest.
    with world.store.transaction():
        response = operation.run(VaultCall(world, request, vault, caller, segments))
    if decision.assignment is None:
        return response
    granted = {"x-ms-keyvault-rbac-assignment-id": decision.assignment.replace("-", "")}
    return Response(response.status, {**response.headers, **granted}, response.body)


def _shape(method: str, segments: tuple[str, ...]) -> str:
    """The path's shape as `_ROUTES` spells it."""
    if not segments:
        return ""
    collection, rest = segments[0].lower(), segments[1:]
    if method == "POST" and [part.lower() for part in rest] == ["restore"]:
        return f"{collection}/restore"
    verb = rest[1].lower() if len(rest) == 2 else ""
    if verb in _VERBS:
        return f"{collection}/*/{verb}"
    return "/".join((collection, *("*" for _ in rest)))


def _caller(world: World, request: Request, vault: Mapping[str, Any]) -> Caller:
    token = bearer(request.headers.get("authorization"))
    cloud = cloud_of(request.host)
    if token is None:
        text = "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token."
        raise _challenge(request, vault, text)
    try:
        caller = verify(world, token, (cloud.vault_audience, _APPLICATION))
    except TokenError as error:
        # The texts for a malformed and for an expired token are known from issues, not recorded.
        texts = {
            "audience": f"AKV10022: Invalid audience. Expected {cloud.vault_audience}, found: {error.found}.",
            "expired": "[TokenExpired] Error validating token: 'S2S12086'.",
            "malformed": "[BearerReadAccessTokenFailed] Error validating token: 'IDX12709'.",
        }
        raise _challenge(request, vault, texts[error.reason]) from error
    tenant = vault["properties"]["tenantId"].lower()
    if caller.tenant.lower() != tenant:
        text = f"AKV10032: Invalid issuer. Expected one of {issuer(tenant)}, found {issuer(caller.tenant)}."
        raise _challenge(request, vault, text)
    return caller


def _challenge(request: Request, vault: Mapping[str, Any], message: str) -> AzureFault:
    cloud = cloud_of(request.host)
    tenant = vault["properties"]["tenantId"]
    value = f'Bearer authorization="https://{cloud.login}/{tenant}", resource="{cloud.vault_audience}"'
    return AzureFault(401, "Unauthorized", message, headers={"www-authenticate": value})


def _authorise(
    world: World, caller: Caller, vault: Mapping[str, Any], operation: Operation, segments: tuple[str, ...]
) -> Decision:
    """The decision that allows the operation; raises 403 with the text that Key Vault has for the vault's model."""
    action = f"{_SECRETS}{operation.action}"
    # A restore names no object in its path, and a list is the vault's.
    named = len(segments) > 1 and operation.permission != "restore"
    resource = f"{vault['id'].lower()}/secrets/{segments[1].lower()}" if named else vault["id"].lower()
    decision = check_vault(world, caller, vault, f"secrets/{operation.permission}", action, resource)
    if decision.allowed:
        return decision
    reason = decision.reason or "AccessDenied"
    text = _REFUSALS[reason].format(
        caller=_described(world, caller),
        permission=f"secrets {operation.permission}",
        action=action,
        resource=resource,
        vault=f"{vault['name']};location={_location(vault)}",
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
        "Action: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
        "DecisionReason: null \r\nVault: {vault}\r\n"
    ),
}


def _described(world: World, caller: Caller) -> str:
    groups = len(groups_of(world, caller.object_id))
    counted = f"numgroups={groups};" if groups else ""
    return f"appid={caller.app_id};oid={caller.object_id};{counted}iss={issuer(caller.tenant)}"


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
