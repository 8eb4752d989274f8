"""A vault's keys as Key Vault serves them: shapes, versions, deletion, backup; texts are recorded or quoted ones."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.emulator.azure_support import VAULT, Azure, link
from tests.emulator.key_support import ALL_RSA, PREMIUM, create, plain, premium, rsa_jwk, text


@pytest.fixture
def azure() -> Azure:
    return premium()


# Creation


def test_a_created_key_shows_its_public_half_alone(azure: Azure) -> None:
    made = create(azure, "k", "RSA", tags={"a": "b"})

    assert re.fullmatch(r"https://kv-one\.vault\.azure\.net/keys/k/[0-9a-f]{32}", made["key"]["kid"])
    assert list(made["key"]) == ["kid", "kty", "key_ops", "n", "e"]
    assert made["key"]["kty"] == "RSA"
    assert made["key"]["key_ops"] == ALL_RSA
    assert made["key"]["e"] == "AQAB"
    assert len(plain(made["key"]["n"])) == 256
    assert made["tags"] == {"a": "b"}
    assert list(made["attributes"]) == [
        *("enabled", "created", "updated", "recoveryLevel", "recoverableDays", "exportable", "hsmPlatform")
    ]
    assert azure.secret("GET", "/keys/k/").body == made
    assert azure.secret("GET", f"/keys/K/{made['key']['kid'][-32:]}").body == made


@pytest.mark.parametrize("size", [3072, 4096])
def test_rsa_keys_have_the_size_that_was_asked_for(azure: Azure, size: int) -> None:
    assert len(plain(create(azure, "k", "RSA", key_size=size)["key"]["n"])) * 8 == size


@pytest.mark.parametrize(("curve", "length"), [("P-256", 32), ("P-384", 48), ("P-521", 66), ("P-256K", 32)])
def test_ec_keys_lie_on_the_curve_that_was_asked_for(azure: Azure, curve: str, length: int) -> None:
    key = create(azure, "k", "EC", crv=curve)["key"]

    assert list(key) == ["kid", "kty", "key_ops", "crv", "x", "y"]
    assert key["crv"] == curve
    assert key["key_ops"] == ["sign", "verify"]
    assert [len(plain(key[name])) for name in ("x", "y")] == [length, length]


def test_hsm_keys_need_a_premium_vault(azure: Azure) -> None:
    azure.make_vault("kv-two")
    made = create(azure, "k", "EC-HSM")
    refused = azure.secret("POST", "/keys/k/create", {"kty": "RSA-HSM"}, host="kv-two.vault.azure.net")

    assert made["key"]["kty"] == "EC-HSM"
    assert made["attributes"]["hsmPlatform"] == "2"
    assert refused.status == 400
    assert refused.error["message"] == "Hardware key operation not allowed on standard vault"


@pytest.mark.parametrize(
    "body",
    [
        {"kty": "oct-HSM", "key_size": 256},
        {"kty": "oct"},
        {"kty": "RSA-XYZ"},
        {"kty": 1},
        {},
        {"kty": "RSA", "key_size": 1024},
        {"kty": "RSA", "key_size": True},
        {"kty": "RSA", "key_size": 2048.0},
        {"kty": "RSA", "key_size": "2048"},
        {"kty": "EC", "crv": "P-1"},
        {"kty": "EC", "crv": ["P-256"]},
        {"kty": "EC", "key_ops": ["fly"]},
        {"kty": "EC", "key_ops": "sign"},
        {"kty": "EC", "key_ops": [["sign"]]},
    ],
)
def test_what_a_vault_cannot_make_is_refused(azure: Azure, body: Any) -> None:
    answer = azure.secret("POST", "/keys/k/create", body)

    assert answer.status == 400
    assert answer.error == {"code": "BadParameter", "message": "Property  has invalid value\r\n"}
    assert azure.secret("GET", "/keys/k").status == 404


def test_a_key_that_only_imports_others_lives_two_days(azure: Azure) -> None:
    attributes = create(azure, "kek", "RSA-HSM", key_ops=["import"])["attributes"]
    chosen = create(azure, "other", "EC-HSM", key_ops=["import"], attributes={"exp": 2000000000})["attributes"]

    assert attributes["exp"] == attributes["created"] + 2 * 86400
    assert chosen["exp"] == 2000000000


def test_a_name_is_checked_and_a_dangerous_path_never_reaches_key_vault(azure: Azure) -> None:
    odd = azure.secret("POST", "/keys/key%21@%23$/create", {"kty": "EC"})
    dangerous = azure.secret("POST", "/keys/key%25/backup")

    assert odd.status == 400
    assert odd.error["message"] == "The request URI contains an invalid name: key!@#$"
    assert dangerous.status == 400
    assert dangerous.headers["content-type"].startswith("text/html")
    assert "x-ms-keyvault-region" not in dangerous.headers


# Import


def test_an_imported_key_is_shown_as_sent_and_works(azure: Azure) -> None:
    jwk = rsa_jwk()
    made = azure.secret("PUT", "/keys/k", {"key": jwk, "attributes": {"enabled": True}})
    sealed = azure.secret("POST", "/keys/k/encrypt", {"alg": "RSA1_5", "value": text(b"abc")}).body["value"]

    assert made.status == 200
    assert (made.body["key"]["n"], made.body["key"]["e"]) == (jwk["n"], jwk["e"])
    assert made.body["key"]["key_ops"] == ALL_RSA
    assert not {"d", "p", "q"} & set(made.body["key"])
    assert plain(azure.secret("POST", "/keys/k/decrypt", {"alg": "RSA1_5", "value": sealed}).body["value"]) == b"abc"


def test_an_import_without_the_primes_finds_them(azure: Azure) -> None:
    jwk = {name: value for name, value in rsa_jwk().items() if name not in ("p", "q")}

    assert azure.secret("PUT", "/keys/k", {"key": jwk}).status == 200


def test_an_import_may_be_into_the_hsm(azure: Azure) -> None:
    made = azure.secret("PUT", "/keys/k", {"Hsm": True, "key": rsa_jwk(key_ops=["sign"])})

    assert made.body["key"]["kty"] == "RSA-HSM"
    assert made.body["key"]["key_ops"] == ["sign"]


@pytest.mark.parametrize(
    "key",
    [
        {},
        None,
        [],
        {"kty": "RSA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"},
        {"kty": "RSA", "n": "!", "e": "AQAB", "d": "AQAB"},
        {"kty": "RSA", "n": 5, "e": "AQAB", "d": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB", "d": "AQAB"},
        {"kty": "EC", "crv": "P-1", "x": "AQAB", "y": "AQAB", "d": "AQAB"},
        {"kty": "oct", "k": "AQAB"},
        rsa_jwk(p="AQ"),
        rsa_jwk(p="AA"),
        rsa_jwk(e="AA"),
    ],
)
def test_what_is_no_key_cannot_be_imported(azure: Azure, key: Any) -> None:
    answer = azure.secret("PUT", "/keys/k", {"key": key})

    assert answer.status == 400
    assert answer.error["message"] == 'The property "key" must be a valid JsonWebKey object.'


def test_a_private_key_that_does_not_fit_its_public_one_is_refused(azure: Azure) -> None:
    answer = azure.secret("PUT", "/keys/k", {"key": rsa_jwk(d=rsa_jwk()["d"])})

    assert answer.status == 400


# Versions and changes


def test_a_change_keeps_the_version_and_replaces_the_tags(azure: Azure) -> None:
    made = create(azure, "k", tags={"A": "1", "B": "2"})
    body = {"key_ops": ["verify"], "attributes": {"enabled": False, "exp": 2000000000}, "tags": {"D": "5"}}
    changed = azure.secret("PATCH", f"/keys/k/{made['key']['kid'][-32:]}", body)

    assert changed.status == 200
    assert changed.body["key"] == made["key"] | {"key_ops": ["verify"]}
    assert changed.body["tags"] == {"D": "5"}
    assert (changed.body["attributes"]["enabled"], changed.body["attributes"]["exp"]) == (False, 2000000000)
    assert azure.secret("PATCH", "/keys/k", {"tags": {}}).body["tags"] == {}
    assert azure.secret("GET", "/keys/k").status == 200  # also a disabled key can be read


def test_a_key_or_version_that_is_not_there_is_a_404(azure: Azure) -> None:
    create(azure, "k")
    version = "0" * 32

    assert azure.secret("GET", "/keys/none").error["message"].startswith("A key with (name/id) none was not found")
    assert (
        azure.secret("GET", f"/keys/none/{version}")
        .error["message"]
        .startswith(f"A key with (name/id) none/{version} was not found")
    )
    patched = azure.secret("PATCH", f"/keys/none/{version}", {"tags": {}})
    assert patched.error["message"].startswith("A key with (name/id) none was not found")
    assert azure.secret("GET", f"/keys/k/{version}").error["code"] == "KeyNotFound"
    assert azure.secret("POST", "/keys/none/rotate").error["code"] == "KeyNotFound"


def test_keys_and_versions_are_listed_without_the_keys(azure: Azure) -> None:
    first, second = create(azure, "b"), create(azure, "b")
    create(azure, "A", attributes={"enabled": False})
    listed = azure.secret("GET", "/keys")
    page = azure.secret("GET", "/keys/b/versions", maxresults="1")
    rest = azure.ask("GET", VAULT, link(page.body["nextLink"]))

    assert [item["kid"].rpartition("/")[2] for item in listed.body["value"]] == ["A", "b"]
    assert listed.body["nextLink"] is None
    assert listed.body["value"][0]["attributes"]["enabled"] is False
    assert "key" not in listed.body["value"][0]
    kids = [item["kid"] for item in page.body["value"] + rest.body["value"]]
    assert kids == sorted([first["key"]["kid"], second["key"]["kid"]])


def test_a_rotation_makes_a_new_key_of_the_same_kind(azure: Azure) -> None:
    made = create(azure, "k", "EC", crv="P-384", tags={"a": "b"}, key_ops=["sign"])
    rotated = azure.secret("POST", "/keys/k/rotate").body

    assert rotated["key"]["kid"] != made["key"]["kid"]
    assert rotated["key"]["x"] != made["key"]["x"]
    assert (rotated["key"]["crv"], rotated["key"]["key_ops"], rotated["tags"]) == ("P-384", ["sign"], {"a": "b"})
    assert len(azure.secret("GET", "/keys/k/versions").body["value"]) == 2
    create(azure, "r", "RSA", key_size=3072)
    assert len(plain(azure.secret("POST", "/keys/r/rotate").body["key"]["n"])) == 384


# Rotation policies


def test_a_rotation_policy_has_azures_defaults(azure: Azure) -> None:
    create(azure, "k")
    notice = {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}
    rotate = {"trigger": {"timeAfterCreate": "P2M"}, "action": {"type": "Rotate"}}

    assert azure.secret("GET", "/keys/k/rotationpolicy").body == {"lifetimeActions": [notice], "attributes": None}
    sent = {"lifetimeActions": [rotate | {"action": {"type": "rotate"}}], "attributes": {}}
    kept = azure.secret("PUT", "/keys/k/rotationpolicy", sent).body
    assert kept["id"] == "https://kv-one.vault.azure.net/keys/k/rotationpolicy"
    assert kept["lifetimeActions"] == [rotate, notice]
    assert list(kept["attributes"]) == ["created", "updated"]
    assert azure.secret("GET", "/keys/k/rotationpolicy").body == kept


def test_a_rotation_sets_the_end_that_the_policy_says(azure: Azure) -> None:
    create(azure, "k")
    azure.secret("PUT", "/keys/k/rotationpolicy", {"attributes": {"expiryTime": "P90D"}})
    attributes = azure.secret("POST", "/keys/k/rotate").body["attributes"]

    assert attributes["exp"] == attributes["created"] + 90 * 86400


@pytest.mark.parametrize(
    "body",
    [
        {"attributes": {"expiryTime": "P27D"}},
        {"attributes": {"expiryTime": "soon"}},
        {"attributes": {"expiryTime": 90}},
        {"attributes": 5},
        {"lifetimeActions": {}},
        {"lifetimeActions": [5]},
        {"lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P6D"}, "action": {"type": "Notify"}}]},
        {"lifetimeActions": [{"trigger": {}, "action": {"type": "Notify"}}]},
        {"lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Fly"}}]},
        {"lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P30D"}}]},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(azure: Azure, body: Any) -> None:
    create(azure, "k")

    assert azure.secret("PUT", "/keys/k/rotationpolicy", body).status == 400


# Deletion and backup


def test_a_deleted_key_can_be_recovered_or_purged(azure: Azure) -> None:
    made = create(azure, "k", tags={"a": "b"})
    azure.secret("PUT", "/keys/k/rotationpolicy", {"attributes": {"expiryTime": "P90D"}})
    gone = azure.secret("DELETE", "/keys/k").body

    assert list(gone)[:4] == ["recoveryId", "deletedDate", "scheduledPurgeDate", "key"]
    assert gone["recoveryId"] == "https://kv-one.vault.azure.net/deletedkeys/k"
    assert azure.secret("GET", "/keys/k").status == 404
    assert azure.secret("GET", "/deletedkeys/k").body == gone
    (item,) = azure.secret("GET", "/deletedkeys").body["value"]
    assert item["kid"] == "https://kv-one.vault.azure.net/keys/k"
    refused = azure.secret("POST", "/keys/k/create", {"kty": "EC"})
    assert refused.inner == "ObjectIsDeletedButRecoverable"
    assert refused.error["message"].startswith("Key k is currently in a deleted but recoverable state")
    assert azure.secret("POST", "/deletedkeys/k/recover").body == made
    assert azure.secret("GET", "/keys/k/rotationpolicy").body["attributes"]["expiryTime"] == "P90D"
    assert azure.secret("POST", "/deletedkeys/k/recover").error["message"] == "Key exists already: k"
    azure.secret("DELETE", "/keys/k")
    assert azure.secret("DELETE", "/deletedkeys/k").status == 204
    assert azure.secret("GET", "/deletedkeys/k").error["message"] == "Deleted Key not found: k"


def test_a_backup_brings_back_every_version_with_its_private_half(azure: Azure) -> None:
    azure.make_vault("kv-two", sku=PREMIUM)
    create(azure, "k", "RSA")
    sealed = azure.secret("POST", "/keys/k/encrypt", {"alg": "RSA-OAEP", "value": text(b"abc")}).body
    second = create(azure, "k", "EC")
    blob = azure.secret("POST", "/keys/k/backup").body["value"]
    restored = azure.secret("POST", "/keys/restore", {"value": blob}, host="kv-two.vault.azure.net")
    opened = azure.secret(
        "POST",
        f"/keys/k/{sealed['kid'][-32:]}/decrypt",
        {"alg": "RSA-OAEP", "value": sealed["value"]},
        host="kv-two.vault.azure.net",
    )

    assert restored.status == 200
    assert restored.body["key"]["x"] == second["key"]["x"]
    assert plain(opened.body["value"]) == b"abc"
    conflict = azure.secret("POST", "/keys/restore", {"value": blob})
    assert conflict.error["message"] == (
        f"Conflict while restoring key {second['key']['kid']} - key already exists or concurrent access"
    )
    # A key's backup is none of a secret.
    assert azure.secret("POST", "/secrets/restore", {"value": blob}).error["code"] == "Malformed backup blob"


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        ("ZG9lc25vdGV4aXN0", "Backup blob is corrupt."),
        (text(bytes(8000)), "Backup blob contains invalid or corrupt version."),
        ("gAAAAA" + "A" * 100, "Backup blob is corrupt."),
    ],
)
def test_a_blob_that_is_no_backup_is_refused(azure: Azure, blob: str, message: str) -> None:
    answer = azure.secret("POST", "/keys/restore", {"value": blob})

    assert answer.error == {"code": "Malformed backup blob", "message": message}


def test_keys_survive_their_vaults_deletion_and_the_emulators_restart(tmp_path: Any) -> None:
    azure = Azure(folder=tmp_path)
    azure.make_vault()
    create(azure, "k", "RSA")
    sealed = azure.secret("POST", "/keys/k/encrypt", {"alg": "RSA-OAEP-256", "value": text(b"abc")}).body
    azure.world.close()
    again = Azure(folder=tmp_path)
    opened = again.secret("POST", "/keys/k/decrypt", {"alg": "RSA-OAEP-256", "value": sealed["value"]})
    again.world.close()

    assert plain(opened.body["value"]) == b"abc"
