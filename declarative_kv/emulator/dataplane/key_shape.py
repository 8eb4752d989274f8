"""Keys as Key Vault shows them: the public numbers, never the private ones.

A version of a key holds, beyond what every object has, `kty`, `ops`, the public members `jwk`, the private key
`private` (PKCS #8) and, only where it says something, `exportable` (true) and `policy` (for a release).
"""

from __future__ import annotations

from typing import Any, Final

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.kind import Kind
from declarative_kv.emulator.dataplane.records import attributes, closing
from declarative_kv.emulator.era import since, supports
from declarative_kv.emulator.store import Record

# Recorded: keys show `exportable` in October 2022 and not in April, with api-versions that are older than both.
_WITH_EXPORTABLE: Final = "2022-07-01"


def bundle(call: VaultCall, record: Record, version: Record) -> dict[str, Any]:
    """A key version as the operations on one key answer it."""
    kid = f"{call.base}/keys/{record['name']}/{version['version']}"
    key = {"kid": kid, "kty": version["kty"], "key_ops": version["ops"], **version["jwk"]}
    shown: dict[str, Any] = {"key": key, "attributes": _attributes(call, record, version)}
    shown |= closing(record, version)
    return shown | ({"release_policy": version["policy"]} if "policy" in version else {})


def item(call: VaultCall, record: Record, version: Record, *, with_version: bool) -> dict[str, Any]:
    """A key, or one of its versions, as the lists show it."""
    kid = f"{call.base}/keys/{record['name']}"
    shown: dict[str, Any] = {"kid": f"{kid}/{version['version']}" if with_version else kid}
    shown["attributes"] = _attributes(call, record, version)
    return shown | closing(record, version)


def _attributes(call: VaultCall, record: Record, version: Record) -> dict[str, Any]:
    shown = attributes(call, version)
    # Keys of certificates do not say whether they can be exported (recorded in 2022).
    if record.get("managed") or not since(call.world, _WITH_EXPORTABLE):
        return shown
    shown["exportable"] = version.get("exportable", False)
    if supports(call.request.parameter("api-version"), "7.5"):
        shown["hsmPlatform"] = "2" if version["kty"].endswith("-HSM") else "0"
    return shown


KEYS = Kind("keys", "Key", bundle, item)
