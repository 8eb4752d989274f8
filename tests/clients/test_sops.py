"""SOPS, unmodified: a file is encrypted and decrypted with a key of the vault, through Azure's Go SDK."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.project import Emulator
from tests.clients.others import SOPS, needs_sops, ran, succeeded
from tests.clients.worlds import VAULT, data_folder, vault_for_clients
from tests.emulator.reach import Client

pytestmark = needs_sops
PLAIN = {"database": {"user": "app", "password": "a-value-of-the-file"}}


def key_of(running: Emulator) -> str:
    """The address of a new version of an RSA key."""
    vault_for_clients(running)
    with Client(data_folder(running)) as client:
        made = client.ask("POST", f"{VAULT}.vault.azure.net", "/keys/sops/create?api-version=7.4", {"kty": "RSA"})
        assert made.status == 200, made.body
        return str(made.json()["key"]["kid"])


def test_sops_encrypts_and_decrypts_with_a_key_of_the_vault(running: Emulator, tmp_path: Path) -> None:
    key = key_of(running)
    (tmp_path / "plain.json").write_text(json.dumps(PLAIN), encoding="utf-8")
    command = [SOPS, "encrypt", "--azure-kv", key, "plain.json"]
    encrypted = json.loads(succeeded(command, running.environ, tmp_path))
    assert PLAIN["database"]["password"] not in json.dumps(encrypted)
    assert encrypted["sops"]["azure_kv"][0]["version"] == key.rpartition("/")[2]
    (tmp_path / "secret.json").write_text(json.dumps(encrypted), encoding="utf-8")
    decrypted = succeeded([SOPS, "decrypt", "secret.json"], running.environ, tmp_path)
    assert json.loads(decrypted) == PLAIN

    nobody = {
        name: running.environ[f"DKV_EMULATOR_NORIGHTS_{name[6:]}"]
        for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    }
    refused = ran([SOPS, "decrypt", "secret.json"], {**running.environ, **nobody}, tmp_path)
    assert refused.returncode != 0
    assert "ForbiddenByRbac" in refused.stderr
