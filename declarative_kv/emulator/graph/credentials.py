"""What an application signs in with: its passwords, and the tokens of other issuers that it trusts."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any, Final

from declarative_kv.emulator.directory import TABLE
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.graph.call import GraphCall, bad_request, new_id, not_found
from declarative_kv.emulator.graph.input import moment, require
from declarative_kv.emulator.http import Response
from declarative_kv.emulator.seed import password_record
from declarative_kv.emulator.store import Record

_TWO_YEARS: Final = 2 * 365 * 86400.0
_FEDERATED: Final = "federatedIdentityCredentials"
_TEXTS: Final = ("name", "issuer", "subject", "description")
_MOST: Final = 20


def add_password(call: GraphCall) -> Response:
    """POST …/{id}/addPassword: 200 with the text, here and never again; two years unless told otherwise.

    The newest comes first in the object's list (recorded).
    """
    record = call.target()
    wanted = call.body().get("passwordCredential") or {}
    if not isinstance(wanted, dict):
        raise bad_request("Invalid value specified for property 'passwordCredential' of resource 'Application'.")
    now = call.world.clock.now()
    start = moment(wanted.get("startDateTime"), now)
    end = moment(wanted.get("endDateTime"), start + _TWO_YEARS)
    secret = f"{token_urlsafe(30)[:37]}~dk"
    entry = password_record(wanted.get("displayName"), secret, start, end)
    if record["kind"] == "servicePrincipal":
        entry["hint"] = None  # recorded: only applications' passwords have one
    passwords = [entry, *record.get("passwordCredentials", ())]
    call.world.store.put(TABLE, record["id"], {**record, "passwordCredentials": passwords})
    body = {"@odata.context": call.context("microsoft.graph.passwordCredential")}
    shown = {name: value for name, value in entry.items() if name != "digest"} | {"secretText": secret}
    return call.acted(body | dict(sorted(shown.items())))


def remove_password(call: GraphCall) -> Response:
    """POST …/{id}/removePassword: 204."""
    record, key_id = call.target(), call.body().get("keyId")
    passwords = record.get("passwordCredentials", [])
    left = [entry for entry in passwords if entry["keyId"] != key_id]
    if len(left) == len(passwords):
        raise bad_request(f"No password credential found with keyId {key_id}.")
    call.world.store.put(TABLE, record["id"], {**record, "passwordCredentials": left})
    return Response(204)


def list_federated(call: GraphCall) -> Response:
    """GET …/{id}/federatedIdentityCredentials."""
    return call.plain(call.target().get(_FEDERATED, ()), _federated_context(call))


def get_federated(call: GraphCall) -> Response:
    """GET …/federatedIdentityCredentials/{id or name}."""
    context = {"@odata.context": call.context(f"{_federated_context(call)}/$entity")}
    return call.json(200, context | _federated(call, call.target()))


def add_federated(call: GraphCall) -> Response:
    """POST …/federatedIdentityCredentials: 201; 20 of them at most, names and issuer with subject once (documented)."""
    record, body = call.target(), call.body()
    require("federatedIdentityCredential", body, "name", "issuer", "subject", "audiences")
    entry = _checked({"id": new_id(), "description": None, **{name: body[name] for name in body if name != "id"}})
    present = record.get(_FEDERATED, [])
    if len(present) >= _MOST:
        raise bad_request(f"Maximum of {_MOST} federated identity credentials per application exceeded.")
    for other in present:
        if other["name"] == entry["name"]:
            text = f"FederatedIdentityCredential with name {entry['name']} already exists."
            raise AzureFault(409, "Request_MultipleObjectsWithSameKeyValue", text)
        if (other["issuer"], other["subject"]) == (entry["issuer"], entry["subject"]):
            raise bad_request("FederatedIdentityCredential with issuer and subject combination already exists.")
    call.world.store.put(TABLE, record["id"], {**record, _FEDERATED: [*present, entry]})
    context = {"@odata.context": call.context(f"{_federated_context(call)}/$entity")}
    return call.created(context | entry, record["tenant"], f"{_FEDERATED}/{entry['id']}")


def change_federated(call: GraphCall) -> Response:
    """PATCH …/federatedIdentityCredentials/{id or name}: 204; the name stays."""
    record, body = call.target(), call.body()
    entry = _federated(call, record)
    changed = _checked({**entry, **{name: value for name, value in body.items() if name not in ("id", "name")}})
    _keep(call, record, [changed if one is entry else one for one in record[_FEDERATED]])
    return Response(204)


def remove_federated(call: GraphCall) -> Response:
    """DELETE …/federatedIdentityCredentials/{id or name}: 204."""
    record = call.target()
    entry = _federated(call, record)
    _keep(call, record, [one for one in record[_FEDERATED] if one is not entry])
    return Response(204)


def _keep(call: GraphCall, record: Record, entries: list[dict[str, Any]]) -> None:
    call.world.store.put(TABLE, record["id"], {**record, _FEDERATED: entries})


def _federated(call: GraphCall, record: Record) -> dict[str, Any]:
    key = call.path[3]
    found: list[dict[str, Any]] = [e for e in record.get(_FEDERATED, ()) if key in (e["id"], e["name"])]
    if not found:
        raise not_found(key)
    return found[0]


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with the properties it may have, each of the right type; raises 400 else."""
    known = {name: entry[name] for name in ("id", *_TEXTS, "audiences")}
    is_list = isinstance(known["audiences"], list) and all(isinstance(one, str) for one in known["audiences"])
    wrong = [name for name in _TEXTS if not isinstance(known[name], str | None)] + ([] if is_list else ["audiences"])
    if wrong:
        raise bad_request(
            f"Invalid value specified for property '{wrong[0]}' of resource 'FederatedIdentityCredential'."
        )
    return known


def _federated_context(call: GraphCall) -> str:
    return f"{call.path[0]}('{call.path[1]}')/{_FEDERATED}"
