"""What the tests of keys share: vaults of both grades, keys, digests and base64url."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulator.azure_support import Answer, Azure

PREMIUM = {"family": "A", "name": "premium"}
ALL_RSA = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]


def premium() -> Azure:
    """An Azure with one premium vault under RBAC."""
    azure = Azure()
    azure.make_vault(sku=PREMIUM)
    return azure


def create(azure: Azure, name: str, kty: str = "EC", **fields: Any) -> Any:
    """Create a key, which must succeed; gives the bundle."""
    answer = azure.secret("POST", f"/keys/{name}/create", {"kty": kty, **fields})
    assert answer.status == 200, answer.raw
    return answer.body


def use(azure: Azure, name: str, verb: str, **body: str) -> Answer:
    """One cryptographic operation on the current version."""
    return azure.secret("POST", f"/keys/{name}/{verb}", body)


def text(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def plain(encoded: str) -> bytes:
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def digest(content: bytes, bits: int = 256) -> str:
    """The digest that a client sends for a signature."""
    return text(hashlib.new(f"sha{bits}", content).digest())


def rsa_jwk(**changes: Any) -> dict[str, Any]:
    """A private key of 1,024 bits, as small as Key Vault takes them."""
    numbers = rsa.generate_private_key(65537, 1024).private_numbers()

    def member(value: int) -> str:
        return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    jwk = {name: member(getattr(numbers, name)) for name in ("d", "p", "q")}
    public = {name: member(getattr(numbers.public_numbers, name)) for name in ("n", "e")}
    return {"kty": "RSA", **public, **jwk, **changes}
