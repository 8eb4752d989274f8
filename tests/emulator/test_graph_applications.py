"""Applications in Microsoft Graph: what they are registered with, and what they may do in people's names."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from declarative_kv.emulator.seed import TENANT
from tests.emulator.azure_support import GRAPH, Azure

ISSUER = "https://token.actions.githubusercontent.com/"


@pytest.fixture
def azure() -> Azure:
    return Azure()


def federated(**change: Any) -> dict[str, Any]:
    return {
        "name": "ci",
        "issuer": ISSUER,
        "subject": "repo:octo/repo:environment:Production",
        "audiences": ["api://AzureADTokenExchange"],
    } | change


def principal_for(azure: Azure, application: Any) -> Any:
    answer = azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
    assert answer.status == 201, answer.raw
    return answer.body


def test_an_application_is_for_every_account_unless_told_otherwise(azure: Azure) -> None:
    open_to_all = azure.graph("POST", "/applications", {"displayName": "a"}).body
    own = azure.graph("POST", "/applications", {"displayName": "b", "signInAudience": "AzureADMyOrg"}).body

    assert open_to_all["signInAudience"] == "AzureADandPersonalMicrosoftAccount"
    assert open_to_all["api"]["requestedAccessTokenVersion"] == 2
    assert open_to_all["publisherDomain"] == "contoso.example"
    assert (own["signInAudience"], own["api"]["requestedAccessTokenVersion"]) == ("AzureADMyOrg", None)
    assert own["api"]["preAuthorizedApplications"] == []


def test_a_part_of_a_property_leaves_its_other_parts(azure: Azure) -> None:
    application = azure.make_application()
    path = f"/applications/{application['id']}"

    assert azure.graph("PATCH", path, {"web": {"redirectUris": ["https://a.example"]}}).status == 204
    assert azure.graph("GET", path).body["web"] == application["web"] | {"redirectUris": ["https://a.example"]}


def test_a_principal_goes_by_its_applications_names(azure: Azure) -> None:
    sent = {"displayName": "a", "identifierUris": ["api://a"]}
    application = azure.graph("POST", "/applications", sent).body
    made = principal_for(azure, application)
    path = f"/servicePrincipals/{made['id']}"

    assert made["servicePrincipalNames"] == [application["appId"], "api://a"]
    assert azure.graph("GET", path).body["servicePrincipalNames"] == ["api://a", application["appId"]]
    assert made["signInAudience"] == application["signInAudience"]
    azure.graph("PATCH", f"/applications/{application['id']}", {"displayName": "b", "identifierUris": []})
    after = azure.graph("GET", path).body
    assert (after["displayName"], after["servicePrincipalNames"]) == ("b", [application["appId"]])


def test_two_applications_cannot_have_one_identifier_uri(azure: Azure) -> None:
    azure.graph("POST", "/applications", {"displayName": "a", "identifierUris": ["api://a"]})
    other = azure.make_application()
    again = azure.graph("POST", "/applications", {"displayName": "b", "identifierUris": ["API://a"]})
    changed = azure.graph("PATCH", f"/applications/{other['id']}", {"identifierUris": ["api://a"]})

    text = "Another object with the same value for property identifierUris already exists."
    assert (again.status, again.error["message"]) == (400, text)
    assert (changed.status, changed.error["message"]) == (400, text)


def test_who_registers_an_application_owns_it_if_a_person(azure: Azure) -> None:
    user = azure.make_user()
    azure.world.store.put("directory", user["id"], {**record(azure, user["id"]), "directoryRoles": ["write"]})
    mine = azure.graph("POST", "/applications", {"displayName": "mine"}, as_=user["id"]).body
    machines = azure.make_application()

    owners = azure.graph("GET", f"/applications/{mine['id']}/owners").body["value"]
    assert [(owner["id"], owner["@odata.type"]) for owner in owners] == [(user["id"], "#microsoft.graph.user")]
    assert azure.graph("GET", f"/applications/{machines['id']}/owners").body["value"] == []
    owned = azure.graph("GET", "/me/ownedObjects", as_=user["id"]).body["value"]
    assert [one["id"] for one in owned] == [mine["id"]]


def record(azure: Azure, object_id: str) -> dict[str, Any]:
    found = azure.world.store.get("directory", object_id)
    assert found is not None
    return found


def test_the_newest_password_comes_first_and_only_an_applications_has_a_hint(azure: Azure) -> None:
    application = azure.make_application()
    principal = principal_for(azure, application)
    path = f"/applications/{application['id']}"
    for name in ("one", "two"):
        azure.graph("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": name}})
    of_principal = azure.graph("POST", f"/servicePrincipals/{principal['id']}/addPassword", {})

    assert [entry["displayName"] for entry in azure.graph("GET", path).body["passwordCredentials"]] == ["two", "one"]
    assert of_principal.headers["location"] == f"https://{GRAPH}"
    assert of_principal.body["hint"] is None


def test_a_federated_credential_is_found_by_id_and_by_name_until_it_is_removed(azure: Azure) -> None:
    application = azure.make_application()
    path = f"/applications/{application['id']}/federatedIdentityCredentials"
    made = azure.graph("POST", path, federated())
    context = f"https://{GRAPH}/v1.0/$metadata#applications('{application['id']}')/federatedIdentityCredentials"

    assert made.status == 201
    assert made.headers["location"].endswith(f"/v2/{TENANT}/federatedIdentityCredentials/{made.body['id']}")
    assert made.body == {"@odata.context": f"{context}/$entity", "description": None, **federated(id=made.body["id"])}
    assert azure.graph("GET", f"{path}/ci").body == azure.graph("GET", f"{path}/{made.body['id']}").body
    assert azure.graph("PATCH", f"{path}/ci", {"subject": "repo:octo/repo:ref:main", "name": "x"}).status == 204
    listed = azure.graph("GET", path).body
    assert (listed["@odata.context"], [one["subject"] for one in listed["value"]]) == (
        context,
        ["repo:octo/repo:ref:main"],
    )
    assert listed["value"][0]["name"] == "ci"
    assert "federatedIdentityCredentials" not in azure.graph("GET", f"/applications/{application['id']}").body
    assert azure.graph("DELETE", f"{path}/ci").status == 204
    assert azure.graph("GET", f"{path}/ci").status == 404
    assert azure.graph("GET", path).body["value"] == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (federated(subject=None), 400),
        (federated(name="other"), 400),
        (federated(subject="other"), 409),
        (federated(name="other", subject="other", audiences="x"), 400),
        (federated(name={}, subject="other"), 400),
    ],
)
def test_a_federated_credential_that_does_not_fit_is_refused(azure: Azure, sent: dict[str, Any], status: int) -> None:
    path = f"/applications/{azure.make_application()['id']}/federatedIdentityCredentials"
    assert azure.graph("POST", path, federated()).status == 201

    assert azure.graph("POST", path, sent).status == status
    assert len(azure.graph("GET", path).body["value"]) == 1


def test_an_application_has_twenty_federated_credentials_at_most(azure: Azure) -> None:
    path = f"/applications/{azure.make_application()['id']}/federatedIdentityCredentials"
    statuses = [azure.graph("POST", path, federated(name=f"n{n}", subject=f"s{n}")).status for n in range(21)]

    assert statuses == [201] * 20 + [400]


def test_a_permission_grant_is_known_by_those_it_is_between(azure: Azure) -> None:
    client = principal_for(azure, azure.make_application("client"))
    resource = principal_for(azure, azure.make_application("resource"))
    sent = {
        "clientId": client["id"],
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": resource["id"],
        "scope": "Directory.Read.All",
    }
    made = azure.graph("POST", "/oauth2PermissionGrants", sent)
    asked = f"/oauth2PermissionGrants?$filter=clientId eq '{client['id']}'"

    assert made.status == 201
    assert len(made.body["id"]) == 43
    assert azure.graph("GET", asked).body["value"] == [
        {name: value for name, value in made.body.items() if name != "@odata.context"}
    ]
    assert azure.graph("POST", "/oauth2PermissionGrants", sent).status == 409
    path = f"/oAuth2PermissionGrants/{made.body['id']}"
    assert azure.graph("PATCH", path, {"scope": "User.Read"}).status == 204
    assert azure.graph("GET", path).body["scope"] == "User.Read"
    assert azure.graph("DELETE", path).status == 204
    assert azure.graph("DELETE", path).status == 404
    assert azure.graph("GET", asked).body["value"] == []


def test_a_permission_grant_for_one_person_names_the_person(azure: Azure) -> None:
    client = principal_for(azure, azure.make_application("client"))
    sent = {"clientId": client["id"], "consentType": "Principal", "resourceId": client["id"], "scope": ""}

    assert azure.graph("POST", "/oauth2PermissionGrants", sent).status == 404
    made = azure.graph("POST", "/oauth2PermissionGrants", sent | {"principalId": azure.make_user()["id"]})
    assert (made.status, len(made.body["id"])) == (201, 64)
    assert azure.graph("POST", "/oauth2PermissionGrants", sent | {"consentType": "Nobody"}).status == 400


def test_what_is_no_id_is_told_from_an_id_that_is_not_there(azure: Azure) -> None:
    for path in ("/applications/x", "/groups/x", "/servicePrincipals/x", "/directoryObjects/x"):
        answer = azure.graph("GET", path)
        assert (answer.status, answer.error["message"]) == (400, "Invalid object identifier 'x'."), path
    assert azure.graph("GET", "/users/x").status == 404
    assert azure.graph("GET", "/groups/00000000-0000-0000-0000-000000000001").status == 404


def test_how_many_there_are_is_told_to_those_who_accept_a_lag(azure: Azure) -> None:
    azure.make_group("a")
    azure.make_group("b")
    headers = {"ConsistencyLevel": "eventual"}
    every = azure.ask("GET", GRAPH, "/v1.0/groups/$count", headers=headers)
    some = azure.ask("GET", GRAPH, "/v1.0/groups/$count?$filter=displayName%20eq%20'b'", headers=headers)

    assert (every.status, every.raw, some.raw) == (200, b"2", b"1")
    assert azure.graph("GET", "/groups/$count").status == 400


def certificate(days: int = 30) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pipeline")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    span = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=days))
    return key, span.sign(key, hashes.SHA256())


def encoded(found: x509.Certificate) -> str:
    return base64.b64encode(found.public_bytes(Encoding.DER)).decode()


def assertion(azure: Azure, key: rsa.RSAPrivateKey, found: x509.Certificate, client_id: str, **change: Any) -> str:
    now = int(azure.world.clock.now())
    claims = {"iss": client_id, "sub": client_id, "aud": "x", "nbf": now, "exp": now + 600} | change
    digest = base64.urlsafe_b64encode(found.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    return jwt.encode(claims, key, algorithm="PS256", headers={"x5t#S256": digest})


def sign_in(azure: Azure, client_id: str, signed: str) -> Any:
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
        "scope": "https://vault.azure.net/.default",
    }
    return azure.sign_in(form)


def test_a_certificate_is_shown_by_its_thumbprint_and_signs_in(azure: Azure) -> None:
    application = azure.make_application()
    principal_for(azure, application)
    client, path = application["appId"], f"/applications/{application['id']}"
    key, found = certificate()
    changed = azure.graph("PATCH", path, {"keyCredentials": [{"key": encoded(found)}]})
    (shown,) = azure.graph("GET", path).body["keyCredentials"]

    assert changed.status == 204
    assert shown["customKeyIdentifier"] == found.fingerprint(hashes.SHA1()).hex().upper()
    assert (shown["displayName"], shown["key"], shown["usage"]) == ("CN=pipeline", None, "Verify")
    (selected,) = azure.graph("GET", f"{path}?$select=keyCredentials").body["keyCredentials"]
    assert selected["key"] == encoded(found)
    assert sign_in(azure, client, assertion(azure, key, found, client)).status == 200
    # What is sent back without its key is kept.
    assert azure.graph("PATCH", path, {"keyCredentials": [shown]}).status == 204
    assert sign_in(azure, client, assertion(azure, key, found, client)).status == 200
    assert azure.graph("PATCH", path, {"keyCredentials": []}).status == 204
    refused = sign_in(azure, client, assertion(azure, key, found, client))
    assert (refused.status, refused.body["error_codes"]) == (401, [700027])
    assert found.fingerprint(hashes.SHA256()).hex().upper() in refused.body["error_description"]


def test_an_assertion_is_refused_for_what_is_wrong_with_it(azure: Azure) -> None:
    application = azure.make_application()
    principal_for(azure, application)
    client = application["appId"]
    key, found = certificate()
    azure.graph("PATCH", f"/applications/{application['id']}", {"keyCredentials": [{"key": encoded(found)}]})
    stranger = rsa.generate_private_key(65537, 2048)

    def number(signed: str) -> int:
        return int(sign_in(azure, client, signed).body["error_codes"][0])

    assert number(assertion(azure, stranger, found, client)) == 700027
    assert number(assertion(azure, key, found, client, exp=1)) == 700024
    assert number(assertion(azure, key, found, client, exp=None)) == 700024
    assert number(assertion(azure, key, found, client, sub="x")) == 700021
    assert number("not.a.token") == 700027


@pytest.mark.parametrize("entry", [{}, {"key": "x"}, {"key": None, "keyId": {}}, "x"])
def test_what_is_no_certificate_is_refused(azure: Azure, entry: Any) -> None:
    path = f"/applications/{azure.make_application()['id']}"

    assert azure.graph("PATCH", path, {"keyCredentials": [entry]}).status == 400


def test_a_group_has_no_certificates_to_check(azure: Azure) -> None:
    path = f"/groups/{azure.make_group()['id']}"

    assert azure.graph("PATCH", path, {"keyCredentials": 1}).status == 204
    assert "keyCredentials" not in azure.graph("GET", path).body
