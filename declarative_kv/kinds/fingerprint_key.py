"""Fingerprint keys as secrets of Key Vault: random, tagged as ours, and made only when a value is written."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
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
        return await self._found(place)

    async def version(self, key_id: str) -> Key | None:
        """That version; None where it is gone with its secret."""
        place, _, version = key_id.rpartition("/")
        return await self._found(place, version)

    def draw(self) -> Sensitive:
        """Random bytes, as text."""
        return Sensitive(base64.b64encode(secrets.token_bytes(BYTES)).decode())

    async def make(self, place: str, value: Sensitive) -> Key | None:
        """A new key; None where an earlier `destroy` deleted one, to be recovered with what it fingerprinted."""
        tag, mark = FINGERPRINT_TAG
        spec = _spec(place, content_type="text/plain", tags={tag: mark}, value=value)
        try:
            made = await self._secrets.create(self._azure, spec)
        except Conflict as error:
            if error.code not in _DELETED:
                raise
            return None
        return Key(f"{place}/{made.facts['version']}", value, made=True)

    async def recover(self, place: str) -> Key:
        """The key as it was before it was deleted."""
        await self._secrets.recover(self._azure, _known(place))
        return replace(await self._get(place), made=True)

    async def delete(self, place: str) -> None:
        """Delete the key softly; absent is no error."""
        await self._secrets.delete(self._azure, _known(place))

    async def _found(self, place: str, version: str = "") -> Key | None:
        try:
            return await self._get(place, version)
        except NotFound:
            return None

    async def _get(self, place: str, version: str = "") -> Key:
        spec = _spec(place)
        vault, path = str(spec.vault), f"/secrets/{spec.name}/{version}".rstrip("/")
        operation = f"Reading the fingerprint key {spec.name} in the vault {ids.parse_vault(vault).name}"
        answer = await self._azure.vault(vault, "GET", path, operation=operation)
        return Key(f"{place}/{observed(vault, answer).facts['version']}", Sensitive(str(answer["value"])))


def _spec(place: str, **settings: Any) -> SecretSpec:
    vault, _, name = place.rpartition("/secrets/")
    return SecretSpec(vault=vault, name=name, **settings)


def _known(place: str) -> Observed:
    return Observed(SecretKind.name, place, _spec(place))
