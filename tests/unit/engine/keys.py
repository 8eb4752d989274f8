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
    """Keys by place, newest last; `asked` notes every call, `refuse` holds the codes of 403s to answer with.

    `deleted` are the soft-deleted ones.
    """

    keys: dict[str, list[Key]] = field(default_factory=dict)
    refuse: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    deleted: dict[str, list[Key]] = field(default_factory=dict)
    drawn: int = 0

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

    def draw(self) -> Sensitive:
        self.drawn += 1
        return Sensitive(f"drawn as number {self.drawn}".ljust(44))

    async def make(self, place: str, value: Sensitive) -> Key | None:
        await self._ask("make", place)
        if place in self.deleted:
            return None
        made = self.add(place, value.reveal())
        return Key(made.id, made.secret, made=True)

    async def recover(self, place: str) -> Key:
        await self._ask("recover", place)
        self.keys[place] = self.deleted.pop(place)
        return Key(self.keys[place][-1].id, self.keys[place][-1].secret, made=True)

    async def delete(self, place: str) -> None:
        await self._ask("delete", place)
        self.deleted |= {place: versions} if (versions := self.keys.pop(place, None)) else {}

    async def _ask(self, what: str, where: str) -> None:
        self.asked.append(f"{what} {where.removeprefix(VAULT)}")
        await asyncio.sleep(0)
        if what in self.refuse:
            raise Forbidden(code=self.refuse[what])
