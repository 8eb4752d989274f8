"""The certificates that applications sign in with, as the directory keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative_kv.emulator.clock import iso
from declarative_kv.emulator.entra.assertion import facts_of
from declarative_kv.emulator.graph.call import bad_request, new_id
from declarative_kv.emulator.graph.input import moment
from declarative_kv.emulator.store import Record

_KINDS = ("application", "servicePrincipal")
_NAMES = ("customKeyIdentifier", "displayName", "endDateTime", "key", "keyId", "startDateTime", "type", "usage")


def with_certificates(record: Record, before: Mapping[str, Any]) -> None:
    """Bring `keyCredentials` of a new or changed record into the directory's form, in place; raises 400.

    An entry without a key is one that the object has already (documented); its thumbprint identifies a certificate.
    """
    if record["kind"] not in _KINDS or record.get("keyCredentials", []) == before.get("keyCredentials", []):
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
    certificate = facts_of(sent.get("key"))
    if certificate is None:
        raise bad_request("Key credential value is invalid.")
    found = {
        "customKeyIdentifier": certificate.thumbprint,
        "displayName": certificate.subject,
        "startDateTime": iso(certificate.start),
        "endDateTime": iso(certificate.end),
        "keyId": new_id(),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }
    found |= {name: value for name, value in sent.items() if name in _NAMES and value is not None}
    end = moment(found["endDateTime"], certificate.end)
    if end > certificate.end or moment(found["startDateTime"], certificate.start) > end:
        raise bad_request("Key credential end date is invalid.")
    return found
