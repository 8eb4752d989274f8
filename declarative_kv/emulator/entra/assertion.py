"""Signing in with a certificate: the assertion that an application signs, held against its registered certificates."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from declarative_kv.emulator.clock import Clock
from declarative_kv.emulator.store import Record

_ALGORITHMS: Final = ["RS256", "PS256"]
_SKEW: Final = 300.0


class AssertionRefused(Exception):
    """An assertion that does not hold, with Entra's number for it."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.number = number


def thumbprint(assertion: str) -> str:
    """The thumbprint of the certificate that an assertion says it was signed with; empty if it does not say."""
    return _named(assertion).upper()


def check_assertion(clock: Clock, assertion: str, client_id: str, registered: list[Record]) -> None:
    """Raise `AssertionRefused` unless one of the registered certificates signed the assertion and it holds now."""
    named, claims = _named(assertion), None
    for entry in registered:
        certificate = _load(entry.get("key"))
        if certificate is not None and named in _digests(certificate):
            claims = _claims(assertion, certificate)
    if claims is None:
        raise AssertionRefused(700027)
    if (claims.get("iss"), claims.get("sub")) != (client_id, client_id):
        raise AssertionRefused(700021)
    now, start, end = clock.now(), claims.get("nbf", 0), claims.get("exp")
    if not isinstance(end, int | float) or not isinstance(start, int | float):
        raise AssertionRefused(700024)
    if not start - _SKEW <= now <= end + _SKEW:
        raise AssertionRefused(700024)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What the directory keeps of a certificate: `thumbprint` is its SHA-1 in capitals; the times are epoch seconds."""

    thumbprint: str
    subject: str
    start: float
    end: float


def facts_of(key: object) -> CertificateFacts | None:
    """The facts of the certificate that base64 text holds, as DER or PEM; None if it holds none."""
    found = _load(key)
    if found is None:
        return None
    subject = found.subject.rfc4514_string().replace(",", ", ")
    span = (found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp())
    return CertificateFacts(_digests(found)[0].upper(), subject, *span)


def _load(key: object) -> x509.Certificate | None:
    try:
        data = base64.b64decode(str(key or ""))
        return x509.load_pem_x509_certificate(data) if data[:5] == b"-----" else x509.load_der_x509_certificate(data)
    except ValueError:
        return None


def _digests(certificate: x509.Certificate) -> tuple[str, str]:
    data = certificate.public_bytes(Encoding.DER)
    return sha1(data, usedforsecurity=False).hexdigest(), sha256(data).hexdigest()


def _named(assertion: str) -> str:
    """The digest in the assertion's header, in hexadecimal."""
    try:
        header = jwt.get_unverified_header(assertion)
        text = str(header.get("x5t#S256") or header.get("x5t") or "")
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except (jwt.InvalidTokenError, ValueError):
        return ""


def _claims(assertion: str, certificate: x509.Certificate) -> dict[str, Any] | None:
    options: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            return None
        return jwt.decode(assertion, key, algorithms=_ALGORITHMS, options=options)
    except (jwt.InvalidTokenError, UnsupportedAlgorithm):
        return None
