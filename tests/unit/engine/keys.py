"""A key store in memory, for fingerprints without a vault."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from declarative_kv.model.errors import Forbidden
from declarative_kv.model.secret import Key, Sensitive

VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"
PLACE = f"{VAULT}/secrets/dkv-fingerprint-key"


@dataclass(slots=True)
class MemoryKeys:
    """Keys by place, newest last; `asked` notes every call, `refuse` holds the codes of 403s to answer with."""

    keys: dict[str, list[Key]] = field(default_factory=dict)
    refuse: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, place: str = PLACE, text: str = "k" * 44) -> Key:
        """Put a new version there."""
        versions = self.keys.setdefault(place, [])
        versions.append(Key(f"{place}/{len(versions) + 1}", Sensitive(text)))
        return versions[-1]

    async def find(self, place: str) -> Key | None:
        await self._ask("find", place)
        versions = self.keys.get(place, [])
        return versions[-1] if versions else None

    async def version(self, key_id: str) -> Key | None:
        await self._ask("version", key_id)
        return next((key for key in self.keys.get(key_id.rpartition("/")[0], []) if key.id == key_id), None)

    async def make(self, place: str) -> Key:
        await self._ask("make", place)
        made = self.add(place, f"made for {place}".ljust(44))
        return Key(made.id, made.secret, made=True)

    async def delete(self, place: str) -> None:
        await self._ask("delete", place)
        self.keys.pop(place, None)

    async def _ask(self, what: str, where: str) -> None:
        self.asked.append(f"{what} {where.removeprefix(VAULT)}")
        await asyncio.sleep(0)
        if what in self.refuse:
            raise Forbidden(code=self.refuse[what])
