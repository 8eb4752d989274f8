"""Who belongs to what in Graph: members and owners of groups, memberships of anything, passwords of applications."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from secrets import token_urlsafe
from typing import Final

from declarative_kv.emulator.directory import TABLE, direct_groups_of, find, groups_of
from declarative_kv.emulator.graph.call import GraphCall, bad_request, not_found
from declarative_kv.emulator.graph.objects import referenced
from declarative_kv.emulator.http import Response
from declarative_kv.emulator.seed import password_record
from declarative_kv.emulator.store import Record

_TWO_YEARS: Final = 2 * 365 * 86400.0


def list_related(call: GraphCall) -> Response:
    """GET …/{id}/members, owners, memberOf and their transitive forms."""
    record = call.target()
    match call.path[2].lower():
        case "members" | "owners" as relation:
            ids: Iterable[str] = record.get(relation, ())
        case "memberof":
            ids = direct_groups_of(call.world, record["id"])
        case "transitivememberof":
            ids = sorted(groups_of(call.world, record["id"]))
        case _:
            ids = _members_below(call, record)
    found = (find(call.world, object_id) for object_id in ids)
    return call.many((one for one in found if one is not None), "directoryObjects", typed=True)


def add_reference(call: GraphCall) -> Response:
    """POST …/{id}/members/$ref: 204; what is in already is an error (documented)."""
    record, relation = call.target(), call.path[2].lower()
    added = referenced(call, str(call.body().get("@odata.id", "")))
    present = record.get(relation, [])
    if added in present:
        text = f"One or more added object references already exist for the following modified properties: '{relation}'."
        raise bad_request(text)
    call.world.store.put(TABLE, record["id"], {**record, relation: [*present, added]})
    return Response(204)


def remove_reference(call: GraphCall) -> Response:
    """DELETE …/{id}/members/{id}/$ref: 204."""
    record, relation, removed = call.target(), call.path[2].lower(), call.path[3].lower()
    present = record.get(relation, [])
    if removed not in present:
        raise not_found(removed)
    left = [object_id for object_id in present if object_id != removed]
    call.world.store.put(TABLE, record["id"], {**record, relation: left})
    return Response(204)


def member_groups(call: GraphCall) -> Response:
    """POST …/{id}/getMemberGroups or getMemberObjects: the ids of all groups, also through groups."""
    found = sorted(groups_of(call.world, call.target()["id"]))
    return _ids(call, found)


def check_member_groups(call: GraphCall) -> Response:
    """POST …/{id}/checkMemberGroups or checkMemberObjects: those of the given ids that it belongs to."""
    body = call.body()
    asked = body.get("groupIds", body.get("ids"))
    if not isinstance(asked, list):
        raise bad_request("Invalid value specified for property 'groupIds' of resource 'DirectoryObject'.")
    groups = groups_of(call.world, call.target()["id"])
    return _ids(call, [group for group in asked if str(group).lower() in groups])


def add_password(call: GraphCall) -> Response:
    """POST …/{id}/addPassword: 200 with the text, here and never again; two years unless told otherwise."""
    record = call.target()
    wanted = call.body().get("passwordCredential") or {}
    if not isinstance(wanted, dict):
        raise bad_request("Invalid value specified for property 'passwordCredential' of resource 'Application'.")
    now = call.world.clock.now()
    start = _moment(wanted.get("startDateTime"), now)
    end = _moment(wanted.get("endDateTime"), start + _TWO_YEARS)
    secret = f"{token_urlsafe(30)[:37]}~dk"
    entry = password_record(wanted.get("displayName"), secret, start, end)
    passwords = [*record.get("passwordCredentials", ()), entry]
    call.world.store.put(TABLE, record["id"], {**record, "passwordCredentials": passwords})
    body = {"@odata.context": call.context("microsoft.graph.passwordCredential")}
    shown = {name: value for name, value in entry.items() if name != "digest"} | {"secretText": secret}
    return call.json(200, body | dict(sorted(shown.items())))


def remove_password(call: GraphCall) -> Response:
    """POST …/{id}/removePassword: 204."""
    record, key_id = call.target(), call.body().get("keyId")
    passwords = record.get("passwordCredentials", [])
    left = [entry for entry in passwords if entry["keyId"] != key_id]
    if len(left) == len(passwords):
        raise bad_request(f"No password credential found with keyId {key_id}.")
    call.world.store.put(TABLE, record["id"], {**record, "passwordCredentials": left})
    return Response(204)


def _members_below(call: GraphCall, group: Record) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(group.get("members", ()))
    while waiting:
        object_id = waiting.pop(0)
        if object_id in found:
            continue
        found[object_id] = None
        inner = find(call.world, object_id, "group")
        waiting += [] if inner is None else inner.get("members", [])
    return list(found)


def _ids(call: GraphCall, ids: list[str]) -> Response:
    return call.json(200, {"@odata.context": call.context("Collection(Edm.String)"), "value": ids})


def _moment(text: object, otherwise: float) -> float:
    if text is None:
        return otherwise
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError as error:
        raise bad_request(f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'.") from error
