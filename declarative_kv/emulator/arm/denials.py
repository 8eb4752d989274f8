"""Resource Manager: deny assignments, which clients may only read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from declarative_kv.emulator.access.denials import EVERYONE, PLACE, TABLE, denials_at_or_above
from declarative_kv.emulator.arm.assignments import require_group_of
from declarative_kv.emulator.arm.call import Call, Route, bad_filter, equals, filters
from declarative_kv.emulator.directory import groups_of
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

_TYPE: Final = "Microsoft.Authorization/denyAssignments"
_LISTS: Final = ("actions", "notActions", "dataActions", "notDataActions")


def _list(call: Call, names: Mapping[str, str]) -> Response:
    """At, above and below the scope; the filters are those of the specification but the export's."""
    scope = names["scope"]
    require_group_of(call, scope)
    records = list(denials_at_or_above(call.store, scope))
    own, terms = scope.lower() + PLACE, filters(call.request.parameter("$filter"))
    if not any(term.lower() == "atscope()" for term in terms):
        below = (key for key in call.store.keys(TABLE, scope.lower() + "/") if not key.startswith(own))
        records.extend(call.store.table(TABLE)[key] for key in below)
    for term in terms:
        records = [record for record in records if _is_meant(call, record, term)]
    return json_response(200, {"value": [_shape(record) for record in records]})


def _is_meant(call: Call, record: Mapping[str, Any], term: str) -> bool:
    if term.lower() == "atscope()":
        return True
    name, principal = equals(term, "denyAssignmentName"), equals(term, "principalId")
    if name is not None:
        return str(record["denyAssignmentName"]).lower() == name.lower()
    concerned = {str(one["id"]).lower() for one in record.get("principals") or ()}
    if principal is not None:
        return principal.lower() in concerned
    match = re.fullmatch(r"assignedTo\(\s*'([^']*)'\s*\)", term, re.IGNORECASE)
    if match is None:
        raise bad_filter(term)
    return bool(concerned & {match[1].lower(), EVERYONE, *groups_of(call.world, match[1])})


def _get(call: Call, names: Mapping[str, str]) -> Response:
    require_group_of(call, names["scope"])
    record = call.store.get(TABLE, call.path.lower())
    if record is None:
        message = f"The deny assignment '{names['d']}' is not found."  # unverified
        raise AzureFault(404, "DenyAssignmentNotFound", message)
    return json_response(200, _shape(record))


def _shape(record: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "denyAssignmentName": record["denyAssignmentName"],
        "description": record.get("description"),
        "permissions": [
            {**{name: list(block.get(name) or ()) for name in _LISTS}, "condition": None, "conditionVersion": None}
            for block in record.get("permissions") or ()
        ],
        "scope": record["scope"],
        "doNotApplyToChildScopes": bool(record.get("doNotApplyToChildScopes")),
        "principals": list(record.get("principals") or ()),
        "excludePrincipals": list(record.get("excludePrincipals") or ()),
        "isSystemProtected": bool(record.get("isSystemProtected", True)),
    }
    return {"properties": properties, "id": record["id"], "type": _TYPE, "name": record["name"]}


_MANY: Final = "{scope}/providers/Microsoft.Authorization/denyAssignments"
_ONE: Final = _MANY + "/{d}"
ROUTES = (
    Route("GET", _MANY, _list, f"{_TYPE}/read", "{scope}"),
    Route("GET", _ONE, _get, f"{_TYPE}/read", _ONE),
)
