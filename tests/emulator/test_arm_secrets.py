"""A vault's secrets through Resource Manager: no value is shown, and no right on the data plane is asked for.

https://learn.microsoft.com/rest/api/keyvault/secrets, Secrets of the resource provider; shapes as recorded.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.arm_support import GROUP, VAULT, Arm

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
SECRET = f"{VAULT}/secrets/db"


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.make_group()
    arm.make_vault(publicNetworkAccess="Disabled")
    return arm


def put(arm: Arm, name: str = "db", value: str = "one", **more: object) -> Any:
    answer = arm.call("PUT", f"{VAULT}/secrets/{name}", {"properties": {"value": value, **more}})
    assert answer.status == 200, answer.body
    return answer.body


def test_a_secret_is_set_and_shown_without_its_value(arm: Arm) -> None:
    made = put(arm, attributes={"enabled": True}, contentType="text/plain")
    version = next(iter(arm.world.store.table("secrets").values()))["versions"][-1]
    uri = "https://kv-one.vault.azure.net/secrets/db"
    stamps = {name: version[name] for name in ("created", "updated")}
    assert made == {
        "id": SECRET,
        "name": "db",
        "type": "Microsoft.KeyVault/vaults/secrets",
        "location": "westeurope",
        "properties": {
            "attributes": {"enabled": True, **stamps},
            "contentType": "text/plain",
            "secretUri": uri,
            "secretUriWithVersion": f"{uri}/{version['version']}",
        },
    }
    assert version["value"] == "one"
    assert arm.call("GET", SECRET).body == made


def test_a_patch_with_a_value_makes_a_version_and_keeps_what_it_does_not_say(arm: Arm) -> None:
    made = put(arm, contentType="text/plain")
    sent = {"properties": {"value": "two"}, "tags": {"test": "yes"}}
    changed = arm.call("PATCH", SECRET, sent).body
    assert changed["tags"] == {"test": "yes"}
    assert changed["properties"]["contentType"] == "text/plain"
    assert changed["properties"]["secretUriWithVersion"] != made["properties"]["secretUriWithVersion"]


def test_a_patch_without_a_value_changes_the_current_version(arm: Arm) -> None:
    made = put(arm)
    changed = arm.call("PATCH", SECRET, {"properties": {"attributes": {"enabled": False}}}).body
    assert changed["properties"]["attributes"]["enabled"] is False
    assert changed["properties"]["secretUriWithVersion"] == made["properties"]["secretUriWithVersion"]


def test_secrets_are_listed_in_pages(arm: Arm) -> None:
    for name in ("b", "A", "c"):
        put(arm, name)
    first = arm.call("GET", f"{VAULT}/secrets", top="2")
    assert [one["name"] for one in first.body["value"]] == ["A", "b"]
    rest = arm.follow(first.body["nextLink"])
    assert [one["name"] for one in rest.body["value"]] == ["c"]
    assert "value" not in rest.body["value"][0]["properties"]


def test_who_may_write_the_resource_needs_no_right_on_the_data_plane(arm: Arm) -> None:
    contributor = arm.application()
    arm.assign(VAULT, contributor.object_id, CONTRIBUTOR)
    sent = {"properties": {"value": "v"}}
    assert arm.call("PUT", SECRET, sent, caller=contributor).status == 200
    reader = arm.application()
    arm.assign(GROUP, reader.object_id, READER)
    assert arm.call("GET", SECRET, caller=reader).status == 200
    assert arm.call("PUT", SECRET, sent, caller=reader).code == "AuthorizationFailed"
    assert arm.call("GET", f"{VAULT}/secrets", caller=arm.stranger).code == "AuthorizationFailed"


def test_what_is_missing_or_malformed_is_refused(arm: Arm) -> None:
    assert arm.call("GET", SECRET).code == "ResourceNotFound"
    assert arm.call("PATCH", SECRET, {"properties": {"value": "v"}}).code == "ResourceNotFound"
    good = {"properties": {"value": "v"}}
    bodies: list[dict[str, Any]] = [{}, {"properties": {}}, {"properties": {"value": 1}}, {**good, "tags": [1]}]
    for body in bodies:
        assert arm.call("PUT", SECRET, body).status == 400
    assert arm.call("PUT", f"{VAULT}/secrets/a_b", {"properties": {"value": "v"}}).code == "BadRequest"
    assert arm.call("PUT", f"{VAULT}x/secrets/a", {"properties": {"value": "v"}}).code == "ResourceNotFound"
