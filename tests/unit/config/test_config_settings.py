"""Cloud, tenant, subscription, state, fingerprints: from the YAML, else from the operator's environment."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.document import Cloud, Origin
from tests.unit.config.yamls import document, loaded, places, refused, unmarked, vault

ID = "22222222-2222-2222-2222-222222222222"
OTHER = "33333333-3333-3333-3333-333333333333"

PUBLIC = ("public", "https://management.azure.com", "vault.azure.net")
USGOV = ("usgov", "https://management.usgovcloudapi.net", "vault.usgovcloudapi.net")
CHINA = ("china", "https://management.chinacloudapi.cn", "vault.azure.cn")

CLOUDS = [
    ("", {}, PUBLIC),
    ("cloud: public", {"AZURE_ENVIRONMENT": "AzureChinaCloud"}, PUBLIC),
    ("cloud: emulator", {}, ("emulator", *PUBLIC[1:])),
    ("cloud: usgov", {}, USGOV),
    ("", {"AZURE_ENVIRONMENT": "AzureCloud"}, PUBLIC),
    ("", {"AZURE_ENVIRONMENT": "azureusgovernment"}, USGOV),
    ("", {"AZURE_ENVIRONMENT": "AzureChinaCloud"}, CHINA),
]


@pytest.mark.parametrize(("line", "environ", "expected"), CLOUDS)
def test_the_cloud_is_the_yaml_s_else_the_environment_s_else_public(
    line: str, environ: dict[str, str], expected: tuple[str, str, str], tmp_path: Path
) -> None:
    found = loaded(tmp_path, document(line), environ=environ).cloud

    assert (found.name, found.resource_manager, found.key_vault_suffix) == expected


def test_an_environment_that_names_no_cloud_is_an_error(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, document(""), environ={"AZURE_ENVIRONMENT": "AzureGermanCloud"})

    assert (found.code, found.span) == ("invalid-environment", None)


CUSTOM = (
    "version: 1\ncloud: {authority: https://login.stack.example/, resource_manager: https://arm.stack.example, "
    "key_vault_suffix: .Vault.stack.example%s}\nprincipals: {me: {%s}}\n"
)


def test_a_custom_cloud_works_where_the_operator_allows_it(tmp_path: Path) -> None:
    text = CUSTOM % (", graph: http://localhost:8080/", "group: Ops")

    found = loaded(tmp_path, text, environ={"DKV_ALLOW": "command,cloud"})

    assert found.cloud == Cloud(
        "custom",
        "https://login.stack.example",
        "https://arm.stack.example",
        "http://localhost:8080",
        "vault.stack.example",
    )


@pytest.mark.parametrize("allow", [None, "", "command", "clouds"])
def test_a_custom_cloud_cannot_allow_itself(allow: str | None, tmp_path: Path) -> None:
    environ = {} if allow is None else {"DKV_ALLOW": allow}

    (found,) = refused(tmp_path, CUSTOM % ("", "current: true"), environ=environ)

    assert (found.code, str(found.span)) == ("cloud-not-allowed", "dkv.yaml:2:1")


def test_a_custom_cloud_needs_graph_only_where_it_is_asked(tmp_path: Path) -> None:
    allowed = {"DKV_ALLOW": "cloud"}

    assert loaded(tmp_path, CUSTOM % ("", "current: true"), environ=allowed).cloud.graph == ""
    (found,) = refused(tmp_path, CUSTOM % ("", "group: Ops"), environ=allowed)
    assert (found.code, "`graph`" in found.detail) == ("missing-setting", True)


CLOUD_MISTAKES = {
    "a name that is none": "cloud: ⟦not-one-of⟧azure",
    "an endpoint that is missing": "⟦missing-setting⟧cloud: {authority: https://a.example, key_vault_suffix: v.a}",
    "a setting that is unknown": "cloud: {⟦unknown-key⟧arm: https://a.example}",
    "a URL without encryption": "cloud: {authority: ⟦invalid-url⟧http://a.example}",
    "a suffix that is none": "cloud: {key_vault_suffix: ⟦invalid-url⟧vault}",
    "a list": "cloud: ⟦wrong-type⟧[public]",
    "a name and endpoints": "cloud: ⟦wrong-type⟧{name: public, authority: https://a.example, "
    "resource_manager: https://b.example, key_vault_suffix: v.example}",
}


@pytest.mark.parametrize("line", CLOUD_MISTAKES.values(), ids=CLOUD_MISTAKES)
def test_a_mistake_in_a_cloud_is_found_at_its_place(line: str, tmp_path: Path) -> None:
    clean, expected = unmarked(f"version: 1\n{line}\n")

    assert places(refused(tmp_path, clean, environ={"DKV_ALLOW": "cloud"})) == expected


@pytest.mark.parametrize(
    ("line", "environ", "expected"),
    [
        (f"tenant: {ID}", {"AZURE_TENANT_ID": OTHER}, Origin(ID, "from YAML")),
        ("", {"AZURE_TENANT_ID": OTHER}, Origin(OTHER, "AZURE_TENANT_ID")),
        ("", {"AZURE_TENANT_ID": ""}, Origin(None, "")),
    ],
)
def test_the_tenant_says_where_it_is_from(line: str, environ: dict[str, str], expected: Origin, tmp_path: Path) -> None:
    assert loaded(tmp_path, document(line), environ=environ).tenant == expected


@pytest.mark.parametrize(
    ("line", "environ", "expected"),
    [
        (f"subscription: {ID}", {"AZURE_SUBSCRIPTION_ID": OTHER}, Origin(ID, "from YAML")),
        (f"subscription: main\nsubscriptions: {{main: {ID}, gone: null}}", {}, Origin(ID, "from YAML")),
        ("", {"AZURE_SUBSCRIPTION_ID": OTHER}, Origin(OTHER, "AZURE_SUBSCRIPTION_ID")),
        (f"subscriptions: {{main: {ID}}}", {}, Origin(None, "")),
    ],
)
def test_the_subscription_says_where_it_is_from(
    line: str, environ: dict[str, str], expected: Origin, tmp_path: Path
) -> None:
    found = loaded(tmp_path, document(line), environ=environ)

    assert found.subscription == expected
    assert set(found.subscriptions) <= {"main"}


@pytest.mark.parametrize(
    ("line", "given", "expected"),
    [
        ("", None, "state/dkv.json"),
        ("state: elsewhere/a.json", None, "elsewhere/a.json"),
        ("state: ../a.json", None, "../a.json"),
        ("state: /var/lib/dkv/a.json", None, "/var/lib/dkv/a.json"),
        ("state: azblob://account/container/a/b.json", None, "azblob://account/container/a/b.json"),
        ("state: a.json", "mine/b.json", "mine/b.json"),
        ("state: a.json", "azblob://account/container/key", "azblob://account/container/key"),
    ],
)
def test_the_state_lies_where_it_is_said(line: str, given: str | None, expected: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, document(line), state=given)

    assert found.state == (expected if "://" in expected else str((tmp_path / expected).resolve()))


def test_the_root_is_known_by_its_absolute_path(tmp_path: Path) -> None:
    assert loaded(tmp_path, document("")).root == str(tmp_path / "dkv.yaml")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", (None, False)),
        ("fingerprint: none", (None, True)),
        ("fingerprint: secret.kv-one/team-key", (Address("secret", "kv-one/team-key"), False)),
    ],
)
def test_the_fingerprint_key_is_each_vault_s_or_one_secret_or_none(
    line: str, expected: tuple[Address | None, bool], tmp_path: Path
) -> None:
    found = loaded(tmp_path, f"{vault('')}{line}\n")

    assert (found.fingerprint, found.fingerprint_off) == expected


def test_a_value_needs_the_vault_of_the_shared_key_and_a_kept_one_does_not(tmp_path: Path) -> None:
    text = """\
        version: 1
        cloud: emulator
        fingerprint: secret.ops-vault/team-key
        defaults: {resource_group: rg, location: westeurope}
        vaults:
          ops-vault: {access: policies}
          app-vault:
            access: policies
            secrets: {db: {value_from: {env: DB}}, partner: {value_from: kept}}
        """
    found = loaded(tmp_path, dedent(text)).resources

    needs = {at.key: {str(need) for need in found[at].depends_on} for at in found if at.kind == "secret"}
    assert needs == {"db": {"vault.app-vault", "vault.ops-vault"}, "partner": {"vault.app-vault"}}
