"""Key material: made, read from and shown as JSON Web Keys, kept as PKCS #8. It is real; only the HSM is not."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
}
RSA_SIZES: Final = (2048, 3072, 4096)
_EXPONENT: Final = 65537


class BadMaterial(Exception):
    """What was given is no key: members missing or not base64, or numbers that do not belong together."""


def make_rsa(size: int) -> PrivateKey:
    """A new RSA key of one of `RSA_SIZES`; takes from a tenth of a second to several."""
    return rsa.generate_private_key(_EXPONENT, size)


def make_ec(curve: str) -> PrivateKey:
    """A new key on one of `CURVES`."""
    return ec.generate_private_key(CURVES[curve])


def read_jwk(jwk: Mapping[str, Any], family: str) -> PrivateKey:
    """The private key of an RSA or EC web key; raises `BadMaterial`."""
    try:
        return _rsa(jwk) if family == "RSA" else _ec(jwk)
    except (ValueError, ArithmeticError, UnsupportedAlgorithm) as error:
        raise BadMaterial("the numbers are no key") from error


def _rsa(jwk: Mapping[str, Any]) -> PrivateKey:
    n, e, d = (number(jwk, name) for name in ("n", "e", "d"))
    if not 1024 <= n.bit_length() <= 4096 + 8 or max(e, d) > n:
        raise BadMaterial("the size is not supported")
    if "p" in jwk and "q" in jwk:
        p, q = number(jwk, "p"), number(jwk, "q")
    else:
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
    public = rsa.RSAPublicNumbers(e, n)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


def _ec(jwk: Mapping[str, Any]) -> PrivateKey:
    curve = jwk.get("crv")
    if not isinstance(curve, str) or curve not in CURVES:
        raise BadMaterial("the curve is not supported")
    public = ec.EllipticCurvePublicNumbers(number(jwk, "x"), number(jwk, "y"), CURVES[curve])
    return ec.EllipticCurvePrivateNumbers(number(jwk, "d"), public).private_key()


def public_jwk(key: PrivateKey, *, long_exponent: bool = False) -> dict[str, str]:
    """The public members as Key Vault shows them; HSMs long gave the exponent four bytes (`long_exponent`)."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        exponent = numbers.e.to_bytes(4, "big") if long_exponent else _bytes(numbers.e)
        return {"n": encode(_bytes(numbers.n)), "e": encode(exponent)}
    point = key.public_key().public_numbers()
    length = (key.curve.key_size + 7) // 8
    name = next(name for name, curve in CURVES.items() if curve.name == key.curve.name)
    return {
        "crv": name,
        "x": encode(point.x.to_bytes(length, "big")),
        "y": encode(point.y.to_bytes(length, "big")),
    }


def stored(key: PrivateKey) -> str:
    """The private key as text for a record."""
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


@lru_cache(maxsize=128)
def loaded(text: str) -> PrivateKey:
    """The private key that `stored` wrote; kept, since reading one costs more than using it."""
    key = load_der_private_key(base64.b64decode(text), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError("a record holds a key of another family")
    return key


def number(jwk: Mapping[str, Any], name: str) -> int:
    """A member of a web key as a number; raises `BadMaterial` where it is missing or not base64url."""
    return int.from_bytes(decode(jwk.get(name)), "big")


def encode(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: Any) -> bytes:
    """Base64url, padded or not; raises `BadMaterial`."""
    if not isinstance(text, str) or not text:
        raise BadMaterial("a member is missing")
    try:
        plain = text.rstrip("=").replace("+", "-").replace("/", "_").encode("ascii")
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BadMaterial("a member is not base64") from error


def _bytes(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
