"""Secrets: one list a vault for all of them; values are only ever written, or read when asked for by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from declarative_kv.azure import ids
from declarative_kv.azure.session import KEY_VAULT, Session
from declarative_kv.kinds import secret_shape as shape
from declarative_kv.kinds.base import BaseKind, alike, check_unmoved
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import AzureError, Conflict, Forbidden, NotFound, Unavailable
from declarative_kv.model.kind import Plane
from declarative_kv.model.resource import Condition, Observed, Scope
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import SecretSpec

PAGE: Final = 25
"""The most that Key Vault gives in a page."""
_PATIENCE: Final = 45
_INTERVAL: Final = 2.0
"""Recovering takes up to 40 seconds (recorded); asked for every two, as Microsoft's clients do."""
_AGAIN: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between the tries of setting a value, of which no answer says whether it arrived."""


class SecretKind(BaseKind):
    """A secret's latest version. Setting a value makes a new version; everything else changes in place."""

    name: ClassVar[str] = "secret"
    spec_type: ClassVar[type] = SecretSpec
    soft_deletes: ClassVar[bool] = True
    plane: ClassVar[Plane] = Plane.DATA
    holds_value: ClassVar[bool] = True

    def remote_id(self, spec: SecretSpec) -> str:
        """The secret's ARM id, below its vault's."""
        return ids.secret_id(str(spec.vault), spec.name)

    def made(self, spec: SecretSpec) -> Observed:
        """The secret, enabled and without tags where nothing else is written."""
        complete = replace(spec, enabled=spec.enabled is not False, tags=spec.tags or {}, source=None, value=None)
        return Observed(self.name, self.remote_id(spec), complete, parent=str(spec.vault), label=spec.name)

    def scope(self, spec: SecretSpec) -> Scope:
        """The vault's whole list."""
        return Scope(self.name, str(spec.vault), frozenset({self.remote_id(spec)}))

    def inside(self, container: str) -> Scope | None:
        """The vault's whole list."""
        return Scope(self.name, container)

    async def read(self, azure: Session, scope: Scope) -> Iterable[Observed]:
        """All live secrets of a live vault; the soft-deleted ones too where a wanted one is not live.

        An indirect read asks Resource Manager, which shows the live ones to who may read the vault itself.
        """
        if scope.indirect:
            return await _listed_by_manager(azure, scope.at)
        name = ids.parse_vault(scope.at).name
        path, operation = f"/secrets?maxresults={PAGE}", f"Listing the secrets of the vault {name}"
        pages = azure.vault_pages(scope.at, path, operation=operation)
        known = {wanted: wanted for wanted in scope.wanted}
        live = [shape.observed(scope.at, item, known) async for page in pages for item in page]
        if {wanted.lower() for wanted in scope.wanted} <= {found.id for found in live}:
            return live
        path, operation = f"/deletedsecrets?maxresults={PAGE}", f"Listing the soft-deleted secrets of the vault {name}"
        pages = azure.vault_pages(scope.at, path, operation=operation)
        return [*live, *[shape.observed_deleted(scope.at, item) async for page in pages for item in page]]

    async def examine(self, azure: Session, live: Observed) -> Observed:
        """The secret with its version in the facts and its value as `Sensitive` in the spec."""
        operation = f"Reading the secret {_words(live.spec)}"
        answer = await azure.vault(live.spec.vault, "GET", f"/secrets/{live.spec.name}", operation=operation)
        found = shape.observed(live.spec.vault, answer)
        return replace(found, spec=replace(found.spec, value=Sensitive(str(answer.get("value", "")))))

    async def create(self, azure: Session, desired: SecretSpec) -> Observed:
        """Set the secret's first value; `desired.value` must be there."""
        return await self._set(azure, desired, None)

    async def update(self, azure: Session, desired: SecretSpec, live: Observed) -> Observed:
        """With a value: a new version that keeps the attributes not managed here. Without: the attributes in place."""
        if desired.value is not None:
            return await self._set(azure, desired, live)
        changed = {found.path[0] for found in self.diff(desired, live.spec)}
        if not changed:
            return live
        vault, operation = str(desired.vault), f"Changing the secret {_words(desired)}"
        await self._check_unmoved(azure, live, operation)
        body = shape.change(desired, live.spec, changed)
        answer = await azure.vault(vault, "PATCH", f"/secrets/{desired.name}", operation=operation, body=body)
        return shape.observed(vault, answer)

    async def versions(self, azure: Session, live: Observed) -> Iterable[Observed]:
        """All versions with their settings; the list shows no value."""
        operation = f"Listing the versions of the secret {_words(live.spec)}"
        return await self._versions(azure, live, operation)

    async def delete(self, azure: Session, live: Observed) -> Observed | None:
        """Delete the secret, softly, and say which version was the latest; one that is on its way is left to go."""
        operation = f"Deleting the secret {_words(live.spec)}"
        try:
            answer = await azure.vault(live.spec.vault, "DELETE", f"/secrets/{live.spec.name}", operation=operation)
        except NotFound:
            return None
        except Conflict as error:
            if error.code != "ObjectIsBeingDeleted":
                raise
            return None
        return shape.observed_deleted(live.spec.vault, answer)

    async def recover(self, azure: Session, live: Observed) -> Observed:
        """Bring the secret back, wait until it can be written, and say what it is; its value is not read."""
        operation = f"Recovering the secret {_words(live.spec)}"
        for _ in range(_PATIENCE):
            if await self._ask_back(azure, live, operation):
                break
            await azure.pause(_INTERVAL)
        for _ in range(_PATIENCE):
            found = await self._back(azure, live, operation)
            if found is not None:
                return found
            await azure.pause(_INTERVAL)
        detail = f"{operation}: Azure accepted it and the secret has not come back for over a minute."
        raise Unavailable(
            Diagnostic("unavailable", "Azure did not answer", detail, "Run the command again."), operation=operation
        )

    async def _ask_back(self, azure: Session, live: Observed, operation: str) -> bool:
        """Ask for the recovery; false while Azure is still deleting."""
        path = f"/deletedsecrets/{live.spec.name}/recover"
        try:
            await azure.vault(live.spec.vault, "POST", path, operation=operation)
        except Conflict as error:
            if error.code in ("ObjectIsBeingDeleted", "ObjectIsBeingRecovered"):
                return error.code == "ObjectIsBeingRecovered"
            raise
        except AzureError as error:
            if error.code != "RequestNotAllowedOnNonDeletedObject":
                raise
        return True

    async def _back(self, azure: Session, live: Observed, operation: str) -> Observed | None:
        """The newest version, once there is one to see; the list of versions shows no value."""
        try:
            versions = await self._versions(azure, live, operation)
        except NotFound:
            return None
        except Forbidden:
            # Who may recover but not list: Azure decides on the right only once the secret is there.
            return replace(live, condition=Condition.LIVE)
        return max(versions, key=_made, default=None)

    async def _versions(self, azure: Session, live: Observed, operation: str) -> list[Observed]:
        path = f"/secrets/{live.spec.name}/versions?maxresults={PAGE}"
        pages = azure.vault_pages(live.spec.vault, path, operation=operation)
        return [shape.observed(live.spec.vault, item) async for page in pages for item in page]

    async def _check_unmoved(self, azure: Session, live: Observed, operation: str) -> None:
        """Raise `Moved` where the latest version is no longer `live`: tags are sent whole, and would undo others'."""
        try:
            versions = await self._versions(azure, live, operation)
        except NotFound:
            versions = []
        except Forbidden:
            return  # Who may write but not list cannot look; Azure's answer to the write is all there is.
        newest = max(map(_made, versions), default=0)
        if versions and newest < _made(live):
            return  # The list lags behind the version that was read.
        latest = [one for one in versions if _made(one) == newest]
        same = [one for one in latest if alike(one, live)]
        check_unmoved(live, next(iter([*same, *latest]), None), operation)

    async def _set(self, azure: Session, desired: SecretSpec, live: Observed | None) -> Observed:
        """Send the value, once. Where the answer is lost, look before sending it again: no second version."""
        if desired.value is None:
            raise ValueError(f"no value to set for {_words(desired)}")
        body = shape.version_body(desired, live.spec if live else None)
        waits = iter(_AGAIN)
        while True:
            try:
                return await self._put(azure, desired, body)
            except Unavailable as lost:
                found = await self._arrived(azure, desired, live, lost)
                if found is not None:
                    return found
                wait = next(waits, None)
                if wait is None or not await azure.rest(wait):
                    raise

    async def _put(self, azure: Session, desired: SecretSpec, body: Mapping[str, Any]) -> Observed:
        vault, operation = str(desired.vault), f"Setting the secret {_words(desired)}"
        path = f"/secrets/{desired.name}"
        answer = await azure.vault(vault, "PUT", path, operation=operation, body=body, hide=desired.value, once=True)
        return shape.observed(vault, answer)

    async def _arrived(
        self, azure: Session, desired: SecretSpec, live: Observed | None, lost: Unavailable
    ) -> Observed | None:
        """What a write whose answer was lost has left: the new version, or None where it did not arrive."""
        known = live or Observed(self.name, self.remote_id(desired), desired)
        try:
            found = await self.examine(azure, known)
        except NotFound:
            return None
        except Forbidden:
            raise lost from None
        is_new = live is None or not shape.is_same_version(found, live)
        return replace(found, spec=replace(found.spec, value=None)) if is_new and _holds(found, desired) else None


async def _listed_by_manager(azure: Session, vault: str) -> list[Observed]:
    operation = f"Listing the secrets of the vault {ids.parse_vault(vault).name} through Resource Manager"
    pages = azure.arm_pages(f"{vault}/secrets", version=KEY_VAULT, operation=operation)
    return [shape.observed_by_manager(vault, item) async for page in pages for item in page]


def _made(version: Observed) -> int:
    return int(version.facts.get("created", 0))


def _holds(found: Observed, desired: SecretSpec) -> bool:
    seen: Sensitive | None = found.spec.value
    return seen is not None and desired.value is not None and seen.reveal() == desired.value.reveal()


def _words(spec: SecretSpec) -> str:
    return f"{spec.name} in the vault {ids.parse_vault(str(spec.vault)).name}"
