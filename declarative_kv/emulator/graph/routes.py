"""Microsoft Graph's directory: routes, tokens and rights; the work is in the modules beside."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.directory import may_read, may_write
from declarative_kv.emulator.entra.tokens import Caller, TokenError, bearer, verify
from declarative_kv.emulator.errors import AzureFault, not_emulated
from declarative_kv.emulator.graph import credentials, grants, objects, relations
from declarative_kv.emulator.graph.call import COLLECTIONS, GraphCall, denied, named, split_key
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.world import World

Handler = Callable[[GraphCall], Response]

# Method and shape of the path: `{}` is a collection, `*` a key.
_READS: Final[Mapping[tuple[str, str], Handler]] = {
    ("GET", "{}"): objects.list_objects,
    ("GET", "{}/$count"): objects.count_objects,
    ("GET", "{}/*"): objects.get_object,
    ("GET", "directoryobjects/*"): objects.get_object,
    ("GET", "{}/*/members"): relations.list_related,
    ("GET", "{}/*/owners"): relations.list_related,
    ("GET", "{}/*/memberof"): relations.list_related,
    ("GET", "{}/*/ownedobjects"): relations.list_related,
    ("GET", "{}/*/transitivememberof"): relations.list_related,
    ("GET", "{}/*/transitivemembers"): relations.list_related,
    ("POST", "{}/*/getmembergroups"): relations.member_groups,
    ("POST", "{}/*/getmemberobjects"): relations.member_groups,
    ("POST", "{}/*/checkmembergroups"): relations.check_member_groups,
    ("POST", "{}/*/checkmemberobjects"): relations.check_member_groups,
    ("POST", "directoryobjects/*/getmembergroups"): relations.member_groups,
    ("POST", "directoryobjects/*/getmemberobjects"): relations.member_groups,
    ("POST", "directoryobjects/*/checkmembergroups"): relations.check_member_groups,
    ("POST", "directoryobjects/*/checkmemberobjects"): relations.check_member_groups,
    ("POST", "directoryobjects/getbyids"): objects.get_by_ids,
    ("GET", "{}/*/federatedidentitycredentials"): credentials.list_federated,
    ("GET", "{}/*/federatedidentitycredentials/*"): credentials.get_federated,
    ("GET", "oauth2permissiongrants"): grants.list_grants,
    ("GET", "oauth2permissiongrants/*"): grants.get_grant,
    ("GET", "directory/deleteditems/type"): objects.list_deleted,
    ("GET", "directory/deleteditems/*"): objects.get_deleted,
}
_WRITES: Final[Mapping[tuple[str, str], Handler]] = {
    ("POST", "{}"): objects.create_object,
    ("PATCH", "{}/*"): objects.change_object,
    ("DELETE", "{}/*"): objects.delete_object,
    ("POST", "{}/*/members/$ref"): relations.add_reference,
    ("POST", "{}/*/owners/$ref"): relations.add_reference,
    ("DELETE", "{}/*/members/*/$ref"): relations.remove_reference,
    ("DELETE", "{}/*/owners/*/$ref"): relations.remove_reference,
    ("POST", "{}/*/addpassword"): credentials.add_password,
    ("POST", "{}/*/removepassword"): credentials.remove_password,
    ("POST", "{}/*/federatedidentitycredentials"): credentials.add_federated,
    ("PATCH", "{}/*/federatedidentitycredentials/*"): credentials.change_federated,
    ("DELETE", "{}/*/federatedidentitycredentials/*"): credentials.remove_federated,
    ("POST", "oauth2permissiongrants"): grants.add_grant,
    ("PATCH", "oauth2permissiongrants/*"): grants.change_grant,
    ("DELETE", "oauth2permissiongrants/*"): grants.remove_grant,
    ("DELETE", "directory/deleteditems/*"): objects.purge_deleted,
    ("POST", "directory/deleteditems/*/restore"): objects.restore_deleted,
}


def answer_graph(world: World, request: Request) -> Response:
    """Answer one request to Graph; refusals carry Graph's `innerError`."""
    try:
        caller = _caller(world, request)
        # Parts of a write must not survive the refusal of the rest.
        with world.store.transaction():
            return _answer(world, request, caller)
    except AzureFault as fault:
        return refuse_graph(world, request, fault)


def refuse_graph(world: World, request: Request, fault: AzureFault) -> Response:
    """Graph's error object: it repeats the request's ids and the time."""
    identifier = str(uuid.uuid4())
    inner: dict[str, Any] = {
        "date": datetime.fromtimestamp(world.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": identifier,
        "client-request-id": request.headers.get("client-request-id", identifier),
    }
    error = {"code": fault.code, "message": fault.message, "innerError": inner}
    response = json_response(fault.status, {"error": error}, fault.headers)
    return replace(response, headers={**response.headers, "request-id": identifier})


def _answer(world: World, request: Request, caller: Caller) -> Response:
    segments = [part for part in unquote(request.path).split("/") if part]
    if not segments or segments[0].lower() != "v1.0":
        raise not_emulated(request)
    path = tuple(piece for segment in segments[1:] for piece in split_key(segment))
    if path[:1] == ("me",):
        path = ("users", _own_user(caller), *path[1:])
    call = GraphCall(world, request, caller, path)
    route = (request.method, _shape(path))
    if route in _READS:
        if not (may_read(world, caller.object_id) or _is_own(call)):
            raise denied()
        return _READS[route](call)
    if route in _WRITES:
        if not may_write(world, caller.object_id):
            raise denied()
        return _WRITES[route](call)
    raise not_emulated(request)


def _shape(path: tuple[str, ...]) -> str:
    """The path's shape as the tables of routes spell it."""
    if not path:
        return ""
    lowered = [part.lower() for part in path]
    if lowered[0] in COLLECTIONS:
        return "/".join(["{}", *_tail(lowered[1:])])
    if lowered[0] == "oauth2permissiongrants":
        return "/".join(["oauth2permissiongrants", *_tail(lowered[1:])])
    if lowered[0] == "directoryobjects":
        return "/".join(lowered if lowered[1:] == ["getbyids"] else ["directoryobjects", *_tail(lowered[1:])])
    if lowered[:2] == ["directory", "deleteditems"] and len(lowered) > 2:
        of_type = lowered[2].startswith("microsoft.graph.")
        return "/".join(["directory/deleteditems", "type" if of_type else "*", *lowered[3:]])
    return "/".join(lowered)


def _tail(parts: list[str]) -> list[str]:
    """Key, then a relation or action, then perhaps the key of a related object."""
    return ["*" if place in (0, 2) and part[:1] != "$" else part for place, part in enumerate(parts)]


def _own_user(caller: Caller) -> str:
    if caller.kind != "user":
        text = "/me request is only valid with delegated authentication flow."
        raise AzureFault(400, "BadRequest", text)
    return caller.object_id


def _is_own(call: GraphCall) -> bool:
    """Whether the call reads nothing but the caller's own object."""
    if len(call.path) < 2:
        return False
    record = named(call.world, call.kinds, call.path[1])
    return record is not None and record["id"] == call.caller.object_id


def _caller(world: World, request: Request) -> Caller:
    """Who calls Graph; raises 401 (the texts are known from issues, not recorded)."""
    token = bearer(request.headers.get("authorization"))
    if token is None:
        raise AzureFault(401, "InvalidAuthenticationToken", "Access token is empty.")
    try:
        return verify(world, token, (cloud_of(request.host).graph_audience,))
    except TokenError as error:
        texts = {
            "malformed": "Access token validation failure.",
            "expired": "Lifetime validation failed, the token is expired.",
            "audience": "Access token validation failure. Invalid audience.",
        }
        raise AzureFault(401, "InvalidAuthenticationToken", texts[error.reason]) from error
