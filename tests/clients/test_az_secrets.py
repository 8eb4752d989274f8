"""The az CLI: secrets, from the first version to the purge, with a refusal for whoever has no rights."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.project import Emulator
from tests.clients.others import NOT_FOUND, Az, needs_az, signed_in

pytestmark = needs_az
VALUE = "first-value-of-the-secret"
VAULT = "--vault-name kv-az-secrets"


def test_az_takes_a_secret_through_its_life(az: Az, tmp_path: Path) -> None:
    az("group create -n rg-secrets -l westeurope")
    az("keyvault create -n kv-az-secrets -g rg-secrets")
    (tmp_path / "value").write_text(VALUE, encoding="utf-8")
    made = az(
        f"keyvault secret set {VAULT} -n db --file value --content-type text/plain --expires 2099-01-01T00:00:00Z"
    )
    assert (made["value"], made["contentType"]) == (VALUE, "text/plain")
    assert made["attributes"]["expires"] == "2099-01-01T00:00:00+00:00"
    assert made["attributes"]["recoveryLevel"] == "Recoverable+Purgeable"
    assert az(f"keyvault secret set {VAULT} -n DB --value second --tags a=1")["value"] == "second"
    assert az(f"keyvault secret show {VAULT} -n db --query value") == "second"
    version = made["id"].rpartition("/")[2]
    assert az(f"keyvault secret show {VAULT} -n db --version {version} --query value") == VALUE
    assert az(f"keyvault secret show --id {made['id']} --query value") == VALUE
    assert len(az(f"keyvault secret list-versions {VAULT} -n db")) == 2
    listed = az(f"keyvault secret list {VAULT}")
    assert [(one["name"], one["id"].count("/")) for one in listed] == [("db", 4)]
    assert "value" not in listed[0]

    changed = az(f"keyvault secret set-attributes {VAULT} -n db --enabled false --tags b=2")
    assert (changed["tags"], changed["attributes"]["enabled"]) == ({"b": "2"}, False)
    assert "not allowed on a disabled secret" in az.refused(f"keyvault secret show {VAULT} -n db")
    az(f"keyvault secret set-attributes {VAULT} -n db --enabled true")
    az(f"keyvault secret download {VAULT} -n db --file read")
    assert (tmp_path / "read").read_text(encoding="utf-8") == "second"
    assert "SecretNotFound" in az.refused(f"keyvault secret show {VAULT} -n nope", code=NOT_FOUND)


def test_az_deletes_recovers_backs_up_and_purges_a_secret(az: Az) -> None:
    vault = "--vault-name kv-az-deleted"
    az("group create -n rg-deleted -l westeurope")
    az("keyvault create -n kv-az-deleted -g rg-deleted --enable-rbac-authorization false")
    az(f"keyvault secret set {vault} -n db --value kept")
    az(f"keyvault secret backup {vault} -n db --file backup")
    deleted = az(f"keyvault secret delete {vault} -n db")
    assert deleted["recoveryId"] == "https://kv-az-deleted.vault.azure.net/deletedsecrets/db"
    assert az(f"keyvault secret list-deleted {vault} --query [].name") == ["db"]
    assert az(f"keyvault secret show-deleted {vault} -n db")["id"] == deleted["id"]
    assert "deleted but recoverable state" in az.refused(f"keyvault secret set {vault} -n db --value other")
    az(f"keyvault secret recover {vault} -n db")
    assert az(f"keyvault secret show {vault} -n db --query value") == "kept"
    az(f"keyvault secret delete {vault} -n db")
    az(f"keyvault secret purge {vault} -n db")
    assert az(f"keyvault secret list-deleted {vault}") == []
    az(f"keyvault secret restore {vault} --file backup")
    assert az(f"keyvault secret show {vault} -n db --query value") == "kept"
    assert "already exists" in az.refused(f"keyvault secret restore {vault} --file backup")


def test_az_reads_a_secret_only_with_a_role_for_it(az: Az, running: Emulator, tmp_path: Path) -> None:
    vault = "--vault-name kv-az-roles"
    az("group create -n rg-roles -l westeurope")
    scope = az("keyvault create -n kv-az-roles -g rg-roles --query id")
    az(f"keyvault secret set {vault} -n mine --value mine")
    az(f"keyvault secret set {vault} -n other --value other")
    robot = signed_in(running.environ, tmp_path, "DKV_EMULATOR_NORIGHTS")
    assert "ForbiddenByRbac" in robot.refused(f"keyvault secret show {vault} -n mine")
    other = running.environ["DKV_EMULATOR_NORIGHTS_OBJECT_ID"]
    who = f"--assignee-object-id {other} --assignee-principal-type ServicePrincipal"
    az(f"role assignment create {who} --scope {scope}/secrets/mine", "--role", "Key Vault Secrets User")
    assert robot(f"keyvault secret show {vault} -n mine --query value") == "mine"
    assert "ForbiddenByRbac" in robot.refused(f"keyvault secret show {vault} -n other")
