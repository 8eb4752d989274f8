"""Keys through Microsoft's own client, unmodified: what it refuses to understand cannot pass here."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity.aio import ClientSecretCredential

from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from tests.emulator.azure_support import Azure
from tests.emulator.key_support import premium

# A development dependency of its own: without it the raw requests of the other tests stand alone.
keys = pytest.importorskip("azure.keyvault.keys")
keys_aio = pytest.importorskip("azure.keyvault.keys.aio")
crypto = pytest.importorskip("azure.keyvault.keys.crypto")
crypto_aio = pytest.importorskip("azure.keyvault.keys.crypto.aio")


class Clients:
    """A key client and, for any key, a cryptography client that has only its id, so that the service does the work."""

    def __init__(self, azure: Azure) -> None:
        self.azure = azure
        self.credential = ClientSecretCredential(
            TENANT,
            azure.world.identity()["client_id"],
            azure.world.identity()["client_secret"],
            transport=self.transport(),
        )
        self.keys: Any = keys_aio.KeyClient(
            "https://kv-one.vault.azure.net", self.credential, transport=self.transport()
        )

    def transport(self) -> InProcessTransport:
        return InProcessTransport(self.azure.application)

    def using(self, key_id: str) -> Any:
        return crypto_aio.CryptographyClient(key_id, self.credential, transport=self.transport())


@pytest.fixture
def azure() -> Azure:
    return premium()


@pytest.fixture
async def clients(azure: Azure) -> AsyncIterator[Clients]:
    made = Clients(azure)
    yield made
    await made.keys.close()
    await made.credential.close()


async def test_the_client_makes_lists_and_changes_keys(clients: Clients) -> None:
    made = await clients.keys.create_rsa_key("rsa", size=2048, hardware_protected=True, tags={"a": "b"})
    await clients.keys.create_ec_key("ec", curve="P-384")
    changed = await clients.keys.update_key_properties("ec", enabled=False)

    assert (made.key_type, made.properties.tags, made.properties.exportable) == ("RSA-HSM", {"a": "b"}, False)
    assert changed.properties.enabled is False
    assert [one.name async for one in clients.keys.list_properties_of_keys()] == ["ec", "rsa"]
    with pytest.raises(ResourceNotFoundError, match="was not found in this key vault"):
        await clients.keys.get_key("none")


async def test_the_client_encrypts_wraps_and_signs(clients: Clients) -> None:
    rsa = await clients.keys.create_rsa_key("rsa")
    ec = await clients.keys.create_ec_key("ec", curve="P-384")
    digest = hashlib.sha384(b"content").digest()
    async with clients.using(rsa.id) as use:
        sealed = await use.encrypt(crypto.EncryptionAlgorithm.rsa_oaep_256, b"content")
        assert (await use.decrypt(sealed.algorithm, sealed.ciphertext)).plaintext == b"content"
        wrapped = await use.wrap_key(crypto.KeyWrapAlgorithm.rsa_oaep, b"k" * 32)
        assert (await use.unwrap_key(wrapped.algorithm, wrapped.encrypted_key)).key == b"k" * 32
    async with clients.using(ec.id) as use:
        signed = await use.sign(crypto.SignatureAlgorithm.es384, digest)
        assert (await use.verify(signed.algorithm, digest, signed.signature)).is_valid
        await clients.keys.update_key_properties("ec", enabled=False)
        with pytest.raises(HttpResponseError, match="Operation sign is not allowed on a disabled key"):
            await use.sign(crypto.SignatureAlgorithm.es384, digest)


async def test_the_client_rotates_backs_up_and_recovers(clients: Clients) -> None:
    made = await clients.keys.create_ec_key("k")
    action = keys.KeyRotationLifetimeAction(keys.KeyRotationPolicyAction.rotate, time_after_create="P2M")
    policy = await clients.keys.update_key_rotation_policy("k", keys.KeyRotationPolicy(), lifetime_actions=[action])
    rotated = await clients.keys.rotate_key("k")
    blob = await clients.keys.backup_key("k")
    await clients.keys.delete_key("k")
    await clients.keys.recover_deleted_key("k")
    await clients.keys.delete_key("k")
    await clients.keys.purge_deleted_key("k")
    restored = await clients.keys.restore_key_backup(blob)

    assert [one.action for one in policy.lifetime_actions] == ["Rotate", "Notify"]
    assert restored.id == rotated.id != made.id
    versions = [one.version async for one in clients.keys.list_properties_of_key_versions("k")]
    assert len(versions) == 2
