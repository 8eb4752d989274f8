"""What was pulled, as files: one for all, or a root file and one for each vault; both say the same."""

from __future__ import annotations

from pathlib import Path

from declarative_kv.config.pulled import Head, VaultPart, one_file, several_files
from tests.unit.config.yamls import loaded

HEAD = Head(
    cloud="emulator",
    tenant="11111111-1111-1111-1111-111111111111",
    subscription="22222222-2222-2222-2222-222222222222",
    subscriptions={},
)
CI = {"ci": {"object_id": "1b2c0000-0000-0000-0000-000000000000"}}
APPLICATION = "8f0f0c52-0000-0000-0000-000000000000"
ENTRY = {"resource_group": "rg", "location": "westeurope", "access": "policies"}
PARTS = (
    VaultPart(
        "app",
        {**ENTRY, "access_policies": {"ci": {"secrets": ["get"]}}},
        {"through": {"principal": "ci", "on": ["vault.app"], "keys": ["get"], "application": APPLICATION}},
        {"owns": {"principal": "ci", "role": "Reader", "scope": "vault.app"}},
    ),
    VaultPart(
        "ops",
        {**ENTRY, "secrets": {"db": {"value_from": "kept"}}},
        {},
        {"reads": {"principal": "ci", "role": "Reader", "scope": "vault.ops"}},
    ),
)


def test_a_file_a_vault_says_what_one_file_says(tmp_path: Path) -> None:
    several = several_files(HEAD, CI, ["ci"], {"rg": {"location": "westeurope"}}, PARTS)
    assert list(several) == ["dkv.yaml", "vaults/app.yaml", "vaults/ops.yaml"]
    (tmp_path / "vaults").mkdir()
    for name, text in several.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "one").mkdir()
    one = loaded(tmp_path / "one", one_file(HEAD, CI, ["ci"], {"rg": {"location": "westeurope"}}, PARTS))
    both = loaded(tmp_path, several["dkv.yaml"])
    assert {at: found.spec for at, found in both.resources.items()} == {at: r.spec for at, r in one.resources.items()}
    assert {str(at) for at in one.resources} >= {
        "vault.app",
        "access_policy.app/ci",
        "access_policy.app/through",
        "secret.ops/db",
        "role_assignment.owns",
        "role_assignment.reads",
    }
