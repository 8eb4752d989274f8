"""Resource Manager: the tag names and values that a subscription has registered (an older service than tags)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.arm.call import GATEWAY, Call, Route
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response

_TABLE = "tag_names"  # "<subscription>/<name>" -> {"name", "count", "values": {lower: {"value", "count"}}}
_NAMES = "/subscriptions/{s}/tagNames"
_NAME = _NAMES + "/{t}"
_VALUE = _NAME + "/tagValues/{v}"


def _key(names: Mapping[str, str]) -> str:
    return f"{names['s']}/{names['t']}".lower()


def _count(number: int) -> dict[str, Any]:
    return {"type": "Total", "value": number}


def _shape(call: Call, subscription: str, record: Mapping[str, Any]) -> dict[str, Any]:
    identifier = f"/subscriptions/{subscription}/tagNames/{record['name']}"
    # Recorded: the versions before 2015 closed the id with a slash.
    end = "" if call.since("2015-01-01") else "/"
    values = [_value_shape(identifier, value) for value in record["values"].values()]
    return {"id": identifier + end, "tagName": record["name"], "count": _count(record["count"]), "values": values}


def _value_shape(identifier: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{identifier}/tagValues/{value['value']}",
        "tagValue": value["value"],
        "count": _count(value["count"]),
    }


def _list(call: Call, names: Mapping[str, str]) -> Response:
    inside = f"{names['s'].lower()}/"
    found = [record for key, record in call.store.table(_TABLE).items() if key.startswith(inside)]
    return json_response(200, {"value": [_shape(call, names["s"], record) for record in found]})


def _put(call: Call, names: Mapping[str, str]) -> Response:
    """201 for a new name, 200 for one that is there, whose values are not shown (recorded)."""
    known = call.store.get(_TABLE, _key(names))
    record = known or {"name": names["t"], "count": 0, "values": {}}
    call.store.put(_TABLE, _key(names), record)
    return json_response(201 if known is None else 200, {**_shape(call, names["s"], record), "values": []})


def _put_value(call: Call, names: Mapping[str, str]) -> Response:
    record = call.store.get(_TABLE, _key(names))
    if record is None:
        message = f"The tag '{names['t']}' was not found."
        raise AzureFault(404, "TagNotFound", message, headers=GATEWAY)
    known = record["values"].get(names["v"].lower())
    value = known or {"value": names["v"], "count": 0}
    values = {**record["values"], names["v"].lower(): value}
    call.store.put(_TABLE, _key(names), {**record, "values": values})
    identifier = f"/subscriptions/{names['s']}/tagNames/{record['name']}"
    return json_response(201 if known is None else 200, _value_shape(identifier, value))


def _delete(call: Call, names: Mapping[str, str]) -> Response:
    """200, or 204 where there was none (recorded)."""
    if call.store.get(_TABLE, _key(names)) is None:
        return Response(204)
    call.store.delete(_TABLE, _key(names))
    return Response(200)


def _delete_value(call: Call, names: Mapping[str, str]) -> Response:
    record = call.store.get(_TABLE, _key(names))
    if record is None or names["v"].lower() not in record["values"]:
        return Response(204)
    values = {key: value for key, value in record["values"].items() if key != names["v"].lower()}
    call.store.put(_TABLE, _key(names), {**record, "values": values})
    return Response(200)


_ACTION = "Microsoft.Resources/subscriptions/tagNames/"
_SCOPE = "/subscriptions/{s}"
ROUTES = (
    Route("GET", _NAMES, _list, f"{_ACTION}read", _SCOPE),
    Route("PUT", _NAME, _put, f"{_ACTION}write", _SCOPE),
    Route("DELETE", _NAME, _delete, f"{_ACTION}delete", _SCOPE),
    Route("PUT", _VALUE, _put_value, f"{_ACTION}tagValues/write", _SCOPE),
    Route("DELETE", _VALUE, _delete_value, f"{_ACTION}tagValues/delete", _SCOPE),
)
