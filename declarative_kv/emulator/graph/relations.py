"""Who belongs to what in Graph: members of groups, owners, memberships of anything."""

from __future__ import annotations

from collections.abc import Iterable

from declarative_kv.emulator.directory import TABLE, all_of, direct_groups_of, find, groups_of
from declarative_kv.emulator.graph.call import GraphCall, bad_request, not_found
from declarative_kv.emulator.graph.objects import referenced
from declarative_kv.emulator.http import Response
from declarative_kv.emulator.store import Record


def list_related(call: GraphCall) -> Response:
    """GET …/{id}/members, owners, memberOf, ownedObjects and the transitive forms."""
    record = call.target()
    match call.path[2].lower():
        case "members" | "owners" as relation:
            ids: Iterable[str] = record.get(relation, ())
        case "memberof":
            ids = direct_groups_of(call.world, record["id"])
        case "ownedobjects":
            every = all_of(call.world, "group", "application", "servicePrincipal")
            ids = [one["id"] for one in every if record["id"] in one.get("owners", ())]
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
    return call.acted({"@odata.context": call.context("Collection(Edm.String)"), "value": ids})
