"""Rotation policies of keys: kept and shown as sent, with the service's defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.key_shape import KEYS
from declarative_kv.emulator.dataplane.records import DAY, existing
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record

# Recorded for a key without a policy of its own: no id, no attributes.
_DEFAULT: Final[Mapping[str, Any]] = {
    "lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}],
    "attributes": None,
}
_DURATION: Final = re.compile(r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?")
_ACTIONS: Final = {"notify": "Notify", "rotate": "Rotate"}
_TRIGGERS: Final = ("timeAfterCreate", "timeBeforeExpiry")
_SHORTEST_LIFE: Final = 28
_SHORTEST_WAIT: Final = 7


def shown_policy(call: VaultCall, record: Record) -> dict[str, Any]:
    """The policy of a key as JSON."""
    policy = record.get("rotation")
    if policy is None:
        return dict(_DEFAULT)
    return {"id": f"{call.base}/keys/{record['name']}/rotationpolicy", **policy}


def get_policy(call: VaultCall) -> Response:
    """GET /keys/{name}/rotationpolicy."""
    return json_response(200, shown_policy(call, existing(KEYS, call)))


def set_policy(call: VaultCall) -> Response:
    """PUT /keys/{name}/rotationpolicy: actions come back capitalised, the times with what the service adds."""
    record, body, now = existing(KEYS, call), call.body(), int(call.world.clock.now())
    before = (record.get("rotation") or {}).get("attributes") or {"created": now}
    expiry = _expiry(body.get("attributes"))
    actions = [_action(entry) for entry in _listed(body.get("lifetimeActions"))]
    if all(action["action"]["type"] != "Notify" for action in actions):
        # A policy always gives notice; one that does not say when, 30 days before the end (recorded).
        actions += _DEFAULT["lifetimeActions"]
    policy = {
        "lifetimeActions": actions,
        "attributes": {**expiry, "created": before["created"], "updated": now},
    }
    record = {**record, "rotation": policy}
    call.world.store.put(KEYS.live, call.key, record)
    return json_response(200, shown_policy(call, record))


def expiry_of(record: Record, now: int) -> int | None:
    """When a version made now expires by the key's policy; None if it has none or sets no life."""
    text = ((record.get("rotation") or {}).get("attributes") or {}).get("expiryTime")
    days = None if text is None else _days(text)
    return None if days is None else now + days * DAY


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise _refused("lifetimeActions")
    return given


def _expiry(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    text = given.get("expiryTime") if isinstance(given, dict) else 0
    if text is None:
        return {}
    days = _days(text)
    if days is None or days < _SHORTEST_LIFE:
        raise _refused("attributes.expiryTime")
    return {"expiryTime": str(text)}


def _action(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("trigger"), dict):
        raise _refused("lifetimeActions.trigger")
    trigger = {name: entry["trigger"][name] for name in _TRIGGERS if entry["trigger"].get(name) is not None}
    waits = [_days(text) for text in trigger.values()]
    if len(waits) != 1 or waits[0] is None or waits[0] < _SHORTEST_WAIT:
        raise _refused("lifetimeActions.trigger")
    action = entry.get("action")
    kind = action.get("type") if isinstance(action, dict) else None
    if not isinstance(kind, str) or kind.lower() not in _ACTIONS:
        raise _refused("lifetimeActions.action")
    return {"trigger": trigger, "action": {"type": _ACTIONS[kind.lower()]}}


def _days(text: Any) -> int | None:
    """The days of an ISO 8601 duration of years, months and days; None if it is none."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    years, months, days = (int(part or 0) for part in match.groups())
    return years * 365 + months * 30 + days


def _refused(field: str) -> AzureFault:
    return AzureFault(400, "BadParameter", f"Property {field} has an invalid value.")
