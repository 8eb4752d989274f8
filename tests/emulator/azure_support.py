"""What the tests of the whole application share: requests to every host, signed by anyone, without a socket."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.entra.tokens import issue
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.world import Settings, World, new_world
from tests.loop import awaited

LOGIN = "login.microsoftonline.com"
ARM = "management.azure.com"
GRAPH = "graph.microsoft.com"
VAULT = "kv-one.vault.azure.net"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
VAULT_ID = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-one"
ALL_SECRETS = ["get", "list", "set", "delete", "recover", "backup", "restore", "purge"]


@dataclass(frozen=True)
class Answer:
    """A response, its JSON read."""

    status: int
    headers: Mapping[str, str]
    raw: bytes = field(repr=False)
    dropped: bool = False

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> Any:
        return self.body["error"]

    @property
    def inner(self) -> str:
        return str(self.error["innererror"]["code"])


class Azure:
    """The emulated Azure, asked as a client would: with a token of the host's audience, by the main identity."""

    def __init__(self, *, folder: Path | None = None, time_scale: float = 0.0) -> None:
        self.world: World = new_world(folder, Settings(time_scale=time_scale))
        self.application = Application(self.world)
        self.main = self.world.identity()["object_id"]
        self.norights = self.world.identity("norights")["object_id"]

    def send(self, request: Request) -> Answer:
        """One request as it is."""
        response = awaited(self.application.answer(request))
        return Answer(response.status, response.headers, response.body, response.dropped)

    def ask(
        self,
        method: str,
        host: str,
        target: str,
        payload: Any = None,
        *,
        as_: str | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        """One signed request; `target` is path and query, `as_` the object id of who asks."""
        signed = token or issue(self.world, as_ or self.main, audience_of(host))
        sent = {"authorization": f"Bearer {signed}", **(headers or {})}
        parts = urlsplit(target)
        body = b"" if payload is None else json.dumps(payload).encode()
        return self.send(Request.from_target(method, host, parts.path, parts.query, sent, body))

    def secret(
        self, method: str, path: str, payload: Any = None, *, host: str = VAULT, as_: str | None = None, **query: str
    ) -> Answer:
        """One data-plane request; `query` names are sent as they are."""
        text = urlencode({"api-version": "7.6", **query})
        return self.ask(method, host, f"{path}?{text}", payload, as_=as_)

    def set(self, name: str, value: str = "v", **fields: Any) -> Any:
        """Set a secret, which must succeed; gives the bundle."""
        answer = self.secret("PUT", f"/secrets/{name}", {"value": value, **fields})
        assert answer.status == 200, answer.raw
        return answer.body

    def graph(self, method: str, path: str, payload: Any = None, *, as_: str | None = None) -> Answer:
        """One Graph request; `path` behind the version, decoded."""
        path, _, query = path.partition("?")
        return self.ask(method, GRAPH, f"/v1.0{quote(path, safe='/$')}?{query}", payload, as_=as_)

    def sign_in(
        self, form: Mapping[str, str], *, tenant: str = TENANT, version: str = "/v2.0", **headers: str
    ) -> Answer:
        """One token request."""
        sent = {"content-type": "application/x-www-form-urlencoded", **headers}
        body = urlencode(form).encode()
        return self.send(Request.from_target("POST", LOGIN, f"/{tenant}/oauth2{version}/token", "", sent, body))

    def credentials(self, name: str = "main", **more: str) -> dict[str, str]:
        """The form of a good token request for Key Vault."""
        identity = self.world.identity(name)
        return {
            "grant_type": "client_credentials",
            "client_id": identity["client_id"],
            "client_secret": identity["client_secret"],
            "scope": "https://vault.azure.net/.default",
        } | more

    def make_vault(self, name: str = "kv-one", *, rbac: bool = True, **properties: Any) -> None:
        """A vault in a group, through Resource Manager; under policies the main identity has every permission."""
        self.ask("PUT", ARM, f"{GROUP}?api-version=2021-04-01", {"location": "westeurope"})
        policies = [] if rbac else [policy(self.main, ALL_SECRETS)]
        sent = {
            "tenantId": TENANT,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": rbac,
            "accessPolicies": policies,
        } | properties
        target = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}?api-version=2023-07-01"
        answer = self.ask("PUT", ARM, target, {"location": "westeurope", "properties": sent})
        assert answer.status == 200, answer.raw

    def assign(self, scope: str, principal: str, role: str) -> str:
        """Assign a built-in role by GUID; gives the assignment's own GUID."""
        name = str(uuid.uuid4())
        target = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01"
        definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        sent = {"roleDefinitionId": definition, "principalId": principal}
        answer = self.ask("PUT", ARM, target, {"properties": sent})
        assert answer.status == 201, answer.raw
        return name

    def make_user(self, name: str = "alice") -> Any:
        sent = {
            "accountEnabled": True,
            "displayName": name.title(),
            "mailNickname": name,
            "userPrincipalName": f"{name}@contoso.example",
            "passwordProfile": {"password": "not-kept-anywhere"},
        }
        answer = self.graph("POST", "/users", sent)
        assert answer.status == 201, answer.raw
        return answer.body

    def make_group(self, name: str = "Developers", **fields: Any) -> Any:
        sent = {"displayName": name, "mailEnabled": False, "mailNickname": "x", "securityEnabled": True, **fields}
        answer = self.graph("POST", "/groups", sent)
        assert answer.status == 201, answer.raw
        return answer.body

    def make_application(self, name: str = "payments-api") -> Any:
        answer = self.graph("POST", "/applications", {"displayName": name})
        assert answer.status == 201, answer.raw
        return answer.body


def audience_of(host: str) -> str:
    """What a token for a host is for."""
    return "https://vault.azure.net" if host.endswith(".vault.azure.net") else f"https://{host}"


def policy(object_id: str, secrets: list[str]) -> dict[str, Any]:
    """An access policy entry."""
    return {"tenantId": TENANT, "objectId": object_id, "permissions": {"secrets": secrets}}


def link(target: str) -> str:
    """Path and query of a nextLink."""
    parts = urlsplit(target)
    return f"{parts.path}?{parts.query}"
