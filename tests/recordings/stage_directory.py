"""The directory that a scenario finds: users, groups, applications and service principals, and their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.recordings.load import Entry
    from tests.recordings.replay import Replay


def prepare(replay: Replay, entry: Entry) -> None:
    """Principals that a role assignment names exist unless Azure said that it does not know them."""
    if entry.service != "arm-authorization" or "/roleassignments/" not in entry.path.lower() or entry.method != "PUT":
        return
    sent = (entry.body or {}).get("properties") or {}
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
