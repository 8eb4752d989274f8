"""What the tests of Resource Manager share: a fresh world, callers, and calls without a socket."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from declarative_kv.emulator.arm.routes import answer_arm
from declarative_kv.emulator.entra.tokens import Caller
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT, principal_record
from declarative_kv.emulator.world import Settings, World, new_world

SUB = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SUB}/resourceGroups/rg-one"
VAULTS = f"{GROUP}/providers/Microsoft.KeyVault/vaults"
VAULT = f"{VAULTS}/kv-one"
ROLES = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions"
HOST = "management.azure.com"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, its body decoded."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])


class Arm:
    """Resource Manager of a world, called as its owner or as somebody else."""

    def __init__(self, time_scale: float = 0.0) -> None:
        self.world: World = new_world(None, Settings(time_scale=time_scale))
        self.owner = self.identity("main")
        self.stranger = self.identity("norights")

    def identity(self, name: str) -> Caller:
        record = self.world.identity(name)
        return Caller(record["object_id"], record["client_id"], TENANT, "app")

    def application(self, name: str = "app") -> Caller:
        """A new service principal of the directory, without rights."""
        object_id, client_id = str(uuid.uuid4()), str(uuid.uuid4())
        record = principal_record(object_id, client_id, name, self.world.clock.now())
        self.world.store.put("directory", object_id, record)
        return Caller(object_id, client_id, TENANT, "app")

    def group_of(self, *members: str) -> str:
        """A new security group with these members; gives its object id."""
        identifier = str(uuid.uuid4())
        record = {"kind": "group", "id": identifier, "displayName": "Group", "members": list(members), "tenant": TENANT}
        self.world.store.put("directory", identifier, record)
        return identifier

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = "2023-07-01",
        caller: Caller | None = None,
        host: str = HOST,
        **query: str,
    ) -> Answer:
        """One request; `query` names get a dollar sign. A refusal is an answer, too."""
        pairs = [(f"${name}", value) for name, value in query.items()]
        if version is not None:
            pairs.append(("api-version", version))
        raw_query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
        content = b"" if body is None else json.dumps(body).encode()
        request = Request.from_target(method, host, quote(path), raw_query, {}, content)
        return self.send(request, caller or self.owner)

    def follow(self, url: str) -> Answer:
        """GET an absolute address: a Location or a nextLink."""
        parts = urlsplit(url)
        request = Request.from_target("GET", parts.netloc, parts.path, parts.query, {}, b"")
        return self.send(request, self.owner)

    def send(self, request: Request, caller: Caller) -> Answer:
        try:
            with self.world.store.transaction():
                response: Response = answer_arm(self.world, request, caller)
        except AzureFault as fault:
            response = fault.response()
        body = json.loads(response.body) if response.body else None
        return Answer(response.status, body, dict(response.headers))

    def make_group(self, path: str = GROUP, location: str = "westeurope") -> Answer:
        return self.call("PUT", path, {"location": location})

    def make_vault(self, path: str = VAULT, *, version: str = "2023-07-01", **properties: Any) -> Answer:
        """Create or update a vault with the least that Azure needs, and these properties."""
        return self.call("PUT", path, vault_body(**properties), version=version)

    def assign(self, scope: str, principal: str, role: str, name: str | None = None, **properties: Any) -> Answer:
        """Assign a role (by GUID) at a scope."""
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}"
        sent = {"roleDefinitionId": f"{ROLES}/{role}", "principalId": principal, **properties}
        return self.call("PUT", path, {"properties": sent}, version="2022-04-01")


def vault_body(location: str = "westeurope", **properties: Any) -> dict[str, Any]:
    """A vault as it is sent."""
    needed = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}}
    return {"location": location, "properties": {**needed, **properties}}


def policy(object_id: str, **permissions: list[str]) -> dict[str, Any]:
    """An access policy entry."""
    return {"tenantId": TENANT, "objectId": object_id, "permissions": permissions}
