"""Role assignments, and reader roles, which are the same to Azure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from declarative_kv.azure import ids
from declarative_kv.azure.errors import translated
from declarative_kv.azure.session import AUTHORIZATION, Session
from declarative_kv.kinds.base import AROUND, BaseKind, check_unmoved, encoded, raw, same
from declarative_kv.model.errors import Conflict, Forbidden, NotFound
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.specs import RoleAssignmentSpec

_LIST = "/providers/Microsoft.Authorization/roleAssignments"
_CONDITION_VERSION = "2.0"


class RoleAssignmentKind(BaseKind):
    """A role for a principal at a scope. Only description and condition change; another grant is another object."""

    name: ClassVar[str] = "role_assignment"
    spec_type: ClassVar[type] = RoleAssignmentSpec
    replaceable: ClassVar[bool] = True

    def remote_id(self, spec: RoleAssignmentSpec) -> str:
        """The id that ours has; an equal assignment of another hand has another (see `equivalent`)."""
        return ids.assignment_id(str(spec.scope), str(spec.role), str(spec.principal))

    def made(self, spec: RoleAssignmentSpec) -> Observed:
        """The assignment under the id that ours has."""
        identifier = self.remote_id(spec)
        parent, label = ids.vault_of(str(spec.scope)), ids.guid_of(identifier)
        return Observed(RoleAssignmentKind.name, identifier, spec, parent=parent, label=label)

    def scope(self, spec: RoleAssignmentSpec) -> Scope:
        """The subscription's whole list, or the scope's own where that lies above subscriptions."""
        subscription = ids.subscription_of(str(spec.scope))
        at = f"/subscriptions/{subscription}" if subscription else str(spec.scope)
        return Scope(RoleAssignmentKind.name, at, frozenset({self.remote_id(spec)}))

    def inside(self, container: str) -> Scope | None:
        """The vault's own list, which who has rights there alone may read too."""
        return Scope(RoleAssignmentKind.name, container)

    def grantee(self, spec: RoleAssignmentSpec) -> str | None:
        """The principal."""
        return str(spec.principal)

    def equivalent(self, desired: RoleAssignmentSpec, live: RoleAssignmentSpec) -> bool:
        """Whether both grant the same: Azure refuses a second assignment of one role, principal and scope."""
        pairs = ((desired.scope, live.scope), (desired.role, live.role), (desired.principal, live.principal))
        return all(same(str(one).rstrip("/"), str(other).rstrip("/")) for one, other in pairs)

    async def read(self, azure: Session, scope: Scope) -> Iterable[Observed]:
        """Every assignment at, above and below; who may not list there sees those at the wanted scopes and above.

        What does not exist yet inherits from what is around it, so the list there is given in its stead.
        """
        try:
            return await _all(azure, scope.at)
        except Forbidden:
            targets = sorted({ids.assignment_scope(wanted).lower() for wanted in scope.wanted})
            if not [target for target in targets if target != scope.at.lower()]:
                raise
        found: dict[str, Observed] = {}
        for target in targets:
            found |= {one.id: one for one in await _listed(azure, target, "atScope()")}
        return tuple(found.values())

    async def create(self, azure: Session, desired: RoleAssignmentSpec) -> Observed:
        """Create the assignment; an equal one under another id is returned in its stead."""
        try:
            return await self._put(azure, self.remote_id(desired), desired, "Granting")
        except Conflict as error:
            if error.code != "RoleAssignmentExists":
                raise
            for found in await _listed(azure, str(desired.scope), f"principalId eq '{desired.principal}'"):
                if self.equivalent(desired, found.spec):
                    return found
            raise

    async def update(self, azure: Session, desired: RoleAssignmentSpec, live: Observed) -> Observed:
        """Change description and condition under the id that the assignment has; what is unmanaged is sent as it is."""
        operation = f"Changing {_words(desired)}"
        check_unmoved(live, await _one(azure, live.remote_id), operation)
        return await self._put(azure, live.remote_id, desired, "Changing", live.spec)

    async def delete(self, azure: Session, live: Observed) -> Observed | None:
        """Take the assignment away; Azure answers with what it was."""
        client = azure.authorization(ids.subscription_of(live.remote_id) or "")
        try:
            with translated(f"Removing {_words(live.spec)}"):
                answer: Any = await client.role_assignments.delete_by_id(_in_url(live.remote_id), cls=raw)
        except NotFound:
            return None
        finally:
            azure.forget(AROUND)
        return _observed(answer) if answer else None

    async def _put(
        self,
        azure: Session,
        remote_id: str,
        desired: RoleAssignmentSpec,
        verb: str,
        live: RoleAssignmentSpec | None = None,
    ) -> Observed:
        client = azure.authorization(ids.subscription_of(str(desired.scope)) or "")
        body = encoded({"properties": _properties(desired, live)})
        with translated(f"{verb} {_words(desired)}"):
            answer: Any = await client.role_assignments.create_by_id(_in_url(remote_id), body, cls=raw)
        azure.forget(AROUND)
        return _observed(answer)


class ReaderRoleKind(RoleAssignmentKind):
    """A role assignment that may read settings only; the configuration checks that it can do no more."""

    name: ClassVar[str] = "reader_role"

    def inside(self, container: str) -> Scope | None:
        """Nothing of its own: to Azure these are role assignments like others."""
        return None


async def _all(azure: Session, scope: str) -> tuple[Observed, ...]:
    """The assignments at, above and below a scope, where it does not exist those at and above what is around it."""
    with suppress(NotFound):
        return await _found(azure, scope, "")
    for place in ids.around(scope):
        if (found := await _around(azure, place)) is not None:
            return found
    return ()


async def _around(azure: Session, place: str) -> tuple[Observed, ...] | None:
    """The assignments at and above a place, None where that does not exist: asked once for all that is to lie there."""

    async def listed() -> tuple[Observed, ...] | None:
        try:
            return await _found(azure, place, "atScope()")
        except NotFound:
            return None

    return await azure.known((AROUND, place.lower()), listed)


async def _listed(azure: Session, scope: str, where: str) -> tuple[Observed, ...]:
    """The assignments that a list at `scope` shows; none where the scope does not exist yet."""
    try:
        return await _found(azure, scope, where)
    except NotFound:
        return ()


async def _one(azure: Session, identifier: str) -> Observed | None:
    """The assignment of that id; None where there is none."""
    operation = f"Reading the role assignment {ids.guid_of(identifier)}"
    try:
        return _observed(await azure.arm("GET", identifier, version=AUTHORIZATION, operation=operation))
    except NotFound:
        return None


async def _found(azure: Session, scope: str, where: str) -> tuple[Observed, ...]:
    path, operation = f"{scope.rstrip('/')}{_LIST}", f"Listing the role assignments at {scope}"
    pages = azure.arm_pages(path, version=AUTHORIZATION, operation=operation, where=where)
    return tuple([_observed(item) async for page in pages for item in page])


def _properties(desired: RoleAssignmentSpec, live: RoleAssignmentSpec | None) -> dict[str, Any]:
    scope = str(desired.scope)
    properties: dict[str, Any] = {
        "roleDefinitionId": ids.definition_id(scope, str(desired.role)),
        "principalId": str(desired.principal),
    }
    principal_type = desired.principal_type or (live.principal_type if live else None)
    if principal_type:
        properties["principalType"] = str(principal_type)
    for name in ("description", "condition"):
        written = getattr(desired, name)
        setting = written if written is not None or live is None else getattr(live, name)
        if setting:
            properties[name] = setting
    if "condition" in properties:
        properties["conditionVersion"] = _CONDITION_VERSION
    return properties


def _observed(item: Mapping[str, Any]) -> Observed:
    """Azure's assignment in our words; the definition's id is compared by its GUID alone."""
    properties = item["properties"]
    identifier = str(item["id"])
    scope = str(properties.get("scope") or ids.assignment_scope(identifier))
    spec = RoleAssignmentSpec(
        scope=scope,
        role=ids.guid_of(str(properties["roleDefinitionId"])),
        principal=str(properties["principalId"]).lower(),
        principal_type=properties.get("principalType"),
        description=properties.get("description"),
        condition=properties.get("condition"),
    )
    return Observed(
        "role_assignment",
        identifier,
        spec,
        parent=ids.vault_of(scope),
        label=ids.guid_of(identifier),
        changed=str(properties.get("updatedOn") or ""),
    )


def _in_url(identifier: str) -> str:
    """An id as the typed calls want it, which put it into their URL as it is."""
    return ids.encoded(identifier).lstrip("/")


def _words(spec: RoleAssignmentSpec) -> str:
    return f"the role {spec.role} for {spec.principal} at {spec.scope}"
