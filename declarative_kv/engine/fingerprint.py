"""Know whether a value changed without storing it or reading it back: keyed fingerprints and the keys they need."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from declarative_kv.model.address import Address
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.secret import Key, Sensitive

KEY_NAME = "dkv-fingerprint-key"
"""The secret that holds a vault's key, unless the YAML names another."""
RECOVERED = "recovered"
"""Stands for the proof of a key that we were about to bring back: its value is not known before."""
SHORTEST = 32
"""Bytes below which a key could be guessed, and with it every value that it fingerprints."""


Announce = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""Saves what is known of the key in a vault (its ARM id) before the call that makes the key."""


class KeyStore(Protocol):
    """Where keys live. A place is a secret's remote id, `{vault id}/secrets/{name}`; raises `AzureError` only."""

    async def find(self, place: str) -> Key | None:
        """The latest version, by one request; None where the secret or its vault does not exist."""
        ...

    async def version(self, key_id: str) -> Key | None:
        """That version; None where it does not exist."""
        ...

    def draw(self) -> Sensitive:
        """The value of a new key: random, unlike any other."""
        ...

    async def make(self, place: str, value: Sensitive) -> Key | None:
        """A new key of that value; None where the place is taken by a soft-deleted secret."""
        ...

    async def recover(self, place: str) -> Key:
        """The soft-deleted key, brought back."""
        ...

    async def delete(self, place: str) -> None:
        """Delete the secret softly; absent is no error."""
        ...


def digest(key: Key, address: Address, value: Sensitive) -> str:
    """HMAC-SHA256(key, len(address) ‖ address ‖ value), hex; the length is in bytes of UTF-8, four bytes big-endian."""
    name = str(address).encode()
    message = len(name).to_bytes(4, "big") + name + _bytes(value)
    return hmac.digest(_bytes(key.secret), message, hashlib.sha256).hex()


def proof(place: str, value: Sensitive) -> str:
    """What tells a key that we were about to make from anybody else's; nobody can guess the value from it."""
    return hmac.digest(_bytes(value), place.lower().encode(), hashlib.sha256).hex()


def stamp(key: Key | None, address: Address, value: Sensitive) -> dict[str, Any]:
    """The facts of an entry that fingerprint its value; none where there is no key."""
    if key is None:
        return {}
    return {"fingerprint": digest(key, address, value), "fingerprint_key": key.id}


def same_print(one: str | None, other: str | None) -> bool:
    """Whether both fingerprints are there and equal, in a time that does not tell where they differ."""
    return one is not None and other is not None and hmac.compare_digest(one.encode(), other.encode())


def same_value(one: Sensitive, other: Sensitive) -> bool:
    """Whether two values are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(value: Sensitive) -> bytes:
    # A value that other tools wrote may hold a lone surrogate, which is no reason to fail.
    return value.reveal().encode("utf-8", "surrogatepass")


def vault_of(place: str) -> str:
    """The id, lower case, of the vault that a secret (or a version of one) lies in."""
    return place.lower().split("/secrets/")[0]


class KeyRing:
    """The keys of one run, each asked for once. `off` is `fingerprint: none`; `shared` the place of a whole team's key.

    `recorded` is the state's `keys`. `notes` says what kept a key from being used, for the plan to show.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        shared: str | None = None,
        off: bool = False,
        recorded: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._store = store
        self._shared = shared
        self._off = off
        self._recorded = recorded or {}
        self._latest: dict[str, Key | None] = {}
        self._versions: dict[str, Key | None] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What kept a key from being used, each once, in the order met."""
        return tuple(self._notes)

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """What the state's `keys` should say of the keys seen in this run, by the id of the vault they lie in."""
        known = ((vault_of(place), key) for place, key in self._latest.items() if key is not None)
        return {vault: {"id": key.id, "made": key.made or self._made_before(vault, key)} for vault, key in known}

    def holder(self, vault: str) -> str:
        """The id, lower case, of the vault that holds the key that serves `vault`."""
        return vault_of(self._place(vault))

    async def existing(self, vault: str) -> Key | None:
        """The key that serves `vault`, made by nobody yet: None; without the right to read it: None and a note."""
        if self._off:
            return None
        place = self._place(vault)
        async with self._locks[place.lower()]:
            if place.lower() not in self._latest:
                self._keep(place, await self._guarded(self._store.find(place), place))
            return self._latest[place.lower()]

    async def by_id(self, key_id: str) -> Key | None:
        """One version of a key, such as an entry names; None where it is gone or must not be read."""
        if self._off:
            return None
        place = key_id.rpartition("/")[0]
        vault = place.split("/secrets/")[0]
        if place.lower() == self._place(vault).lower():
            await self.existing(vault)  # most entries name the latest version, so one request answers for all
        async with self._locks[place.lower()]:
            if key_id.lower() not in self._versions:
                self._versions[key_id.lower()] = await self._guarded(self._store.version(key_id), place)
            return self._versions[key_id.lower()]

    async def ensure(self, vault: str, announce: Announce, *, patient: bool = False) -> Key | None:
        """The key that serves `vault`, made or recovered if need be; callers side by side get the same one.

        `announce` is called before it is made: a run that ends before it could record the key has not lost it.
        None where fingerprints are off or the key must not be read or made, which is noted; with `patient` the latter
        raises `Forbidden`, for a caller that waits for a grant to take effect. Raises other `AzureError`s.
        """
        if self._off:
            return None
        place = self._place(vault)
        async with self._locks[place.lower()]:
            if (key := self._latest.get(place.lower())) is not None:
                return key
            asked = self._find_or_make(place, announce)
            key = await asked if patient else await self._guarded(asked, place)
            self._keep(place, key)
            return self._latest[place.lower()]

    async def delete(self, vault: str) -> bool:
        """Delete the key in `vault`, the one that the state recorded there if any; whether that was ours to do.

        One that an interrupted run was about to make is looked at first: it may be somebody else's by now.
        """
        recorded = self._recorded.get(vault.lower(), {})
        place = recorded["id"].rpartition("/")[0] if "id" in recorded else f"{vault}/secrets/{KEY_NAME}"
        async with self._locks[place.lower()]:
            found = None if recorded.get("made", True) else await self._store.find(place)
            ours = found is None or self._made_before(vault.lower(), found)
            if ours:
                await self._store.delete(place)
            self._latest[place.lower()] = None
            return ours

    async def _find_or_make(self, place: str, announce: Announce) -> Key:
        found = await self._store.find(place)
        if found is not None:
            return found
        vault, value = vault_of(place), self._store.draw()
        await announce(vault, self._announced(vault, proof(place, value)))
        made = await self._store.make(place, value)
        if made is not None:
            return made
        await announce(vault, self._announced(vault, RECOVERED))
        return await self._store.recover(place)

    def _announced(self, vault: str, pending: str) -> Mapping[str, Any]:
        return {"made": False, **self._recorded.get(vault, {}), "pending": pending}

    async def _guarded(self, asked: Any, place: str) -> Key | None:
        """The key, or None and a note where it must not be read or made."""
        try:
            key: Key | None = await asked
        except Forbidden as error:
            reason = "it is disabled" if error.code == "SecretDisabled" else "there is no right to read or make it"
            self._note(place, reason)
            return None
        return key

    def _keep(self, place: str, key: Key | None) -> None:
        """Remember the latest version; a key that could be guessed is as good as none."""
        if key is not None and key.secret.size < SHORTEST:
            self._note(place, f"it is shorter than {SHORTEST} bytes")
            key = None
        self._latest[place.lower()] = key
        if key is not None:
            self._versions[key.id.lower()] = key

    def _note(self, place: str, reason: str) -> None:
        vault, _, name = place.rpartition("/secrets/")
        self._notes[f"The fingerprint key {name} of {vault.rpartition('/')[2]} is not used: {reason}."] = None

    def _place(self, vault: str) -> str:
        """Where the key that serves a vault is."""
        return self._shared or f"{vault}/secrets/{KEY_NAME}"

    def _made_before(self, vault: str, key: Key) -> bool:
        """Whether an earlier run made this key, or was about to when it ended."""
        recorded = self._recorded.get(vault, {})
        pending = recorded.get("pending")
        return bool(recorded.get("made")) or pending == RECOVERED or same_print(pending, _proof_of(key))


def _proof_of(key: Key) -> str:
    return proof(key.id.rpartition("/")[0], key.secret)
