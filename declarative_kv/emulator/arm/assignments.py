"""Resource Manager: role assignments at every scope."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from declarative_kv.emulator.access.authz import ASSIGNMENTS, assignments_at_or_above
from declarative_kv.emulator.access.roles import find_role, role_guid
from declarative_kv.emulator.arm.call import GUID, Call, Route, bad_filter, equals, filters, not_found, stamp
from declarative_kv.emulator.arm.groups import IDENTITY_TYPE, VAULT_TYPE, require_group
from declarative_kv.emulator.directory import groups_of
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

_TYPE = "Microsoft.Authorization/roleAssignments"
_PRINCIPAL_TYPES = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}
_CONDITION_FIELDS = ("condition", "conditionVersion")
# From the troubleshooting page of role-based access control: in a subscription, and at a management group.
LARGEST, LARGEST_OF_GROUP = 4000, 500
PROPAGATION_SECONDS = 10.0  # recorded: the data plane still refuses after 6 seconds and no more after 11
_LATE_FIELDS = ("delegatedManagedIdentityResourceId", "description")


def subscription_prefix(scope: str) -> str:
    """What a role definition id starts with when it is asked for at a scope: its subscription, or nothing."""
    match = re.match(r"/subscriptions/[^/]+", scope, re.IGNORECASE)
    return "" if match is None else match[0]


def require_group_of(call: Call, scope: str) -> None:
    """Raise Azure's 404 where the scope lies in a resource group that does not exist."""
    match = re.match(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)", scope, re.IGNORECASE)
    if match is not None:
        require_group(call, {"s": match[1], "g": match[2]})


def _require_resource(call: Call, scope: str) -> None:
    """Raise a 404 where the scope is, or lies below, a vault or an identity that does not exist."""
    match = re.match(r".*/resourceGroups/([^/]+)/providers/([^/]+/[^/]+)/([^/]+)", scope, re.IGNORECASE)
    if match is None:
        return
    group, kind, name = match.groups()
    if kind.lower() == VAULT_TYPE.lower():
        vault = call.store.get("vaults", name.lower())
        if vault is None or vault["id"].lower() != match[0].lower():
            raise not_found(call, VAULT_TYPE, name, group)
    if kind.lower() == IDENTITY_TYPE.lower() and call.store.get("managed_identities", match[0].lower()) is None:
        raise not_found(call, IDENTITY_TYPE, name, group)


def _shape(call: Call, record: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """An assignment as the api-version shows it; empty optional fields are null, not absent (recorded)."""
    guid = role_guid(record["roleDefinitionId"])
    prefix = subscription_prefix(scope) or subscription_prefix(record["scope"])
    properties: dict[str, Any] = {
        "roleDefinitionId": f"{prefix}/providers/Microsoft.Authorization/roleDefinitions/{guid}",
        "principalId": record["principalId"],
    }
    if call.since("2018-01-01"):
        properties["principalType"] = record["principalType"]
    properties["scope"] = record["scope"]
    if call.since("2020-01-01"):
        properties |= {name: record.get(name) for name in _CONDITION_FIELDS}
    if call.since("2015-01-01"):
        properties |= {name: record.get(name) for name in ("createdOn", "updatedOn", "createdBy", "updatedBy")}
    if call.since("2020-01-01"):
        properties |= {name: record.get(name) for name in _LATE_FIELDS}
    elif call.since("2018-09-01") and not since(call.world, "2019-01-01"):
        properties["canDelegate"] = bool(record.get("canDelegate"))
    return {"properties": properties, "id": record["id"], "type": _TYPE, "name": record["name"]}


def _attributes(source: str, record: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (source, "roledefinitionid"): role_guid(record["roleDefinitionId"]),
        (source, "principalid"): record["principalId"],
        (source, "principaltype"): record["principalType"],
    }


def _sent(call: Call, scope: str, name: str) -> dict[str, Any]:
    """The assignment that a PUT asks for, checked as far as that needs no rights."""
    properties = call.body().get("properties")
    if not isinstance(properties, Mapping):
        raise _invalid("The request did not have any content or properties in its content.")
    role, principal = properties.get("roleDefinitionId"), properties.get("principalId")
    if not isinstance(role, str) or GUID.fullmatch(role_guid(role)) is None:
        raise _invalid("The role definition id is missing or not valid.")
    if not isinstance(principal, str) or GUID.fullmatch(principal) is None:
        raise _invalid("The principal id is missing or not a GUID.")
    texts = {field: properties.get(field) for field in (*_CONDITION_FIELDS, *_LATE_FIELDS)}
    if not all(value is None or isinstance(value, str) for value in texts.values()):
        raise _invalid("The condition and the description of a role assignment are texts.")
    return {
        "id": f"{scope}/providers/{_TYPE}/{name}",
        "name": name,
        "scope": scope or "/",
        "roleDefinitionId": role,
        "principalId": principal,
        "principalType": str(properties.get("principalType") or ""),
        **texts,
        "canDelegate": properties.get("canDelegate") is True,  # only the previews of 2018 knew it
    }


def _invalid(message: str) -> AzureFault:
    return AzureFault(400, "BadRequestFormat", message)


def _principal_type(call: Call, sent: Mapping[str, Any]) -> str:
    """The type of the principal; one the directory does not know yet is believed if its type was sent."""
    known = call.store.get("directory", sent["principalId"].lower())
    actual = _PRINCIPAL_TYPES.get(known["kind"]) if known is not None else None
    wanted = sent["principalType"]
    if actual is None and not wanted:
        text = (
            f"Principal {sent['principalId'].replace('-', '').lower()} does not exist in the directory "
            f"{call.caller.tenant}."
        )
        advice = (
            " Check that you have the correct principal ID. If you are creating this principal "
            "and then immediately assigning a role, this error might be related to a replication delay. In this case, "
            "set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  "
            "See https://aka.ms/docs-principaltype"
        )
        raise AzureFault(400, "PrincipalNotFound", text + advice if since(call.world, "2020-01-01") else text)
    if actual is not None and wanted and wanted.lower() != actual.lower():
        message = (
            f"The PrincipalId '{sent['principalId'].replace('-', '').lower()}' has type '{actual}' , which is "
            f"different from specified PrinciaplType '{wanted}'."
        )
        raise AzureFault(400, "UnmatchedPrincipalType", message)
    return actual or wanted


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """Always 201, for a new one and for a change of its description or condition (recorded)."""
    scope, name = names["scope"], names["a"]
    if GUID.fullmatch(name) is None:
        raise AzureFault(
            400, "InvalidRoleAssignmentId", f"The role assignment ID '{name}' is not valid. It must be a GUID."
        )
    try:
        sent = _sent(call, scope, name)
    except AzureFault:
        call.require(f"{_TYPE}/write", call.path)  # who may not write is not told what is wrong with the body
        raise
    call.require(f"{_TYPE}/write", call.path, _attributes("request", sent))
    require_group_of(call, scope)
    _require_resource(call, scope)
    before = _same_name(call, name)
    if before is not None:
        _refuse_move(before, sent)
    else:
        _refuse_twin(call, sent)
    guid = role_guid(sent["roleDefinitionId"])
    if find_role(call.store, guid) is None:
        message = f"The specified role definition with ID '{guid}' does not exist."
        raise AzureFault(404, "RoleDefinitionDoesNotExist", message)
    if before is None:
        _refuse_surplus(call, scope)
    kind = before["principalType"] if before is not None else _principal_type(call, sent)
    record = {**sent, "principalType": kind, **_times(call, before)}
    call.store.put("role_assignments", record["id"].lower(), record)
    shape = _shape(call, record, scope)
    shape["properties"]["createdBy"] = None  # recorded: filled in only from the next GET on
    return json_response(201, shape)


def _same_name(call: Call, name: str) -> Mapping[str, Any] | None:
    """The assignment of that GUID at any scope: the GUID is taken in the whole directory."""
    ending = ASSIGNMENTS + name.lower()
    records = call.store.table("role_assignments")
    return next((record for key, record in records.items() if key.endswith(ending)), None)


def _refuse_move(before: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
    same = (
        before["principalId"].lower() == sent["principalId"].lower()
        and role_guid(before["roleDefinitionId"]) == role_guid(sent["roleDefinitionId"])
        and before["id"].lower() == sent["id"].lower()
    )
    if not same:
        message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
        raise AzureFault(400, "RoleAssignmentUpdateNotPermitted", message)


def _refuse_twin(call: Call, sent: Mapping[str, Any]) -> None:
    place = sent["id"].lower().rpartition("/")[0] + "/"
    for key in call.store.keys("role_assignments", place):
        record = call.store.table("role_assignments")[key]
        if record["principalId"].lower() != sent["principalId"].lower():
            continue
        if role_guid(record["roleDefinitionId"]) == role_guid(sent["roleDefinitionId"]):
            raise AzureFault(409, "RoleAssignmentExists", "The role assignment already exists.")


def _times(call: Call, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Who wrote the assignment when, and from when on the data plane knows it; `before` is the one it replaces."""
    now, caller = stamp(call.now(), digits=7), call.caller.object_id
    lag = PROPAGATION_SECONDS * call.world.settings.time_scale
    made = before or {"createdOn": now, "createdBy": caller} | ({"effective": call.now() + lag} if lag else {})
    kept = {name: made[name] for name in ("createdOn", "createdBy", "effective") if name in made}
    return {**kept, "updatedOn": now, "updatedBy": caller}


def _refuse_surplus(call: Call, scope: str) -> None:
    """Raise the refusal of one assignment too many (its code is Microsoft's; the status is unverified)."""
    prefix = subscription_prefix(scope).lower()
    place, largest = (f"{prefix}/", LARGEST) if prefix else (scope.lower() + ASSIGNMENTS, LARGEST_OF_GROUP)
    if len(call.store.keys("role_assignments", place)) >= largest:
        raise AzureFault(400, "RoleAssignmentLimitExceeded", "No more role assignments can be created.")


def _get(call: Call, names: Mapping[str, str]) -> Response:
    require_group_of(call, names["scope"])
    record = call.store.get("role_assignments", call.path.lower())
    if record is None:
        message = f"The role assignment '{names['a']}' is not found."
        raise AzureFault(404, "RoleAssignmentNotFound", message)
    return json_response(200, _shape(call, record, names["scope"]))


def _delete(call: Call, names: Mapping[str, str]) -> Response:
    """200 with what was deleted, 204 where there was nothing (recorded)."""
    record = call.store.get("role_assignments", call.path.lower())
    attributes = {} if record is None else _attributes("resource", record)
    call.require(f"{_TYPE}/delete", call.path, attributes)
    if record is None:
        return Response(204)  # also in a group that is gone (recorded)
    shape = _shape(call, record, names["scope"])
    call.store.delete("role_assignments", call.path.lower())
    return json_response(200, shape)


def _list(call: Call, names: Mapping[str, str]) -> Response:
    """Without a filter and by principal: at, above and below the scope; `atScope()` leaves out what is below."""
    scope = names["scope"]
    require_group_of(call, scope)
    terms = filters(call.request.parameter("$filter"))
    records = list(assignments_at_or_above(call.store, scope))
    if not any(term.lower() == "atscope()" for term in terms):
        records.extend(_below(call, scope))
    for term in terms:
        principals = _principals(call, term)
        if principals is not None:
            records = [record for record in records if record["principalId"].lower() in principals]
        elif term.lower() != "atscope()":
            raise bad_filter(term)
    return json_response(200, {"value": [_shape(call, record, scope) for record in records]})


def _below(call: Call, scope: str) -> Iterator[Mapping[str, Any]]:
    own = scope.lower() + ASSIGNMENTS
    for key in call.store.keys("role_assignments", scope.lower() + "/"):
        if not key.startswith(own):
            yield call.store.table("role_assignments")[key]


def _principals(call: Call, term: str) -> frozenset[str] | None:
    """Whose assignments a term asks for; `assignedTo` means the groups of the principal too."""
    principal = equals(term, "principalId")
    if principal is not None:
        return frozenset({principal.lower()})
    match = re.fullmatch(r"assignedTo\(\s*'([^']*)'\s*\)", term, re.IGNORECASE)
    if match is None:
        return None
    return groups_of(call.world, match[1]) | {match[1].lower()}


_MANY = "{scope}/providers/Microsoft.Authorization/roleAssignments"
_ONE = _MANY + "/{a}"
ROUTES = (
    Route("GET", _MANY, _list, f"{_TYPE}/read", "{scope}"),
    Route("GET", _ONE, _get, f"{_TYPE}/read", _ONE),
    Route("PUT", _ONE, _put),
    Route("DELETE", _ONE, _delete),
)
