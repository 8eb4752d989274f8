"""The front of Resource Manager: what needs no token, and how bad ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from declarative_kv.emulator.entra.tokens import issue
from declarative_kv.emulator.host.snapshots import reset
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from tests.emulator.azure_support import ARM, GRAPH, GROUP, LOGIN, VAULT, Answer, Azure

TARGET = f"/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01"


@pytest.fixture
def azure() -> Azure:
    return Azure()


def bare(azure: Azure, path: str, query: str = "", *, method: str = "GET", host: str = ARM) -> Answer:
    return azure.send(Request.from_target(method, host, path, query, {}, b""))


def test_without_a_token_the_subscriptions_tenant_is_named(azure: Azure) -> None:
    answer = bare(azure, f"/subscriptions/{SUBSCRIPTION}", "api-version=2022-12-01")

    assert answer.status == 401
    assert answer.error["code"] == "AuthenticationFailed"
    assert f'authorization_uri="https://login.microsoftonline.com/{TENANT}"' in answer.headers["www-authenticate"]
    assert "/common" in bare(azure, "/subscriptions").headers["www-authenticate"]


@pytest.mark.parametrize(
    ("audience", "seconds", "code"),
    [
        ("https://management.core.windows.net/", 0, None),
        ("https://management.azure.com", 0, None),
        ("https://vault.azure.net", 0, "InvalidAuthenticationTokenAudience"),
        ("https://management.azure.com", 4000, "ExpiredAuthenticationToken"),
    ],
)
def test_a_token_must_be_for_resource_manager_and_fresh(
    azure: Azure, audience: str, seconds: float, code: str | None
) -> None:
    token = issue(azure.world, azure.main, audience)
    azure.world.clock.shift(seconds)
    answer = azure.ask("GET", ARM, TARGET, token=token)

    assert answer.status == (200 if code is None else 401)
    assert code is None or answer.error["code"] == code


def test_a_meaningless_token_and_one_of_another_tenant_are_refused(azure: Azure) -> None:
    user = azure.make_user()
    record = azure.world.store.table("directory")[user["id"]]
    azure.world.store.put("directory", user["id"], record | {"tenant": "other"})

    assert azure.ask("GET", ARM, TARGET, token="abc").error["code"] == "InvalidAuthenticationToken"
    assert azure.ask("GET", ARM, TARGET, as_=user["id"]).error["code"] == "InvalidAuthenticationTokenTenant"


def test_every_answer_carries_request_ids(azure: Azure) -> None:
    answer = azure.ask("GET", ARM, TARGET, headers={"x-ms-client-request-id": "mine"})

    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-ms-request-id"] == answer.headers["x-ms-correlation-request-id"]


@pytest.mark.parametrize(
    ("host", "name", "suffix"),
    [
        (ARM, "AzureCloud", "vault.azure.net"),
        ("management.usgovcloudapi.net", "AzureUSGovernment", "vault.usgovcloudapi.net"),
        ("management.chinacloudapi.cn", "AzureChinaCloud", "vault.azure.cn"),
    ],
)
def test_anybody_may_read_the_endpoints_of_a_cloud(azure: Azure, host: str, name: str, suffix: str) -> None:
    new = bare(azure, "/metadata/endpoints", "api-version=2022-09-01", host=host).body
    old = bare(azure, "/metadata/endpoints", "api-version=2019-05-01", host=host).body

    assert (new["name"], new["suffixes"]["keyVaultDns"]) == (name, suffix)
    assert new["resourceManager"] == f"https://{host}/"
    assert old == [new]


def test_a_vault_of_another_cloud_has_that_clouds_challenge(azure: Azure) -> None:
    azure.make_vault()
    answer = bare(azure, "/secrets", "api-version=7.6", host="kv-one.vault.usgovcloudapi.net")

    assert answer.headers["www-authenticate"] == (
        f'Bearer authorization="https://login.microsoftonline.us/{TENANT}", resource="https://vault.usgovcloudapi.net"'
    )


def test_a_head_request_has_no_body(azure: Azure) -> None:
    answer = azure.ask("HEAD", ARM, f"{GROUP}?api-version=2021-04-01")

    assert (answer.status, answer.raw) == (404, b"")


def test_an_arranged_error_of_another_service_has_its_own_code(azure: Azure) -> None:
    azure.world.fail("GET", "/subscriptions/*", status=503, times=1)
    azure.world.fail("GET", "/subscriptions/*", status=418, times=1)

    assert azure.ask("GET", ARM, TARGET).error["code"] == "ServiceUnavailable"
    assert azure.ask("GET", ARM, TARGET).error["code"] == "InjectedFault"
    assert azure.ask("GET", ARM, TARGET).status == 200


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    first = Azure(folder=tmp_path)
    first.make_vault()
    made = first.set("db", "kept")
    first.set("gone")
    first.secret("DELETE", "/secrets/gone")
    user = first.make_user()
    token = issue(first.world, first.main, "https://vault.azure.net")
    first.world.close()
    again = Azure(folder=tmp_path)

    assert again.ask("GET", VAULT, "/secrets/db?api-version=7.6", token=token).body == made
    assert again.secret("POST", "/deletedsecrets/gone/recover").status == 200
    assert again.graph("GET", f"/users/{user['id']}").status == 200
    again.world.close()


@pytest.mark.parametrize(
    ("host", "header"),
    [
        (ARM, "x-ms-request-id"),
        (VAULT, "x-ms-keyvault-service-version"),
        (GRAPH, "request-id"),
        (LOGIN, "x-ms-request-id"),
    ],
)
def test_an_arranged_error_looks_like_one_of_the_service(azure: Azure, host: str, header: str) -> None:
    azure.make_vault()
    azure.world.fail("GET", "/anything", status=503)
    answer = bare(azure, "/anything", host=host)

    assert answer.status == 503
    assert header in answer.headers
    if host == GRAPH:
        assert answer.error["innerError"]["request-id"] == answer.headers["request-id"]
    if host == LOGIN:
        assert answer.body["error"] == "temporarily_unavailable"


def test_a_vault_that_is_not_there_has_no_errors_either(azure: Azure) -> None:
    azure.world.fail("GET", "/secrets", status=503)
    assert bare(azure, "/secrets", host="kv-none.vault.azure.net").dropped


@pytest.mark.parametrize("name", ["main", "norights"])
def test_a_reset_brings_back_an_identity_that_was_deleted(azure: Azure, name: str) -> None:
    identity = azure.world.identity(name)
    (found,) = azure.graph("GET", f"/applications?$filter=appId%20eq%20'{identity['client_id']}'").body["value"]
    assert azure.graph("DELETE", f"/applications/{found['id']}").status == 204
    assert azure.sign_in(azure.credentials(name)).status == 400
    reset(azure.world)

    assert azure.sign_in(azure.credentials(name)).status == 200
    assert azure.graph("GET", f"/servicePrincipals/{identity['object_id']}", as_=azure.main).status == 200
    found = azure.graph("GET", f"/applications?$filter=appId%20eq%20'{identity['client_id']}'").body["value"]
    assert len(found) == 1
