"""The directory as Microsoft Graph serves it; shapes and texts are the recorded ones."""

from __future__ import annotations

import re
from typing import Any

import pytest

from declarative_kv.emulator.entra.tokens import issue
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import TENANT
from tests.emulator.azure_support import GRAPH, Answer, Azure, link


@pytest.fixture
def azure() -> Azure:
    return Azure()


def reference(object_id: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{object_id}"}


def ids(answer: Answer) -> list[str]:
    return [record["id"] for record in answer.body["value"]]


def test_a_user_is_found_by_id_by_name_and_by_filter(azure: Azure) -> None:
    user = azure.make_user("o'hara")
    paths = [f"/users/{user['id']}", "/users/o'hara@contoso.example", "/users('O''Hara@contoso.example')"]

    for path in paths:
        assert azure.graph("GET", path).body["id"] == user["id"], path
    found = azure.graph("GET", "/users?$filter=userPrincipalName eq 'O''HARA@contoso.example'")
    assert found.body == {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users",
        "value": [{name: value for name, value in user.items() if name != "@odata.context"}],
    }
    assert user["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#users/$entity"
    assert b"not-kept-anywhere" not in azure.graph("GET", f"/users/{user['id']}?$select=passwordProfile").raw


def test_an_answer_has_graphs_headers(azure: Azure) -> None:
    answer = azure.graph("GET", "/users")

    assert answer.headers["odata-version"] == "4.0"
    assert answer.headers["content-type"].startswith("application/json;odata.metadata=minimal")


def test_a_new_object_says_where_it_is(azure: Azure) -> None:
    answer = azure.graph("POST", "/applications", {"displayName": "a"})

    assert answer.status == 201
    assert answer.headers["location"].endswith(f"/{answer.body['id']}/Microsoft.DirectoryServices.Application")
    assert f"/v2/{TENANT}/directoryObjects/" in answer.headers["location"]
    assert answer.body["id"] != answer.body["appId"]
    assert answer.body["passwordCredentials"] == []


@pytest.mark.parametrize(
    ("collection", "sent", "message"),
    [
        ("groups", {}, "A value is required for property 'displayName' of resource 'Group'."),
        ("users", {"accountEnabled": True}, "A value is required for property 'displayName' of resource 'User'."),
        ("applications", {}, "A value is required for property 'displayName' of resource 'Application'."),
        (
            "servicePrincipals",
            {"appId": "x"},
            "The appId 'x' of the service principal does not reference a valid application object.",
        ),
    ],
)
def test_an_incomplete_object_is_refused(azure: Azure, collection: str, sent: Any, message: str) -> None:
    answer = azure.graph("POST", f"/{collection}", sent)

    assert answer.status == 400
    assert (answer.error["code"], answer.error["message"]) == ("Request_BadRequest", message)


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/users", {"userPrincipalName": 5}),
        ("POST", "/groups", {"displayName": "g", "members@odata.bind": "x"}),
        ("POST", "/applications", {"displayName": "a", "identifierUris": [1]}),
        ("POST", "/applications", {"displayName": "a", "appRoles": {}}),
        ("POST", "/applications", {"displayName": "a", "web": []}),
        ("POST", "/servicePrincipals", {"appId": "a", "accountEnabled": "yes"}),
        ("POST", "/directoryObjects/getByIds", {"ids": [], "types": 5}),
        ("POST", "/applications/KEY/addPassword", {"passwordCredential": ["x"]}),
    ],
)
def test_a_property_of_the_wrong_type_is_refused(azure: Azure, method: str, path: str, sent: Any) -> None:
    application = azure.make_application()
    answer = azure.graph(method, path.replace("KEY", application["id"]), sent)

    assert answer.status == 400
    assert answer.error["message"].startswith("Invalid value specified for property")


def test_a_null_clears_a_property(azure: Azure) -> None:
    application = azure.make_application()
    path = f"/applications/{application['id']}"
    azure.graph("PATCH", path, {"identifierUris": ["api://a"], "description": "text"})
    azure.graph("PATCH", path, {"identifierUris": None, "description": None})
    now = azure.graph("GET", path).body

    assert (now["identifierUris"], now["description"]) == ([], None)


def test_two_users_cannot_have_one_name_but_two_groups_can(azure: Azure) -> None:
    azure.make_user()
    bob = azure.make_user("bob")
    azure.make_group()
    azure.make_group()
    again = {"displayName": "A", "mailNickname": "a", "accountEnabled": True, "passwordProfile": {"password": "x"}}

    assert azure.graph("POST", "/users", {**again, "userPrincipalName": "ALICE@contoso.example"}).status == 400
    renamed = azure.graph("PATCH", f"/users/{bob['id']}", {"userPrincipalName": "alice@contoso.example"})
    assert renamed.status == 400
    assert len(ids(azure.graph("GET", "/groups?$filter=displayName eq 'developers'"))) == 2


def test_an_application_has_one_service_principal(azure: Azure) -> None:
    application = azure.make_application()
    made = azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
    again = azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]})

    assert made.status == 201
    assert made.body["displayName"] == made.body["appDisplayName"] == "payments-api"
    assert made.body["servicePrincipalNames"] == [application["appId"]]
    assert again.status == 409
    assert again.error["code"] == "Request_MultipleObjectsWithSameKeyValue"
    assert azure.graph("GET", f"/servicePrincipals(appId='{application['appId']}')").body["id"] == made.body["id"]
    assert azure.graph("GET", f"/applications(appId='{application['appId']}')").body["id"] == application["id"]
    for text in (
        f"appId eq '{application['appId']}'",
        f"servicePrincipalNames/any(c:c eq '{application['appId']}')",
        "startswith(displayName,'PAY')",
        "endswith(displayName,'api') and accountEnabled eq true",
        "displayName in ('x','payments-api')",
        "not (displayName ne 'payments-api') and (appId eq 'z' or servicePrincipalType eq 'Application')",
        "displayName eq 'payments-api' and appDescription eq null",
    ):
        assert ids(azure.graph("GET", f"/servicePrincipals?$filter={text}")) == [made.body["id"]], text


@pytest.mark.parametrize(
    "text", ["displayName", "displayName eq", "displayName lt 'x'", "a eq b", "(a eq 'b'", "x(y", "a eq 'b' c", "#", ""]
)
def test_a_filter_that_is_not_understood_is_a_501(azure: Azure, text: str) -> None:
    answer = azure.graph("GET", f"/users?$filter={text.replace('#', '%23')}")

    assert answer.status == 501


def test_an_option_that_is_not_understood_is_a_501(azure: Azure) -> None:
    assert azure.graph("GET", "/users?$expand=memberOf").status == 501
    refused = azure.graph("GET", "/groups?$orderby=displayName")
    assert (refused.status, "'$orderby'" in refused.error["message"]) == (501, True)
    assert azure.graph("GET", "/groups/$ref").status == 501
    assert azure.graph("GET", "/organization").status == 501
    assert azure.ask("GET", GRAPH, "/beta/users").status == 501


def test_the_link_to_the_next_page_keeps_the_filter(azure: Azure) -> None:
    made = [azure.make_group(f"R&D + {number}")["id"] for number in range(2)]
    azure.make_group("R")
    first = azure.graph("GET", "/groups?$top=1&$filter=startswith(displayName,'R%26D%20%2B')")
    following = first.body["@odata.nextLink"]

    assert re.fullmatch(r"\S+", following)
    assert ids(first) + ids(azure.ask("GET", GRAPH, following.removeprefix(f"https://{GRAPH}"))) == made


def test_a_collection_comes_in_pages_with_a_next_link_only_when_more_follows(azure: Azure) -> None:
    made = [azure.make_group(f"g{number}")["id"] for number in range(5)]
    first = azure.graph("GET", "/groups?$top=2&$select=id,displayName&$count=true")
    second = azure.ask("GET", GRAPH, link(first.body["@odata.nextLink"]))
    third = azure.ask("GET", GRAPH, link(second.body["@odata.nextLink"]))

    assert ids(first) + ids(second) + ids(third) == made
    assert "@odata.nextLink" not in third.body
    assert first.body["@odata.count"] == 5
    assert first.body["value"][0] == {"id": made[0], "displayName": "g0"}
    assert azure.graph("GET", "/groups?$top=0").status == 400
    assert azure.graph("GET", "/groups?$skiptoken=x").status == 400


def test_a_change_is_read_back_and_leaves_the_ids_alone(azure: Azure) -> None:
    application = azure.make_application()
    sent = {"displayName": "new", "id": "x", "appId": "y", "identifierUris": ["api://new"]}

    assert azure.graph("PATCH", f"/applications/{application['id']}", sent).status == 204
    now = azure.graph("GET", f"/applications/{application['id']}").body
    assert (now["displayName"], now["appId"]) == ("new", application["appId"])
    found = azure.graph("GET", "/applications?$filter=identifierUris/any(s:s eq 'api://new')")
    assert ids(found) == [application["id"]]


def test_an_object_that_is_not_there_is_a_404(azure: Azure) -> None:
    missing = "9f9f0000-0000-0000-0000-000000000000"
    answer = azure.graph("GET", f"/groups/{missing}")

    assert answer.status == 404
    assert answer.error["code"] == "Request_ResourceNotFound"
    assert answer.error["message"] == (
        f"Resource '{missing}' does not exist or one of its queried reference-property objects are not present."
    )
    assert set(answer.error["innerError"]) == {"date", "request-id", "client-request-id"}
    user = azure.make_user()
    assert azure.graph("GET", f"/groups/{user['id']}").status == 404


def test_members_come_and_go_and_count_through_groups(azure: Azure) -> None:
    user, inner, outer = azure.make_user(), azure.make_group("Inner"), azure.make_group("Outer")
    for group, member in ((inner, user), (outer, inner)):
        assert azure.graph("POST", f"/groups/{group['id']}/members/$ref", reference(member["id"])).status == 204

    members = azure.graph("GET", f"/groups/{inner['id']}/members").body["value"]
    assert [(one["@odata.type"], one["id"]) for one in members] == [("#microsoft.graph.user", user["id"])]
    assert ids(azure.graph("GET", f"/groups/{outer['id']}/transitiveMembers")) == [inner["id"], user["id"]]
    assert ids(azure.graph("GET", f"/users/{user['id']}/memberOf")) == [inner["id"]]
    both = sorted([inner["id"], outer["id"]])
    assert ids(azure.graph("GET", f"/users/{user['id']}/transitiveMemberOf")) == both
    asked = {"securityEnabledOnly": False}
    assert azure.graph("POST", f"/users/{user['id']}/getMemberGroups", asked).body["value"] == both
    checked = {"groupIds": [outer["id"], azure.make_group("Other")["id"]]}
    answer = azure.graph("POST", f"/directoryObjects/{user['id']}/checkMemberGroups", checked)
    assert answer.body["value"] == [outer["id"]]
    again = azure.graph("POST", f"/groups/{inner['id']}/members/$ref", reference(user["id"]))
    assert again.status == 400
    assert "references already exist" in again.error["message"]

    assert azure.graph("DELETE", f"/groups/{inner['id']}/members/{user['id']}/$ref").status == 204
    assert azure.graph("DELETE", f"/groups/{inner['id']}/members/{user['id']}/$ref").status == 404
    assert azure.graph("POST", f"/users/{user['id']}/getMemberGroups", asked).body["value"] == []


def test_groups_in_a_circle_are_no_trap(azure: Azure) -> None:
    one, two = azure.make_group("One"), azure.make_group("Two")
    azure.graph("POST", f"/groups/{one['id']}/members/$ref", reference(two["id"]))
    azure.graph("POST", f"/groups/{two['id']}/members/$ref", reference(one["id"]))

    assert sorted(ids(azure.graph("GET", f"/groups/{one['id']}/transitiveMembers"))) == sorted([one["id"], two["id"]])
    assert len(ids(azure.graph("GET", f"/groups/{one['id']}/transitiveMemberOf"))) == 2


def test_members_may_be_bound_when_the_group_is_made(azure: Azure) -> None:
    user = azure.make_user()
    group = azure.make_group("G", **{"members@odata.bind": [reference(user["id"])["@odata.id"]]})
    sent = {"displayName": "H", "mailEnabled": False, "mailNickname": "h", "securityEnabled": True}
    broken = azure.graph("POST", "/groups", sent | {"owners@odata.bind": ["https://x/9f9f"]})

    assert ids(azure.graph("GET", f"/groups/{group['id']}/members")) == [user["id"]]
    assert broken.status == 404
    assert len(ids(azure.graph("GET", "/groups"))) == 1


def test_an_unknown_object_cannot_be_a_member(azure: Azure) -> None:
    group = azure.make_group()

    assert azure.graph("POST", f"/groups/{group['id']}/members/$ref", {"@odata.id": "nothing"}).status == 404


def test_owners_are_kept_apart_from_members(azure: Azure) -> None:
    user, application = azure.make_user(), azure.make_application()
    azure.graph("POST", f"/applications/{application['id']}/owners/$ref", reference(user["id"]))

    assert ids(azure.graph("GET", f"/applications/{application['id']}/owners")) == [user["id"]]


def test_get_by_ids_gives_what_exists_and_is_of_a_wanted_type(azure: Azure) -> None:
    user, group = azure.make_user(), azure.make_group()
    asked = {"ids": [user["id"], group["id"], "9f9f0000-0000-0000-0000-000000000000"]}
    users = azure.graph("POST", "/directoryObjects/getByIds", asked | {"types": ["user", "somethingElse"]})
    every = azure.graph("POST", "/directoryObjects/getByIds", asked)

    assert ids(users) == [user["id"]]
    assert users.body["value"][0]["@odata.type"] == "#microsoft.graph.user"
    assert ids(every) == [user["id"], group["id"]]
    assert azure.graph("POST", "/directoryObjects/getByIds", asked | {"types": ["device"]}).body["value"] == []
    assert azure.graph("POST", "/directoryObjects/getByIds", {}).status == 400


def test_a_password_is_shown_once_and_signs_in_until_it_is_removed(azure: Azure) -> None:
    application = azure.make_application()
    azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
    path = f"/applications/{application['id']}"
    made = azure.graph("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "key1"}})
    secret = made.body["secretText"]
    kept = azure.graph("GET", path)

    assert made.status == 200
    assert len(secret) == 40
    assert made.body["hint"] == secret[:3]
    (entry,) = kept.body["passwordCredentials"]
    assert entry == {name: made.body[name] for name in entry} | {"secretText": None}
    assert secret not in kept.raw.decode()
    assert int(made.body["endDateTime"][:4]) - int(made.body["startDateTime"][:4]) in (1, 2)
    form = azure.credentials(client_id=application["appId"], client_secret=secret)
    assert azure.sign_in(form).status == 200

    assert azure.graph("POST", f"{path}/removePassword", {"keyId": entry["keyId"]}).status == 204
    assert azure.graph("POST", f"{path}/removePassword", {"keyId": entry["keyId"]}).status == 400
    assert azure.sign_in(form).body["error_codes"] == [7000215]
    bad = {"passwordCredential": {"endDateTime": "soon"}}
    assert azure.graph("POST", f"{path}/addPassword", bad).status == 400


def test_a_deleted_application_takes_its_principal_and_can_be_restored(azure: Azure) -> None:
    application = azure.make_application()
    principal = azure.graph("POST", "/servicePrincipals", {"appId": application["appId"]}).body
    group = azure.make_group()
    azure.graph("POST", f"/groups/{group['id']}/members/$ref", reference(principal["id"]))

    assert azure.graph("DELETE", f"/applications/{application['id']}").status == 204
    assert azure.graph("GET", f"/servicePrincipals/{principal['id']}").status == 404
    assert ids(azure.graph("GET", f"/groups/{group['id']}/members")) == []
    assert ids(azure.graph("GET", "/directory/deletedItems/microsoft.graph.application")) == [application["id"]]
    assert azure.graph("GET", f"/directory/deletedItems/{application['id']}").body["deletedDateTime"] is not None
    restored = azure.graph("POST", f"/directory/deletedItems/{application['id']}/restore")
    assert restored.status == 200
    assert azure.graph("GET", f"/applications/{application['id']}").body["deletedDateTime"] is None
    assert azure.graph("DELETE", f"/directory/deletedItems/{principal['id']}").status == 204
    assert azure.graph("DELETE", f"/directory/deletedItems/{principal['id']}").status == 404


def test_a_deleted_object_is_gone_after_thirty_days_and_a_security_group_at_once(azure: Azure) -> None:
    user, group = azure.make_user(), azure.make_group()
    azure.graph("DELETE", f"/users/{user['id']}")
    azure.graph("DELETE", f"/groups/{group['id']}")

    assert azure.graph("GET", f"/directory/deletedItems/{group['id']}").status == 404
    assert azure.graph("GET", f"/directory/deletedItems/{user['id']}").status == 200
    azure.world.clock.shift(30 * 86400)
    assert azure.graph("GET", f"/directory/deletedItems/{user['id']}").status == 404


def test_who_has_no_right_reads_only_himself(azure: Azure) -> None:
    user = azure.make_user()
    own = azure.graph("GET", f"/servicePrincipals/{azure.norights}", as_=azure.norights)
    other = azure.graph("GET", f"/users/{user['id']}", as_=azure.norights)

    assert own.status == 200
    assert other.status == 403
    assert other.error["code"] == "Authorization_RequestDenied"
    assert other.error["message"] == "Insufficient privileges to complete the operation."
    assert azure.graph("GET", "/users", as_=azure.norights).status == 403
    assert azure.graph("POST", "/groups", {}, as_=azure.norights).status == 403
    assert azure.graph("POST", f"/users/{user['id']}/getMemberGroups", {}, as_=azure.norights).status == 403


def test_me_is_for_users(azure: Azure) -> None:
    user = azure.make_user()
    group = azure.make_group()
    azure.graph("POST", f"/groups/{group['id']}/members/$ref", reference(user["id"]))

    assert azure.graph("GET", "/me", as_=user["id"]).body["userPrincipalName"] == "alice@contoso.example"
    assert ids(azure.graph("GET", "/me/memberOf", as_=user["id"])) == [group["id"]]
    assert azure.graph("GET", "/me").status == 400


def test_an_application_with_the_write_role_may_write(azure: Azure) -> None:
    record = azure.world.store.get("directory", azure.norights)
    assert record is not None
    azure.world.store.put("directory", azure.norights, record | {"directoryRoles": ["write"]})

    assert azure.graph("POST", "/applications", {"displayName": "a"}, as_=azure.norights).status == 201


def test_a_request_without_a_good_token_is_a_401(azure: Azure) -> None:
    bare = azure.send(Request.from_target("GET", GRAPH, "/v1.0/users", "", {}, b""))
    wrong = azure.ask("GET", GRAPH, "/v1.0/users", token=issue(azure.world, azure.main, "https://vault.azure.net"))

    assert (bare.status, bare.error["code"]) == (401, "InvalidAuthenticationToken")
    assert (wrong.status, wrong.error["message"]) == (401, "Access token validation failure. Invalid audience.")
    assert azure.ask("GET", GRAPH, "/v1.0/users", token="x").status == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_a_body_that_is_no_object_is_refused(azure: Azure, body: bytes) -> None:
    headers = {"authorization": f"Bearer {issue(azure.world, azure.main, f'https://{GRAPH}')}"}
    answer = azure.send(Request.from_target("POST", GRAPH, "/v1.0/groups", "", headers, body))

    assert answer.status == 400


def test_a_group_shows_the_security_identifier_of_its_id(azure: Azure) -> None:
    store = azure.world.store
    identifier = "a3f6c606-38ec-42d7-8c0e-d4ecaf0d9d61"
    group = {"kind": "group", "id": identifier, "tenant": "t", "displayName": "recorded", "members": []}
    store.put("directory", identifier, group)

    shown = azure.graph("GET", f"/groups/{identifier}").body
    assert shown["securityIdentifier"] == "S-1-12-1-2750858758-1121401068-3973320332-1637682607"
