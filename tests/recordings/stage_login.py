"""The tenants and applications that a scenario signs in with, and what recorders took out of sign-in requests."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from declarative_kv.emulator.directory import service_principal_of
from declarative_kv.emulator.seed import application_record, password_record, principal_record
from tests.recordings.compare import GUID

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay

_TENANT: Final = re.compile(r"^/([^/]+)/(?:oauth2|v2\.0)/")
_SECRET: Final = "REDACTED"
_APPLICATION: Final = re.compile(f"app Id '({GUID})'")
_THUMBPRINT: Final = re.compile(r"key used by client: '([0-9A-F]{40})'")
_UNNAMED: Final = "44444444-4444-4444-8444-444444444444"
_NO_TENANT: Final = 90002
_NO_CLIENT: Final = 700016
_WRONG_SECRET: Final = 7000215
_OLD_SECRET: Final = 7000222
_HUNDRED_YEARS: Final = 100 * 365 * 86400.0


def prepare(replay: Replay, entry: Entry) -> None:
    """The tenant of the path, by the name that a sanitiser gave it, and the application that signs in."""
    match = _TENANT.match(unquote(entry.path))
    if match is None:
        return
    tenant = match[1]
    store = replay.world.store
    if _refused(entry) == _NO_TENANT:
        store.delete("tenants", tenant.lower())
        return
    known = store.get("tenants", tenant.lower()) or {
        "tenantId": tenant,
        "displayName": "Contoso",
        "defaultDomain": tenant,
    }
    region = entry.answer.get("tenant_region_scope") if isinstance(entry.answer, dict) else None
    store.put("tenants", tenant.lower(), known | ({} if region is None else {"regionScope": region}))
    if not entry.path.endswith("/token"):
        return
    known_client = service_principal_of(replay.world, _client(entry))
    if _refused(entry) == _NO_CLIENT:
        if known_client is not None:
            store.delete("directory", known_client["id"].lower())
    elif known_client is None or entry.status >= 400:
        _add_client(replay, tenant, entry)


def body_of(replay: Replay, entry: Entry, body: Any) -> Any:
    """The form to send: secrets are the staged one, and a form that is lost is made from what was said of it."""
    if entry.service != "entra" or not entry.path.endswith("/token"):
        return body
    if isinstance(entry.body, dict) and "grant_type" in entry.body:
        return {**entry.body, **({"client_secret": _SECRET} if "client_secret" in entry.body else {})}
    form = {
        "grant_type": "client_credentials",
        "client_id": _client(entry),
        "scope": "https://vault.azure.net/.default",
    }
    thumbprint = _THUMBPRINT.search(_description(entry))
    if thumbprint is None:
        return {**form, "client_secret": _SECRET}
    header = {"alg": "RS256", "typ": "JWT", "x5t": _encoded(bytes.fromhex(thumbprint[1]))}
    parts = (_encoded(json.dumps(part).encode()) for part in (header, {"iss": form["client_id"]}))
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {**form, "client_assertion_type": kind, "client_assertion": ".".join((*parts, _encoded(b"signature")))}


def query_of(entry: Entry) -> dict[str, str]:
    """The query of a discovery request whose recorder kept none: it asked about the tenant of the answer."""
    if entry.service != "entra" or not entry.path.endswith("/discovery/instance"):
        return {}
    base = str(entry.answer["tenant_discovery_endpoint"]).removesuffix("/v2.0/.well-known/openid-configuration")
    return {"api-version": entry.answer["api-version"], "authorization_endpoint": f"{base}/oauth2/v2.0/authorize"}


def _add_client(replay: Replay, tenant: str, entry: Entry) -> None:
    client, now = _client(entry), replay.world.clock.now()
    ids = (f"application-{client.lower()}", f"principal-{client.lower()}")
    application = application_record(ids[0], client, client, now)
    secret = "another" if _refused(entry) == _WRONG_SECRET else _SECRET
    end = now - 1.0 if _refused(entry) == _OLD_SECRET else now + _HUNDRED_YEARS
    application["passwordCredentials"] = [password_record(None, secret, now, end)]
    principal = principal_record(ids[1], client, client, now)
    for record in (application, principal):
        replay.world.store.put("directory", record["id"], record | {"tenant": tenant, "staged": True})


def _client(entry: Entry) -> str:
    """The client id of the request, or that of the refusal where the request is lost."""
    sent = entry.body.get("client_id") if isinstance(entry.body, dict) else None
    match = _APPLICATION.search(_description(entry))
    return str(sent or (match[1] if match else _UNNAMED))


def _refused(entry: Entry) -> int:
    """Entra's number of the refusal, 0 where there is none."""
    match = re.match(r"AADSTS(\d+)", _description(entry))
    return int(match[1]) if match else 0


def _description(entry: Entry) -> str:
    return str(entry.answer.get("error_description", "")) if isinstance(entry.answer, dict) else ""


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
