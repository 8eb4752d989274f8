"""The directory that a scenario finds: users, groups, applications and service principals, and their secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from declarative_kv.emulator.directory import all_of, find
from tests.recordings import stage_login
from tests.recordings.compare import GUID

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay


Item = dict[str, Any]
_KINDS: Final = {
    "users": "user",
    "groups": "group",
    "applications": "application",
    "servicePrincipals": "servicePrincipal",
}
_PLACE: Final = re.compile(rf"/(?:(\w+)/)?({GUID})(?=/|$)")
_RELATION: Final = re.compile(rf"/({GUID})/(members|owners|memberOf|getMemberGroups|checkMemberGroups)$")
_NO_NAME: Final = "Redacted displayName"
_BY_NAME: Final = re.compile(r"displayName(?:,| eq )\s*'([^']+)'")
_ADDRESS: Final = re.compile(r"/users(?:/|\(')([^/']+@[^/']+)")
query_of = stage_login.query_of


def prepare(replay: Replay, entry: Entry) -> None:
    """What a request to the directory or to the login presupposes, and the principals that role assignments name."""
    if entry.service == "entra":
        stage_login.prepare(replay, entry)
    elif entry.service == "graph":
        _prepare_graph(replay, entry)
    else:
        _prepare_principal(replay, entry)


def body_of(replay: Replay, entry: Entry, body: Any) -> Any:
    """The body to send: a name that a sanitiser took out is the one by which the object was found later."""
    if entry.service != "graph" or not isinstance(body, dict) or body.get("displayName") != _NO_NAME:
        return stage_login.body_of(replay, entry, body)
    for later in replay.later:
        match = _BY_NAME.search(later.query.get("$filter", ""))
        if match is not None and any(item["id"] == entry.answer["id"] for _, item in _shown(later)):
            return {**body, "displayName": match[1]}
    return body


def _prepare_graph(replay: Replay, entry: Entry) -> None:
    """The objects that an answer shows or a request names, if nothing in the scenario makes them."""
    if entry.status >= 400:
        return
    _name_tenant(replay)
    _part_namesakes(replay, entry)
    _forget(replay, entry)
    own = {str(e.answer["id"]) for e in replay.entries if e.service == "graph" and e.status == 201 and e.answer}
    for kind, item in _shown(entry):
        if item["id"] not in own:
            _install(replay, kind, item)
    for collection, object_id in _named(entry):
        if object_id in own or find(replay.world, object_id) is not None:
            continue
        later = (one for e in replay.later for one in _shown(e) if one[1]["id"] == object_id)
        kind, item = next(later, (_KINDS.get(collection, "user"), {"id": object_id, "displayName": "somebody"}))
        _install(replay, kind, item)
    _relate(replay, entry)


def path_of(replay: Replay, entry: Entry) -> str:
    """The path; a sanitised address that nobody has is that of the last user whom the scenario made and has still.

    One sanitiser gave the addresses in paths other names than those in bodies.
    """
    match = _ADDRESS.search(entry.path)
    if entry.service != "graph" or match is None or entry.status >= 400:
        return entry.path
    users = list(all_of(replay.world, "user"))
    if any(user["userPrincipalName"] == match[1] for user in users):
        return entry.path
    own = [user for user in users if not user.get("staged") and user["id"] != replay.people.object_id]
    return entry.path.replace(match[1], own[-1]["userPrincipalName"]) if own else entry.path


def _part_namesakes(replay: Replay, entry: Entry) -> None:
    """Two people can be made whom a sanitiser gave one address: the first one gets another."""
    name = entry.body.get("userPrincipalName") if isinstance(entry.body, dict) else None
    if entry.endpoint != "POST /v1.0/users" or name is None:
        return
    for user in list(all_of(replay.world, "user")):
        if user["userPrincipalName"] == name:
            replay.world.store.put("directory", user["id"], {**user, "userPrincipalName": f"other-{name}"})


def _forget(replay: Replay, entry: Entry) -> None:
    """What the scenario did not make and an answer no longer gives, somebody has deleted meanwhile."""
    if not entry.path.endswith("/getByIds"):
        return
    shown = {item["id"] for _, item in _shown(entry)}
    for object_id in set(entry.body["ids"]) - shown:
        record = find(replay.world, object_id)
        if record is not None and record.get("staged"):
            replay.world.store.delete("directory", record["id"])


def _name_tenant(replay: Replay) -> None:
    """The tenant's domain is that of the applications that it publishes."""
    shown = (item for e in replay.entries if e.service == "graph" for _, item in _shown(e))
    domain = next((str(item["publisherDomain"]) for item in shown if item.get("publisherDomain")), None)
    key = replay.people.tenant.lower()
    tenant = replay.world.store.get("tenants", key)
    if tenant is not None and domain is not None and tenant["defaultDomain"] != domain:
        replay.world.store.put("tenants", key, {**tenant, "defaultDomain": domain})


def _shown(entry: Entry) -> Iterator[tuple[str, Item]]:
    """The directory objects in an answer, each with its kind."""
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    context = str(answer.get("@odata.context", "")).partition("#")[2]
    collection = re.split(r"[/(]", context)[0]
    for item in answer["value"] if isinstance(answer.get("value"), list) else [answer]:
        if not isinstance(item, dict) or "id" not in item or "federatedIdentityCredentials" in context:
            continue
        typed = str(item.get("@odata.type", "")).removeprefix("#microsoft.graph.")
        kind = typed or _KINDS.get(collection, "")
        if kind in _KINDS.values():
            yield kind, {name: value for name, value in item.items() if "@" not in name}


def _named(entry: Entry) -> Iterator[tuple[str, str]]:
    """The directory objects that a request names by id, each with the collection in front."""
    if "/deletedItems/" in entry.path:
        return
    body = entry.body if isinstance(entry.body, dict) else {}
    path = entry.path.split("/federatedIdentityCredentials")[0]
    for match in _PLACE.finditer(path):
        yield match[1] or "", match[2]
    for match in _PLACE.finditer(str(body.get("@odata.id", ""))):
        yield match[1] or "", match[2]
    for name, collection in (("clientId", "servicePrincipals"), ("resourceId", "servicePrincipals")):
        if name in body:
            yield collection, body[name]


def _relate(replay: Replay, entry: Entry) -> None:
    """Memberships that an answer tells of, of objects that the scenario did not make."""
    match = _RELATION.search(entry.path)
    record = None if match is None else find(replay.world, match[1])
    if match is None or record is None or not record.get("staged"):
        return
    value = entry.answer.get("value") if isinstance(entry.answer, dict) else None
    shown = [str(one["id"] if isinstance(one, dict) else one).lower() for one in value or ()]
    store, relation = replay.world.store, match[2]
    if relation in ("members", "owners"):
        added = [one for one in shown if one in replay.mapping.tokens and one not in record.get(relation, ())]
        store.put("directory", record["id"].lower(), {**record, relation: [*record.get(relation, ()), *added]})
        return
    for group_id in shown:
        group = find(replay.world, group_id, "group")
        if group is None:
            _install(replay, "group", {"id": group_id, "displayName": "somebodys"})
            group = store.get("directory", group_id)
        if group is not None and group.get("staged") and record["id"] not in group["members"]:
            store.put("directory", group_id, {**group, "members": [*group["members"], record["id"]]})


def _install(replay: Replay, kind: str, item: Item) -> None:
    """An object as an answer shows it; what the world already holds of it by another name gives way."""
    store, key = replay.world.store, str(item["id"]).lower()
    known = store.get("directory", key)
    if known is not None and (known["kind"] != kind or known.get("installed")):
        return
    base = known or {"kind": kind, "tenant": replay.people.tenant, "members": [], "staged": True}
    passwords = [{"digest": "", **one} for one in item.get("passwordCredentials") or ()]
    record = {**base, **item, "passwordCredentials": passwords, "installed": True}
    if kind in ("application", "servicePrincipal"):
        record.setdefault("appId", key)
        record.setdefault("identifierUris", [])
        record.setdefault("accountEnabled", True)
    elif kind == "user":
        record.setdefault("userPrincipalName", f"{key}@contoso.example")
    store.put("directory", key, record)
    replay.mapping.fix(item)


def _prepare_principal(replay: Replay, entry: Entry) -> None:
    """Principals that a role assignment names exist unless Azure said that it does not know them."""
    if entry.service != "arm-authorization" or "/roleassignments/" not in entry.path.lower() or entry.method != "PUT":
        return
    sent = (entry.body or entry.answer or {}).get("properties") or {}
    answer = entry.answer if isinstance(entry.answer, dict) else {}
    principal = sent.get("principalId")
    if not isinstance(principal, str):
        return
    known = replay.world.store.get("directory", principal.lower())
    if entry.code == "PrincipalNotFound":
        if known is not None and known.get("staged"):
            replay.world.store.delete("directory", principal.lower())
        return
    if known is None:
        shown = (answer.get("properties") or {}).get("principalType") or sent.get("principalType")
        add_principal(replay, principal, str(shown or "ServicePrincipal"))


def add_principal(replay: Replay, object_id: str, kind: str) -> None:
    """A principal of that id that the scenario did not make; `kind` in the words of role assignments."""
    kinds = {"user": "user", "group": "group"}
    record = {
        "kind": kinds.get(kind.lower(), "servicePrincipal"),
        "id": object_id,
        "tenant": replay.people.tenant,
        "displayName": "somebody",
        "userPrincipalName": "somebody@contoso.example",
        "appId": object_id,
        "members": [],
        "staged": True,
    }
    replay.world.store.put("directory", object_id.lower(), record)
