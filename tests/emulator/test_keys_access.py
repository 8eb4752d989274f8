"""Who may do what with keys: policies and roles, one operation at a time; and how keys looked in earlier years."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import TENANT
from tests.emulator.azure_support import VAULT, VAULT_ID, Azure
from tests.emulator.key_support import PREMIUM, create, digest, premium, text

CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
SEALED = {"alg": "RSA-OAEP", "value": text(b"abc")}
SIGNED = {"alg": "RS256", "value": digest(b"a")}
# A policy's word, the method, the path, the body.
OPERATIONS: list[tuple[str, str, str, Any]] = [
    ("create", "POST", "/keys/new/create", {"kty": "EC"}),
    ("import", "PUT", "/keys/k", {"key": {}}),
    ("get", "GET", "/keys/k", None),
    ("get", "GET", "/deletedkeys/gone", None),
    ("list", "GET", "/keys", None),
    ("list", "GET", "/keys/k/versions", None),
    ("list", "GET", "/deletedkeys", None),
    ("update", "PATCH", "/keys/k", {"tags": {}}),
    ("delete", "DELETE", "/keys/k", None),
    ("recover", "POST", "/deletedkeys/gone/recover", None),
    ("purge", "DELETE", "/deletedkeys/gone", None),
    ("backup", "POST", "/keys/k/backup", None),
    ("restore", "POST", "/keys/restore", {"value": "AAAA"}),
    ("rotate", "POST", "/keys/k/rotate", None),
    ("getrotationpolicy", "GET", "/keys/k/rotationpolicy", None),
    ("setrotationpolicy", "PUT", "/keys/k/rotationpolicy", {}),
    ("encrypt", "POST", "/keys/k/encrypt", SEALED),
    ("decrypt", "POST", "/keys/k/decrypt", SEALED),
    ("wrapKey", "POST", "/keys/k/wrapkey", SEALED),
    ("unwrapKey", "POST", "/keys/k/unwrapkey", SEALED),
    ("sign", "POST", "/keys/k/sign", SIGNED),
    ("verify", "POST", "/keys/k/verify", SIGNED | {"digest": SIGNED["value"]}),
    ("release", "POST", "/keys/k/release", {"target": "x"}),
]
WORDS = sorted({word for word, _, _, _ in OPERATIONS})


def policy(object_id: str, words: list[str]) -> dict[str, Any]:
    return {"tenantId": TENANT, "objectId": object_id, "permissions": {"keys": words}}


@pytest.fixture(scope="module")
def stock() -> Azure:
    """An Azure whose vault holds an RSA key and a deleted one."""
    azure = premium()
    create(azure, "k", "RSA")
    create(azure, "gone")
    azure.secret("DELETE", "/keys/gone")
    return azure


def allow(azure: Azure, words: list[str]) -> None:
    """Put the vault under policies that give the identity without rights these words alone."""
    properties = azure.world.store.table("vaults")["kv-one"]
    changed = properties["properties"] | {
        "enableRbacAuthorization": False,
        "accessPolicies": [policy(azure.norights, words)],
    }
    azure.world.store.put("vaults", "kv-one", properties | {"properties": changed})


def put_back(azure: Azure, tables: dict[str, dict[str, Any]]) -> None:
    """Make the keys what they were."""
    for table in ("keys", "deleted_keys"):
        for key in list(azure.world.store.table(table)):
            azure.world.store.delete(table, key)
        for key, record in tables.get(table, {}).items():
            azure.world.store.put(table, key, record)


@pytest.mark.parametrize(("word", "method", "path", "body"), OPERATIONS)
def test_each_operation_needs_its_own_word_of_a_policy(
    stock: Azure, word: str, method: str, path: str, body: Any
) -> None:
    allow(stock, [other for other in WORDS if other != word])
    refused = stock.secret(method, path, body, as_=stock.norights)
    assert refused.status == 403
    assert refused.inner == "ForbiddenByPolicy"
    assert f"does not have keys {word} permission on key vault 'kv-one;location=westeurope'" in refused.error["message"]

    allow(stock, [word])
    before = stock.world.store.dump()
    allowed = stock.secret(method, path, body, as_=stock.norights)
    put_back(stock, before)
    assert allowed.status != 403 or allowed.inner == "KeyOperationForbidden"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (CRYPTO_OFFICER, {*WORDS}),
        (
            CRYPTO_USER,
            {"get", "list", "update", "backup", "encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"},
        ),
        (ENCRYPTION_USER, {"get", "list", "wrapKey", "unwrapKey"}),
    ],
)
def test_a_role_grants_its_data_actions(role: str, allowed: set[str]) -> None:
    azure = premium()
    azure.assign(VAULT_ID, azure.norights, role)
    found = set()
    for word, method, path, body in OPERATIONS:
        answer = azure.secret(method, path, body, as_=azure.norights)
        refused = answer.status == 403 and answer.inner == "ForbiddenByRbac"
        if not refused:
            found.add(word)
    assert found == allowed


def test_a_refusal_under_rbac_names_action_and_key() -> None:
    azure = premium()
    create(azure, "K1")
    refused = azure.secret("POST", "/keys/K1/sign", SIGNED, as_=azure.norights)

    assert refused.inner == "ForbiddenByRbac"
    assert "Action: 'Microsoft.KeyVault/vaults/keys/sign/action'" in refused.error["message"]
    assert f"Resource: '{VAULT_ID.lower()}/keys/k1'" in refused.error["message"]


def test_a_grant_on_one_key_reaches_no_other() -> None:
    azure = premium()
    create(azure, "mine")
    create(azure, "other")
    azure.assign(f"{VAULT_ID}/keys/mine", azure.norights, CRYPTO_USER)

    assert azure.secret("GET", "/keys/mine", as_=azure.norights).status == 200
    assert azure.secret("GET", "/keys/other", as_=azure.norights).status == 403
    assert azure.secret("GET", "/keys", as_=azure.norights).status == 403


# Earlier years


def as_of(day: str, **properties: Any) -> Azure:
    azure = premium()
    if properties:
        azure.make_vault(sku=PREMIUM, **properties)
    azure.world.settings.as_of = day
    return azure


@pytest.mark.parametrize(
    ("day", "version", "shown"),
    [
        ("2019-08-06", "7.1-preview", set()),
        ("2020-03-18", "7.1-preview", {"recoverableDays"}),
        ("2022-04-03", "7.3", {"recoverableDays"}),
        ("2022-12-12", "7.0", {"exportable"}),
        ("2023-09-05", "7.4", {"recoverableDays", "exportable"}),
        ("2024-12-17", "7.5-preview.1", {"recoverableDays", "exportable", "hsmPlatform"}),
        ("2026-06-01", "2025-07-01", {"recoverableDays", "exportable", "hsmPlatform"}),
    ],
)
def test_attributes_grew_with_the_years_and_the_versions(day: str, version: str, shown: set[str]) -> None:
    azure = as_of(day)
    made = azure.secret("POST", "/keys/k/create", {"kty": "EC"}, **{"api-version": version}).body

    assert {"recoverableDays", "exportable", "hsmPlatform"} & set(made["attributes"]) == shown


def test_the_texts_are_those_of_the_day() -> None:
    azure = as_of("2019-08-06")

    assert azure.secret("GET", "/keys/k").error["message"] == "Key not found: k"
    assert azure.secret("GET", "/deletedkeys/k").error["message"] == "Key not found: k"
    azure.world.settings.as_of = "2020-07-29"
    assert azure.secret("GET", "/keys/k").error["message"].startswith("A key with (name/id) k was not found")
    assert azure.secret("GET", "/deletedkeys/k").error["message"] == "Deleted Key not found: k"


def test_an_hsm_gave_the_exponent_four_bytes_until_2022() -> None:
    azure = as_of("2021-06-17")

    assert create(azure, "k", "RSA-HSM")["key"]["e"] == "AAEAAQ"
    azure.world.settings.as_of = None
    assert create(azure, "k", "RSA-HSM")["key"]["e"] == "AQAB"


@pytest.mark.parametrize(
    ("day", "login", "text_"),
    [
        ("2018-06-25", "login.windows.net", None),
        ("2020-07-29", "login.windows.net", "Request is missing a Bearer or PoP token."),
        ("2022-01-25", "login.windows.net", "AKV10000: Request is missing a Bearer or PoP token."),
        ("2024-12-17", "login.microsoftonline.com", "AKV10000: Request is missing a Bearer or PoP token."),
        ("2026-03-06", "login.microsoftonline.com", "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token."),
    ],
)
def test_the_challenge_is_that_of_the_day(day: str, login: str, text_: str | None) -> None:
    answer = as_of(day).send(Request.from_target("POST", VAULT, "/keys/k/create", "api-version=7.3", {}, b""))

    assert answer.headers["www-authenticate"].startswith(f'Bearer authorization="https://{login}/{TENANT}"')
    assert (answer.error["message"] if answer.raw else None) == text_


def test_a_vault_of_before_2021_may_be_without_soft_delete() -> None:
    azure = premium()
    vault = azure.world.store.table("vaults")["kv-one"]
    properties = vault["properties"] | {"enableSoftDelete": False}
    azure.world.store.put("vaults", "kv-one", vault | {"properties": properties})
    made = create(azure, "k")
    gone = azure.secret("DELETE", "/keys/k").body

    assert made["attributes"]["recoveryLevel"] == "Purgeable"
    assert made["attributes"]["recoverableDays"] == 0
    assert list(gone) == ["key", "attributes"]
    assert azure.secret("GET", "/deletedkeys/k").status == 404
    create(azure, "k")
