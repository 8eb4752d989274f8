"""The certificates that applications sign in with, as the directory keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from declarative_kv.emulator.clock import iso
from declarative_kv.emulator.entra.assertion import load_certificate, thumbprint_of
from declarative_kv.emulator.graph.call import bad_request, new_id
from declarative_kv.emulator.store import Record

_NAMES = ("customKeyIdentifier", "displayName", "endDateTime", "key", "keyId", "startDateTime", "type", "usage")


def with_certificates(record: Record, before: Mapping[str, Any]) -> None:
    """Bring `keyCredentials` of a new or changed record into the directory's form, in place; raises 400.

    An entry without a key is one that the object has already (documented); its thumbprint identifies a certificate.
    """
    if record.get("keyCredentials", []) == before.get("keyCredentials", []):
        return
    present = {entry["keyId"]: entry for entry in before.get("keyCredentials", ())}
    kept = []
    for entry in record["keyCredentials"] or ():
        if not isinstance(entry, dict):
            raise bad_request("Invalid value specified for property 'keyCredentials' of resource 'KeyCredential'.")
        known = present.get(str(entry.get("keyId")))
        kept.append(known if known is not None and not entry.get("key") else _entry(entry))
    record["keyCredentials"] = kept


def _entry(sent: Mapping[str, Any]) -> dict[str, Any]:
    certificate = _certificate(sent.get("key"))
    span = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    found = {
        "customKeyIdentifier": thumbprint_of(certificate),
        "displayName": certificate.subject.rfc4514_string().replace(",", ", "),
        "startDateTime": iso(span[0].timestamp()),
        "endDateTime": iso(span[1].timestamp()),
        "keyId": new_id(),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }
    found |= {name: value for name, value in sent.items() if name in _NAMES and value is not None}
    if _moment(found["endDateTime"]) > span[1] or _moment(found["startDateTime"]) > _moment(found["endDateTime"]):
        raise bad_request("Key credential end date is invalid.")
    return found


def _moment(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise bad_request(f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'.") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _certificate(key: Any) -> x509.Certificate:
    found = load_certificate(key)
    if found is None:
        raise bad_request("Key credential value is invalid.")
    return found
