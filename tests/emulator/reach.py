"""Reaching a running emulator as a client would: through its proxy, under the real host names."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from declarative_kv.emulator.host import process

LOGIN = "login.microsoftonline.com"
MANAGEMENT = "management.azure.com"
GROUP = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg"


@dataclass(frozen=True)
class Answer:
    """One answer, read."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A client of the emulator in `folder`, signed in as its main identity; a connection a host."""

    def __init__(self, folder: Path) -> None:
        self.variables = process.exported(folder)
        self._context = ssl.create_default_context(cafile=self.variables["SSL_CERT_FILE"])
        self._connections: dict[str, HTTPSConnection] = {}
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection; the next request opens another."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def ask(self, method: str, host: str, target: str, payload: Any = None) -> Answer:
        """One signed request with a JSON body."""
        headers = {"Authorization": f"Bearer {self.token(host)}", "Content-Type": "application/json"}
        return self.send(method, host, target, None if payload is None else json.dumps(payload), headers)

    def send(self, method: str, host: str, target: str, body: Any = None, headers: Any = None, **how: Any) -> Answer:
        """One request as it is."""
        connection = self._connections.get(host) or self.connect(host)
        connection.request(method, target, body, headers or {}, **how)
        response = connection.getresponse()
        content = response.read()
        return Answer(response.status, {name.lower(): text for name, text in response.getheaders()}, content)

    def token(self, host: str) -> str:
        """A token of the main identity for the service behind `host`, asked for once."""
        audience = f"https://{host.partition('.')[2] if host.endswith('.vault.azure.net') else host}"
        if audience not in self._tokens:
            answer = self.sign_in(audience)
            assert answer.status == 200, answer.body
            self._tokens[audience] = answer.json()["access_token"]
        return self._tokens[audience]

    def sign_in(self, audience: str) -> Answer:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.variables["AZURE_CLIENT_ID"],
            "client_secret": self.variables["AZURE_CLIENT_SECRET"],
            "scope": f"{audience}/.default",
        }
        target = f"/{self.variables['AZURE_TENANT_ID']}/oauth2/v2.0/token"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", LOGIN, target, urlencode(form), headers)

    def make_vault(self, name: str) -> None:
        """A group and a vault under RBAC, on which the main identity may do everything."""
        tenant = self.variables["AZURE_TENANT_ID"]
        properties = {
            "tenantId": tenant,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
        }
        group = self.ask("PUT", MANAGEMENT, f"{GROUP}?api-version=2021-04-01", {"location": "westeurope"})
        assert group.status in (200, 201), group.body
        target = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}?api-version=2026-02-01"
        vault = self.ask("PUT", MANAGEMENT, target, {"location": "westeurope", "properties": properties})
        assert vault.status in (200, 201), vault.body

    def set_secret(self, vault: str, name: str, value: str) -> Answer:
        return self.ask("PUT", f"{vault}.vault.azure.net", f"/secrets/{name}?api-version=7.6", {"value": value})

    def get_secret(self, vault: str, name: str) -> Answer:
        return self.ask("GET", f"{vault}.vault.azure.net", f"/secrets/{name}?api-version=7.6")

    def connect(self, host: str) -> HTTPSConnection:
        """A new connection to a host, through the proxy; it is the host's from now on."""
        proxy = urlsplit(self.variables["HTTPS_PROXY"])
        assert proxy.hostname is not None
        connection = HTTPSConnection(proxy.hostname, proxy.port, context=self._context, timeout=30)
        connection.set_tunnel(host, 443)
        self._connections[host] = connection
        return connection
