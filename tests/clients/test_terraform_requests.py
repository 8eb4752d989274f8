"""What Terraform's azurerm and Azure's Go SDK ask, request by request, as they send it.

Neither can be installed everywhere, so their requests are sent raw: the discovery before a sign-in, every call of the
data plane once without a token, slashes at the end, ids in any letter case, names of parameters with percent signs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.benchmarks.project import Emulator
from tests.clients.worlds import data_folder
from tests.emulator.reach import LOGIN, MANAGEMENT, Answer, Client

GRAPH: Final = "graph.microsoft.com"
HOST: Final = "kv-terraform.vault.azure.net"
GROUP: Final = "/resourceGroups/rg-terraform"
VAULT: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-terraform"
WORDS: Final = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json; charset=utf-8"}


class Terraform:
    """The provider's requests on one connection a host."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.subscription = f"/subscriptions/{client.variables['AZURE_SUBSCRIPTION_ID']}"
        self.tenant = client.variables["AZURE_TENANT_ID"]

    def arm(self, method: str, path: str, version: str, payload: Any = None, **query: str) -> Answer:
        """One request to Resource Manager, below the subscription."""
        extra = "".join(f"&{name}={value}" for name, value in query.items())
        target = f"{self.subscription}{path}?api-version={version}{extra}"
        return self.client.ask(method, MANAGEMENT, target, payload)

    def vault(self, method: str, path: str, payload: Any = None, *, version: str = "7.4") -> Answer:
        """One call of the data plane, first without token and body, then with both."""
        target = f"{path}?api-version={version}"
        challenge = self.client.send(method, HOST, target, None, WORDS)
        assert challenge.status == 401, challenge.body
        expected = f'Bearer authorization="https://{LOGIN}/{self.tenant}", resource="https://vault.azure.net"'
        assert challenge.headers["www-authenticate"] == expected
        return self.client.ask(method, HOST, target, payload)


@pytest.fixture
def terraform(running: Emulator) -> Iterator[Terraform]:
    """The provider, signed in as the owner of the subscription."""
    with Client(data_folder(running)) as client:
        yield Terraform(client)


def made(terraform: Terraform) -> None:
    """The group and the vault, with a policy for the caller, as azurerm creates them."""
    assert terraform.arm("PUT", GROUP, "2023-07-01", {"location": "westeurope", "tags": {}}).status in (200, 201)
    caller = terraform.client.variables["DKV_EMULATOR_OBJECT_ID"]
    permissions = {"secrets": ["Get", "Set", "List", "Delete", "Purge", "Recover"], "keys": [], "certificates": []}
    properties = {
        "tenantId": terraform.tenant,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [{"tenantId": terraform.tenant, "objectId": caller, "permissions": permissions}],
        "enableRbacAuthorization": False,
        "enabledForDeployment": False,
        "publicNetworkAccess": "Enabled",
        "softDeleteRetentionInDays": 90,
    }
    vault = {"location": "westeurope", "tags": {}, "properties": properties}
    assert terraform.arm("PUT", VAULT, "2026-02-01", vault).status == 200


def test_the_cloud_is_described_to_anybody(terraform: Terraform) -> None:
    answer = terraform.client.send("GET", MANAGEMENT, "/metadata/endpoints?api-version=2022-09-01")
    cloud = answer.json()
    assert (answer.status, cloud["name"]) == (200, "AzureCloud")
    assert cloud["resourceManager"] == "https://management.azure.com/"
    assert cloud["microsoftGraphResourceId"] == "https://graph.microsoft.com/"
    assert cloud["authentication"]["loginEndpoint"] == "https://login.microsoftonline.com/"
    assert (cloud["authentication"]["tenant"], cloud["authentication"]["identityProvider"]) == ("common", "AAD")
    assert cloud["suffixes"]["keyVaultDns"] == "vault.azure.net"
    assert cloud["suffixes"]["storage"] == "core.windows.net"


def test_go_discovers_the_instance_before_it_signs_in(terraform: Terraform) -> None:
    authority = f"https://{LOGIN}/{terraform.tenant}"
    endpoint = f"{authority}/oauth2/v2.0/authorize".replace(":", "%3A").replace("/", "%2F")
    target = f"/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}"
    found = terraform.client.send("GET", LOGIN, target).json()
    assert found["tenant_discovery_endpoint"] == f"{authority}/v2.0/.well-known/openid-configuration"
    assert LOGIN in found["metadata"][0]["aliases"]
    described = terraform.client.send("GET", LOGIN, f"/{terraform.tenant}/v2.0/.well-known/openid-configuration").json()
    assert described["token_endpoint"] == f"{authority}/oauth2/v2.0/token"
    assert described["issuer"] == f"{authority}/v2.0"


@pytest.mark.parametrize("host", [MANAGEMENT, GRAPH, HOST])
def test_a_token_says_who_was_signed_in(host: str, terraform: Terraform) -> None:
    _, claims, _ = terraform.client.token(host).split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    variables = terraform.client.variables
    assert read["oid"] == variables["DKV_EMULATOR_OBJECT_ID"]
    assert (read["appid"], read["tid"]) == (variables["AZURE_CLIENT_ID"], variables["AZURE_TENANT_ID"])


def test_the_provider_looks_around_before_it_plans(terraform: Terraform) -> None:
    client = terraform.client
    assert client.ask("GET", MANAGEMENT, "/subscriptions?api-version=2022-12-01").json()["value"]
    subscription = terraform.arm("GET", "", "2022-12-01").json()
    assert (subscription["state"], subscription["tenantId"]) == ("Enabled", terraform.tenant)
    providers = terraform.arm("GET", "/providers", "2022-09-01").json()["value"]
    states = {one["namespace"]: one["registrationState"] for one in providers}
    assert states["Microsoft.KeyVault"] == "Registered"
    again = terraform.arm("POST", "/providers/microsoft.keyvault/register", "2022-09-01").json()
    assert "2026-02-01" in next(one["apiVersions"] for one in again["resourceTypes"] if one["resourceType"] == "vaults")
    assert terraform.arm("GET", "/providers/Microsoft.Nothing", "2022-09-01").status == 404
    who = client.variables["AZURE_CLIENT_ID"]
    found = client.ask("GET", GRAPH, f"/v1.0/servicePrincipals?$filter=appId%20eq%20'{who}'").json()["value"]
    assert [one["id"] for one in found] == [client.variables["DKV_EMULATOR_OBJECT_ID"]]


def test_a_vault_is_created_read_and_found_again(terraform: Terraform) -> None:
    name = {"name": "kv-terraform", "type": "Microsoft.KeyVault/vaults"}
    checked = terraform.arm("POST", "/providers/Microsoft.KeyVault/checkNameAvailability", "2026-02-01", name)
    assert checked.status == 200
    deleted = "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-terraform"
    assert terraform.arm("GET", deleted, "2026-02-01").status == 404
    made(terraform)
    read = terraform.arm("GET", VAULT, "2026-02-01").json()
    assert read["properties"]["vaultUri"] == f"https://{HOST}/"
    assert read["properties"]["accessPolicies"][0]["permissions"]["secrets"][:2] == ["Get", "Set"]
    reached = terraform.client.send("GET", HOST, "/")
    assert reached.status in (401, 404)
    query = {
        "$filter": "resourceType%20eq%20'Microsoft.KeyVault/vaults'%20and%20name%20eq%20'kv-terraform'",
        "$top": "5",
    }
    found = terraform.arm("GET", "/resources", "2015-11-01", **query).json()["value"]
    assert [one["id"] for one in found] == [read["id"]]
    contained = terraform.arm(
        "GET", f"{GROUP}/resources", "2023-07-01", **{"$expand": "provisioningState", "$top": "10"}
    )
    assert [one["name"] for one in contained.json()["value"]] == ["kv-terraform"]
    policy = {"properties": {"accessPolicies": read["properties"]["accessPolicies"]}}
    assert terraform.arm("PUT", f"{VAULT}/accessPolicies/add", "2026-02-01", policy).status in (200, 201)


def test_a_secret_is_created_read_deleted_and_purged(terraform: Terraform) -> None:
    made(terraform)
    assert terraform.vault("GET", "/secrets/one/").status == 404
    body = {"value": "a", "contentType": "", "tags": {}, "attributes": {}}
    written = terraform.vault("PUT", "/secrets/one", body).json()
    assert terraform.vault("GET", "/secrets/one/").json()["id"] == written["id"]
    version = written["id"].rpartition("/")[2]
    assert terraform.vault("GET", f"/secrets/one/{version}").json()["value"] == "a"
    changed = terraform.vault("PATCH", f"/secrets/one/{version}", {"contentType": "text/plain"})
    assert changed.json()["contentType"] == "text/plain"
    assert terraform.vault("DELETE", "/secrets/one").json()["recoveryId"] == f"https://{HOST}/deletedsecrets/one"
    assert terraform.vault("GET", "/secrets/one/").status == 404
    assert terraform.vault("GET", "/deletedsecrets/one").status == 200
    assert terraform.vault("POST", "/deletedsecrets/one/recover").status == 200
    assert terraform.vault("DELETE", "/secrets/one").status == 200
    assert terraform.vault("DELETE", "/deletedsecrets/one").status == 204
    assert terraform.vault("GET", "/deletedsecrets/one").status == 404


def test_ids_and_paths_are_the_same_in_any_letter_case(terraform: Terraform) -> None:
    made(terraform)
    path = f"{terraform.subscription}{VAULT}"
    for spelled in (path.upper(), path.lower(), path.swapcase(), f"{path}/"):
        read = terraform.client.ask("GET", MANAGEMENT, f"{spelled}?api-version=2026-02-01")
        assert (read.status, read.json()["name"]) == (200, "kv-terraform"), spelled
    assert terraform.vault("PUT", "/SECRETS/Cased", {"value": "c"}).status == 200
    assert terraform.vault("GET", "/Secrets/cASED/").json()["value"] == "c"
    words = {"Authorization": f"Bearer {terraform.client.token(HOST)}"}
    shouted = terraform.client.send("GET", HOST.upper(), "/secrets/cased?API-VERSION=7.4", None, words)
    assert shouted.json()["value"] == "c"


def test_parameters_may_be_spelled_with_percent_signs(terraform: Terraform) -> None:
    made(terraform)
    filtered = "%24filter=resourceType%20eq%20%27Microsoft.KeyVault%2Fvaults%27&api%2Dversion=2015-11-01"
    found = terraform.client.ask("GET", MANAGEMENT, f"{terraform.subscription}/resources?{filtered}").json()["value"]
    assert [one["name"] for one in found] == ["kv-terraform"]
    for number in range(27):
        terraform.client.ask("PUT", HOST, f"/secrets/page-{number}?api-version=7.4", {"value": "v"})
    page = terraform.client.ask("GET", HOST, "/secrets?api%2Dversion=7.4&maxresults=25").json()
    following = page["nextLink"].partition(HOST + ":443")[2].replace("$skiptoken", "%24skiptoken")
    assert terraform.client.ask("GET", HOST, following).json()["value"]


@pytest.mark.parametrize(
    "version", ["2016-10-01", "7.0", "7.2", "7.3", "7.5", "7.6-preview.2", "2025-07-01", "2026-03-01-preview"]
)
def test_api_versions_of_the_data_plane_are_served_side_by_side(version: str, terraform: Terraform) -> None:
    made(terraform)
    assert terraform.vault("PUT", "/secrets/versions", {"value": version}, version=version).status == 200
    read = terraform.vault("GET", "/secrets/versions/", version=version).json()
    assert read["value"] == version
    assert ("recoverableDays" in read["attributes"]) is (version not in ("2016-10-01", "7.0"))


@pytest.mark.parametrize(
    "version", ["2015-06-01", "2018-02-14", "2019-09-01", "2021-10-01", "2023-07-01", "2026-02-01", "2031-01-01"]
)
def test_api_versions_of_resource_manager_are_served_side_by_side(version: str, terraform: Terraform) -> None:
    made(terraform)
    read = terraform.arm("GET", VAULT, version).json()["properties"]
    assert read["enableRbacAuthorization"] is False
    assert ("publicNetworkAccess" in read) is (version >= "2021-11-01")


def test_a_role_is_assigned_and_taken_back(terraform: Terraform) -> None:
    made(terraform)
    guid, other = "9a5b8e0c-3c53-4b0e-8f6d-0d7d7c1b2a3f", terraform.client.variables["DKV_EMULATOR_NORIGHTS_OBJECT_ID"]
    filtered = {"$filter": "roleName%20eq%20'Key%20Vault%20Secrets%20User'"}
    roles = terraform.arm(
        "GET", f"{VAULT}/providers/Microsoft.Authorization/roleDefinitions", "2022-05-01-preview", **filtered
    )
    role = roles.json()["value"][0]["id"]
    path = f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/{guid}"
    body = {"properties": {"roleDefinitionId": role, "principalId": other}}
    assert terraform.arm("GET", path, "2022-04-01").status == 404
    assert terraform.arm("PUT", path, "2022-04-01", body).status == 201
    assert terraform.arm("GET", path, "2020-04-01-preview").json()["properties"]["principalId"] == other
    assert terraform.arm("DELETE", path, "2022-04-01").status == 200
    assert terraform.arm("GET", path, "2022-04-01").status == 404


def test_a_vault_is_destroyed_and_its_group_is_waited_for(terraform: Terraform) -> None:
    made(terraform)
    assert terraform.arm("DELETE", VAULT, "2026-02-01").status == 200
    assert terraform.arm("GET", VAULT, "2026-02-01").status == 404
    purge = "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-terraform/purge"
    waiting = terraform.arm("POST", purge, "2026-02-01")
    assert waiting.status == 202
    assert _waited(terraform, waiting.headers["location"]).status == 200
    waiting = terraform.arm("DELETE", GROUP, "2023-07-01")
    assert waiting.status == 202
    assert _waited(terraform, waiting.headers["location"]).status == 200
    assert terraform.arm("GET", GROUP, "2023-07-01").status == 404


def _waited(terraform: Terraform, location: str) -> Answer:
    """The last answer of an operation that is under way."""
    for _ in range(50):
        answer = terraform.client.ask("GET", MANAGEMENT, location.partition(MANAGEMENT)[2])
        if answer.status != 202:
            return answer
    raise AssertionError("the operation does not end")
