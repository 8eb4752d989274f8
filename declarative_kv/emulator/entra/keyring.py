"""The key that signs the emulator's tokens, and the tokens already verified with it."""

from __future__ import annotations

import base64
from functools import cache
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from declarative_kv.emulator.store import Store

_REMEMBERED = 1024


class Keyring:
    """The RSA key that a data folder keeps (table `meta`, key `signing`), and a bounded memory of verified tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key: rsa.RSAPrivateKey | None = None
        self._verified: dict[str, dict[str, Any]] = {}

    def sign(self, claims: dict[str, Any]) -> str:
        """A JSON Web Token (RS256) of the claims."""
        headers = {"kid": self.key_id(), "x5t": self.key_id()}
        return jwt.encode(claims, self._private(), algorithm="RS256", headers=headers)

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that this key signed; times and audience are the caller's to check.

        Raises `jwt.InvalidTokenError` for anything else. A token is verified once and then remembered.
        """
        known = self._verified.get(token)
        if known is not None:
            return known
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        claims = jwt.decode(token, self._private().public_key(), algorithms=["RS256"], options=options)
        if len(self._verified) >= _REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = claims
        return claims

    def key_id(self) -> str:
        """A name for the public key: the start of its digest."""
        modulus = self._private().public_key().public_numbers().n
        return _base64url(sha256(_bytes(modulus)).digest()[:20])

    def published(self) -> dict[str, Any]:
        """The public key as a JSON Web Key."""
        numbers = self._private().public_key().public_numbers()
        key_id = self.key_id()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": key_id,
            "x5t": key_id,
            "n": _base64url(_bytes(numbers.n)),
            "e": _base64url(_bytes(numbers.e)),
        }

    def _private(self) -> rsa.RSAPrivateKey:
        if self._key is None:
            self._key = self._stored()
        return self._key

    def _stored(self) -> rsa.RSAPrivateKey:
        record = self._store.get("meta", "signing")
        if record is not None:
            # Its check takes a thirtieth of a second, which every command would wait for; the key is one of ours.
            pem = record["pem"].encode()
            loaded = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
            assert isinstance(loaded, rsa.RSAPrivateKey)
            return loaded
        key = _new_key()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._store.put("meta", "signing", {"pem": pem.decode()})
        return key


@cache
def _new_key() -> rsa.RSAPrivateKey:
    """The key of all worlds that this process makes: it takes a tenth of a second, and tests make many worlds."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
