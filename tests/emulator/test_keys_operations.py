"""What keys do: the results are held to the standards by a second reading of them with the public half alone."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from tests.emulator.azure_support import Azure
from tests.emulator.key_support import create, digest, plain, premium, rsa_jwk, text, use

HASHES: dict[int, Any] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
}


@pytest.fixture(scope="module")
def rsa_azure() -> Azure:
    """One vault with one RSA key, which the tests that share it leave as it is."""
    azure = premium()
    create(azure, "k", "RSA")
    return azure


@pytest.fixture
def azure() -> Azure:
    return premium()


def rsa_public(azure: Azure) -> rsa.RSAPublicKey:
    key = azure.secret("GET", "/keys/k").body["key"]
    numbers = [int.from_bytes(plain(key[name]), "big") for name in ("e", "n")]
    return rsa.RSAPublicNumbers(*numbers).public_key()


# Encryption


@pytest.mark.parametrize(("seal", "open_"), [("encrypt", "decrypt"), ("wrapkey", "unwrapkey")])
@pytest.mark.parametrize("algorithm", ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"])
def test_what_is_sealed_opens_again(rsa_azure: Azure, algorithm: str, seal: str, open_: str) -> None:
    sealed = use(rsa_azure, "k", seal, alg=algorithm, value=text(b"content"))
    opened = use(rsa_azure, "k", open_, alg=algorithm, value=sealed.body["value"])

    assert list(sealed.body) == ["kid", "value"]
    assert len(plain(sealed.body["value"])) == 256
    assert plain(opened.body["value"]) == b"content"
    assert sealed.body["kid"] == opened.body["kid"] == rsa_azure.secret("GET", "/keys/k").body["key"]["kid"]


@pytest.mark.parametrize(("algorithm", "chosen"), [("RSA-OAEP", hashes.SHA1()), ("RSA-OAEP-256", hashes.SHA256())])
def test_it_opens_what_a_client_sealed_with_the_public_key(rsa_azure: Azure, algorithm: str, chosen: Any) -> None:
    sealed = rsa_public(rsa_azure).encrypt(b"content", padding.OAEP(padding.MGF1(chosen), chosen, None))

    assert plain(use(rsa_azure, "k", "decrypt", alg=algorithm, value=text(sealed)).body["value"]) == b"content"


def test_what_cannot_be_sealed_or_opened_is_a_bad_parameter(rsa_azure: Azure) -> None:
    too_long = use(rsa_azure, "k", "encrypt", alg="RSA-OAEP", value=text(bytes(300)))
    foreign = use(rsa_azure, "k", "decrypt", alg="RSA-OAEP", value=text(bytes(256)))

    for answer in (too_long, foreign):
        assert answer.status == 400
        assert answer.error["code"] == "BadParameter"


@pytest.mark.parametrize(
    "body",
    [
        {"alg": "A256GCM", "value": "AAAA"},
        {"alg": "none", "value": "AAAA"},
        {"alg": 5, "value": "AAAA"},
        {"alg": "RSA-OAEP"},
        {"alg": "RSA-OAEP", "value": "!"},
        {"alg": "RSA-OAEP", "value": 5},
        {"value": "AAAA"},
    ],
)
def test_nonsense_is_no_encryption(rsa_azure: Azure, body: Any) -> None:
    assert rsa_azure.secret("POST", "/keys/k/encrypt", body).error["code"] == "BadParameter"


# Signatures


@pytest.mark.parametrize("bits", [256, 384, 512])
@pytest.mark.parametrize("family", ["RS", "PS"])
def test_rsa_signatures_are_the_standards(rsa_azure: Azure, family: str, bits: int) -> None:
    algorithm, sent = f"{family}{bits}", digest(b"content", bits)
    signed = use(rsa_azure, "k", "sign", alg=algorithm, value=sent).body["value"]
    wanted = padding.PSS(padding.MGF1(HASHES[bits]), HASHES[bits].digest_size) if family == "PS" else padding.PKCS1v15()

    rsa_public(rsa_azure).verify(plain(signed), b"content", wanted, HASHES[bits])
    assert use(rsa_azure, "k", "verify", alg=algorithm, digest=sent, value=signed).body == {"value": True}
    other = digest(b"another", bits)
    assert use(rsa_azure, "k", "verify", alg=algorithm, digest=other, value=signed).body == {"value": False}


@pytest.mark.parametrize(
    ("algorithm", "curve", "bits"),
    [("ES256", "P-256", 256), ("ES384", "P-384", 384), ("ES512", "P-521", 512), ("ES256K", "P-256K", 256)],
)
def test_ec_signatures_are_the_standards(azure: Azure, algorithm: str, curve: str, bits: int) -> None:
    key = create(azure, "k", "EC", crv=curve)["key"]
    sent = digest(b"content", bits)
    signed = plain(use(azure, "k", "sign", alg=algorithm, value=sent).body["value"])
    x, y = (int.from_bytes(plain(key[name]), "big") for name in ("x", "y"))
    half = len(signed) // 2
    r, s = (int.from_bytes(part, "big") for part in (signed[:half], signed[half:]))

    public = ec.EllipticCurvePublicNumbers(x, y, CURVES[curve]).public_key()
    public.verify(utils.encode_dss_signature(r, s), b"content", ec.ECDSA(HASHES[bits]))
    with pytest.raises(InvalidSignature):
        public.verify(utils.encode_dss_signature(r, s), b"another", ec.ECDSA(HASHES[bits]))
    for value, valid in ((signed, True), (signed[::-1], False), (signed[:-1], False)):
        answer = use(azure, "k", "verify", alg=algorithm, digest=sent, value=text(value))
        assert answer.body == {"value": valid}


def test_a_curve_has_one_algorithm(azure: Azure) -> None:
    kid = create(azure, "k", "EC", crv="P-256K")["key"]["kid"]
    refused = use(azure, "k", "sign", alg="ES256", value=digest(b"content"))

    assert refused.status == 400
    assert refused.error["message"] == (
        f"Key and signing algorithm are incompatible. Key {kid} uses curve 'P-256K', and algorithm 'ES256' can only be "
        "used with curve 'P-256'."
    )
    assert use(azure, "k", "sign", alg="RS256", value=digest(b"content")).status == 400
    assert use(azure, "k", "encrypt", alg="RSA-OAEP", value="AAAA").inner == "KeyOperationForbidden"


@pytest.mark.parametrize("algorithm", ["ES256", "HS256", "RSNULL", "RS255", "RS256x", "", "RS"])
def test_an_rsa_key_signs_with_no_other_algorithm(rsa_azure: Azure, algorithm: str) -> None:
    assert use(rsa_azure, "k", "sign", alg=algorithm, value=digest(b"content")).error["code"] == "BadParameter"


def test_a_key_too_small_for_a_digest_cannot_sign_it(azure: Azure) -> None:
    azure.secret("PUT", "/keys/k", {"key": rsa_jwk()})
    sent = digest(b"content", 512)

    assert use(azure, "k", "sign", alg="PS512", value=sent).error["code"] == "BadParameter"
    assert use(azure, "k", "verify", alg="PS512", digest=sent, value=text(bytes(128))).body == {"value": False}


def test_a_digest_of_another_length_is_refused(rsa_azure: Azure) -> None:
    answer = use(rsa_azure, "k", "sign", alg="RS256", value=text(hashlib.sha384(b"content").digest()))

    assert answer.status == 400


# What the key's operations, state and dates allow


def test_a_key_does_only_what_it_is_for(azure: Azure) -> None:
    create(azure, "k", "EC", key_ops=["sign"])
    refused = use(azure, "k", "verify", alg="ES256", digest=digest(b"a"), value=text(bytes(64)))

    assert use(azure, "k", "sign", alg="ES256", value=digest(b"a")).status == 200
    assert refused.status == 403
    assert refused.inner == "KeyOperationForbidden"
    assert refused.error["message"] == "Operation verify is not permitted on this key."


def made_before(azure: Azure) -> dict[str, str]:
    """What is made with a key while it still does everything."""
    sealed = use(azure, "k", "encrypt", alg="RSA-OAEP", value=text(b"abc")).body
    signed = use(azure, "k", "sign", alg="RS256", value=digest(b"a")).body
    return {"sealed": sealed["value"], "signed": signed["value"]}


def outcomes(azure: Azure, made: dict[str, str]) -> dict[str, tuple[int, str]]:
    """How each operation comes out: its status and, if refused, the inner code."""
    bodies = {
        "encrypt": {"alg": "RSA-OAEP", "value": text(b"abc")},
        "decrypt": {"alg": "RSA-OAEP", "value": made["sealed"]},
        "wrapkey": {"alg": "RSA-OAEP", "value": text(b"abc")},
        "unwrapkey": {"alg": "RSA-OAEP", "value": made["sealed"]},
        "sign": {"alg": "RS256", "value": digest(b"a")},
        "verify": {"alg": "RS256", "digest": digest(b"a"), "value": made["signed"]},
    }
    answers = {verb: use(azure, "k", verb, **body) for verb, body in bodies.items()}
    return {verb: (one.status, "" if one.status == 200 else one.inner) for verb, one in answers.items()}


FINE = (200, "")


def test_a_disabled_key_does_only_what_its_public_half_could(azure: Azure) -> None:
    create(azure, "k", "RSA")
    made = made_before(azure)
    azure.secret("PATCH", "/keys/k", {"attributes": {"enabled": False}})
    no = (403, "KeyDisabled")

    assert outcomes(azure, made) == {
        "encrypt": FINE, "decrypt": no, "wrapkey": FINE, "unwrapkey": no, "sign": no, "verify": FINE
    }  # fmt: skip
    refused = use(azure, "k", "unwrapkey", alg="RSA-OAEP", value="AAAA")
    assert refused.error["message"] == "Operation unwrapKey is not allowed on a disabled key."


@pytest.mark.parametrize(("name", "ahead", "inner"), [("exp", -10, "KeyExpired"), ("nbf", 1000, "KeyNotYetValid")])
def test_a_key_outside_its_dates_only_serves_what_was_made_before(
    azure: Azure, name: str, ahead: int, inner: str
) -> None:
    create(azure, "k", "RSA")
    made = made_before(azure)
    azure.secret("PATCH", "/keys/k", {"attributes": {name: int(azure.world.clock.now()) + ahead}})
    no = (403, inner)

    assert outcomes(azure, made) == {
        "encrypt": no, "decrypt": FINE, "wrapkey": no, "unwrapkey": FINE, "sign": no, "verify": FINE
    }  # fmt: skip


def test_an_old_version_still_opens_what_it_sealed(azure: Azure) -> None:
    create(azure, "k", "RSA")
    sealed = use(azure, "k", "encrypt", alg="RSA-OAEP", value=text(b"abc")).body
    azure.secret("POST", "/keys/k/rotate")
    body = {"alg": "RSA-OAEP", "value": sealed["value"]}

    assert use(azure, "k", "decrypt", **body).status == 400
    opened = azure.secret("POST", f"/keys/k/{sealed['kid'][-32:]}/decrypt", body)
    assert plain(opened.body["value"]) == b"abc"


# Release


def test_a_key_that_was_not_made_for_it_cannot_be_released(azure: Azure) -> None:
    create(azure, "k")
    refused = use(azure, "k", "release", target="token")

    assert refused.status == 403
    assert refused.inner == "KeyOperationForbidden"


def test_a_key_for_release_needs_a_policy_and_is_never_released_unattested(azure: Azure) -> None:
    exportable, policy = {"exportable": True}, {"contentType": "application/json", "data": "e30"}
    alone = azure.secret("POST", "/keys/k/create", {"kty": "EC-HSM", "attributes": exportable})
    inside = azure.secret("POST", "/keys/k/create", {"kty": "EC-HSM", "release_policy": policy})
    made = create(azure, "k", "EC-HSM", attributes=exportable, release_policy=policy)

    assert alone.error["message"] == "AKV.SKR.1004: Exportable keys must have release policy."
    assert inside.error["message"] == "AKV.SKR.1005: Non-exportable keys must not have release policy."
    assert made["attributes"]["exportable"] is True
    assert made["release_policy"] == policy
    assert use(azure, "k", "release", target="token").status == 400
    changed = azure.secret("PATCH", "/keys/k", {"attributes": {"exportable": False}})
    assert changed.error["message"] == "AKV.SKR.1014: Cannot modify the exportable state of a key."


def test_an_immutable_release_policy_stays(azure: Azure) -> None:
    policy = {"data": "e30", "immutable": True}
    fields: dict[str, Any] = {"kty": "EC-HSM", "attributes": {"exportable": True}}
    create(azure, "k", **fields, release_policy=policy)
    other = azure.secret("POST", "/keys/k/create", {**fields, "release_policy": {"data": "W10"}})

    assert other.error["message"] == "AKV.SKR.1020: Immutable Key Release Policy cannot be modified."
    assert azure.secret("POST", "/keys/k/rotate").body["release_policy"] == policy


def test_a_standard_vault_has_no_exportable_keys() -> None:
    azure = Azure()
    azure.make_vault()
    refused = azure.secret("POST", "/keys/k/create", {"kty": "EC", "attributes": {"exportable": True}})

    assert refused.error["message"].startswith("AKV.SKR.1001: The exportable attribute is only supported with premium")


def test_random_bytes_are_a_managed_hsms(azure: Azure) -> None:
    assert azure.secret("POST", "/rng", {"count": 8}).status == 501
