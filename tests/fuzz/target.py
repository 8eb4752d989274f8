"""What is shot at: an emulated Azure with one of everything in it, back in its first state before every example."""

from __future__ import annotations

import copy
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.entra.tokens import issue
from declarative_kv.emulator.hostnames import GRAPH, vault_suffix
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.world import World, new_world

ARM: Final = "management.azure.com"
LOGIN: Final = "login.microsoftonline.com"
DIRECTORY: Final = "graph.microsoft.com"
VAULT: Final = "kv-one.vault.azure.net"
GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
VAULT_ID: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-one"
ROLE: Final = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
USER: Final = "aaaaaaaa-0000-4000-8000-000000000001"
ASSIGNMENT: Final = "bbbbbbbb-0000-4000-8000-000000000001"
SECONDS: Final = 10
"""An answer that takes longer than this is a hang."""
PERMISSIONS: Final = {"secrets": ["all", "purge"], "keys": ["all", "purge"], "certificates": [], "storage": []}


class Hang(Exception):
    """The emulator has not answered in time."""


class Target:
    """The emulator under fire, asked by the owner of everything."""

    def __init__(self) -> None:
        self.world: World = new_world()
        self.application = Application(self.world)
        self.owner = str(self.world.identity()["object_id"])
        self.sent = 0
        self._tokens: dict[str, str] = {}
        self.versions = self._furnish()
        self._first = copy.deepcopy(self.world.store.dump())

    def reset(self) -> None:
        """Everything as it was at first."""
        self.world.store.clear()
        for table, records in self._first.items():
            for key, record in records.items():
                self.world.store.put(table, key, copy.deepcopy(record))

    def token(self, host: str) -> str:
        """A valid token of the owner for a host, made once."""
        cloud = cloud_of(host)
        audience = f"{cloud.resource_manager_audiences and min(cloud.resource_manager_audiences)}"
        if vault_suffix(host) is not None:
            audience = cloud.vault_audience
        elif host in GRAPH:
            audience = cloud.graph_audience
        if audience not in self._tokens:
            self._tokens[audience] = issue(self.world, self.owner, audience)
        return self._tokens[audience]

    def shoot(
        self, method: str, host: str, path: str, query: Mapping[str, str], body: bytes = b"", **headers: str
    ) -> Response:
        """One signed request; anything but a proper answer in time fails the test."""
        sent = {"authorization": f"Bearer {self.token(host)}", "content-type": "application/json", **headers}
        request = Request(method, host, path, tuple(query.items()), sent, body)
        return self.fire(request)

    def fire(self, request: Request) -> Response:
        """One request as it is."""
        self.sent += 1
        with _in_time():
            response = _answer(self.application, request)
        if response.dropped:  # the host of a vault that does not exist has no address
            assert vault_suffix(request.host) is not None
            assert request.host != VAULT
            return response
        assert 200 <= response.status < 600, response
        assert response.status not in (500, 502, 503), response.body
        if "json" in response.headers.get("content-type", "") and response.body:
            json.loads(response.body)
        for name, value in response.headers.items():
            assert not {"\r", "\n"} & set(f"{name}{value}"), f"the header {name} could be split"
        return response

    def _furnish(self) -> dict[str, str]:
        """One of everything; gives the versions of the secret and the key."""
        policy = {"tenantId": TENANT, "objectId": self.owner, "permissions": PERMISSIONS}
        properties = {
            "tenantId": TENANT,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": False,
            "accessPolicies": [policy],
        }
        arm = {"api-version": "2023-07-01"}
        data = {"api-version": "7.6"}
        role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"
        assignment = {"roleDefinitionId": role, "principalId": USER, "principalType": "User"}
        made = [
            self._make("PUT", ARM, GROUP, arm, {"location": "westeurope"}),
            self._make("PUT", ARM, VAULT_ID, arm, {"location": "westeurope", "properties": properties}),
            self._make(
                "PUT",
                ARM,
                f"{VAULT_ID}/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}",
                {"api-version": "2022-04-01"},
                {"properties": assignment},
            ),
            self._make("PUT", VAULT, "/secrets/gone", data, {"value": "v"}),
            self._make("DELETE", VAULT, "/secrets/gone", data, None),
            self._make("PUT", VAULT, "/secrets/one", data, {"value": "v"}),
            self._make("POST", VAULT, "/keys/one/create", data, {"kty": "EC", "crv": "P-256"}),
        ]
        return {"secrets": made[-2]["id"].rpartition("/")[2], "keys": made[-1]["key"]["kid"].rpartition("/")[2]}

    def _make(self, method: str, host: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        response = self.shoot(method, host, path, query, b"" if body is None else json.dumps(body).encode())
        assert response.status in (200, 201), (path, response.status, response.body)
        return json.loads(response.body)


def _answer(application: Application, request: Request) -> Response:
    """Run the answer to its end; it waits for nothing, so there is no event loop to pay for."""
    answering = application.answer(request)
    try:
        answering.send(None)
    except StopIteration as done:
        response: Response = done.value
        return response
    raise AssertionError("the emulator waited for something")


@contextmanager
def _in_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise Hang(f"no answer in {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
