"""A picture in the place of Azure: kinds and a directory that know what was there, and say where they do not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from declarative_kv.engine.recording import named, seen_by
from declarative_kv.model import errors
from declarative_kv.model.access import Questions, Surroundings
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Principal
from declarative_kv.model.errors import AzureError, PlanError
from declarative_kv.model.identity import Identity
from declarative_kv.model.kind import Kinds, ResourceKind
from declarative_kv.model.picture import Picture, Shot, Subscribed
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.roles import GUID, builtin_role

_ASSIGNMENTS = "role_assignment"
_HINT = "Take a new picture where Azure can be reached:\n    dkv snapshot --out FILE"


class PicturedKind:
    """One kind as the picture shows it; it can only look."""

    def __init__(self, kind: ResourceKind, picture: Picture, shots: Mapping[tuple[str, str, bool], Shot]) -> None:
        self._kind, self._picture, self._shots = kind, picture, shots

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kind, name)

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        """What the same read brought; of what was not read, what follows from the lists of the subscription."""
        shot = self._shots.get((scope.kind, scope.at.lower(), scope.indirect))
        if shot is None:
            return self._elsewhere(scope)
        if shot.error:
            kind: type[AzureError] = getattr(errors, shot.error)
            raise kind(*shot.diagnostics, code=shot.code)
        return seen_by(shot.observed, scope)

    async def contents(self, azure: Any, live: Observed) -> tuple[str, ...]:
        """What lies in a group."""
        if self._kind.name != "resource_group":
            return ()
        inside = f"{live.id}/"
        return tuple(at for at in _around(self._picture, live.id).resources if at.lower().startswith(inside))

    async def examine(self, azure: Any, live: Observed) -> Observed:
        """The version of a secret; its value is in no picture."""
        version = self._picture.versions.get(live.id)
        if version is None:
            raise missing(self._picture, f"the version of the secret {live.label}")
        return Observed(live.kind, live.remote_id, live.spec, live.condition, {**live.facts, "version": version})

    def _elsewhere(self, scope: Scope) -> tuple[Observed, ...]:
        around = _around(self._picture, scope.at)
        at = scope.at.lower()
        if scope.kind == "vault":
            if at.rpartition("/")[2] in around.vaults:
                raise missing(self._picture, f"the vault {scope.at.rpartition('/')[2]}, which was there")
            return tuple(one for one in around.deleted if one.id == at)
        if scope.kind == "resource_group":
            return tuple(one for one in around.groups if one.id == at)
        whole = self._shots.get((_ASSIGNMENTS, "/".join(at.split("/")[:3]), False))
        if scope.kind == _ASSIGNMENTS and whole is not None and not whole.error:
            return tuple(one for one in whole.observed if _related(str(one.spec.scope).lower(), at))
        raise missing(self._picture, f"what is at {scope.at}")


class PicturedDirectory:
    """Names as the picture has them."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._known = {(one.selector, one.name, one.pinned): one for one in picture.principals}

    async def identity(self) -> Identity:
        """Who took the picture."""
        return self._picture.identity

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        """Who somebody is; raises `PlanError` for a name that was not looked up."""
        known = self._known.get(named(principal))
        if known is None:
            raise missing(self._picture, f"the principal {principal.key} ({principal.selector} {principal.name})")
        if not known.object_id:
            raise PlanError(*known.diagnostics)
        return known.object_id, known.type, known.label

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        """Every subscription that was seen."""
        return self._picture.subscriptions

    async def find_vault(self, subscription: str, name: str) -> str | None:
        """The id of a live vault."""
        return _around(self._picture, f"/subscriptions/{subscription}").vaults.get(name.lower())

    async def role(self, scope: str, name: str) -> str:
        """The id of a role by its name; raises `PlanError` for one that was not there."""
        known = builtin_role(name)
        if known is not None or GUID.fullmatch(name):
            return known.guid if known else name.lower()
        custom = _around(self._picture, scope).roles.get(name.lower())
        if custom is None:
            raise missing(self._picture, f"the role {name}")
        return custom


def answered(around: Surroundings, asked: Questions) -> Surroundings:
    """What would have been found out, had only this been asked."""
    roles = frozenset(guid for guids in asked.roles.values() for guid in guids)
    groups = asked.groups | {one for one in asked.principals if around.types.get(one) == "Group"}
    members = {group: found for group, found in around.members.items() if group in groups}
    named = asked.principals.union(*members.values())
    said = [f"deny assignments of subscription {one} " for one in asked.subscriptions]
    said += [f"roles of subscription {one} " for one in asked.roles]
    said += [f"members of group {one} " for one in groups]
    said += ["the directory cannot be read"] if asked.principals else []
    return Surroundings(
        definitions={guid: found for guid, found in around.definitions.items() if guid in roles},
        denials=around.denials,
        members=members,
        names={one: name for one, name in around.names.items() if one in named},
        types={one: kind for one, kind in around.types.items() if one in named},
        unknown=tuple(text for text in around.unknown if any(part in text for part in said)),
    )


def pictured(kinds: Kinds, picture: Picture) -> Kinds:
    """The kinds, reading from the picture."""
    shots = {(shot.kind, shot.at, shot.indirect): shot for shot in picture.shots}
    wrapped: Mapping[str, Any] = {name: PicturedKind(kind, picture, shots) for name, kind in kinds.items()}
    return cast("Kinds", wrapped)


def missing(picture: Picture, what: str) -> PlanError:
    """The error for what the picture does not show."""
    detail = f"The picture of {picture.taken} does not show {what}."
    return PlanError(Diagnostic("not-in-picture", "The picture does not show this", detail, _HINT))


def _around(picture: Picture, identifier: str) -> Subscribed:
    """What is known of the subscription that an id lies in."""
    parts = identifier.lower().split("/")
    found = picture.inside.get(parts[2]) if len(parts) > 2 and parts[1] == "subscriptions" else None
    if found is None:
        raise missing(picture, f"the subscription around {identifier}")
    return found


def _related(scope: str, at: str) -> bool:
    """Whether an assignment at `scope` shows in the list at an id: it lies at it, above it or below it."""
    one, other = f"{scope.rstrip('/')}/", f"{at}/"
    return one.startswith(other) or other.startswith(one)
