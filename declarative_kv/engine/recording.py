"""Kinds and a directory that remember what they were told, so that a picture can be made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from declarative_kv.engine.resolve import Directory
from declarative_kv.model.document import Principal
from declarative_kv.model.errors import AzureError, DkvError
from declarative_kv.model.identity import Identity
from declarative_kv.model.kind import Kinds, ResourceKind
from declarative_kv.model.picture import Known, Shot
from declarative_kv.model.resource import Observed, Scope

_NOBODY = "/secrets/-"


@dataclass(slots=True)
class Film:
    """What was seen so far."""

    shots: dict[tuple[str, str, bool], Shot] = field(default_factory=dict)
    principals: dict[tuple[str, str, str | None], Known] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


class RecordingKind:
    """One kind; all but its reads is its own."""

    def __init__(self, kind: ResourceKind, film: Film) -> None:
        self._kind, self._film = kind, film

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kind, name)

    async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
        """The same read, with everything that is soft-deleted, since another plan may want just that."""
        whole = replace(scope, wanted=scope.wanted | {scope.at + _NOBODY}) if self._kind.holds_value else scope
        key = (scope.kind, scope.at.lower(), scope.indirect)
        try:
            found = tuple(await self._kind.read(azure, whole))
        except AzureError as error:
            self._film.shots[key] = Shot(
                *key, error=type(error).__name__, code=error.code, diagnostics=error.diagnostics
            )
            raise
        self._film.shots[key] = Shot(*key, observed=found)
        return seen_by(found, scope)

    async def examine(self, azure: Any, live: Observed) -> Observed:
        """The same look, of which the version is kept."""
        found = await self._kind.examine(azure, live)
        if version := found.facts.get("version"):
            self._film.versions[live.id] = str(version)
        return found


class RecordingDirectory:
    """The directory; only what it says of principals is kept."""

    def __init__(self, directory: Directory, film: Film) -> None:
        self._directory, self._film = directory, film

    async def identity(self) -> Identity:
        """Who is signed in."""
        return await self._directory.identity()

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        """Who somebody is."""
        key = named(principal)
        try:
            found = await self._directory.principal(principal)
        except DkvError as error:
            self._film.principals[key] = Known(*key, diagnostics=error.diagnostics)
            raise
        self._film.principals[key] = Known(*key, *found)
        return found

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        """Every subscription that is seen."""
        return await self._directory.subscriptions()

    async def find_vault(self, subscription: str, name: str) -> str | None:
        """The id of a vault."""
        return await self._directory.find_vault(subscription, name)

    async def role(self, scope: str, name: str) -> str:
        """The id of a role."""
        return await self._directory.role(scope, name)


def recording(kinds: Kinds, film: Film) -> Kinds:
    """The same kinds, remembering what they read."""
    wrapped: Mapping[str, Any] = {name: RecordingKind(kind, film) for name, kind in kinds.items()}
    return cast("Kinds", wrapped)


def named(principal: Principal) -> tuple[str, str, str | None]:
    """What makes two questions about principals one."""
    return principal.selector.value, principal.name.lower(), principal.object_id


def seen_by(found: tuple[Observed, ...], scope: Scope) -> tuple[Observed, ...]:
    """What a read shows: soft-deleted secrets only where a wanted one is not live, as Azure is asked for them then."""
    if not any(one.kind == "secret" for one in found):
        return found
    live = tuple(one for one in found if one.condition == "live")
    return live if {wanted.lower() for wanted in scope.wanted} <= {one.id for one in live} else found
