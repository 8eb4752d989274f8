"""What is done with a key: encrypt, decrypt, wrap, unwrap, sign, verify, with the real algorithms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

from declarative_kv.emulator.dataplane import material
from declarative_kv.emulator.dataplane.call import VaultCall
from declarative_kv.emulator.dataplane.key_shape import KEYS
from declarative_kv.emulator.dataplane.records import existing, find_version
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.http import Response, json_response
from declarative_kv.emulator.store import Record

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
_OAEP: Final[Mapping[str, type[hashes.HashAlgorithm]]] = {"RSA-OAEP": hashes.SHA1, "RSA-OAEP-256": hashes.SHA256}
_CURVE_OF: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "P-256K"}
# A disabled key still does what its public half alone could do (reported from a live vault).
_NOT_WHEN_DISABLED: Final = frozenset({"decrypt", "sign", "unwrapKey"})
# Outside its dates a key only serves what was made with it before (documented: about-keys-details).
_NOT_OUTSIDE_DATES: Final = frozenset({"encrypt", "sign", "wrapKey"})


@dataclass(frozen=True, slots=True)
class _Use:
    """A key about to be used, and what was sent for it."""

    kid: str
    key: material.PrivateKey
    algorithm: str
    body: Mapping[str, Any]

    def sent(self, name: str) -> bytes:
        """A member of the body as bytes; raises 400 `BadParameter` (its text is unverified)."""
        try:
            return material.decode(self.body.get(name))
        except material.BadMaterial as error:
            raise _refused(f"Property {name} has an invalid value.") from error


def _encrypt(operation: str, call: VaultCall) -> Response:
    """POST …/encrypt and …/wrapkey: 200 with the key's id and the result."""
    use = _use(call, operation)
    public = _rsa(use).public_key()
    try:
        result = public.encrypt(use.sent("value"), _padding(use))
    except ValueError as error:
        raise _refused("The parameter is incorrect.\r\n") from error
    return json_response(200, {"kid": use.kid, "value": material.encode(result)})


def _decrypt(operation: str, call: VaultCall) -> Response:
    """POST …/decrypt and …/unwrapkey: 200 with what was encrypted; 400 for what was not (its text is unverified)."""
    use = _use(call, operation)
    try:
        result = _rsa(use).decrypt(use.sent("value"), _padding(use))
    except ValueError as error:
        raise _refused("The parameter is incorrect.\r\n") from error
    return json_response(200, {"kid": use.kid, "value": material.encode(result)})


def _sign(call: VaultCall) -> Response:
    """POST …/sign: 200 with the signature of a digest that the client made."""
    use = _use(call, "sign")
    digest, algorithm = _digest(use, "value")
    try:
        signature = _signature(use, digest, algorithm)
    except ValueError as error:  # a small imported key has no room for a long digest
        raise _mismatch(use) from error
    return json_response(200, {"kid": use.kid, "value": material.encode(signature)})


def _verify(call: VaultCall) -> Response:
    """POST …/verify: 200 with whether the signature is that of the digest."""
    use = _use(call, "verify")
    digest, algorithm = _digest(use, "digest")
    return json_response(200, {"value": _is_signed(use, use.sent("value"), digest, algorithm)})


def _release(call: VaultCall) -> Response:
    """POST …/release: a key leaves only for an attested environment, and the emulator can check no attestation."""
    record = existing(KEYS, call)
    _, version = find_version(KEYS, call, record)
    if not version.get("exportable"):
        raise _forbidden("Operation release is not permitted on this key.", "KeyOperationForbidden")
    raise _refused("The target environment attestation statement cannot be verified.")


def _use(call: VaultCall, operation: str) -> _Use:
    """The key and the request, once the version, its operations, its state and its dates allow the use."""
    body = call.body()
    record = existing(KEYS, call)
    _, version = find_version(KEYS, call, record)
    _refuse_use(call, version, operation)
    algorithm = body.get("alg")
    if not isinstance(algorithm, str):
        raise _refused("Property  has invalid value\r\n")
    kid = f"{call.base}/keys/{record['name']}/{version['version']}"
    return _Use(kid, material.loaded(version["private"]), algorithm, body)


def _refuse_use(call: VaultCall, version: Record, operation: str) -> None:
    if operation not in version["ops"]:
        raise _forbidden(f"Operation {operation} is not permitted on this key.", "KeyOperationForbidden")
    if operation in _NOT_WHEN_DISABLED and not version.get("enabled", True):
        raise _forbidden(f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled")
    if operation not in _NOT_OUTSIDE_DATES:
        return
    now = call.world.clock.now()
    if version.get("nbf", now) > now:
        raise _forbidden(f"Operation {operation} is not allowed on a key that is not yet valid.", "KeyNotYetValid")
    if version.get("exp", now + 1) <= now:
        raise _forbidden(f"Operation {operation} is not allowed on an expired key.", "KeyExpired")


def _rsa(use: _Use) -> rsa.RSAPrivateKey:
    if not isinstance(use.key, rsa.RSAPrivateKey):
        raise _mismatch(use)
    return use.key


def _padding(use: _Use) -> AsymmetricPadding:
    if use.algorithm == "RSA1_5":
        return padding.PKCS1v15()
    chosen = _OAEP.get(use.algorithm)
    if chosen is None:
        raise _mismatch(use)
    return padding.OAEP(padding.MGF1(chosen()), chosen(), None)


def _digest(use: _Use, member: str) -> tuple[bytes, hashes.HashAlgorithm]:
    """The digest that was sent and the hash it must be of; raises 400 where the length or the key is another."""
    family, size = use.algorithm[:2], use.algorithm[2:5]
    algorithm = _HASHES.get(size)
    if algorithm is None or not _fits(use, family):
        raise _incompatible(use)
    digest = use.sent(member)
    if len(digest) != algorithm.digest_size:
        raise _refused(
            f"Invalid length of {member!r}: {len(digest)} bytes. {use.algorithm} requires "
            f"{algorithm.digest_size} bytes."
        )
    return digest, algorithm


def _fits(use: _Use, family: str) -> bool:
    if isinstance(use.key, rsa.RSAPrivateKey):
        return family in ("RS", "PS") and len(use.algorithm) == 5
    curve = _CURVE_OF.get(use.algorithm)
    return curve is not None and use.key.curve.name == material.CURVES[curve].name


def _signature(use: _Use, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    if isinstance(use.key, rsa.RSAPrivateKey):
        return use.key.sign(digest, _signing(use, algorithm), utils.Prehashed(algorithm))
    length = (use.key.curve.key_size + 7) // 8
    r, s = utils.decode_dss_signature(use.key.sign(digest, ec.ECDSA(utils.Prehashed(algorithm))))
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def _is_signed(use: _Use, signature: bytes, digest: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(use.key, rsa.RSAPrivateKey):
            prehashed = utils.Prehashed(algorithm)
            use.key.public_key().verify(signature, digest, _signing(use, algorithm), prehashed)
            return True
        half = (use.key.curve.key_size + 7) // 8
        if len(signature) != 2 * half:
            return False
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        der = utils.encode_dss_signature(r, s)
        use.key.public_key().verify(der, digest, ec.ECDSA(utils.Prehashed(algorithm)))
    except (InvalidSignature, ValueError):
        return False
    return True


def _signing(use: _Use, algorithm: hashes.HashAlgorithm) -> AsymmetricPadding:
    if use.algorithm.startswith("PS"):
        return padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    return padding.PKCS1v15()


def _mismatch(use: _Use) -> AzureFault:
    """The algorithm is none, or none of this key's (the text is unverified)."""
    return _refused(f"Key and algorithm '{use.algorithm[:40]}' do not match.")


def _incompatible(use: _Use) -> AzureFault:
    """A curve has one algorithm (quoted in issues); the text for other keys is unverified."""
    curve = _CURVE_OF.get(use.algorithm)
    if curve is None or isinstance(use.key, rsa.RSAPrivateKey):
        return _mismatch(use)
    own = material.public_jwk(use.key)["crv"]
    return _refused(
        f"Key and signing algorithm are incompatible. Key {use.kid} uses curve '{own}', and algorithm "
        f"'{use.algorithm}' can only be used with curve '{curve}'."
    )


def _refused(text: str) -> AzureFault:
    return AzureFault(400, "BadParameter", text)


def _forbidden(text: str, inner: str) -> AzureFault:
    return AzureFault(403, "Forbidden", text, inner=inner)


# The verb in the path, the permission of a policy, the action of a role, and what is done.
OPERATIONS: Final[tuple[tuple[str, str, str, Callable[[VaultCall], Response]], ...]] = (
    ("encrypt", "encrypt", "encrypt", partial(_encrypt, "encrypt")),
    ("decrypt", "decrypt", "decrypt", partial(_decrypt, "decrypt")),
    ("wrapkey", "wrapKey", "wrap", partial(_encrypt, "wrapKey")),
    ("unwrapkey", "unwrapKey", "unwrap", partial(_decrypt, "unwrapKey")),
    ("sign", "sign", "sign", _sign),
    ("verify", "verify", "verify", _verify),
    ("release", "release", "release", _release),
)
