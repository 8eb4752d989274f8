"""A vault's secrets as Key Vault serves them: statuses, codes and texts are the recorded or quoted ones."""

from __future__ import annotations

import re
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient

from declarative_kv.emulator.entra.tokens import issue
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from tests.emulator.azure_support import GROUP, VAULT, VAULT_ID, Answer, Azure, link, policy

SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
READER = "21090545-7ca7-4776-b22c-e363652d74d2"


@pytest.fixture
def azure() -> Azure:
    made = Azure()
    made.make_vault()
    return made


def names(answer: Answer) -> list[str]:
    return [item["id"].rpartition("/")[2] for item in answer.body["value"]]


# The challenge


def test_a_request_without_a_token_is_challenged_before_anything_else(azure: Azure) -> None:
    answer = azure.send(Request.from_target("PUT", VAULT, "/secrets/no!name", "", {}, b""))

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="https://vault.azure.net"'
    )
    assert answer.error["code"] == "Unauthorized"
    assert answer.error["message"] == "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token."


def test_a_token_for_another_audience_is_refused(azure: Azure) -> None:
    token = issue(azure.world, azure.main, "https://management.azure.com/")
    answer = azure.ask("GET", VAULT, "/secrets?api-version=7.6", token=token)

    assert answer.status == 401
    assert answer.error["message"] == (
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com/."
    )


def test_a_token_of_another_tenant_is_refused(azure: Azure) -> None:
    user = azure.make_user()
    record = azure.world.store.table("directory")[user["id"]]
    azure.world.store.put("directory", user["id"], record | {"tenant": "t2"})
    answer = azure.secret("GET", "/secrets", as_=user["id"])

    assert answer.status == 401
    assert answer.error["message"].startswith("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/1111")


def test_an_expired_or_meaningless_token_is_refused(azure: Azure) -> None:
    token = issue(azure.world, azure.main, "https://vault.azure.net")
    azure.world.clock.shift(4000)

    assert azure.ask("GET", VAULT, "/secrets?api-version=7.6", token=token).status == 401
    assert azure.ask("GET", VAULT, "/secrets?api-version=7.6", token="abc").status == 401


def test_a_vault_that_does_not_exist_does_not_answer(azure: Azure) -> None:
    assert azure.secret("GET", "/secrets", host="kv-none.vault.azure.net").dropped


def test_the_application_id_of_key_vault_is_an_audience_too(azure: Azure) -> None:
    token = issue(azure.world, azure.main, "cfa8b339-82a2-471a-a3c9-0fc0be7a4093")

    assert azure.ask("GET", VAULT, "/secrets?api-version=7.6", token=token).status == 200


# One secret


def test_a_set_secret_reads_back_with_a_new_version_each_time(azure: Azure) -> None:
    first, second = azure.set("db", "one"), azure.set("DB", "two", contentType="text/plain", tags={"a": "b"})
    now = azure.secret("GET", "/secrets/db/")

    assert now.status == 200
    assert now.body == second | {"value": "two", "id": second["id"]}
    assert list(second) == ["value", "contentType", "id", "attributes", "tags"]
    assert "tags" not in first
    assert "contentType" not in first
    assert re.fullmatch(r"https://kv-one\.vault\.azure\.net/secrets/db/[0-9a-f]{32}", second["id"])
    assert first["id"] != second["id"]
    assert azure.secret("GET", f"/secrets/db/{first['id'][-32:]}").body["value"] == "one"


def test_attributes_say_when_and_how_long_it_can_be_recovered(azure: Azure) -> None:
    attributes = azure.set("db", attributes={"exp": 2000000000, "nbf": 1, "enabled": True})["attributes"]
    old = azure.ask("GET", VAULT, "/secrets/db?api-version=7.0").body["attributes"]

    assert list(attributes) == ["enabled", "nbf", "exp", "created", "updated", "recoveryLevel", "recoverableDays"]
    assert attributes["recoveryLevel"] == "Recoverable+Purgeable"
    assert attributes["recoverableDays"] == 90
    assert "recoverableDays" not in old


@pytest.mark.parametrize(
    ("properties", "level", "days"),
    [
        ({"softDeleteRetentionInDays": 7}, "CustomizedRecoverable+Purgeable", 7),
        ({"softDeleteRetentionInDays": 7, "enablePurgeProtection": True}, "CustomizedRecoverable", 7),
        ({"enablePurgeProtection": True}, "Recoverable", 90),
    ],
)
def test_the_recovery_level_follows_the_vault(azure: Azure, properties: dict[str, Any], level: str, days: int) -> None:
    azure.make_vault("kv-two", **properties)
    answer = azure.secret("PUT", "/secrets/a", {"value": "v"}, host="kv-two.vault.azure.net")

    assert answer.body["attributes"]["recoveryLevel"] == level
    assert answer.body["attributes"]["recoverableDays"] == days


def test_the_headers_are_key_vaults(azure: Azure) -> None:
    azure.set("db")
    sent = {"x-ms-client-request-id": "mine"}
    answer = azure.ask("GET", VAULT, "/secrets/db?api-version=7.6", headers=sent)

    assert answer.headers["x-ms-keyvault-region"] == "westeurope"
    assert answer.headers["x-ms-keyvault-service-version"].startswith("1.9.")
    assert answer.headers["x-ms-keyvault-network-info"] == (
        "conn_type=Ipv4;addr=203.0.113.7;act_addr_fam=InterNetwork;"
    )
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-ms-keyvault-rbac-assignment-id"])


def test_a_secret_that_is_not_there_is_a_404_with_what_was_asked(azure: Azure) -> None:
    version = azure.set("db")["id"][-32:]
    missing = azure.secret("GET", "/secrets/none/")

    assert missing.status == 404
    assert missing.error["code"] == "SecretNotFound"
    assert missing.error["message"].startswith("A secret with (name/id) none was not found in this key vault. If you")
    other = azure.secret("GET", f"/secrets/db/{'0' * 32}")
    assert f"(name/id) db/{'0' * 32} was" in other.error["message"]
    for method, path in [
        ("PATCH", "/secrets/none"),
        ("DELETE", "/secrets/none"),
        ("POST", "/secrets/none/backup"),
        ("GET", f"/secrets/none/{version}"),
    ]:
        assert azure.secret(method, path, {}).status == 404, path


def test_a_change_keeps_the_version_and_shows_no_value(azure: Azure) -> None:
    made = azure.set("db", tags={"A": "1", "B": "2"})
    changed = azure.secret("PATCH", "/secrets/db", {"contentType": "text/plain", "attributes": {"exp": 2000000000}})
    replaced = azure.secret("PATCH", f"/secrets/db/{made['id'][-32:]}", {"tags": {"C": "3"}})
    cleared = azure.secret("PATCH", "/secrets/db", {"tags": {}})

    assert "value" not in changed.body
    assert changed.body["id"] == made["id"]
    assert changed.body["tags"] == {"A": "1", "B": "2"}
    assert replaced.body["tags"] == {"C": "3"}
    assert replaced.body["contentType"] == "text/plain"
    assert cleared.body["tags"] == {}
    assert azure.secret("GET", "/secrets/db").body["value"] == "v"


def test_an_old_version_changes_alone(azure: Azure) -> None:
    first, second = azure.set("db", "one"), azure.set("db", "two")
    azure.secret("PATCH", f"/secrets/db/{first['id'][-32:]}", {"tags": {"old": "yes"}})

    assert "tags" not in azure.secret("GET", "/secrets/db").body
    assert azure.secret("GET", f"/secrets/db/{first['id'][-32:]}").body["tags"] == {"old": "yes"}
    assert azure.secret("GET", "/secrets/db").body["id"] == second["id"]


def test_a_disabled_secret_cannot_be_read_but_listed_changed_and_deleted(azure: Azure) -> None:
    azure.set("db", attributes={"enabled": False})
    refused = azure.secret("GET", "/secrets/db")

    assert refused.status == 403
    assert refused.inner == "SecretDisabled"
    assert refused.error["message"] == "Operation get is not allowed on a disabled secret."
    assert azure.secret("GET", "/secrets").body["value"][0]["attributes"]["enabled"] is False
    assert azure.secret("PATCH", "/secrets/db", {"attributes": {"enabled": True}}).status == 200
    assert azure.secret("GET", "/secrets/db").status == 200
    azure.secret("PATCH", "/secrets/db", {"attributes": {"enabled": False}})
    assert azure.secret("DELETE", "/secrets/db").status == 200
    assert azure.secret("GET", "/deletedsecrets/db").inner == "SecretDisabled"


def test_a_secret_outside_its_dates_can_be_read(azure: Azure) -> None:
    azure.set("old", attributes={"exp": 1})
    azure.set("new", attributes={"nbf": 4000000000})

    assert azure.secret("GET", "/secrets/old").status == 200
    assert azure.secret("GET", "/secrets/new").status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"value": "x" * 25601},
        {"value": "é" * 12801},
        {"value": 5},
        {},
        [],
        {"value": "v", "contentType": "x" * 256},
        {"value": "v", "tags": {str(n): "" for n in range(16)}},
        {"value": "v", "tags": {"a": "x" * 513}},
        {"value": "v", "tags": {"a": 1}},
        {"value": "v", "tags": []},
        {"value": "v", "attributes": []},
        {"value": "v", "attributes": {"enabled": "yes"}},
        {"value": "v", "attributes": {"exp": "tomorrow"}},
    ],
)
def test_what_key_vault_cannot_hold_is_a_bad_parameter(azure: Azure, body: Any) -> None:
    answer = azure.secret("PUT", "/secrets/db", body)

    assert answer.status == 400
    assert answer.error["code"] == "BadParameter"
    assert azure.secret("GET", "/secrets/db").status == 404


def test_the_largest_value_is_25600_bytes(azure: Azure) -> None:
    azure.set("db", "é" * 12800, tags={str(n): "x" * 512 for n in range(15)})

    assert azure.secret("GET", "/secrets/db").body["value"] == "é" * 12800


def test_a_name_of_other_characters_is_refused(azure: Azure) -> None:
    answer = azure.secret("GET", "/secrets/no%21name")

    assert answer.status == 400
    assert answer.error["message"] == "The request URI contains an invalid name: no!name"
    assert azure.secret("PUT", f"/secrets/{'a' * 128}", {"value": "v"}).status == 400
    assert azure.secret("PUT", f"/secrets/{'-' * 127}", {"value": "v"}).status == 200


def test_a_request_without_a_version_or_a_route_is_refused(azure: Azure) -> None:
    assert azure.ask("GET", VAULT, "/secrets").error["code"] == "BadParameter"
    unknown = azure.secret("GET", "/certificates")
    assert unknown.status == 501
    assert "GET https://kv-one.vault.azure.net/certificates" in unknown.error["message"]
    assert azure.secret("GET", "/").status == 501


def test_a_body_that_is_no_json_is_a_bad_parameter(azure: Azure) -> None:
    headers = {"authorization": f"Bearer {issue(azure.world, azure.main, 'https://vault.azure.net')}"}
    request = Request.from_target("PUT", VAULT, "/secrets/db", "api-version=7.6", headers, b"\xff{")

    assert azure.send(request).error["code"] == "BadParameter"


# Lists


def test_a_list_comes_in_pages_of_25_in_order_of_the_names(azure: Azure) -> None:
    for number in range(60):
        azure.set(f"S-{59 - number:02}", "hidden")
    pages = [azure.secret("GET", "/secrets")]
    while pages[-1].body["nextLink"] is not None:
        pages.append(azure.ask("GET", VAULT, link(pages[-1].body["nextLink"])))

    assert [len(page.body["value"]) for page in pages] == [25, 25, 10]
    assert [name for page in pages for name in names(page)] == [f"S-{number:02}" for number in range(60)]
    assert (
        pages[0].body["nextLink"].startswith("https://kv-one.vault.azure.net:443/secrets?api-version=7.6&$skiptoken=")
    )
    assert all(b"hidden" not in page.raw for page in pages)
    assert set(pages[0].body["value"][0]) == {"id", "attributes"}


def test_the_last_full_page_has_no_next_link(azure: Azure) -> None:
    for number in range(25):
        azure.set(f"s{number}")

    assert azure.secret("GET", "/secrets").body["nextLink"] is None


def test_a_smaller_page_may_be_asked_for_and_a_larger_one_not(azure: Azure) -> None:
    azure.set("a")
    azure.set("b")
    first = azure.secret("GET", "/secrets", maxresults="1")

    assert names(first) == ["a"]
    assert first.body["nextLink"].endswith("&maxresults=1")
    assert azure.secret("GET", "/secrets", maxresults="26").status == 400
    assert azure.secret("GET", "/secrets", **{"$skiptoken": "!"}).status == 400
    assert azure.secret("GET", "/secrets", **{"$skiptoken": "e30"}).status == 400
    assert azure.secret("GET", "/secrets", **{"$skiptoken": "eyJOZXh0TWFya2VyIjoxfQ"}).status == 400


def test_versions_are_listed_by_their_random_ids(azure: Azure) -> None:
    made = sorted(azure.set("db", str(number))["id"] for number in range(30))
    first = azure.secret("GET", "/secrets/db/versions")
    second = azure.ask("GET", VAULT, link(first.body["nextLink"]))

    assert [item["id"] for item in first.body["value"] + second.body["value"]] == made
    assert second.body["nextLink"] is None
    assert azure.secret("GET", "/secrets/none/versions").body == {"value": [], "nextLink": None}


def test_one_vault_does_not_show_the_secrets_of_another(azure: Azure) -> None:
    azure.make_vault("kv-two")
    azure.set("mine")

    assert azure.secret("GET", "/secrets", host="kv-two.vault.azure.net").body["value"] == []


# Deletion


def test_a_deleted_secret_is_reserved_until_it_is_recovered_or_purged(azure: Azure) -> None:
    made = azure.set("db")
    deleted = azure.secret("DELETE", "/secrets/db")

    assert list(deleted.body)[:4] == ["recoveryId", "deletedDate", "scheduledPurgeDate", "id"]
    assert deleted.body["id"] == made["id"]
    assert deleted.body["recoveryId"] == "https://kv-one.vault.azure.net/deletedsecrets/db"
    assert deleted.body["scheduledPurgeDate"] - deleted.body["deletedDate"] == 90 * 86400
    assert "value" not in deleted.body
    assert azure.secret("GET", "/secrets/db").status == 404
    refused = azure.secret("PUT", "/secrets/DB", {"value": "v"})
    assert refused.status == 409
    assert refused.inner == "ObjectIsDeletedButRecoverable"
    assert refused.error["message"].startswith("Secret db is currently in a deleted but recoverable state")
    assert azure.secret("GET", "/deletedsecrets/db").body == deleted.body
    assert [item["id"] for item in azure.secret("GET", "/deletedsecrets").body["value"]] == [made["id"][:-33]]


def test_a_recovered_secret_is_as_it_was(azure: Azure) -> None:
    azure.set("db", "one")
    made = azure.set("db", "two", tags={"a": "b"})
    azure.secret("DELETE", "/secrets/db")
    recovered = azure.secret("POST", "/deletedsecrets/db/recover")

    assert recovered.status == 200
    assert "value" not in recovered.body
    assert azure.secret("GET", "/secrets/db").body == made
    assert len(azure.secret("GET", "/secrets/db/versions").body["value"]) == 2
    again = azure.secret("POST", "/deletedsecrets/db/recover")
    assert again.status == 400
    assert again.inner == "RequestNotAllowedOnNonDeletedObject"
    assert again.error["message"] == "Secret exists already: db"
    assert azure.secret("GET", "/deletedsecrets/db").error["message"] == "Deleted Secret not found: db"


def test_a_purged_secret_leaves_its_name_free(azure: Azure) -> None:
    azure.set("db", "one")
    azure.secret("DELETE", "/secrets/db")
    purged = azure.secret("DELETE", "/deletedsecrets/db")

    assert (purged.status, purged.raw) == (204, b"")
    assert azure.secret("DELETE", "/deletedsecrets/db").status == 404
    assert azure.secret("POST", "/deletedsecrets/db/recover").status == 404
    azure.set("db", "two")
    assert len(azure.secret("GET", "/secrets/db/versions").body["value"]) == 1


def test_purge_protection_refuses_a_purge(azure: Azure) -> None:
    azure.make_vault("kv-two", enablePurgeProtection=True)
    host = "kv-two.vault.azure.net"
    azure.secret("PUT", "/secrets/db", {"value": "v"}, host=host)
    azure.secret("DELETE", "/secrets/db", host=host)
    refused = azure.secret("DELETE", "/deletedsecrets/db", host=host)

    assert refused.status == 403
    assert refused.error["message"].startswith('Operation "purge" is not allowed because purge protection is enabled')
    assert "innererror" not in refused.error


def test_a_deleted_secret_is_gone_when_its_retention_is_over(azure: Azure) -> None:
    azure.set("db")
    azure.secret("DELETE", "/secrets/db")
    azure.world.clock.shift(90 * 86400)

    assert azure.secret("GET", "/deletedsecrets/db").status == 404
    assert azure.secret("GET", "/deletedsecrets").body["value"] == []
    azure.set("db", "again")


def test_with_azures_delays_a_deletion_passes_through_its_stages() -> None:
    azure = Azure(time_scale=1.0)
    azure.make_vault()
    azure.world.clock.shift(60)
    azure.set("db")
    azure.secret("DELETE", "/secrets/db")

    assert azure.secret("GET", "/deletedsecrets/db").status == 404
    assert azure.secret("GET", "/deletedsecrets").body["value"] == []
    assert azure.secret("PUT", "/secrets/db", {"value": "v"}).inner == "ObjectIsBeingDeleted"
    assert azure.secret("DELETE", "/deletedsecrets/db").inner == "ObjectIsBeingDeleted"
    assert azure.secret("POST", "/deletedsecrets/db/recover").inner == "ObjectIsBeingDeleted"
    azure.world.clock.shift(16)
    assert azure.secret("GET", "/deletedsecrets/db").status == 200
    assert azure.secret("POST", "/deletedsecrets/db/recover").status == 200
    assert azure.secret("GET", "/secrets/db").status == 404
    assert azure.secret("GET", "/secrets").body["value"] == []
    assert azure.secret("PUT", "/secrets/db", {"value": "v"}).inner == "ObjectIsBeingRecovered"
    azure.world.clock.shift(19)
    assert azure.secret("GET", "/secrets/db").status == 200
    azure.secret("DELETE", "/secrets/db")
    azure.world.clock.shift(16)
    assert azure.secret("DELETE", "/deletedsecrets/db").status == 204
    assert azure.secret("GET", "/deletedsecrets/db").status == 200
    assert azure.secret("PUT", "/secrets/db", {"value": "v"}).inner == "ObjectIsBeingDeleted"
    azure.world.clock.shift(1)
    azure.set("db")


def test_a_secret_of_a_certificate_is_neither_set_nor_deleted(azure: Azure) -> None:
    azure.set("cert")
    (key,) = azure.world.store.table("secrets")
    azure.world.store.put("secrets", key, azure.world.store.table("secrets")[key] | {"managed": True})
    refused = azure.secret("DELETE", "/secrets/cert")

    assert azure.secret("GET", "/secrets").body["value"][0]["managed"] is True
    assert refused.inner == "SecretManagedByKeyVault"
    assert refused.error["message"] == (
        'Operation "delete" is not allowed as this object\'s lifetime is managed by Key Vault.'
    )
    assert azure.secret("PUT", "/secrets/cert", {"value": "v"}).status == 403


def test_a_recovered_vault_has_its_secrets_and_a_purged_one_has_not(azure: Azure) -> None:
    azure.set("db", "kept")
    azure.ask("DELETE", "management.azure.com", f"{VAULT_ID}?api-version=2023-07-01")
    assert azure.secret("GET", "/secrets/db").dropped
    azure.make_vault(createMode="recover")
    assert azure.secret("GET", "/secrets/db").body["value"] == "kept"

    azure.ask("DELETE", "management.azure.com", f"{VAULT_ID}?api-version=2023-07-01")
    purge = f"{GROUP.rpartition('/resourceGroups')[0]}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults"
    azure.ask("POST", "management.azure.com", f"{purge}/kv-one/purge?api-version=2023-07-01")
    azure.make_vault()
    assert azure.secret("GET", "/secrets").body["value"] == []
    assert len(azure.world.store.table("secrets")) == 0


# Backup


def test_a_backup_restores_every_version_in_another_vault(azure: Azure) -> None:
    azure.make_vault("kv-two")
    azure.set("db", "one-hidden")
    made = azure.set("db", "two-hidden", tags={"a": "b"})
    blob = azure.secret("POST", "/secrets/db/backup").body["value"]
    restored = azure.secret("POST", "/secrets/restore", {"value": blob}, host="kv-two.vault.azure.net")

    assert "hidden" not in blob
    assert restored.status == 200
    assert restored.body["tags"] == {"a": "b"}
    now = azure.secret("GET", "/secrets/db", host="kv-two.vault.azure.net").body
    assert (now["value"], now["id"][-32:]) == ("two-hidden", made["id"][-32:])
    assert len(azure.secret("GET", "/secrets/db/versions", host="kv-two.vault.azure.net").body["value"]) == 2


@pytest.mark.parametrize("length", [1, 17, 33])
def test_a_backup_is_base64_without_padding(azure: Azure, length: int) -> None:
    # The SDKs read the blob as bytes and send it again without what their encoder leaves out.
    azure.set("db", "v" * length)
    blob = azure.secret("POST", "/secrets/db/backup").body["value"]
    azure.secret("DELETE", "/secrets/db")
    azure.secret("DELETE", "/deletedsecrets/db")

    assert re.fullmatch("[A-Za-z0-9_-]+", blob)
    assert azure.secret("POST", "/secrets/restore", {"value": blob}).status == 200


def test_a_restore_does_not_overwrite(azure: Azure) -> None:
    version = azure.set("db")["id"]
    blob = azure.secret("POST", "/secrets/db/backup").body["value"]
    refused = azure.secret("POST", "/secrets/restore", {"value": blob})

    assert refused.status == 409
    assert refused.error["message"] == (
        f"Conflict while restoring secret {version} - secret already exists or concurrent access"
    )
    azure.secret("DELETE", "/secrets/db")
    assert azure.secret("POST", "/secrets/restore", {"value": blob}).status == 409
    azure.secret("DELETE", "/deletedsecrets/db")
    assert azure.secret("POST", "/secrets/restore", {"value": blob}).status == 200


@pytest.mark.parametrize("blob", ["bm9uLWV4aXN0aW5n", "é", 5, None])
def test_a_damaged_backup_is_refused(azure: Azure, blob: Any) -> None:
    answer = azure.secret("POST", "/secrets/restore", {"value": blob})

    assert answer.status == 400
    assert answer.error == {"code": "Malformed backup blob", "message": "Backup blob is corrupt."}


# Rights


def test_under_rbac_every_operation_needs_its_data_action(azure: Azure) -> None:
    azure.set("db")
    refused = azure.secret("PUT", "/secrets/db", {"value": "v"}, as_=azure.norights)

    assert refused.status == 403
    assert refused.inner == "ForbiddenByRbac"
    identity = azure.world.identity("norights")
    assert refused.error["message"] == (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
        "definitions were changed recently, please observe propagation time.\r\n"
        f"Caller: appid={identity['client_id']};oid={identity['object_id']};iss=https://sts.windows.net/{TENANT}/\r\n"
        "Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'\r\n"
        f"Resource: '{VAULT_ID.lower()}/secrets/db'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
        "DecisionReason: null \r\nVault: kv-one;location=westeurope\r\n"
    )


def test_a_reader_lists_but_does_not_read_values(azure: Azure) -> None:
    azure.set("db")
    name = azure.assign(VAULT_ID, azure.norights, READER)
    listed = azure.secret("GET", "/secrets", as_=azure.norights)

    assert listed.status == 200
    assert listed.headers["x-ms-keyvault-rbac-assignment-id"] == name.replace("-", "")
    assert azure.secret("GET", "/secrets/db", as_=azure.norights).status == 403
    assert azure.secret("GET", "/secrets/db/versions", as_=azure.norights).status == 200


def test_a_grant_on_one_secret_reaches_no_other(azure: Azure) -> None:
    azure.set("db")
    azure.set("other")
    azure.assign(f"{VAULT_ID}/secrets/db", azure.norights, SECRETS_USER)

    assert azure.secret("GET", "/secrets/DB", as_=azure.norights).status == 200
    assert azure.secret("GET", "/secrets/other", as_=azure.norights).status == 403
    assert azure.secret("GET", "/secrets", as_=azure.norights).status == 403


def test_a_grant_to_a_group_reaches_the_members_of_its_groups(azure: Azure) -> None:
    azure.set("db")
    inner = azure.make_group("Inner")
    outer = azure.make_group("Outer")
    for group, member in ((outer["id"], inner["id"]), (inner["id"], azure.norights)):
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{member}"}
        assert azure.graph("POST", f"/groups/{group}/members/$ref", reference).status == 204
    assert azure.secret("GET", "/secrets/db", as_=azure.norights).status == 403
    azure.assign(VAULT_ID, outer["id"], SECRETS_OFFICER)

    assert azure.secret("GET", "/secrets/db", as_=azure.norights).status == 200


def test_under_policies_the_roles_on_the_data_plane_mean_nothing() -> None:
    azure = Azure()
    azure.make_vault(rbac=False, accessPolicies=[])
    refused = azure.secret("GET", "/secrets/db")

    assert refused.status == 403
    assert refused.inner == "AccessDenied"
    assert refused.error["message"].startswith("Access denied. Caller was not found on any access policy.\r\nCaller: ")


def test_a_policy_allows_exactly_its_permissions() -> None:
    azure = Azure()
    azure.make_vault(rbac=False, accessPolicies=[policy(azure.main, ["all"]), policy(azure.norights, ["List", "get"])])
    azure.set("db")
    refused = azure.secret("DELETE", "/secrets/db", as_=azure.norights)

    assert azure.secret("GET", "/secrets", as_=azure.norights).status == 200
    assert azure.secret("GET", "/secrets/db", as_=azure.norights).status == 200
    assert refused.inner == "ForbiddenByPolicy"
    identity = azure.world.identity("norights")
    assert refused.error["message"] == (
        f"The user, group or application 'appid={identity['client_id']};oid={identity['object_id']};"
        f"iss=https://sts.windows.net/{TENANT}/' does not have secrets delete permission on key vault "
        "'kv-one;location=westeurope'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287"
    )


@pytest.mark.parametrize(
    ("permission", "method", "path", "body"),
    [
        ("set", "PUT", "/secrets/new", {"value": "v"}),
        ("set", "PATCH", "/secrets/db", {}),
        ("get", "GET", "/secrets/db", None),
        ("get", "GET", "/deletedsecrets/gone", None),
        ("list", "GET", "/secrets", None),
        ("list", "GET", "/secrets/db/versions", None),
        ("list", "GET", "/deletedsecrets", None),
        ("delete", "DELETE", "/secrets/db", None),
        ("recover", "POST", "/deletedsecrets/gone/recover", None),
        ("purge", "DELETE", "/deletedsecrets/gone", None),
        ("backup", "POST", "/secrets/db/backup", None),
        ("restore", "POST", "/secrets/restore", {"value": "x"}),
    ],
)
def test_each_operation_needs_its_own_permission(permission: str, method: str, path: str, body: Any) -> None:
    azure = Azure()
    others = sorted({"get", "list", "set", "delete", "recover", "backup", "restore", "purge"} - {permission})
    azure.make_vault(rbac=False, accessPolicies=[policy(azure.main, ["all"]), policy(azure.norights, others)])
    azure.set("db")
    azure.set("gone")
    azure.secret("DELETE", "/secrets/gone")

    assert azure.secret(method, path, body, as_=azure.norights).status == 403
    azure.make_vault(rbac=False, accessPolicies=[policy(azure.norights, [permission])])
    assert azure.secret(method, path, body, as_=azure.norights).status in (200, 204, 400)


# The real client


def client(azure: Azure) -> SecretClient:
    identity = azure.world.identity()
    transport = InProcessTransport(azure.application)
    credential = ClientSecretCredential(TENANT, identity["client_id"], identity["client_secret"], transport=transport)
    return SecretClient(f"https://{VAULT}", credential, transport=transport)


async def test_the_sdk_sets_reads_lists_deletes_recovers_and_purges(azure: Azure) -> None:
    async with client(azure) as secrets:
        made = await secrets.set_secret("db", "hush", tags={"a": "b"}, content_type="text/plain")
        read = await secrets.get_secret("db")
        assert (read.value, read.properties.version) == ("hush", made.properties.version)
        changed = await secrets.update_secret_properties("db", enabled=False)
        assert changed.enabled is False
        assert [item.name async for item in secrets.list_properties_of_secrets()] == ["db"]
        await secrets.update_secret_properties("db", enabled=True)
        await secrets.delete_secret("db")
        assert [item.name async for item in secrets.list_deleted_secrets()] == ["db"]
        await secrets.recover_deleted_secret("db")
        assert (await secrets.get_secret("db")).value == "hush"
        blob = await secrets.backup_secret("db")
        await secrets.delete_secret("db")
        await secrets.purge_deleted_secret("db")
        with pytest.raises(ResourceNotFoundError):
            await secrets.get_secret("db")
        assert (await secrets.restore_secret_backup(blob)).version == made.properties.version


async def test_the_sdk_pages_through_hundreds_of_secrets(azure: Azure) -> None:
    azure_names = sorted(f"s-{number}" for number in range(130))
    async with client(azure) as secrets:
        for name in azure_names:
            await secrets.set_secret(name, "v")
        assert [item.name async for item in secrets.list_properties_of_secrets()] == azure_names


async def test_the_sdk_retries_an_arranged_429_and_reports_a_lasting_one(azure: Azure) -> None:
    azure.world.fail("GET", "/secrets/db", status=429, times=2)
    async with client(azure) as secrets:
        await secrets.set_secret("db", "v")
        assert (await secrets.get_secret("db")).value == "v"
        azure.world.fail("GET", "/secrets/db", status=429)
        with pytest.raises(HttpResponseError, match="VaultRequestTypeLimitReached"):
            await secrets.get_secret("db")


async def test_a_dropped_connection_is_a_request_error_and_a_500_keeps_its_number(azure: Azure) -> None:
    azure.world.fail("PUT", "/secrets/*", drop=True)
    azure.world.fail("GET", "/secrets/*", status=500)
    async with client(azure) as secrets:
        with pytest.raises(ServiceRequestError):
            await secrets.set_secret("db", "v", retry_total=0)
        with pytest.raises(HttpResponseError) as caught:
            await secrets.get_secret("db", retry_total=0)
    assert caught.value.status_code == 500


def test_a_delayed_request_is_answered_later(azure: Azure) -> None:
    azure.world.fail("GET", "/secrets", delay=0.01, times=1)

    assert azure.secret("GET", "/secrets").status == 200
    assert azure.world.faults.listed() == []


def test_only_a_clients_change_marks_the_world_as_written() -> None:
    azure = Azure()

    def written() -> bool:
        record = azure.world.store.get("meta", "world")
        assert record is not None
        return bool(record["written"])

    azure.sign_in(azure.credentials())
    azure.graph("GET", "/users")
    azure.graph("POST", "/users", {})
    azure.graph("POST", "/directoryObjects/getByIds", {"ids": []})
    assert not written()
    azure.make_vault()
    assert written()


def test_another_host_is_a_501(azure: Azure) -> None:
    assert azure.send(Request.from_target("GET", "example.com", "/", "", {}, b"")).status == 501
