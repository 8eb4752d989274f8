"""Users, groups, applications and service principals in Graph: made, read, changed, deleted, restored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from declarative_kv.emulator.clock import iso
from declarative_kv.emulator.directory import TABLE, all_of, application_of, find, service_principal_of
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.graph.call import COLLECTIONS, GraphCall, bad_request, new_id, not_found
from declarative_kv.emulator.graph.certificates import with_certificates
from declarative_kv.emulator.graph.input import check, given, require
from declarative_kv.emulator.http import Response
from declarative_kv.emulator.seed import application_record, principal_record
from declarative_kv.emulator.store import Record

DELETED: Final = "deleted_directory"
_KEPT_SECONDS: Final = 30 * 86400.0
_ANY_ACCOUNT: Final = "AzureADandPersonalMicrosoftAccount"


def list_objects(call: GraphCall) -> Response:
    """GET of a collection, in order of creation."""
    return call.many(all_of(call.world, *call.kinds), _context(call))


def get_object(call: GraphCall) -> Response:
    """GET of one object."""
    return call.one(call.target())


def count_objects(call: GraphCall) -> Response:
    """GET …/$count: the number as text; only of what may lag behind, says the header (documented)."""
    if call.request.headers.get("consistencylevel", "").lower() != "eventual":
        raise bad_request("$count is not currently supported.")
    found = call.filtered(all_of(call.world, *call.kinds))
    return Response(200, {"content-type": "text/plain"}, str(len(found)).encode())


def create_object(call: GraphCall) -> Response:
    """POST to a collection: 201 with the object, which lists a new principal's names the other way round (recorded)."""
    body = call.body()
    kind = call.kinds[0]
    check(kind, body)
    record = _BUILD[kind](call, body)
    record |= {name: value for name, value in given(body).items() if name not in record}
    with_certificates(record, {})
    call.world.store.put(TABLE, record["id"], record)
    body = call.entity(_fresh(call, record))
    kind_in_directory = f"Microsoft.DirectoryServices.{kind[0].upper()}{kind[1:]}"
    return call.created(body, record["tenant"], f"directoryObjects/{record['id']}/{kind_in_directory}")


def _fresh(call: GraphCall, record: Record) -> Record:
    """A new object as its own 201 shows it: other order of a principal's names, fractions of a second (recorded)."""
    if record["kind"] == "servicePrincipal":
        return {**record, "servicePrincipalNames": record["servicePrincipalNames"][::-1]}
    if record["kind"] == "application":
        fraction = f"{call.world.clock.now() % 1:.7f}"[1:]
        return {**record, "createdDateTime": f"{record['createdDateTime'].removesuffix('Z')}{fraction}Z"}
    return record


def change_object(call: GraphCall) -> Response:
    """PATCH: 204; null clears a property."""
    record, body = call.target(), call.body()
    check(record["kind"], body)
    changed = {**record, **given(body)}
    if record["kind"] == "user" and changed["userPrincipalName"] != record["userPrincipalName"]:
        require("user", changed, "userPrincipalName")
        _refuse_same_name(call, changed["userPrincipalName"])
    if record["kind"] == "application" and changed["identifierUris"] != record["identifierUris"]:
        _refuse_same_uris(call, changed["identifierUris"], record["id"])
    with_certificates(changed, record)
    call.world.store.put(TABLE, record["id"], changed)
    if record["kind"] == "application":
        _follow(call, changed)
    return Response(204)


def delete_object(call: GraphCall) -> Response:
    """DELETE: 204. All but security groups can be restored for 30 days; an application takes its principal along."""
    record = call.target()
    _delete(call, record)
    if record["kind"] == "application":
        principal = service_principal_of(call.world, record["appId"])
        if principal is not None:
            _delete(call, principal)
    return Response(204)


def list_deleted(call: GraphCall) -> Response:
    """GET /directory/deletedItems/microsoft.graph.KIND."""
    kind = call.path[2].removeprefix("microsoft.graph.").lower()
    records = call.world.store.table(DELETED).values()
    return call.many([r for r in records if r["kind"].lower() == kind and not _over(call, r)], _context(call))


def get_deleted(call: GraphCall) -> Response:
    """GET /directory/deletedItems/{id}."""
    record = _deleted(call)
    body = {"@odata.context": call.context("directoryObjects/$entity")}
    return call.json(200, body | call.shown(record, typed=True))


def purge_deleted(call: GraphCall) -> Response:
    """DELETE /directory/deletedItems/{id}: 204, gone for good."""
    call.world.store.delete(DELETED, _deleted(call)["id"])
    return Response(204)


def restore_deleted(call: GraphCall) -> Response:
    """POST /directory/deletedItems/{id}/restore: 200 with the object, without its former memberships."""
    record = _deleted(call)
    back = {name: value for name, value in record.items() if name not in ("deleted", "deletedDateTime")}
    call.world.store.delete(DELETED, record["id"])
    call.world.store.put(TABLE, back["id"], back)
    body = {"@odata.context": call.context("directoryObjects/$entity")}
    return call.json(200, body | call.shown(back, typed=True))


def get_by_ids(call: GraphCall) -> Response:
    """POST /directoryObjects/getByIds: those of the ids that exist and are of a wanted type; no error for others."""
    body = call.body()
    ids = body.get("ids")
    if not isinstance(ids, list) or len(ids) > 1000:
        raise bad_request("Invalid value specified for property 'ids' of resource 'DirectoryObject'.")
    types = body.get("types") or []
    if not isinstance(types, list):
        raise bad_request("Invalid value specified for property 'types' of resource 'DirectoryObject'.")
    wanted = {str(name).lower() for name in types} or {"directoryobject"}
    kinds = [k for k in COLLECTIONS.values() if "directoryobject" in wanted or k.lower() in wanted]
    found = [find(call.world, str(object_id), *kinds) for object_id in ids] if kinds else []
    return call.many([record for record in found if record is not None], "directoryObjects", typed=True)


def _context(call: GraphCall) -> str:
    return "directoryObjects" if len(call.kinds) > 1 else call.path[0]


def _user(call: GraphCall, body: Mapping[str, Any]) -> Record:
    require("user", body, "accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName")
    _refuse_same_name(call, body["userPrincipalName"])
    return {
        "kind": "user",
        "id": new_id(),
        "tenant": call.caller.tenant,
        "userPrincipalName": body["userPrincipalName"],
        "displayName": body["displayName"],
        "createdDateTime": iso(call.world.clock.now()),
        "userType": "Member",
    }


def _group(call: GraphCall, body: Mapping[str, Any]) -> Record:
    require("group", body, "displayName", "mailEnabled", "mailNickname", "securityEnabled")
    return {
        "kind": "group",
        "id": new_id(),
        "tenant": call.caller.tenant,
        "displayName": body["displayName"],
        "createdDateTime": iso(call.world.clock.now()),
        "members": _bound(call, body, "members"),
        "owners": _bound(call, body, "owners"),
    }


def _application(call: GraphCall, body: Mapping[str, Any]) -> Record:
    require("application", body, "displayName")
    record = application_record(new_id(), new_id(), body["displayName"], call.world.clock.now())
    audience = body.get("signInAudience") or _ANY_ACCOUNT
    _refuse_same_uris(call, body.get("identifierUris") or [], record["id"])
    tenant = call.world.store.get("tenants", call.caller.tenant.lower()) or {}
    record |= {
        "tenant": call.caller.tenant,
        "identifierUris": body.get("identifierUris") or [],
        "signInAudience": audience,
        "publisherDomain": tenant.get("defaultDomain"),
        # Who registers an application owns it, if it is a person (recorded).
        "owners": [call.caller.object_id] if call.caller.kind == "user" else [],
    }
    if "PersonalMicrosoftAccount" in audience:
        # Personal accounts take only tokens of version 2 (recorded).
        record["api"] = {"requestedAccessTokenVersion": 2, **(body.get("api") or {})}
    return record


def _principal(call: GraphCall, body: Mapping[str, Any]) -> Record:
    require("servicePrincipal", body, "appId")
    application = application_of(call.world, str(body["appId"]))
    if application is None:
        raise bad_request(
            f"The appId '{body['appId']}' of the service principal does not reference a valid application object."
        )
    client_id = application["appId"]
    if service_principal_of(call.world, client_id) is not None:
        text = (
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{client_id} is already in use."
        )
        raise AzureFault(409, "Request_MultipleObjectsWithSameKeyValue", text)
    name = application["displayName"]
    record = principal_record(new_id(), client_id, name, call.world.clock.now())
    if "accountEnabled" in body:
        record["accountEnabled"] = bool(body["accountEnabled"])
    return record | {
        "tenant": call.caller.tenant,
        "appDisplayName": name,
        "servicePrincipalNames": [*application["identifierUris"], client_id],
        "signInAudience": application["signInAudience"],
    }


_BUILD: Final[Mapping[str, Callable[[GraphCall, Mapping[str, Any]], Record]]] = {
    "user": _user,
    "group": _group,
    "application": _application,
    "servicePrincipal": _principal,
}


def _follow(call: GraphCall, application: Record) -> None:
    """The service principal in the application's own tenant goes by the application's names (documented)."""
    principal = service_principal_of(call.world, application["appId"])
    if principal is None or principal["tenant"] != application["tenant"]:
        return
    names = {
        "displayName": application["displayName"],
        "appDisplayName": application["displayName"],
        "servicePrincipalNames": [*application["identifierUris"], application["appId"]],
        "signInAudience": application.get("signInAudience"),
    }
    call.world.store.put(TABLE, principal["id"], {**principal, **names})


def _refuse_same_name(call: GraphCall, name: str) -> None:
    if any(user["userPrincipalName"].lower() == name.lower() for user in all_of(call.world, "user")):
        text = "Another object with the same value for property userPrincipalName already exists."
        raise bad_request(text)


def _refuse_same_uris(call: GraphCall, uris: list[str], own_id: str) -> None:
    wanted = {uri.lower() for uri in uris}
    for other in all_of(call.world, "application"):
        if other["id"] != own_id and wanted & {uri.lower() for uri in other["identifierUris"]}:
            raise bad_request("Another object with the same value for property identifierUris already exists.")


def _bound(call: GraphCall, body: Mapping[str, Any], relation: str) -> list[str]:
    """The ids behind `members@odata.bind`, each of an object that exists."""
    found = []
    for reference in body.get(f"{relation}@odata.bind") or ():
        found.append(referenced(call, str(reference)))
    return found


def referenced(call: GraphCall, reference: str) -> str:
    """The id of the object that an `@odata.id` points at; raises 404 if there is none."""
    match = re.search(r"/([0-9a-fA-F-]{36})/?$", reference)
    record = None if match is None else find(call.world, match[1])
    if record is None:
        raise not_found(reference.rstrip("/").rpartition("/")[2])
    identifier: str = record["id"]
    return identifier


def _delete(call: GraphCall, record: Record) -> None:
    store, object_id = call.world.store, record["id"]
    for group in list(all_of(call.world, "group")):
        if object_id in group.get("members", ()) or object_id in group.get("owners", ()):
            left = {k: [i for i in group.get(k, ()) if i != object_id] for k in ("members", "owners")}
            store.put(TABLE, group["id"], {**group, **left})
    store.delete(TABLE, object_id)
    if record["kind"] == "group" and "Unified" not in record.get("groupTypes", ()):
        return  # security groups are deleted for good (documented)
    now = call.world.clock.now()
    store.put(DELETED, object_id, {**record, "deleted": now, "deletedDateTime": iso(now)})


def _deleted(call: GraphCall) -> Record:
    record = call.world.store.get(DELETED, call.path[2].lower())
    if record is None or _over(call, record):
        raise not_found(call.path[2])
    return record


def _over(call: GraphCall, record: Record) -> bool:
    return bool(record["deleted"] + _KEPT_SECONDS <= call.world.clock.now())
