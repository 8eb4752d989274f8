"""Every example, applied twice as its README says, and then looked for in Azure without our code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.options import Options
from tests.examples.azure import SUBSCRIPTION, Clients, clients_of
from tests.examples.contoso import made
from tests.examples.expected import CASES, Expected, Secret, Vault

EXAMPLES = Path(__file__).parents[2] / "examples"
Case = tuple[str, str | None]
NOTHING_TO_DO = "No changes. Your infrastructure matches the configuration."
IDS = ["-".join(filter(None, case)) for case in CASES]


def folders() -> list[Path]:
    return sorted(path.parent for path in EXAMPLES.glob("*/dkv.yaml"))


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of all examples, so that no state is left among the sources."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("state", ".env")))


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A running emulator, as `dkv emulator start` leaves one."""
    folder = tmp_path / "shared"
    process.start(folder, Options())
    yield folder
    process.stop(folder)


def dkv(emulator: Path, examples: Path, case: Case, *words: str, code: int = 0) -> str:
    """Run a command as the README writes it, with the values of `.env.example` exported; gives standard output."""
    name, environment = case
    chosen = ["-e", environment] if environment else []
    script = f'set -a; . examples/{name}/.env.example; set +a; exec "$@"'
    command = [sys.executable, "-m", "declarative_kv", words[0], "-f", f"examples/{name}", *chosen, *words[1:]]
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *command],
        cwd=examples.parent,
        env={**os.environ, "DKV_EMULATOR": str(emulator)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    for value in values_of(name).values():
        assert value not in done.stdout + done.stderr
    return done.stdout


def values_of(name: str) -> dict[str, str]:
    """The variables that a shell gets from `.env.example`."""
    script = f". {EXAMPLES / name / '.env.example'}; env -0"
    before = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["/bin/sh", "-ac", script], env=before, capture_output=True, text=True, check=True)
    pairs = (entry.partition("=") for entry in done.stdout.split("\0") if entry)
    return {key: value for key, _, value in pairs if key not in ("PATH", "PWD", "OLDPWD", "SHLVL", "_")}


@pytest.mark.parametrize("case", CASES, ids=IDS)
async def test_an_example_is_applied_once_and_is_there(tmp_path: Path, examples: Path, case: Case) -> None:
    nowhere = tmp_path / "none"
    assert "Apply complete!" in dkv(nowhere, examples, case, "apply", "--auto-approve")
    assert NOTHING_TO_DO in dkv(nowhere, examples, case, "plan", "--detailed-exitcode")
    assert "0 added, 0 changed, 0 destroyed" in dkv(nowhere, examples, case, "apply", "--auto-approve")

    private = examples / case[0] / "state" / ".emulator"
    process.start(private, Options())
    try:
        async with clients_of(private) as azure:
            await look(azure, case)
    finally:
        process.stop(private)


async def test_all_examples_live_in_one_running_emulator(shared: Path, examples: Path) -> None:
    for case in CASES:
        assert "Apply complete!" in dkv(shared, examples, case, "apply", "--auto-approve")
    for case in CASES:
        assert NOTHING_TO_DO in dkv(shared, examples, case, "plan", "--detailed-exitcode")
    async with clients_of(shared) as azure:
        for case in CASES:
            await look(azure, case)


async def test_an_emulator_that_somebody_wrote_to_gets_the_company_by_load(shared: Path, examples: Path) -> None:
    async with clients_of(shared) as azure:
        await azure.resources.resource_groups.create_or_update("rg-somebody-else", {"location": "westeurope"})
    case = ("attach", None)
    dkv(shared, examples, case, "plan", code=1)
    process.load(shared, process.read_snapshot(examples / "attach" / "emulator.json"))
    assert "5 imported" in dkv(shared, examples, case, "apply", "--auto-approve")


def test_every_example_and_every_environment_is_tried() -> None:
    found: list[Case] = []
    for folder in folders():
        document = yaml.safe_load((folder / "dkv.yaml").read_text())
        found += [(folder.name, each) for each in document.get("environments", {None: None})]
    assert sorted(found, key=str) == sorted(CASES, key=str)
    assert len(folders()) == 5


async def test_the_examples_share_one_company_that_can_be_made_anew() -> None:
    assert {(folder / "emulator.json").read_text() for folder in folders()} == {await made()}


def test_no_two_examples_have_a_vault_or_a_group_in_common() -> None:
    vaults = [name for expected in CASES.values() for name in expected.vaults]
    assert len(vaults) == len(set(vaults))
    groups = {vault.group: case[0] for case, expected in CASES.items() for vault in expected.vaults.values()}
    for case, expected in CASES.items():
        assert {groups[vault.group] for vault in expected.vaults.values()} == {case[0]}


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_every_value_in_an_example_is_a_throw_away_one(folder: Path) -> None:
    values = values_of(folder.name)
    assert values
    assert all("throw-away" in value for value in values.values())
    snapshot = json.loads((folder / "emulator.json").read_text())
    versions = [one for secret in snapshot["tables"]["secrets"].values() for one in secret["versions"]]
    assert versions
    assert all(one["value"].startswith("throw-away") for one in versions)
    assert "passwordCredentials" not in json.dumps(snapshot)


async def look(azure: Clients, case: Case) -> None:
    """Compare all that an example promises with what Azure holds."""
    expected = CASES[case]
    who = _people(azure)
    for name, vault in expected.vaults.items():
        live = await azure.vaults.vaults.get(vault.group, name)
        _compare_settings(live, vault)
        _compare_policies(live.properties, vault, who)
        assert await _roles_below(azure, str(live.id)) == _named(vault, who)
        if vault.secrets:
            await _compare_secrets(azure, name, vault, values_of(case[0]))
    await _compare_roles(azure, expected, who)


def _people(azure: Clients) -> dict[str, str]:
    """Object ids by the names that `expected` uses."""
    directory = json.loads((EXAMPLES / "attach" / "emulator.json").read_text())["tables"]["directory"]
    found = {str(row.get("userPrincipalName", row["displayName"])): key for key, row in directory.items()}
    return {**found, "deployer": azure.deployer}


def _compare_settings(live: Any, vault: Vault) -> None:
    shown = live.properties
    assert live.location == vault.location
    assert (live.tags or {}) == vault.tags
    assert str(shown.sku.name.value) == vault.sku
    assert vault.retention is None or shown.soft_delete_retention_in_days == vault.retention
    assert bool(shown.enable_rbac_authorization) is (vault.policies is None)
    for name, value in vault.more.items():
        assert getattr(shown, name) == value


def _compare_policies(shown: Any, vault: Vault, who: Mapping[str, str]) -> None:
    wanted = {who.get(name, name): granted for name, granted in (vault.policies or {}).items()}
    found = {
        entry.object_id: frozenset(str(getattr(p, "value", p)).lower() for p in entry.permissions.secrets or [])
        for entry in shown.access_policies or []
    }
    assert found == wanted
    assert not any(entry.permissions.keys_property for entry in shown.access_policies or [])


def _named(vault: Vault, who: Mapping[str, str]) -> set[tuple[str, str, str]]:
    return {(below, role, who[name]) for below, role, name in vault.roles}


async def _roles_below(azure: Clients, scope: str) -> set[tuple[str, str, str]]:
    """The assignments at a vault and below it."""
    found = set()
    async for one in azure.authorization.role_assignments.list_for_subscription():
        if str(one.scope).lower().startswith(scope.lower()):
            role = str(one.role_definition_id).rpartition("/")[2]
            found.add((str(one.scope)[len(scope) :].lower(), role, str(one.principal_id)))
    return found


async def _compare_roles(azure: Clients, expected: Expected, who: Mapping[str, str]) -> None:
    """The assignments beside the vaults; at the subscription there are others', too."""
    for below, role, name in expected.roles:
        scope = f"/subscriptions/{SUBSCRIPTION}{below}"
        query = f"principalId eq '{who[name]}'"
        found = [
            one
            async for one in azure.authorization.role_assignments.list_for_scope(scope.lstrip("/"), filter=query)
            if str(one.role_definition_id).endswith(role) and str(one.scope).lower() == scope.lower()
        ]
        assert len(found) == 1


async def _compare_secrets(azure: Clients, name: str, vault: Vault, values: Mapping[str, str]) -> None:
    client = await azure.secrets(name)
    names = {one.name async for one in client.list_properties_of_secrets()}
    assert names - {"dkv-fingerprint-key"} == set(vault.secrets)
    for key, wanted in vault.secrets.items():
        found = await client.get_secret(key)
        _compare_value(str(found.value), wanted, values)
        assert found.properties.content_type == wanted.content_type
        assert (found.properties.tags or None) == wanted.tags
        expires = found.properties.expires_on
        assert (expires.isoformat() if expires else None) == wanted.expires
        # Nothing is written twice, and what is kept or taken over changes in place.
        assert len([one async for one in client.list_properties_of_secret_versions(key)]) == 1


def _compare_value(value: str, wanted: Secret, values: Mapping[str, str]) -> None:
    if isinstance(wanted.value, int):
        assert len(value) == wanted.value
    else:
        assert value == values.get(wanted.value, wanted.value)


def test_the_configuration_that_the_readme_shows_is_planned(tmp_path: Path) -> None:
    text = (EXAMPLES.parent / "README.md").read_text()
    (tmp_path / "dkv.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    done = subprocess.run(
        [sys.executable, "-m", "declarative_kv", "plan", "-f", str(tmp_path), "--detailed-exitcode"],
        env={**os.environ, "DKV_EMULATOR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Plan: 6 to add, 0 to change, 0 to destroy." in done.stdout
