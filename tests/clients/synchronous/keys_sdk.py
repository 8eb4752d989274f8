"""Azure's synchronous SDK for keys: what the service computes agrees with what the client computes on its own."""

import hashlib
import os
import time

from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import JsonWebKey, KeyClient, KeyOperation, KeyRotationLifetimeAction, KeyRotationPolicy
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

credential = DefaultAzureCredential()
client = KeyClient(os.environ["VAULT_URL"], credential)


def refused(status: int, call, *words) -> HttpResponseError:
    """The error of a call that must be refused with this status."""
    try:
        call(*words)
    except HttpResponseError as error:
        if error.status_code == status:
            return error
        raise
    raise AssertionError(f"{call} was not refused")


DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}

key = client.create_rsa_key("py-rsa", size=3072, tags={"a": "1"})
assert len(key.key.n) == 384
remote = CryptographyClient(key.id, credential)
local = CryptographyClient.from_jwk(key.key)
for algorithm in (EncryptionAlgorithm.rsa_oaep, EncryptionAlgorithm.rsa_oaep_256, EncryptionAlgorithm.rsa1_5):
    sent = local.encrypt(algorithm, b"hello").ciphertext
    assert remote.decrypt(algorithm, sent).plaintext == b"hello"
wrapped = remote.wrap_key(KeyWrapAlgorithm.rsa_oaep, b"k" * 32).encrypted_key
assert remote.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped).key == b"k" * 32
for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
    digest = DIGESTS[algorithm[2:]](b"hello").digest()
    signature = remote.sign(SignatureAlgorithm(algorithm), digest).signature
    assert local.verify(SignatureAlgorithm(algorithm), digest, signature).is_valid
for curve, algorithm in (("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("P-256K", "ES256K")):
    made = client.create_ec_key(f"py-{curve}", curve=curve)
    digest = DIGESTS[algorithm[2:5]](b"hello").digest()
    signature = CryptographyClient(made.id, credential).sign(SignatureAlgorithm(algorithm), digest).signature
    assert CryptographyClient.from_jwk(made.key).verify(SignatureAlgorithm(algorithm), digest, signature).is_valid

numbers = rsa.generate_private_key(65537, 2048).private_numbers()
parts = {"n": numbers.public_numbers.n, "e": 65537, "d": numbers.d, "p": numbers.p, "q": numbers.q}
parts |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
material = {name: number.to_bytes((number.bit_length() + 7) // 8, "big") for name, number in parts.items()}
imported = client.import_key("py-imported", JsonWebKey(kty="RSA", key_ops=["sign", "verify"], **material))
assert imported.key.n == material["n"]
assert imported.key.d is None
signer = CryptographyClient(imported.id, credential)
refused(403, signer.decrypt, EncryptionAlgorithm.rsa_oaep, b"0" * 256)

policy = KeyRotationPolicy(lifetime_actions=[KeyRotationLifetimeAction("Rotate", time_after_create="P30D")])
kept = client.update_key_rotation_policy("py-rsa", policy, expires_in="P90D")
assert (kept.expires_in, kept.lifetime_actions[0].time_after_create) == ("P90D", "P30D")
rotated = client.rotate_key("py-rsa")
assert rotated.id != key.id
assert len(list(client.list_properties_of_key_versions("py-rsa"))) == 2
assert "py-imported" in [one.name for one in client.list_properties_of_keys()]
changed = client.update_key_properties("py-rsa", key_operations=[KeyOperation.sign], enabled=False)
assert (changed.key_operations, changed.properties.enabled) == (["sign"], False)
backup = client.backup_key("py-rsa")
client.begin_delete_key("py-rsa", _polling_interval=0.1).wait()
recovering = client.begin_recover_deleted_key("py-rsa", _polling_interval=0.1)
recovering.wait()
assert recovering.result().name == "py-rsa"
client.begin_delete_key("py-rsa", _polling_interval=0.1).wait()
assert [one.name for one in client.list_deleted_keys()] == ["py-rsa"]
client.purge_deleted_key("py-rsa")
while list(client.list_deleted_keys()):
    time.sleep(0.1)
assert refused(404, client.get_key, "py-rsa").error.code == "KeyNotFound"
assert client.restore_key_backup(backup).name == "py-rsa"
print("held")
