"""What applications may do in people's names: Graph's delegated permission grants, kept but not enforced."""

from __future__ import annotations

import base64
import uuid
from typing import Any, Final

from declarative_kv.emulator.directory import find
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.graph.call import GraphCall, bad_request, not_found
from declarative_kv.emulator.graph.input import require
from declarative_kv.emulator.http import Response

TABLE: Final = "permission_grants"
_KIND: Final = "oauth2PermissionGrant"
_NAMES: Final = ("clientId", "consentType", "id", "principalId", "resourceId", "scope")


def list_grants(call: GraphCall) -> Response:
    """GET /oauth2PermissionGrants."""
    return call.plain(call.world.store.table(TABLE).values(), "oauth2PermissionGrants")


def get_grant(call: GraphCall) -> Response:
    """GET /oauth2PermissionGrants/{id}."""
    return call.json(200, _context(call) | _grant(call))


def add_grant(call: GraphCall) -> Response:
    """POST /oauth2PermissionGrants: 201; one for each client, resource and person, or for all people."""
    body = call.body()
    require(_KIND, body, "clientId", "consentType", "resourceId")
    is_for_one = body["consentType"] == "Principal"
    if not is_for_one and (body["consentType"] != "AllPrincipals" or body.get("principalId") is not None):
        raise bad_request(f"Invalid value specified for property 'consentType' of resource '{_resource()}'.")
    if not isinstance(body.get("scope"), str | None):
        raise bad_request(f"Invalid value specified for property 'scope' of resource '{_resource()}'.")
    ids = [_present(call, body, "clientId", "servicePrincipal"), _present(call, body, "resourceId", "servicePrincipal")]
    if is_for_one:
        ids.append(_present(call, body, "principalId", "user"))
    identifier = _identifier(ids)
    values = {name: body.get(name) for name in _NAMES} | {"id": identifier}
    if call.world.store.get(TABLE, identifier) is not None:
        raise AzureFault(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.")
    call.world.store.put(TABLE, identifier, values)
    return call.created(_context(call) | values, call.caller.tenant, f"oauth2PermissionGrants/{identifier}")


def change_grant(call: GraphCall) -> Response:
    """PATCH /oauth2PermissionGrants/{id}: 204; only the scope can change."""
    grant, scope = _grant(call), call.body().get("scope")
    if not isinstance(scope, str):
        raise bad_request(f"Invalid value specified for property 'scope' of resource '{_resource()}'.")
    call.world.store.put(TABLE, grant["id"], {**grant, "scope": scope})
    return Response(204)


def remove_grant(call: GraphCall) -> Response:
    """DELETE /oauth2PermissionGrants/{id}: 204."""
    call.world.store.delete(TABLE, _grant(call)["id"])
    return Response(204)


def _grant(call: GraphCall) -> dict[str, Any]:
    found = call.world.store.get(TABLE, call.path[1])
    if found is None:
        raise not_found(call.path[1])
    return found


def _present(call: GraphCall, body: dict[str, Any], name: str, kind: str) -> str:
    record = find(call.world, str(body.get(name)), kind)
    if record is None:
        raise not_found(str(body.get(name)))
    identifier: str = record["id"]
    return identifier


def _identifier(ids: list[str]) -> str:
    """The ids of those it is between, one after the other, in base64 (recorded)."""
    joined = b"".join(uuid.UUID(one).bytes_le for one in ids)
    return base64.urlsafe_b64encode(joined).rstrip(b"=").decode()


def _resource() -> str:
    return f"{_KIND[0].upper()}{_KIND[1:]}"


def _context(call: GraphCall) -> dict[str, Any]:
    return {"@odata.context": call.context("oauth2PermissionGrants/$entity")}
