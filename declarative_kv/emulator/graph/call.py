"""One request to Microsoft Graph: its addressed object, its query options, its answers and refusals."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from declarative_kv.emulator.clouds import cloud_of
from declarative_kv.emulator.directory import all_of, application_of, find, service_principal_of
from declarative_kv.emulator.entra.tokens import Caller
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.graph.filter import Filter, parse_filter
from declarative_kv.emulator.graph.shapes import properties, shown
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.store import Record
from declarative_kv.emulator.world import World

COLLECTIONS: Final = {
    "users": "user",
    "groups": "group",
    "applications": "application",
    "serviceprincipals": "servicePrincipal",
}
_SPELLED: Final = {kind: spelled for spelled, kind in COLLECTIONS.items()} | {"servicePrincipal": "servicePrincipals"}
_CONTENT_TYPE: Final = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)
_OPTIONS: Final = frozenset({"$filter", "$select", "$top", "$count", "$skiptoken", "$format"})
_LARGEST_PAGE: Final = 999
_PAGE: Final = 100
_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class GraphCall:
    """`path` holds the decoded segments behind the version, key predicates already split off."""

    world: World
    request: Request
    caller: Caller
    path: tuple[str, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of object in the addressed collection: one, or all for `directoryObjects`."""
        kind = COLLECTIONS.get(self.path[0].lower())
        return tuple(COLLECTIONS.values()) if kind is None else (kind,)

    def target(self) -> Record:
        """The object that the second segment names, by id, by user name or by `appId=`; raises 404."""
        key = self.path[1]
        record = named(self.world, self.kinds, key)
        if record is None:
            if self.kinds == ("user",) or "=" in key or _ID.fullmatch(key):
                raise not_found(key)
            raise bad_request(f"Invalid object identifier '{key}'.")  # quoted in issues
        return record

    def body(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        try:
            content = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise AzureFault(400, "BadRequest", "Unable to read JSON request payload.") from error
        if not isinstance(content, dict):
            raise AzureFault(400, "BadRequest", "Unable to read JSON request payload.")
        return content

    def one(self, record: Record) -> Response:
        """The answer that holds one object."""
        return self.json(200, self.entity(record))

    def entity(self, record: Record) -> dict[str, Any]:
        """The body that holds one object: its default properties, or the selected ones."""
        selected = self._selected()
        fields = "" if selected is None else f"({','.join(selected)})"
        context = {"@odata.context": self.context(f"{_SPELLED[record['kind']]}{fields}/$entity")}
        body = context | self.shown(record)
        if selected is not None and "keyCredentials" in selected:
            body["keyCredentials"] = record.get("keyCredentials", [])  # here alone with the certificates (documented)
        return body

    def shown(self, record: Record, *, typed: bool = False) -> dict[str, Any]:
        """An object as the answer holds it; `typed` puts its type in front, as collections of mixed objects do."""
        return shown(record, self._selected(), partial(since, self.world), typed=typed)

    def many(self, records: Iterable[Record], context: str, *, typed: bool = False) -> Response:
        """The answer that holds directory objects: filtered, selected and paged as the query says."""
        return self.page(self.filtered(records), context, lambda record: self.shown(record, typed=typed))

    def plain(self, items: Iterable[dict[str, Any]], context: str) -> Response:
        """The answer that holds things which are no directory objects: filtered and paged, but not selected."""
        if self._selected() is not None:
            raise AzureFault(501, "NotImplemented", "The emulator does not understand $select here.")
        keep = self._wanted()
        return self.page([item for item in items if keep is None or keep(item)], context, lambda item: item)

    def filtered(self, records: Iterable[Record]) -> list[Record]:
        """The directory objects that the request's `$filter` lets through."""
        keep = self._wanted()
        return [record for record in records if keep is None or keep(properties(record))]

    def page(self, found: list[Record], context: str, show: Callable[[Record], dict[str, Any]]) -> Response:
        """One page of what was found; the answer of an action has the Location of actions."""
        start, size = self._window()
        body: dict[str, Any] = {"@odata.context": self.context(context)}
        if (self.request.parameter("$count") or "").lower() == "true":
            body["@odata.count"] = len(found)
        if start + size < len(found):
            options = [(name, value) for name, value in self.request.query if name.lower() != "$skiptoken"]
            link = urlencode([*options, ("$skiptoken", str(start + size))], safe="$,'()/:", quote_via=quote)
            body["@odata.nextLink"] = f"https://{self.request.host}{self.request.path}?{link}"
        body["value"] = [show(record) for record in found[start : start + size]]
        return self.acted(body) if self.request.method == "POST" else self.json(200, body)

    def acted(self, body: dict[str, Any]) -> Response:
        """The answer of an action that gives something: 200, with a Location that says nothing more (recorded)."""
        return self.json(200, body, {"location": f"https://{self.request.host}"})

    def created(self, body: dict[str, Any], tenant: str, place: str) -> Response:
        """A 201; its Location is an address of the directory behind Graph (recorded)."""
        return self.json(201, body, {"location": f"https://{self.request.host}/v2/{tenant}/{place}"})

    def context(self, what: str) -> str:
        """The metadata address of an answer."""
        return f"{cloud_of(self.request.host).graph_audience}/v1.0/$metadata#{what}"

    def json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
        """An answer with Graph's headers."""
        fixed = {"content-type": _CONTENT_TYPE, "odata-version": "4.0", "x-ms-resource-unit": "1"}
        return json_response(status, body, fixed | (headers or {}))

    def _wanted(self) -> Filter | None:
        """The request's `$filter`; options that the emulator does not know are refused."""
        self._refuse_unknown_options()
        text = self.request.parameter("$filter")
        return None if text is None else parse_filter(text)

    def _selected(self) -> tuple[str, ...] | None:
        value = self.request.parameter("$select")
        return None if not value else tuple(name.strip() for name in value.split(","))

    def _window(self) -> tuple[int, int]:
        top, token = self.request.parameter("$top"), self.request.parameter("$skiptoken") or "0"
        if top is not None and not (_NUMBER.fullmatch(top) and 1 <= int(top) <= _LARGEST_PAGE):
            raise AzureFault(400, "BadRequest", f"Invalid page size specified: '{top}'.")
        if _NUMBER.fullmatch(token) is None:
            raise AzureFault(400, "BadRequest", "Invalid skip token.")
        return int(token), _PAGE if top is None else int(top)

    def _refuse_unknown_options(self) -> None:
        for name, _ in self.request.query:
            if name.startswith("$") and name.lower() not in _OPTIONS:
                raise AzureFault(501, "NotImplemented", f"The emulator does not understand the option '{name}'.")


def named(world: World, kinds: tuple[str, ...], key: str) -> Record | None:
    """The object of one of the kinds that a key names: an object id, a user's name, or `appId=` and a client id."""
    if key.lower().startswith("appid="):
        client_id = key[6:]
        record = application_of(world, client_id) if "application" in kinds else service_principal_of(world, client_id)
        return record
    record = find(world, key, *kinds)
    if record is None and "user" in kinds:
        lowered = key.lower()
        return next((u for u in all_of(world, "user") if u["userPrincipalName"].lower() == lowered), None)
    return record


def not_found(key: str) -> AzureFault:
    """The refusal for an object that is not there (recorded)."""
    return AzureFault(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def denied() -> AzureFault:
    """The refusal for a caller without the right (recorded)."""
    text = "Insufficient privileges to complete the operation."
    return AzureFault(403, "Authorization_RequestDenied", text)


def bad_request(text: str) -> AzureFault:
    """The refusal of a body that Graph read but does not take."""
    return AzureFault(400, "Request_BadRequest", text)


def new_id() -> str:
    """An id for a new directory object."""
    return str(uuid.uuid4())


def split_key(segment: str) -> tuple[str, ...]:
    """`users('a')` as `users`, `a`; `applications(appId='b')` as `applications`, `appId=b`."""
    match = re.fullmatch(r"(\w+)\((?:(\w+)=)?'(.*)'\)", segment)
    if match is None:
        return (segment,)
    key = match[3].replace("''", "'")
    return (match[1], key if match[2] is None else f"{match[2]}={key}")
