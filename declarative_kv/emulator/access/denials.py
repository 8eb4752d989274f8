"""Deny assignments: what Azure's own services forbid at a scope, whatever role assignments grant there.

Table `deny_assignments`, by lower-case id: `{"id", "name", "scope", "denyAssignmentName", "description",
"permissions": [{"actions", "notActions", "dataActions", "notDataActions"}], "principals": [{"id", "type"}],
"excludePrincipals": [...], "doNotApplyToChildScopes", "isSystemProtected"}`. Clients cannot make them: they come with
a snapshot (Azure's deny-assignments).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from declarative_kv.emulator.access.roles import Permission
from declarative_kv.emulator.access.scopes import scopes_upwards

if TYPE_CHECKING:
    from declarative_kv.emulator.store import Store

TABLE: Final = "deny_assignments"
PLACE: Final = "/providers/microsoft.authorization/denyassignments/"
# The principal that stands for all of them (Azure's deny-assignments).
EVERYONE: Final = "00000000-0000-0000-0000-000000000000"


def denial(
    store: Store, principals: Collection[str], action: str, scope: str, *, data: bool
) -> Mapping[str, Any] | None:
    """The deny assignment that forbids one of the principals (lower-case ids) the action, nearest first."""
    if not store.table(TABLE):
        return None
    return next((d for d in denials_at_or_above(store, scope) if _forbids(d, principals, action, scope, data)), None)


def denials_at_or_above(store: Store, scope: str) -> Iterator[Mapping[str, Any]]:
    """The deny assignments at the scope and above it, nearest first; the records are read-only."""
    for place in scopes_upwards(store, scope):
        for key in store.keys(TABLE, place + PLACE):
            yield store.table(TABLE)[key]


def _forbids(record: Mapping[str, Any], principals: Collection[str], action: str, scope: str, data: bool) -> bool:
    if record.get("doNotApplyToChildScopes") and record["scope"].strip("/").lower() != scope.strip("/").lower():
        return False
    if _ids(record, "excludePrincipals") & {*principals}:
        return False
    if not _ids(record, "principals") & {*principals, EVERYONE}:
        return False
    return any(_block(permission).grants(action, data=data) for permission in record.get("permissions") or ())


def _ids(record: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(str(principal["id"]).lower() for principal in record.get(name) or ())


def _block(permission: Mapping[str, Any]) -> Permission:
    actions, not_actions, data_actions, not_data_actions = (
        tuple(permission.get(name) or ()) for name in ("actions", "notActions", "dataActions", "notDataActions")
    )
    return Permission(actions, not_actions, data_actions, not_data_actions)
