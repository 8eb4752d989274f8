"""The replay of directories and sign-ins on made-up scenarios: what is equal, and what must be seen to differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.emulator.seed import TENANT
from tests.recordings.load import scenario
from tests.recordings.replay import Replay

GRAPH, LOGIN = "graph.microsoft.com", "login.microsoftonline.com"
METADATA = f"https://{GRAPH}/v1.0/$metadata#"
GROUP = "0d6f1f1a-1111-4222-8333-444455556666"
ADA, BOB = "1a2b3c4d-0000-4000-8000-000000000001", "1a2b3c4d-0000-4000-8000-000000000002"
PERSON: dict[str, Any] = {
    **dict.fromkeys(("givenName", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage", "surname")),
    "businessPhones": [],
    "displayName": "Redacted displayName",
    "userPrincipalName": "aaa@foo.com",
}


def exchange(method: str, path: str, sent: Any, status: int, answer: Any, **more: Any) -> dict[str, Any]:
    """One recorded exchange with Graph, or with the login if the path is that of a token."""
    is_token = path.endswith("/token")
    return {
        "service": "entra" if is_token else "graph",
        "endpoint": f"{method} {path}",
        "request": {
            "method": method,
            "host": LOGIN if is_token else GRAPH,
            "path": path,
            "query": more.get("query", {}),
            "headers": {},
            "body": sent,
        },
        "response": {"status": status, "headers": more.get("headers", {}), "body": answer},
        "source": {"commit": "x"},
        "meta": {"date": "Wed, 10 Jan 2024 10:00:00 GMT"},
    }


def verdicts(folder: Path, *exchanges: dict[str, Any]) -> list[str]:
    """What the replay says of each exchange; reasons in the place of `differs`."""
    path = folder / "made-up.jsonl"
    lines = [json.dumps({"id": f"made-up#{place:03}", **one}) for place, one in enumerate(exchanges)]
    path.write_text("\n".join(lines), encoding="utf-8")
    outcomes = Replay(scenario(path)).run()
    return [one.verdict if one.verdict != "differs" else " ".join(one.reasons) for one in outcomes]


def token(status: int, answer: Any, **change: Any) -> dict[str, Any]:
    form = {
        "grant_type": "client_credentials",
        "client_id": "azure_client_id",
        "client_secret": "REDACTED",
        "scope": "https://vault.azure.net/.default",
    }
    return exchange("POST", "/fake-tenant/oauth2/v2.0/token", form | change, status, answer)


def refusal(number: int, error: str, text: str) -> dict[str, Any]:
    trace, correlation = ADA, BOB
    moment = "2024-01-10 10:00:00Z"
    described = f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
    return {
        "error": error,
        "error_description": described,
        "error_codes": [number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://{LOGIN}/error?code={number}",
    }


GIVEN = {"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": "REDACTED"}


def test_sanitised_sign_ins_are_equal_one_after_the_other(tmp_path: Path) -> None:
    assert verdicts(tmp_path, token(200, GIVEN), token(200, GIVEN)) == ["equal", "equal"]


def test_a_form_that_a_recorder_dropped_is_filled_in(tmp_path: Path) -> None:
    bare = token(200, GIVEN)
    bare["request"]["body"] = {}

    assert verdicts(tmp_path, bare) == ["equal"]


def test_another_type_of_token_is_seen_to_differ(tmp_path: Path) -> None:
    (reason,) = verdicts(tmp_path, token(200, GIVEN | {"token_type": "pop"}))

    assert "'pop'" in reason


@pytest.mark.parametrize(
    ("status", "number", "error", "text"),
    [
        (
            401,
            7000222,
            "invalid_client",
            "The provided client secret keys for app 'azure_client_id' are expired. Visit the Azure portal to create "
            "new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for "
            "added security: https://aka.ms/certCreds.",
        ),
        (
            400,
            90002,
            "invalid_request",
            "Tenant 'fake-tenant' not found. Check to make sure you have the correct tenant ID and are signing into "
            "the correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant.",
        ),
        (
            400,
            700016,
            "unauthorized_client",
            "Application with identifier 'azure_client_id' was not found in the directory 'Contoso'. This can happen "
            "if the application has not been installed by the administrator of the tenant or consented to by any user "
            "in the tenant. You may have sent your authentication request to the wrong tenant.",
        ),
    ],
)
def test_a_refused_sign_in_finds_what_it_was_refused_for(
    tmp_path: Path, status: int, number: int, error: str, text: str
) -> None:
    recorded = token(status, refusal(number, error, text))
    other = token(status, refusal(number, error, f"Less. {text}"))

    assert verdicts(tmp_path, recorded) == ["equal"]
    assert "Less." in verdicts(tmp_path, other)[0]


def shown(object_id: str, **more: Any) -> dict[str, Any]:
    return {"@odata.context": f"{METADATA}users/$entity", "id": object_id, **PERSON, **more}


def test_an_object_that_nobody_made_was_there(tmp_path: Path) -> None:
    found = exchange("GET", f"/v1.0/users/{ADA}", None, 200, shown(ADA, jobTitle="Analyst"))
    member = {"@odata.type": "#microsoft.graph.user", "id": ADA, **PERSON, "jobTitle": "Analyst"}
    members = {"@odata.context": f"{METADATA}directoryObjects", "value": [member]}
    listed = exchange("GET", f"/v1.0/groups/{GROUP}/members", None, 200, members)

    assert verdicts(tmp_path, found, listed) == ["equal", "equal"]


def test_two_people_of_one_sanitised_address_stay_two(tmp_path: Path) -> None:
    sent = {
        "displayName": "Redacted displayName",
        "userPrincipalName": "aaa@foo.com",
        "mailNickname": "Redacted mailNickname",
        "passwordProfile": {"password": "REDACTED"},
        "accountEnabled": True,
    }
    place = f"https://{GRAPH}/v2/{TENANT}/directoryObjects"
    made = [
        exchange("POST", "/v1.0/users", sent, 201, shown(who), headers={"location": f"{place}/{who}/Kind"})
        for who in (ADA, BOB)
    ]
    gone = [exchange("DELETE", "/v1.0/users/user-1@example.com", None, 204, None) for _ in range(2)]

    assert verdicts(tmp_path, *made, *gone) == ["equal"] * 4


def test_a_property_that_the_emulator_shows_otherwise_is_seen_to_differ(tmp_path: Path) -> None:
    made = exchange("POST", "/v1.0/groups", {"displayName": "g", "mailEnabled": False}, 201, {"id": GROUP})
    made["request"]["body"] |= {"mailNickname": "g", "securityEnabled": True}
    (reason,) = verdicts(tmp_path, made)

    assert "visibility: too much" in reason
