"""The estate of a configuration without asking anybody: ids that only Azure knows are stood in for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from declarative_kv.engine.access.estate import Estate
from declarative_kv.engine.access.picture import wanted
from declarative_kv.engine.resolve import resolve
from declarative_kv.model.document import Document, Principal
from declarative_kv.model.identity import Identity
from declarative_kv.model.kind import Kinds
from declarative_kv.model.roles import builtin_role

CURRENT = "principals.current"
_TENANT = ""
_SUBSCRIPTION = "subscriptions.default"


@dataclass(frozen=True, slots=True)
class Offline:
    """An estate of the YAML alone, and the id that stands for each principal by its key."""

    estate: Estate
    ids: Mapping[str, str]


class _Nobody:
    """A directory that knows nothing: every name is its own id."""

    async def identity(self) -> Identity:
        return Identity(CURRENT, CURRENT, _TENANT, "nobody")

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        return principal.object_id or f"principals.{principal.key}", principal.type, principal.key

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        return ((_SUBSCRIPTION, _SUBSCRIPTION, _TENANT),)

    async def find_vault(self, subscription: str, name: str) -> str | None:
        return f"/subscriptions/{subscription}/resourceGroups/-/providers/Microsoft.KeyVault/vaults/{name}"

    async def role(self, scope: str, name: str) -> str:
        known = builtin_role(name)
        return known.guid if known is not None else name.lower()


def offline(document: Document, kinds: Kinds) -> Offline:
    """What the YAML by itself gives to whom. No credential, no network; custom roles are not known.

    Raises `ConfigError` where two entries come out as one object.
    """
    resolved = asyncio.run(resolve(document, _Nobody(), kinds))
    return Offline(wanted(resolved.desired, names=resolved.principals), resolved.ids)
