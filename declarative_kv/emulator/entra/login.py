"""Entra ID as programs use it: discovery, signing keys, and tokens for client credentials."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from declarative_kv.emulator.clouds import ALL, cloud_of
from declarative_kv.emulator.directory import all_of, application_of, service_principal_of
from declarative_kv.emulator.entra import discovery
from declarative_kv.emulator.entra.assertion import AssertionRefused, check_assertion, thumbprint
from declarative_kv.emulator.entra.tokens import LIFETIME, issue
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import not_emulated
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.seed import digest
from declarative_kv.emulator.store import Record
from declarative_kv.emulator.world import World

_TOKEN_PATH = re.compile(r"/([^/]+)/oauth2/(v2\.0/)?token/?", re.IGNORECASE)
_NO_STORE = {"cache-control": "no-store, no-cache", "pragma": "no-cache"}
# Grants that Entra has and the emulator has not: a person, a browser or another token stands behind them.
_OTHER_GRANTS = frozenset(
    {
        "password",
        "refresh_token",
        "authorization_code",
        "device_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    }
)
# Beside the services emulated here: blob storage, for a local storage emulator that takes these tokens.
_OTHER_RESOURCES = frozenset({"https://storage.azure.com"})
# What a refusal read like before the day (recorded in January 2022); the newer form is quoted in later issues.
_FORMER_TEXTS = {7000215: ("2022-02-01", "Invalid client secret is provided.")}
_ONE_LINE_SINCE = "2023-01-01"
# How much earlier than its issue a version 1 token is good, in seconds (recorded).
_SKEW = 300
_OPENID_SCOPES = frozenset({"openid", "profile", "offline_access"})


# Entra's number of an error, its status, its OAuth name and its text.
_REFUSALS: Mapping[int, tuple[int, str, str]] = {
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type '{}'."),
    90002: (
        400,
        "invalid_request",
        "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    500011: (
        400,
        "invalid_resource",
        "The resource principal named {} was not found in the tenant named {}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    700016: (
        400,
        "unauthorized_client",
        "Application with identifier '{}' was not found in the directory '{}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    700027: (
        401,
        "invalid_client",
        "Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key used by "
        "client: '{1}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys "
        "for app Id '{0}'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine "
        "the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get"
        "?view=graph-rest-1.0&tabs=http to build a query request URL, such as "
        "'https://graph.microsoft.com/beta/applications/{0}']. Alternatively, SNI may be configured on the app. Please "
        "ensure that client assertion is being sent with the x5c claim in the JWT header using MSAL's WithSendX5C() "
        "method so that Azure Active Directory can validate the certificate being used.",
    ),
    700021: (
        400,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
    700024: (
        401,
        "invalid_client",
        "Client assertion is not within its valid time range. Please review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
    ),
    900144: (
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{}'.",
    ),
    1002012: (
        400,
        "invalid_scope",
        "The provided value for scope {} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    7000215: (
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        "value, not the client secret ID, for a secret added to app '{}'.",
    ),
    7000218: (
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    7000222: (
        401,
        "invalid_client",
        "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
        "security: https://aka.ms/certCreds.",
    ),
}


class SignInError(Exception):
    """A token request that Entra refuses, by Entra's number of the error; `words` fill the text's gaps."""

    def __init__(self, number: int, *words: str) -> None:
        self.number = number
        self.status, self.error, text = _REFUSALS[number]
        self.text = text.format(*words)
        super().__init__(self.text)


def answer_entra(world: World, request: Request) -> Response:
    """Answer one request to a login host."""
    found = discovery.answer_discovery(world, request)
    if found is not None:
        return found
    match = _TOKEN_PATH.fullmatch(unquote(request.path))
    is_new = match is not None and match[2] is not None
    # The older endpoint takes a form in a GET too (recorded in 2016).
    if match is None or not (request.method == "POST" or (request.method == "GET" and not is_new and request.body)):
        raise not_emulated(request)
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if form.get("grant_type") in _OTHER_GRANTS:
        raise not_emulated(request)
    try:
        return _token(world, request, match[1], form, new=is_new)
    except SignInError as refused:
        return _refusal(world, request, refused)


def _token(world: World, request: Request, name: str, form: Mapping[str, str], *, new: bool) -> Response:
    _check_grant(form)
    tenant = discovery.tenant_of(world, name)
    if tenant is None:
        raise SignInError(90002, name)
    client_id, secret = _credentials(request, form)
    principal = _client(world, tenant, client_id)
    audience = _audience(world, tenant, form, new=new)
    _check_secret(world, client_id, secret, form)
    answer: dict[str, Any] = {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME}
    if not new:
        now = int(world.clock.now())
        answer = {
            "token_type": "Bearer",
            "expires_in": str(LIFETIME),
            "ext_expires_in": str(LIFETIME) if since(world, "2017-01-01") else "0",
            "expires_on": str(now + LIFETIME),
            "not_before": str(now - _SKEW),
            "resource": audience,
        }
        if not since(world, "2016-10-01"):
            del answer["ext_expires_in"]
    return json_response(200, {**answer, "access_token": issue(world, principal["id"], audience)}, _NO_STORE)


def _check_grant(form: Mapping[str, str]) -> None:
    if "grant_type" not in form:
        raise SignInError(900144, "grant_type")
    if form["grant_type"] != "client_credentials":
        raise SignInError(70003, form["grant_type"])


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str | None]:
    """The client id, and the secret where one was sent, in the form or as HTTP basic credentials."""
    if "client_id" in form:
        return form["client_id"], form.get("client_secret")
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise SignInError(900144, "client_id")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise SignInError(900144, "client_id") from error
    return unquote(user), unquote(password)


def _client(world: World, tenant: Record, client_id: str) -> Record:
    principal = service_principal_of(world, client_id)
    if principal is None or principal["tenant"] != tenant["tenantId"] or not principal["accountEnabled"]:
        raise SignInError(700016, client_id, tenant["displayName"])
    return principal


def _audience(world: World, tenant: Record, form: Mapping[str, str], *, new: bool) -> str:
    """The audience that the token is asked for: `resource` (version 1) or `scope` less `/.default`."""
    wanted = form.get("scope" if new else "resource", "").strip()
    if not wanted:
        raise SignInError(900144, "scope" if new else "resource")
    if new:
        scope = next((word for word in wanted.split() if word not in _OPENID_SCOPES), "")
        if not scope.endswith("/.default"):
            raise SignInError(1002012, wanted)
        wanted = scope.removesuffix("/.default")
    if not _known_resource(world, wanted.rstrip("/").lower()):
        raise SignInError(500011, wanted, tenant["displayName"])
    return wanted


def _known_resource(world: World, resource: str) -> bool:
    if resource in _OTHER_RESOURCES or resource.endswith(".blob.core.windows.net"):
        return True
    for cloud in ALL:
        if resource in {cloud.vault_audience, cloud.graph_audience, *cloud.resource_manager_audiences}:
            return True
    applications = all_of(world, "application")
    return any(resource in (record["appId"], *record["identifierUris"]) for record in applications)


def _check_secret(world: World, client_id: str, secret: str | None, form: Mapping[str, str]) -> None:
    """Refuse a wrong, an expired or a missing secret, and an assertion that no registered certificate signed."""
    if "client_assertion" in form:
        _check_assertion(world, client_id, form["client_assertion"])
        return
    if secret is None:
        raise SignInError(7000218)
    wanted = digest(secret)
    for record in (application_of(world, client_id), service_principal_of(world, client_id)):
        passwords = [] if record is None else record.get("passwordCredentials", [])
        match = next((password for password in passwords if password["digest"] == wanted), None)
        if match is not None:
            break
    else:
        raise SignInError(7000215, client_id)
    if datetime.fromisoformat(match["endDateTime"]).timestamp() <= world.clock.now():
        raise SignInError(7000222, client_id)


def _check_assertion(world: World, client_id: str, assertion: str) -> None:
    records = (application_of(world, client_id), service_principal_of(world, client_id))
    registered = [entry for record in records if record is not None for entry in record.get("keyCredentials", ())]
    try:
        check_assertion(world.clock, assertion, client_id, registered)
    except AssertionRefused as refused:
        raise SignInError(refused.number, client_id, thumbprint(assertion)) from refused


def _refusal(world: World, request: Request, refused: SignInError) -> Response:
    moment = datetime.fromtimestamp(world.clock.now(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), request.headers.get("client-request-id", str(uuid.uuid4()))
    day, former = _FORMER_TEXTS.get(refused.number, ("", ""))
    text = refused.text if since(world, day) else former
    between = " " if since(world, _ONE_LINE_SINCE) else "\r\n"
    parts = (text, f"Trace ID: {trace}", f"Correlation ID: {correlation}", f"Timestamp: {moment}")
    body = {
        "error": refused.error,
        "error_description": f"AADSTS{refused.number}: {between.join(parts)}",
        "error_codes": [refused.number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://{cloud_of(request.host).login}/error?code={refused.number}",
    }
    return json_response(refused.status, body, _NO_STORE)
