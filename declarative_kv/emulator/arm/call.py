"""One call of Resource Manager: what every route is given, and the few things that all of them do."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from declarative_kv.emulator.access.authz import permits
from declarative_kv.emulator.access.conditions import Attributes
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Request, Response, json_response

if TYPE_CHECKING:
    from declarative_kv.emulator.entra.tokens import Caller
    from declarative_kv.emulator.store import Store
    from declarative_kv.emulator.world import World

GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
GATEWAY = {"x-ms-failure-cause": "gateway"}
_NO_ATTRIBUTES: Attributes = {}


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller is known. `path` is decoded and has no closing slash; `version` is the api-version."""

    world: World
    request: Request
    caller: Caller
    path: str
    version: str

    @property
    def store(self) -> Store:
        """The world's store."""
        return self.world.store

    def now(self) -> float:
        """Emulated time, seconds since the epoch."""
        return self.world.clock.now()

    def since(self, version: str) -> bool:
        """Whether the api-version is this date or a later one; a preview counts as its date."""
        return self.version[:10] >= version

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; none at all is an empty one. Raises a 400 for anything else."""
        if not self.request.body.strip():
            return {}
        try:
            body = _read(self.request)
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text that could be kept
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
            raise bad_content() from error
        if not isinstance(body, dict):
            raise bad_content()
        return body

    def may(self, action: str, scope: str, attributes: Attributes = _NO_ATTRIBUTES) -> bool:
        """Whether a role assignment lets the caller do it there."""
        return permits(self.world, self.caller, action, scope, attributes=attributes).allowed

    def require(self, action: str, scope: str, attributes: Attributes = _NO_ATTRIBUTES) -> None:
        """Raise Azure's 403 unless the caller may (recorded text)."""
        decision = permits(self.world, self.caller, action, scope, attributes=attributes)
        if decision.allowed:
            return
        if decision.denied is not None:
            raise _denied(self, action, scope, decision.denied)
        raise AzureFault(
            403,
            "AuthorizationFailed",
            f"The client '{client_name(self)}' with object id '{self.caller.object_id}' does not have authorization "
            f"to perform action '{action}' over scope '{scope or '/'}' or the scope is invalid. If access was "
            "recently granted, please refresh your credentials.",
            headers=GATEWAY,
        )

    def link(self, path: str, **query: str) -> str:
        """An absolute address on this host, with the call's own api-version; the names get no percent signs."""
        extra = "".join(f"&{name}={quote(value, safe='')}" for name, value in query.items())
        return f"https://{self.request.host}{path}?api-version={self.version}{extra}"


def _denied(call: Call, action: str, scope: str, record: Mapping[str, Any]) -> AzureFault:
    """The 403 of a caller who has the right, but for a deny assignment (text quoted in issues, code unverified)."""
    text = (
        f"The client '{client_name(call)}' with object id '{call.caller.object_id}' has permission to perform action "
        f"'{action}' on scope '{scope or '/'}'; however, the access is denied because of the deny assignment with name "
        f"'{record['denyAssignmentName']}' and Id '{record['name'].replace('-', '').lower()}' at scope "
        f"'{record['scope']}'."
    )
    return AzureFault(403, "DenyAssignmentAuthorizationFailed", text, headers=GATEWAY)


Handler = Callable[[Call, Mapping[str, str]], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a handler answers. `pattern` is a path whose `{names}` stand for one segment, literal parts caseless.

    `action` at the scope `scope` (a path template of the same names) is required before the handler runs; None
    where the handler decides that itself.
    """

    method: str
    pattern: str
    handler: Handler
    action: str | None = None
    scope: str | None = None


_LARGEST_LENIENT = 100_000


def _read(request: Request) -> Any:
    """The body as JSON; like Resource Manager's reader, it takes texts in single quotes, too (recorded)."""
    body = request.body.strip()
    is_single_quoted = body[:1] == b"{" and body[1:].lstrip()[:1] == b"'"
    if is_single_quoted and len(body) <= _LARGEST_LENIENT:
        return ast.literal_eval(body.decode())
    return request.json()


def client_name(call: Call) -> str:
    """How errors and `systemData` name the caller: a user by its principal name, an application by client id."""
    record = call.store.get("directory", call.caller.object_id.lower()) or {}
    return str(record.get("userPrincipalName") or call.caller.app_id)


def system_data(call: Call, before: Mapping[str, Any] | None = None) -> dict[str, str]:
    """`systemData` after a write by the caller; `before` is what it was, None for something new."""
    who = client_name(call)
    kind = "User" if call.caller.kind == "user" else "Application"
    moment = stamp(call.now(), digits=3)
    made = before or {"createdBy": who, "createdByType": kind, "createdAt": moment}
    return {
        "createdBy": made["createdBy"],
        "createdByType": made["createdByType"],
        "createdAt": made["createdAt"],
        "lastModifiedBy": who,
        "lastModifiedByType": kind,
        "lastModifiedAt": moment,
    }


def stamp(seconds: float, *, digits: int = 0) -> str:
    """Epoch seconds in UTC as Azure writes them, with so many decimals (0, 3 or 7)."""
    moment = datetime.fromtimestamp(seconds, UTC)
    decimals = f".{moment.microsecond:06d}0"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{decimals}Z"


def region(location: str) -> str:
    """A location as Azure keeps it: `West Europe` is `westeurope`."""
    return location.replace(" ", "").lower()


def not_found(call: Call, kind: str, name: str, group: str) -> AzureFault:
    """The 404 for a resource that is not there (recorded)."""
    text = f"The Resource '{kind}/{name}' under resource group '{group}' was not found."
    if since(call.world, "2020-06-01"):
        text += " For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    return AzureFault(404, "ResourceNotFound", text, headers=GATEWAY)


def page(call: Call, items: Sequence[Mapping[str, Any]], marks: Sequence[str], *, ends_empty: bool = False) -> Response:
    """A list in pages of `$top`; `nextLink` is there only if more follows (recorded for Resource Manager).

    `marks` are the items' sort keys, ascending: the token of the next page is the mark of the last item given.
    With `ends_empty` the last page is the one without items, as Key Vault's own lists are (recorded).
    """
    top = call.request.parameter("$top") or ""
    after = call.request.parameter("$skiptoken")
    start = 0 if after is None else sum(1 for mark in marks if mark <= after)
    end = start + int(top) if top.isdecimal() and int(top) else len(items)
    body: dict[str, Any] = {"value": list(items[start:end])}
    if end < len(items) or (ends_empty and items[start:end]):
        more = {"$top": top} if top else {}
        body["nextLink"] = call.link(call.request.path, **more, **{"$skiptoken": marks[min(end, len(items)) - 1]})
    return json_response(200, body)


def bad_content() -> AzureFault:
    """The 400 for a body that is not what the operation takes."""
    message = "The request content was invalid and could not be deserialized."
    return AzureFault(400, "InvalidRequestContent", message, headers=GATEWAY)


def retry_after(call: Call, seconds: float) -> dict[str, str]:
    """The header that asks for so many seconds of patience, fewer in an emulator that is faster than Azure.

    It says a whole number, and 0 only where nothing has to be waited for: clients take 0 for no word at all.
    """
    return {"retry-after": str(ceil(seconds * min(1.0, call.world.settings.time_scale)))}


def hurry(call: Call, seconds: float) -> dict[str, str]:
    """The same header where Azure sends none and its clients wait half a minute: only while faster than Azure."""
    return retry_after(call, seconds) if 0 < call.world.settings.time_scale < 1 else {}


def tags_of(body: Mapping[str, Any]) -> dict[str, str] | None:
    """The tags that were sent, None if none were; raises a 400 unless they are texts by name."""
    tags = body.get("tags")
    if tags is None:
        return None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise bad_content()
    return tags


def text_of(body: Mapping[str, Any], name: str) -> str | None:
    """A text that was sent, None if it was not; raises a 400 for anything else."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise bad_content()
    return value


def filters(text: str | None) -> list[str]:
    """The terms of a `$filter` joined by `and`; text in quotes is left alone."""
    if not text or not text.strip():
        return []
    parts = re.split(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)", text.strip(), flags=re.IGNORECASE)
    return [part.strip() for part in parts]


def equals(term: str, name: str) -> str | None:
    """The value of a term `name eq 'value'`, with doubled quotes undone; None for any other term."""
    match = re.fullmatch(rf"{re.escape(name)}\s+eq\s+'((?:[^']|'')*)'", term, flags=re.IGNORECASE)
    return None if match is None else match[1].replace("''", "'")


def bad_filter(term: str) -> AzureFault:
    """The 400 for a `$filter` that is not understood here; better than a list that ignores it."""
    return AzureFault(400, "InvalidFilter", f"The filter '{term}' is not supported.")
