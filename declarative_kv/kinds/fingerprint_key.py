"""Fingerprint keys as secrets of Key Vault: random, tagged as ours, and made only when a value is written."""

from __future__ import annotations

import base64
import secrets
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.azure.session import Session
from declarative_kv.kinds.secret import SecretKind
from declarative_kv.kinds.secret_shape import FINGERPRINT_TAG, observed
from declarative_kv.model.errors import Conflict, NotFound
from declarative_kv.model.resource import Observed
from declarative_kv.model.secret import Key, Sensitive
from declarative_kv.model.specs import SecretSpec

BYTES: Final = 32
_DELETED: Final = frozenset({"ObjectIsDeletedButRecoverable", "ObjectIsBeingDeleted"})


class FingerprintKeys:
    """The `KeyStore` of the engine over one session. A place is a secret's ARM id, a key's id has its version too."""

    def __init__(self, azure: Session) -> None:
        self._azure = azure
        self._secrets = SecretKind()

    async def find(self, place: str) -> Key | None:
        """The latest version, by one request; None where there is none."""
        return await self._get(place)

    async def version(self, key_id: str) -> Key | None:
        """That version; None where it is gone with its secret."""
        place, _, version = key_id.rpartition("/")
        return await self._get(place, version)

    async def make(self, place: str) -> Key:
        """A new random key; one that an earlier `destroy` deleted is recovered with what it fingerprinted."""
        value = Sensitive(base64.b64encode(secrets.token_bytes(BYTES)).decode())
        tag, mark = FINGERPRINT_TAG
        spec = _spec(place, content_type="text/plain", tags={tag: mark}, value=value)
        try:
            made = await self._secrets.create(self._azure, spec)
        except Conflict as error:
            if error.code not in _DELETED:
                raise
            await self._secrets.recover(self._azure, _known(place))
            key = await self.find(place)
            if key is None:
                raise
            return Key(key.id, key.secret, made=True)
        return Key(f"{place}/{made.facts['version']}", value, made=True)

    async def delete(self, place: str) -> None:
        """Delete the key softly; absent is no error."""
        await self._secrets.delete(self._azure, _known(place))

    async def _get(self, place: str, version: str = "") -> Key | None:
        spec = _spec(place)
        vault, path = str(spec.vault), f"/secrets/{spec.name}/{version}".rstrip("/")
        operation = f"Reading the fingerprint key {spec.name} in the vault {ids.parse_vault(vault).name}"
        try:
            answer = await self._azure.vault(vault, "GET", path, operation=operation)
        except NotFound:
            return None
        return Key(f"{place}/{observed(vault, answer).facts['version']}", Sensitive(str(answer["value"])))


def _spec(place: str, **settings: Any) -> SecretSpec:
    vault, _, name = place.rpartition("/secrets/")
    return SecretSpec(vault=vault, name=name, **settings)


def _known(place: str) -> Observed:
    return Observed(SecretKind.name, place, _spec(place))
