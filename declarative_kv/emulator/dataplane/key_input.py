"""What a client may ask of a new key: type, size, curve, operations, release policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.material import CURVES, RSA_SIZES
from declarative_kv.emulator.errors import AzureFault

_DEFAULT_OPERATIONS: Final = {
    "RSA": ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"),
    "EC": ("sign", "verify"),
}
_OPERATIONS: Final = frozenset({*_DEFAULT_OPERATIONS["RSA"], "import", "export"})
# Recorded for oct-HSM, which only a managed HSM has; other values that are none are taken to read the same.
_INVALID: Final = "Property  has invalid value\r\n"


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A key that can be made; `fields` are further ones of its version."""

    kty: str
    family: str
    size: int
    curve: str
    ops: list[str]
    fields: Mapping[str, Any]


def key_request(call: VaultCall, body: Mapping[str, Any]) -> KeyRequest:
    """What a create asks for, defaults filled in (RSA 2048, P-256); raises 400 where a vault does not have it.

    HSM keys need a premium vault (quoted in issues; an import of one into a standard vault is recorded to work).
    """
    kty = body.get("kty")
    family, _, hardware = kty.partition("-") if isinstance(kty, str) else ("", "", "")
    if family not in _DEFAULT_OPERATIONS or hardware not in ("", "HSM"):
        raise AzureFault(400, "BadParameter", _INVALID)
    if hardware and str(call.vault["properties"]["sku"]["name"]).lower() != "premium":
        raise AzureFault(400, "BadParameter", "Hardware key operation not allowed on standard vault")
    size = RSA_SIZES[0] if body.get("key_size") is None else body["key_size"]
    curve = "P-256" if body.get("crv") is None else body["crv"]
    if family == "RSA" and (type(size) is not int or size not in RSA_SIZES):
        raise AzureFault(400, "BadParameter", _INVALID)
    if family == "EC" and (not isinstance(curve, str) or curve not in CURVES):
        raise AzureFault(400, "BadParameter", _INVALID)
    fields = release_policy(call, body)
    return KeyRequest(f"{kty}", family, size, curve, operations(body.get("key_ops"), family), fields)


def operations(given: Any, family: str) -> list[str]:
    """The operations that a key is for: those given, else all that its type has."""
    if given is None:
        return list(_DEFAULT_OPERATIONS[family])
    if not isinstance(given, list) or not all(isinstance(name, str) and name in _OPERATIONS for name in given):
        raise AzureFault(400, "BadParameter", _INVALID)
    return list(dict.fromkeys(given))


def release_policy(call: VaultCall, body: Mapping[str, Any]) -> dict[str, Any]:
    """`exportable` and the release policy as fields of a version; the refusals are quoted in issues."""
    attributes, policy = body.get("attributes"), body.get("release_policy")
    exportable = isinstance(attributes, dict) and attributes.get("exportable") is True
    if exportable and str(call.vault["properties"]["sku"]["name"]).lower() != "premium":
        raise _refused("1001: The exportable attribute is only supported with premium vaults and API version >= '7.3'.")
    if policy is not None and not isinstance(policy, dict):
        raise AzureFault(400, "BadParameter", _INVALID)
    if policy and not exportable:
        raise _refused("1005: Non-exportable keys must not have release policy.")
    if exportable and not policy:
        raise _refused("1004: Exportable keys must have release policy.")
    return {"exportable": True, "policy": policy} if exportable else {}


def _refused(text: str) -> AzureFault:
    return AzureFault(400, "BadParameter", f"AKV.SKR.{text}")
