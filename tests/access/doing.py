"""Really do it: every operation as a signed request to an emulated Azure, undone again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from declarative_kv.emulator.entra.tokens import issue
from declarative_kv.emulator.seed import TENANT
from declarative_kv.engine.access.view import Step, StepKind
from tests.access.brute import telling_roles
from tests.access.worlds import SUB, Box, World, populate
from tests.emulator.azure_support import ARM, Azure, audience_of

KINDS = ("secrets", "keys", "certificates", "storage")
EVERYTHING = {kind: ["all"] for kind in KINDS}
_VERSION, _ROLES_VERSION = "api-version=2023-07-01", "api-version=2022-04-01"
_DIGEST = "A" * 43
_NO_RIGHT = frozenset({"ForbiddenByRbac", "ForbiddenByPolicy", "AccessDenied"})


class _Undone(Exception):
    """Ends a trial, and with it the transaction that it ran in."""


@dataclass(frozen=True)
class Trials:
    """An emulated Azure that holds a world, in which everybody may try everything."""

    azure: Azure
    world: World
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def _token(self, who: str, host: str) -> str:
        """A token of who asks; signing one takes longer than everything else."""
        audience = audience_of(host)
        if (who, audience) not in self.tokens:
            self.tokens[who, audience] = issue(self.azure.world, who, audience)
        return self.tokens[who, audience]

    def allows(self, who: str, operation: str, box: Box, place: str) -> bool:
        """Whether the operation itself is let through."""
        with self.undone():
            return self._tried(who, operation, box, place)

    def leads_to(self, who: str, steps: tuple[Step, ...], operation: str, box: Box, place: str) -> bool:
        """Whether doing these steps, each of which must succeed, ends with the operation let through."""
        with self.undone():
            around = False
            for step in steps:
                around = step.kind is StepKind.RESOURCE_MANAGER
                if not around and not self._stepped(who, step, box, place):
                    return False
            return self._around(who, operation, box, place) if around else self._tried(who, operation, box, place)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Everything inside leaves no trace, also where a result is returned from inside."""
        store = self.azure.world.store
        snapshot = {name: dict(rows) for name, rows in store.dump().items()}
        try:
            yield
        finally:
            with store.transaction():
                for name in {*store.dump(), *snapshot}:
                    kept = snapshot.get(name, {})
                    for key in [key for key in store.table(name) if key not in kept]:
                        store.delete(name, key)
                    for key, record in kept.items():
                        if store.get(name, key) is not record:
                            store.put(name, key, record)

    def _tried(self, who: str, operation: str, box: Box, place: str) -> bool:
        if operation == "give-roles":
            return any(
                self._may_assign(who, role, other, place)
                for role in telling_roles(self.world)
                for other in self._anybody()
            )
        if operation in _ON_MANAGER:
            method, target, body = _ON_MANAGER[operation](box)
            return self._manages(who, method, target, body)
        collection, name = _object(operation, box, place)
        method, path, payload = _ON_DATA[operation](collection, name, place == box.id)
        return self._asks(who, method, box, path, payload)

    def _anybody(self) -> tuple[str, ...]:
        return (*self.world.people, *self.world.members)

    def _asks(self, who: str, method: str, box: Box, path: str, payload: Any) -> bool:
        host = f"{box.name}.vault.azure.net"
        answer = self.azure.ask(method, host, f"{path}?api-version=7.6", payload, token=self._token(who, host))
        assert answer.status < 500, answer.raw
        # A key that cannot do what it is asked to is refused with the same status, and another inner code.
        return answer.status != 401 and not (answer.status == 403 and answer.inner in _NO_RIGHT)

    def _manages(self, who: str, method: str, target: str, body: Any = None) -> bool:
        """Whether the right to do it is there; what else may be refused is of no account."""
        return self._managed(who, method, target, body) not in (401, 403)

    def _does(self, who: str, method: str, target: str, body: Any) -> bool:
        """Whether it is really done."""
        return self._managed(who, method, target, body) < 300

    def _managed(self, who: str, method: str, target: str, body: Any = None) -> int:
        version = _ROLES_VERSION if "/roleAssignments/" in target else _VERSION
        answer = self.azure.ask(method, ARM, f"{target}?{version}", body, token=self._token(who, ARM))
        assert answer.status < 500, answer.raw
        return answer.status

    def _may_assign(self, who: str, role: str, to: str, place: str) -> bool:
        return self._manages(who, "PUT", *_assignment(uuid.uuid4(), role, to, place))

    def _takes(self, who: str, role: str, place: str) -> bool:
        """Whether somebody gives itself a role without any condition.

        Azure keeps one assignment of a role to a principal at a scope. Whoever has it already, and under a condition,
        does not get a second one: the same right, on the same attributes, lets it write the first one without.
        """
        return self._does(who, "PUT", *_assignment(self._kept(role, who, place) or uuid.uuid4(), role, who, place))

    def _kept(self, role: str, to: str, place: str) -> str | None:
        """The name of the assignment that Azure keeps for this principal, role and scope."""
        for record in self.azure.world.store.table("role_assignments").values():
            same = record["roleDefinitionId"].lower().endswith(f"/{role}") and record["principalId"].lower() == to
            if same and record["scope"].lower() == place:
                return str(record["name"])
        return None

    def _stepped(self, who: str, step: Step, box: Box, place: str) -> bool:
        match step.kind:
            case StepKind.TAKES_ROLE:
                # Taken on the whole vault where that is allowed, since it reaches further there.
                return self._takes(who, step.id, box.id) or self._takes(who, step.id, place)
            case StepKind.TAKES_POLICY:
                entry = {"tenantId": TENANT, "objectId": who, "permissions": EVERYTHING}
                policies = {"properties": {"accessPolicies": [entry]}}
                if step.id.endswith("/accessPolicies/write"):
                    return self._does(who, "PUT", f"{box.id}/accessPolicies/add", policies)
                return self._does(who, "PATCH", box.id, policies)
            case StepKind.SWITCHES_MODEL:
                return self._does(who, "PATCH", box.id, {"properties": {"enableRbacAuthorization": False}})
        raise AssertionError(step)

    def _around(self, who: str, operation: str, box: Box, place: str) -> bool:
        collection, name = _object(operation, box, place)
        whole, one = f"{box.id}/{collection}", f"{box.id}/{collection}/{name}"
        match operation:
            case "write-value":
                return self._manages(who, "PUT", one, {"properties": {"value": "v"}})
            case "create-key":
                return self._manages(who, "PUT", one, {"properties": {"kty": "RSA"}})
            case "list-secrets" | "list-keys":
                return self._manages(who, "GET", whole if place == box.id else one)
            case "read-key":
                return self._manages(who, "GET", one)
        raise AssertionError(operation)


def _assignment(name: object, role: str, to: str, place: str) -> tuple[str, Any]:
    """Where an assignment is written, and what of it."""
    definition = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    body = {"properties": {"roleDefinitionId": definition, "principalId": to}}
    return f"{place}/providers/Microsoft.Authorization/roleAssignments/{name}", body


Request = tuple[str, str, Any]
_ON_MANAGER: dict[str, Callable[[Box], Request]] = {
    "read-vault": lambda box: ("GET", box.id, None),
    "change-vault": lambda box: ("PATCH", box.id, {"tags": {"tried": "yes"}}),
    "change-policies": lambda box: ("PUT", f"{box.id}/accessPolicies/add", {"properties": {"accessPolicies": []}}),
    "delete-vault": lambda box: ("DELETE", box.id, None),
    "purge-vault": lambda box: (
        "POST",
        f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{box.name}/purge",
        None,
    ),
}


def _plain(method: str, suffix: str = "", payload: Any = None) -> Callable[[str, str, bool], Request]:
    return lambda collection, name, whole: (method, f"/{collection}/{name}{suffix}", payload)


def _deleted(method: str, suffix: str = "") -> Callable[[str, str, bool], Request]:
    return lambda collection, name, whole: (method, f"/deleted{collection}/{name}{suffix}", None)


def _listed(collection: str, name: str, whole: bool) -> Request:
    return "GET", f"/{collection}" if whole else f"/{collection}/{name}/versions", None


def _restored(collection: str, name: str, whole: bool) -> Request:
    return "POST", f"/{collection}/restore", {"value": "AAAA"}


_VALUE = {"alg": "RSA-OAEP", "value": "AAAA"}
_ON_DATA: dict[str, Callable[[str, str, bool], Request]] = {
    "read-value": _plain("GET"),
    "list-secrets": _listed,
    "write-value": _plain("PUT", payload={"value": "another"}),
    "update-secret": _plain("PATCH", payload={"tags": {}}),
    "delete-secret": _plain("DELETE"),
    "recover-secret": _deleted("POST", "/recover"),
    "backup-secret": _plain("POST", "/backup"),
    "restore-secret": _restored,
    "purge-secret": _deleted("DELETE"),
    "read-key": _plain("GET"),
    "list-keys": _listed,
    "encrypt": _plain("POST", "/encrypt", _VALUE),
    "decrypt": _plain("POST", "/decrypt", _VALUE),
    "wrap": _plain("POST", "/wrapkey", _VALUE),
    "unwrap": _plain("POST", "/unwrapkey", _VALUE),
    "sign": _plain("POST", "/sign", {"alg": "RS256", "value": _DIGEST}),
    "verify": _plain("POST", "/verify", {"alg": "RS256", "digest": _DIGEST, "value": "AAAA"}),
    "create-key": _plain("POST", "/create", {"kty": "EC"}),
    "import-key": _plain("PUT", payload={"key": {"kty": "EC"}}),
    "update-key": _plain("PATCH", payload={"tags": {}}),
    "delete-key": _plain("DELETE"),
    "recover-key": _deleted("POST", "/recover"),
    "backup-key": _plain("POST", "/backup"),
    "restore-key": _restored,
    "purge-key": _deleted("DELETE"),
    "rotate-key": _plain("POST", "/rotate"),
    "read-rotation": _plain("GET", "/rotationpolicy"),
    "set-rotation": _plain("PUT", "/rotationpolicy", {"lifetimeActions": []}),
}
DOABLE = frozenset({*_ON_DATA, *_ON_MANAGER, "give-roles"})
"""The operations that the emulator has."""
_OF_KEYS = frozenset(list(_ON_DATA)[9:])


def _object(operation: str, box: Box, place: str) -> tuple[str, str]:
    """The object to try an operation on: the one that it is about, else one at which nothing stands."""
    if place != box.id:
        collection, name = place.split("/")[-2:]
        return collection, name
    return ("keys" if operation in _OF_KEYS else "secrets"), "two"


def trials(world: World) -> Trials:
    """A fresh emulated Azure with the vaults, objects and grants of a world."""
    azure = Azure()
    for box in world.boxes:
        azure.ask("PUT", ARM, f"{box.group}?api-version=2021-04-01", {"location": "westeurope"})
        made = {
            "tenantId": TENANT,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
        }
        answer = azure.ask("PUT", ARM, f"{box.id}?{_VERSION}", {"location": "westeurope", "properties": made})
        assert answer.status == 200, answer.raw
        host = f"{box.name}.vault.azure.net"
        for name in ("one", "two"):
            azure.secret("PUT", f"/secrets/{name}", {"value": "v"}, host=host)
            azure.secret("POST", f"/keys/{name}/create", {"kty": "EC", "crv": "P-256"}, host=host)
        entries = [
            {
                "tenantId": TENANT,
                "objectId": entry.who,
                "permissions": {k: list(w) for k, w in entry.permissions.items()},
            }
            for entry in box.entries
        ]
        final = {"enableRbacAuthorization": box.rbac, "accessPolicies": entries}
        answer = azure.ask("PATCH", ARM, f"{box.id}?{_VERSION}", {"properties": final})
        assert answer.status == 200, answer.raw
    populate(azure.world, world)
    return Trials(azure, world)
