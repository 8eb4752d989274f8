"""The az CLI: keys with real cryptography, from their creation to the purge."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from tests.clients.others import NOT_FOUND, Az, needs_az

pytestmark = needs_az
TEXT = b"signed by a vault"
DIGEST = base64.b64encode(hashlib.sha256(TEXT).digest()).decode()


def downloaded(az: Az, where: str, name: str) -> PublicKeyTypes:
    """The public part of a key, as az writes it to a file."""
    az(f"keyvault key download {where} -n {name} --file {name}.pem")
    return serialization.load_pem_public_key((az.folder / f"{name}.pem").read_bytes())


def test_az_computes_with_keys(az: Az, tmp_path: Path) -> None:
    vault = "--vault-name kv-az-crypto"
    az("group create -n rg-crypto -l westeurope")
    az("keyvault create -n kv-az-crypto -g rg-crypto")
    made = az(f"keyvault key create {vault} -n rsa --kty RSA --size 3072 --tags a=1")
    assert (made["key"]["kty"], made["tags"], len(made["key"]["keyOps"])) == ("RSA", {"a": "1"}, 6)
    public = downloaded(az, vault, "rsa")
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 3072
    signature = az(f"keyvault key sign {vault} -n rsa --algorithm RS256 --digest {DIGEST} --query signature")
    public.verify(base64.b64decode(signature), TEXT, padding.PKCS1v15(), hashes.SHA256())
    signed = f"--algorithm RS256 --digest {DIGEST} --signature {signature}"
    assert az(f"keyvault key verify {vault} -n rsa {signed}")["isValid"] is True
    secret = base64.b64encode(b"plain text").decode()
    sealed = az(f"keyvault key encrypt {vault} -n rsa --algorithm RSA-OAEP --value {secret} --query result")
    opened = az(f"keyvault key decrypt {vault} -n rsa --algorithm RSA-OAEP --query result --value", sealed)
    assert opened == secret

    made = az(f"keyvault key create {vault} -n ec --kty EC --curve P-256")
    assert (made["key"]["kty"], made["key"]["crv"]) == ("EC", "P-256")
    assert isinstance(downloaded(az, vault, "ec"), ec.EllipticCurvePublicKey)

    private = rsa.generate_private_key(65537, 2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "private.pem").write_bytes(private.private_bytes(*form))
    az(f"keyvault key import {vault} -n mine --pem-file private.pem --ops sign verify")
    assert downloaded(az, vault, "mine") == private.public_key()
    assert az(f"keyvault key show {vault} -n mine --query key.keyOps") == ["sign", "verify"]


def test_az_takes_a_key_through_its_life(az: Az) -> None:
    vault = "--vault-name kv-az-keys"
    az("group create -n rg-keys -l westeurope")
    az("keyvault create -n kv-az-keys -g rg-keys --enable-rbac-authorization false")
    first = az(f"keyvault key create {vault} -n life --query key.kid")
    policy = {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P30D"}, "action": {"type": "Rotate"}}]}
    policy |= {"attributes": {"expiryTime": "P90D"}}
    changed = az(f"keyvault key rotation-policy update {vault} -n life --value", json.dumps(policy))
    assert changed["expiresIn"] == "P90D"
    shown = az(f"keyvault key rotation-policy show {vault} -n life")
    assert shown["lifetimeActions"][0]["timeAfterCreate"] == "P30D"
    second = az(f"keyvault key rotate {vault} -n life")["key"]["kid"]
    assert az(f"keyvault key show {vault} -n life --query key.kid") == second != first
    assert az(f"keyvault key show --id {first} --query key.kid") == first
    assert sorted(az(f"keyvault key list-versions {vault} -n life --query [].kid")) == sorted([first, second])
    off = az(f"keyvault key set-attributes {vault} -n life --enabled false --ops sign verify")
    assert (off["attributes"]["enabled"], off["key"]["keyOps"]) == (False, ["sign", "verify"])
    assert az(f"keyvault key list {vault} --query [].[name,attributes.enabled]") == [["life", False]]

    az(f"keyvault key backup {vault} -n life --file life.backup")
    deleted = az(f"keyvault key delete {vault} -n life")
    assert deleted["recoveryId"].endswith("/deletedkeys/life")
    assert az(f"keyvault key list-deleted {vault} --query [].name") == ["life"]
    assert az(f"keyvault key show-deleted {vault} -n life --query recoveryId") == deleted["recoveryId"]
    az(f"keyvault key recover {vault} -n life")
    az(f"keyvault key delete {vault} -n life")
    az(f"keyvault key purge {vault} -n life")
    assert "KeyNotFound" in az.refused(f"keyvault key show {vault} -n life", code=NOT_FOUND)
    az(f"keyvault key restore {vault} --file life.backup")
    assert az(f"keyvault key show {vault} -n life --query key.kid") == second
