"""Access policies: one principal's entry in a vault, written alone, so that nobody else's is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from declarative_kv.azure import ids
from declarative_kv.azure.errors import translated
from declarative_kv.azure.session import Session
from declarative_kv.kinds import vault_shape as shape
from declarative_kv.kinds.base import BaseKind, check_unmoved, encoded, raw
from declarative_kv.kinds.vault import VaultKind, get_vault
from declarative_kv.model.errors import NotFound
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.specs import AccessPolicySpec


class AccessPolicyKind(BaseKind):
    """What one principal may do with a vault's secrets, keys, certificates and storage accounts."""

    name: ClassVar[str] = "access_policy"
    spec_type: ClassVar[type] = AccessPolicySpec

    def remote_id(self, spec: AccessPolicySpec) -> str:
        """An id made of the vault's and the principal's: Azure gives entries none of their own."""
        return ids.policy_id(str(spec.vault), str(spec.principal), spec.application)

    def made(self, spec: AccessPolicySpec) -> Observed:
        """The entry as the vault's read would show it."""
        entry = {"objectId": spec.principal, "applicationId": spec.application, "permissions": shape.permissions(spec)}
        return shape.observed_policy(str(spec.vault), entry)

    def scope(self, spec: AccessPolicySpec) -> Scope:
        """The vault, whose read brings its policies along."""
        return Scope(VaultKind.name, str(spec.vault), frozenset({self.remote_id(spec)}))

    def grantee(self, spec: AccessPolicySpec) -> str | None:
        """The principal."""
        return str(spec.principal)

    async def read(self, azure: Session, scope: Scope) -> Iterable[Observed]:
        """The vault's policies alone."""
        return tuple(found for found in await VaultKind().read(azure, scope) if found.kind == self.name)

    async def create(self, azure: Session, desired: AccessPolicySpec) -> Observed:
        """Add the entry; permissions of one that has appeared meanwhile stay, and the next plan shows them."""
        return await self._write(azure, "add", desired, "Adding")

    async def update(self, azure: Session, desired: AccessPolicySpec, live: Observed) -> Observed:
        """Put the declared entry in place of the live one: it is the whole of what the principal has."""
        return await self._write(azure, "replace", desired, "Replacing", live)

    async def delete(self, azure: Session, live: Observed) -> Observed | None:
        """Remove the entry, in the letter case that Azure has it in: another would remove nothing (known trap)."""
        spec: AccessPolicySpec = live.spec
        tenant = str(live.facts.get("tenant") or (await azure.identity()).tenant)
        permissions = live.facts.get("permissions") or shape.permissions(spec)
        body = shape.policies_body(str(spec.principal), spec.application, tenant, permissions)
        try:
            await self._send(azure, str(spec.vault), "remove", body, f"Removing {_words(spec)}", live)
        except NotFound:
            return None
        return None

    async def _write(
        self, azure: Session, operation: str, desired: AccessPolicySpec, verb: str, live: Observed | None = None
    ) -> Observed:
        tenant = (await azure.identity()).tenant
        body = shape.policies_body(str(desired.principal), desired.application, tenant, shape.permissions(desired))
        await self._send(azure, str(desired.vault), operation, body, f"{verb} {_words(desired)}", live)
        return shape.observed_policy(str(desired.vault), body["properties"]["accessPolicies"][0])

    async def _send(
        self, azure: Session, vault: str, kind: str, body: Mapping[str, Any], words: str, live: Observed | None
    ) -> None:
        """Send one change; what replaces or removes `live` looks at it first, so that one round trip stays open."""
        where = ids.parse_vault(vault)
        # Resource Manager does not take two changes of one vault side by side.
        async with azure.alone(vault):
            if live is not None:
                now = await _entry(azure, vault, live)
                if now is None and kind == "remove":
                    return
                check_unmoved(live, now, words)
            with translated(words):
                vaults = azure.vaults(where.subscription).vaults
                await vaults.update_access_policy(where.resource_group, where.name, kind, encoded(body), cls=raw)


async def _entry(azure: Session, vault: str, live: Observed) -> Observed | None:
    """The principal's entry as it is now."""
    entries = shape.observed_policies(await get_vault(azure, vault))
    return next((one for one in entries if one.id == live.id), None)


def _words(spec: AccessPolicySpec) -> str:
    return f"the access policy of {spec.principal} on the vault {ids.parse_vault(str(spec.vault)).name}"
