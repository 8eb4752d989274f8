"""Signing in as programs do; errors are Entra's (recorded: AADSTS7000215, AADSTS700027; the others documented)."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential
from cryptography.hazmat.primitives.asymmetric import rsa

from declarative_kv.emulator.entra.tokens import TokenError, issue, verify
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from tests.emulator.azure_support import GRAPH, LOGIN, Answer, Azure


@pytest.fixture
def azure() -> Azure:
    return Azure()


def read(azure: Azure, path: str, query: str = "") -> Answer:
    return azure.send(Request.from_target("GET", LOGIN, path, query, {}, b""))


def test_a_client_secret_gives_a_token_that_the_published_key_verifies(azure: Azure) -> None:
    answer = azure.sign_in(azure.credentials())
    keys = read(azure, f"/{TENANT}/discovery/v2.0/keys").body["keys"]
    claims = jwt.decode(
        answer.body["access_token"],
        jwt.PyJWK(keys[0]).key,
        algorithms=["RS256"],
        audience="https://vault.azure.net",
        issuer=f"https://sts.windows.net/{TENANT}/",
    )

    assert answer.status == 200
    assert (answer.body["token_type"], answer.body["expires_in"]) == ("Bearer", 3599)
    identity = azure.world.identity()
    assert (claims["oid"], claims["appid"], claims["tid"]) == (identity["object_id"], identity["client_id"], TENANT)
    assert jwt.get_unverified_header(answer.body["access_token"])["kid"] == keys[0]["kid"]


def test_a_scope_with_two_slashes_keeps_one_in_the_audience(azure: Azure) -> None:
    form = azure.credentials(scope="https://management.core.windows.net//.default openid")
    token = azure.sign_in(form).body["access_token"]

    assert jwt.decode(token, options={"verify_signature": False})["aud"] == "https://management.core.windows.net/"


def test_the_older_endpoint_takes_a_resource_and_answers_in_strings(azure: Azure) -> None:
    form = azure.credentials(resource=f"https://{GRAPH}")
    answer = azure.sign_in(form, version="", tenant="contoso.example")

    assert answer.status == 200
    assert answer.body["resource"] == f"https://{GRAPH}"
    assert answer.body["expires_in"] == "3599"


def test_an_application_is_a_resource_under_its_own_names(azure: Azure) -> None:
    application = azure.make_application()
    azure.graph("PATCH", f"/applications/{application['id']}", {"identifierUris": ["api://payments"]})

    for resource in ("api://payments", application["appId"]):
        assert azure.sign_in(azure.credentials(scope=f"{resource}/.default")).status == 200


def test_basic_credentials_count_as_client_id_and_secret(azure: Azure) -> None:
    identity = azure.world.identity()
    basic = base64.b64encode(f"{identity['client_id']}:{identity['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "https://vault.azure.net/.default"}

    assert azure.sign_in(form, authorization=f"Basic {basic}").status == 200
    assert azure.sign_in(form, authorization="Basic !!").body["error_codes"] == [900144]


@pytest.mark.parametrize(
    ("change", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_assertion": "x"}, 401, "invalid_client", 700027),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "9f9f0000-0000-0000-0000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"scope": "https://vault.azure.net"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://elsewhere.example/.default"}, 400, "invalid_resource", 500011),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": None}, 400, "invalid_request", 900144),
    ],
)
def test_a_bad_token_request_is_refused_with_entras_number(
    azure: Azure, change: dict[str, str | None], status: int, error: str, number: int
) -> None:
    form = {name: text for name, text in (azure.credentials() | change).items() if text is not None}
    answer = azure.sign_in(form)

    assert answer.status == status
    assert (answer.body["error"], answer.body["error_codes"]) == (error, [number])
    assert answer.body["error_description"].startswith(f"AADSTS{number}: ")


def test_a_refusal_does_not_repeat_the_secret(azure: Azure) -> None:
    assert b"wrong-secret" not in azure.sign_in(azure.credentials(client_secret="wrong-secret")).raw


def test_an_unknown_tenant_is_refused(azure: Azure) -> None:
    other = "33333333-3333-3333-3333-333333333333"

    assert azure.sign_in(azure.credentials(), tenant=other).body["error_codes"] == [90002]
    assert read(azure, f"/{other}/v2.0/.well-known/openid-configuration").body["error"] == "invalid_tenant"


def test_an_expired_secret_is_told_from_a_wrong_one(azure: Azure) -> None:
    application = azure.make_application()
    azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
    sent = {"passwordCredential": {"endDateTime": "2020-01-01T00:00:00Z", "startDateTime": "2019-01-01T00:00:00Z"}}
    secret = azure.graph("POST", f"/applications/{application['id']}/addPassword", sent).body["secretText"]
    form = azure.credentials(client_id=application["appId"], client_secret=secret)

    assert azure.sign_in(form).body["error_codes"] == [7000222]


def test_grants_that_the_emulator_has_not_are_a_501(azure: Azure) -> None:
    answer = azure.sign_in(azure.credentials(grant_type="password"))

    assert answer.status == 501
    assert "POST https://login.microsoftonline.com" in answer.error["message"]


def test_discovery_names_this_hosts_endpoints(azure: Azure) -> None:
    endpoint = f"https://{LOGIN}/{TENANT}/oauth2/v2.0/authorize"
    instance = read(azure, "/common/discovery/instance", f"api-version=1.1&authorization_endpoint={endpoint}").body
    new = read(azure, f"/{TENANT}/v2.0/.well-known/openid-configuration").body
    old = read(azure, "/common/.well-known/openid-configuration").body

    assert instance["tenant_discovery_endpoint"] == f"https://{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration"
    assert instance["metadata"][0]["preferred_cache"] == "login.windows.net"
    assert new["token_endpoint"] == f"https://{LOGIN}/{TENANT}/oauth2/v2.0/token"
    assert new["issuer"] == f"https://{LOGIN}/{TENANT}/v2.0"
    assert old["token_endpoint"] == f"https://{LOGIN}/common/oauth2/token"
    assert old["issuer"] == "https://sts.windows.net/{tenantid}/"


def test_a_token_is_refused_when_it_is_over_or_for_somebody_else(azure: Azure) -> None:
    token = issue(azure.world, azure.main, "https://vault.azure.net")

    assert verify(azure.world, token, ["https://vault.azure.net"]).object_id == azure.main
    with pytest.raises(TokenError, match="audience"):
        verify(azure.world, token, [f"https://{GRAPH}"])
    azure.world.clock.shift(3599)
    assert verify(azure.world, token, ["https://vault.azure.net"]).kind == "app"
    azure.world.clock.shift(1)
    with pytest.raises(TokenError, match="expired"):
        verify(azure.world, token, ["https://vault.azure.net"])


@pytest.mark.parametrize("forgery", ["nonsense", "unsigned", "other key", "other issuer"])
def test_a_token_that_this_emulator_did_not_sign_is_refused(azure: Azure, forgery: str) -> None:
    audience = "https://vault.azure.net"
    claims = jwt.decode(issue(azure.world, azure.main, audience), options={"verify_signature": False})
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = {
        "nonsense": "abc",
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "other key": jwt.encode(claims, other, algorithm="RS256"),
        "other issuer": azure.world.keyring.sign(claims | {"iss": "https://sts.windows.net/x/"}),
    }[forgery]

    with pytest.raises(TokenError, match="malformed"):
        verify(azure.world, forged, [audience])


def test_no_token_is_issued_for_a_stranger(azure: Azure) -> None:
    with pytest.raises(LookupError):
        issue(azure.world, TENANT, "https://vault.azure.net")


async def test_azure_identity_signs_in(azure: Azure) -> None:
    identity = azure.world.identity()
    transport = InProcessTransport(azure.application)
    async with ClientSecretCredential(
        TENANT, identity["client_id"], identity["client_secret"], transport=transport
    ) as credential:
        token = await credential.get_token("https://management.azure.com/.default")

    assert verify(azure.world, token.token, ["https://management.azure.com"]).app_id == identity["client_id"]


async def test_azure_identity_reports_a_wrong_secret(azure: Azure) -> None:
    transport = InProcessTransport(azure.application)
    client_id = azure.world.identity()["client_id"]
    async with ClientSecretCredential(TENANT, client_id, "wrong", transport=transport) as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
            await credential.get_token("https://management.azure.com/.default")


def test_a_refusal_reads_as_it_did_on_the_day(azure: Azure) -> None:
    now = azure.sign_in(azure.credentials(client_secret="wrong")).body["error_description"]
    azure.world.settings.as_of = "2022-01-24"
    then = azure.sign_in(azure.credentials(client_secret="wrong")).body["error_description"]

    assert now.startswith("AADSTS7000215: Invalid client secret provided. Ensure")
    assert "\n" not in now
    assert then.startswith("AADSTS7000215: Invalid client secret is provided.\r\nTrace ID: ")


def test_the_older_endpoint_takes_a_form_in_a_get(azure: Azure) -> None:
    form = azure.credentials(resource="https://management.core.windows.net/")
    body = urlencode(form).encode()
    sent = {"content-type": "application/x-www-form-urlencoded"}
    found = azure.send(Request.from_target("GET", LOGIN, f"/{TENANT}/oauth2/token", "", sent, body))

    assert found.status == 200
    assert int(found.body["expires_on"]) - int(found.body["not_before"]) == 3599 + 300
    assert azure.send(Request.from_target("GET", LOGIN, f"/{TENANT}/oauth2/token", "", {}, b"")).status == 501
    assert azure.send(Request.from_target("GET", LOGIN, f"/{TENANT}/oauth2/v2.0/token", "", sent, body)).status == 501


def test_an_older_token_answer_has_less_in_it(azure: Azure) -> None:
    form = azure.credentials(resource="https://management.core.windows.net/")
    shown = {}
    for day in ("2016-05-19", "2016-10-12", "2024-01-01"):
        azure.world.settings.as_of = day
        shown[day] = azure.sign_in(form, version="").body.get("ext_expires_in")

    assert shown == {"2016-05-19": None, "2016-10-12": "0", "2024-01-01": "3599"}


def test_a_tenants_configuration_names_what_was_there_on_the_day(azure: Azure) -> None:
    path = f"/{TENANT}/v2.0/.well-known/openid-configuration"
    azure.world.settings.as_of = "2021-04-28"

    assert "kerberos_endpoint" not in read(azure, path).body
    azure.world.settings.as_of = None
    assert read(azure, path).body["kerberos_endpoint"].endswith("/kerberos")
