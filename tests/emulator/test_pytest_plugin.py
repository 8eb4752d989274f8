"""The fixtures that other projects get, used as they would use them: a conftest.py that names the plugin."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["declarative_kv.emulator.pytest"]\n'
HELPERS = """
import os, uuid
import pytest
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.core.exceptions import HttpResponseError
import requests

def make_vault(azure, name):
    token = DefaultAzureCredential().get_token("https://management.azure.com/.default").token
    group = f"https://management.azure.com/subscriptions/{azure.subscription}/resourceGroups/rg"
    bearer = {"Authorization": f"Bearer {token}"}
    made = requests.put(f"{group}?api-version=2021-04-01", json={"location": "westeurope"}, headers=bearer)
    assert made.status_code == 201, "the emulator was not empty"
    properties = {"tenantId": azure.tenant, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
    body = {"location": "westeurope", "properties": properties}
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/{name}?api-version=2023-07-01"
    assert requests.put(vault, json=body, headers=bearer).status_code == 200
    return f"https://{name}.vault.azure.net"
"""
REAL_CLIENTS = (
    HELPERS
    + """
@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_azure_and_clients_find_it(azure_emulator, turn):
    url = make_vault(azure_emulator, "kv-plugin")
    with DefaultAzureCredential() as credential, SecretClient(url, credential) as client:
        client.set_secret("db", "value")
        assert client.get_secret("db").value == "value"
        saved = azure_emulator.snapshot()
        azure_emulator.fail("GET", "/secrets/db*", status=403)
        with pytest.raises(HttpResponseError):
            client.get_secret("db")
        azure_emulator.load(saved)
    nobody = azure_emulator.identity("norights")
    with ClientSecretCredential(azure_emulator.tenant, nobody["client_id"], nobody["client_secret"]) as credential:
        with SecretClient(url, credential) as client, pytest.raises(HttpResponseError):
            client.get_secret("db")
    azure_emulator.shift_clock(3600.0)
    assert azure_emulator.certificate.exists()
    assert os.environ["HTTPS_PROXY"] == azure_emulator.proxy

def test_the_environment_is_as_it_was_afterwards():
    assert os.environ.get("AZURE_CLIENT_SECRET") == "theirs"
    assert "DKV_EMULATOR_OBJECT_ID" not in os.environ
"""
)
IN_PROCESS = """
import asyncio
from azure.identity.aio import ClientSecretCredential

def test_asynchronous_clients_take_its_transport(azure_in_process):
    async def ask():
        identity, transport = azure_in_process.identity(), azure_in_process.transport()
        tenant = "11111111-1111-1111-1111-111111111111"
        credential = ClientSecretCredential(
            tenant, identity["client_id"], identity["client_secret"], transport=transport
        )
        async with credential:
            return (await credential.get_token("https://vault.azure.net/.default")).token
    assert asyncio.run(ask()).count(".") == 2
"""
OPTIONS = """
import pytest, requests
from declarative_kv.emulator.host.options import Options

@pytest.fixture(scope="session")
def azure_emulator_options():
    return Options(as_of="2023-01-01")

def test_it_is_started_as_the_options_say(azure_emulator):
    from azure.identity import DefaultAzureCredential
    bearer = DefaultAzureCredential().get_token("https://management.azure.com/.default").token
    target = f"https://management.azure.com/subscriptions/{azure_emulator.subscription}?api-version=2022-12-01"
    answer = requests.get(target, headers={"Authorization": f"Bearer {bearer}"})
    assert answer.headers["x-ms-ratelimit-remaining-subscription-reads"] == "11999"
"""


@pytest.mark.parametrize(
    ("content", "passed"), [(REAL_CLIENTS, 3), (IN_PROCESS, 1), (OPTIONS, 1)], ids=["server", "in-process", "options"]
)
def test_a_project_that_names_the_plugin_has_its_fixtures(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, content: str, passed: int
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "theirs")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(content)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=60).assert_outcomes(passed=passed)
