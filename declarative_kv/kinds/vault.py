"""Vaults; one read brings the vault with all its access policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from declarative_kv.azure import ids
from declarative_kv.azure.errors import translated
from declarative_kv.azure.session import KEY_VAULT, Session
from declarative_kv.kinds import vault_shape as shape
from declarative_kv.kinds.base import BaseKind, appeared, encoded, raw
from declarative_kv.model.errors import Forbidden, NotFound
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.specs import VaultSpec


class VaultKind(BaseKind):
    """A Key Vault. Deleting it is soft: its name stays taken, and it can be recovered, until it is purged."""

    name: ClassVar[str] = "vault"
    spec_type: ClassVar[type] = VaultSpec
    immutable: ClassVar[frozenset[str]] = frozenset({"location", "tenant", "retention_days"})
    soft_deletes: ClassVar[bool] = True

    def remote_id(self, spec: VaultSpec) -> str:
        """The vault's ARM id."""
        return ids.vault_id(str(spec.subscription), str(spec.resource_group), spec.name)

    def made(self, spec: VaultSpec) -> Observed:
        """The vault as the body that creates it says."""
        body = shape.new_vault(spec, str(spec.tenant or ""))
        return shape.observed_vault({**body, "id": self.remote_id(spec), "name": spec.name})

    def scope(self, spec: VaultSpec) -> Scope:
        """The vault itself."""
        remote_id = self.remote_id(spec)
        return Scope(self.name, remote_id, frozenset({remote_id}))

    async def read(self, azure: Session, scope: Scope) -> Iterable[Observed]:
        """The vault and its access policies; where it is soft-deleted what Azure still shows; else nothing."""
        try:
            vault = await get_vault(azure, scope.at)
        except NotFound:
            found = (await deleted_vaults(azure, ids.parse_vault(scope.at).subscription)).get(scope.at.lower())
            return () if found is None else (shape.observed_deleted(found),)
        return (shape.observed_vault(vault), *shape.observed_policies(vault))

    async def create(self, azure: Session, desired: VaultSpec) -> Observed:
        """Create the vault and wait until it can be used.

        One that has appeared meanwhile is returned if it is as wanted: writing a whole vault would wipe its policies.
        """
        remote_id = self.remote_id(desired)
        for found in await self._there(azure, remote_id):
            if self.diff(desired, found.spec):
                raise appeared("vault", found.remote_id)
            return found
        tenant = str(desired.tenant or (await azure.identity()).tenant)
        answer = await self._put(azure, remote_id, shape.new_vault(desired, tenant), "Creating")
        return shape.observed_vault(answer)

    async def update(self, azure: Session, desired: VaultSpec, live: Observed) -> Observed:
        """Change what differs, and nothing else."""
        changed = {found.path[0] for found in self.diff(desired, live.spec)}
        where = ids.parse_vault(live.remote_id)
        body = shape.changed_vault(desired, live.spec, changed)
        async with azure.alone(live.id):
            with translated(f"Changing the vault {where.name}"):
                vaults = azure.vaults(where.subscription).vaults
                answer: Any = await vaults.update(where.resource_group, where.name, encoded(body), cls=raw)
        return shape.observed_vault(answer)

    async def delete(self, azure: Session, live: Observed) -> Observed | None:
        """Delete the vault, softly; its role assignments go for good."""
        where = ids.parse_vault(live.remote_id)
        try:
            with translated(f"Deleting the vault {where.name}"):
                await azure.vaults(where.subscription).vaults.delete(where.resource_group, where.name)
        except NotFound:
            return None
        finally:
            _forget_deleted(azure, where.subscription)
        return None

    async def recover(self, azure: Session, live: Observed) -> Observed:
        """Bring the vault back as it was, policies and secrets included, and read what that is."""
        tenant = (await azure.identity()).tenant
        await self._put(azure, live.remote_id, shape.recovered_vault(live, tenant), "Recovering")
        return shape.observed_vault(await get_vault(azure, live.remote_id))

    async def _there(self, azure: Session, remote_id: str) -> Iterable[Observed]:
        try:
            return (shape.observed_vault(await get_vault(azure, remote_id)),)
        except NotFound:
            return ()

    async def _put(self, azure: Session, remote_id: str, body: Mapping[str, Any], verb: str) -> Mapping[str, Any]:
        where = ids.parse_vault(remote_id)
        try:
            with translated(f"{verb} the vault {where.name}"):
                vaults = azure.vaults(where.subscription).vaults
                poller: Any = await vaults.begin_create_or_update(
                    where.resource_group, where.name, encoded(body), cls=raw, polling_interval=azure.poll_seconds
                )
                answer: Mapping[str, Any] = await poller.result()
                return answer
        finally:
            _forget_deleted(azure, where.subscription)


async def get_vault(azure: Session, identifier: str) -> Mapping[str, Any]:
    """The vault with that ARM id, its policies included, as Azure shows it; raises `NotFound`."""
    operation = f"Reading the vault {ids.parse_vault(identifier).name}"
    vault: Mapping[str, Any] = await azure.arm("GET", identifier, version=KEY_VAULT, operation=operation)
    return vault


async def deleted_vaults(azure: Session, subscription: str) -> Mapping[str, Mapping[str, Any]]:
    """The subscription's soft-deleted vaults by lower-case id, listed once a run.

    Who may not list them (a right at the subscription) sees none: creating a vault whose name is held then says so.
    """
    path = f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults"

    async def listed() -> Mapping[str, Mapping[str, Any]]:
        pages = azure.arm_pages(path, version=KEY_VAULT, operation="Listing soft-deleted vaults")
        try:
            return {str(item["properties"]["vaultId"]).lower(): item async for page in pages for item in page}
        except Forbidden:
            return {}

    return await azure.known(("deleted vaults", subscription.lower()), listed)


def _forget_deleted(azure: Session, subscription: str) -> None:
    azure.forget("deleted vaults", subscription.lower())
