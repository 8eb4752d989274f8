"""The SDKs' exceptions become ours: by status, with Azure's code, a way out, and never with a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from declarative_kv.azure.errors import problem_of, raised, translated
from declarative_kv.model.address import Address
from declarative_kv.model.errors import (
    AzureError,
    Conflict,
    Forbidden,
    NameTaken,
    NotAuthenticated,
    NotFound,
    Throttled,
    Unavailable,
)
from declarative_kv.model.secret import Sensitive

BY_POLICY = (
    "The user, group or application 'appid=a;oid=o;iss=https://sts.windows.net/t/' does not have secrets get "
    "permission on key vault 'kv;location=westeurope'. For help resolving this issue, please see https://go.example"
)
BY_RBAC = (
    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
    "definitions were changed recently, please observe propagation time.\r\nCaller: appid=a;oid=o;iss=i\r\nAction: "
    "'Microsoft.KeyVault/vaults/secrets/setSecret/action'\r\nResource: '/subscriptions/s'\r\nAssignment: (not found)"
)
BY_ARM = (
    "The client 'a' with object id 'o' does not have authorization to perform action "
    "'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/s' or the scope is invalid."
)


class Answer:
    """As much of a response as errors are read from."""

    def __init__(self, status: int, body: Any = None, **headers: str) -> None:
        self.request: Any = None
        self.status_code = status
        self.reason = "x"
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._body = body if isinstance(body, str) else json.dumps(body)

    def text(self) -> str:
        return self._body


def body(code: str, message: str, inner: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    return {"error": error | ({"innererror": {"code": inner}} if inner else {})}


@pytest.mark.parametrize(
    ("status", "payload", "kind", "code"),
    [
        (400, body("BadParameter", "x"), AzureError, "BadParameter"),
        (401, body("Unauthorized", "AKV10000: x"), NotAuthenticated, "Unauthorized"),
        (403, body("Forbidden", "x", "ForbiddenByFirewall"), Forbidden, "ForbiddenByFirewall"),
        (404, body("SecretNotFound", "x"), NotFound, "SecretNotFound"),
        (408, "", Unavailable, ""),
        (409, body("ConflictError", "x"), NameTaken, "ConflictError"),
        (409, body("VaultAlreadyExists", "x"), NameTaken, "VaultAlreadyExists"),
        (409, body("Conflict", "x", "ObjectIsBeingDeleted"), Conflict, "ObjectIsBeingDeleted"),
        (429, body("Throttled", "x"), Throttled, "Throttled"),
        (503, "<html>busy</html>", Unavailable, ""),
        (400, {"error": "invalid_client", "error_description": "AADSTS7000215: x"}, AzureError, "invalid_client"),
        (400, [1], AzureError, ""),
        (400, {"error": 7}, AzureError, ""),
    ],
)
def test_a_status_and_the_innermost_code_make_the_error(
    status: int, payload: Any, kind: type[AzureError], code: str
) -> None:
    error = raised(Answer(status, payload, x_ms_request_id="r-1"), "Doing it")

    assert type(error) is kind
    assert (error.status, error.code, error.operation, error.request_id) == (status, code, "Doing it", "r-1")
    assert error.diagnostics[0].request_id == "r-1"


@pytest.mark.parametrize(
    ("payload", "hint"),
    [
        (body("Forbidden", BY_POLICY, "ForbiddenByPolicy"), "Add `get` under `secrets`"),
        (body("Forbidden", BY_RBAC, "ForbiddenByRbac"), "`Key Vault Secrets Officer` on the vault"),
        (body("AuthorizationFailed", BY_ARM), "`Role Based Access Control Administrator` at /subscriptions/s"),
        (body("Forbidden", "Access denied. Caller was not found on any access policy.", "AccessDenied"), "Add an acc"),
        (body("Forbidden", "x", "ForbiddenByConnection"), "private endpoint"),
        (body("Forbidden", "no reason"), "Ask an owner"),
        (body("Forbidden", "Action: 'Contoso.Things/do/action'"), "a role on the vault: the action needed is Contoso"),
    ],
)
def test_a_refusal_names_what_is_missing(payload: Any, hint: str) -> None:
    assert hint in raised(Answer(403, payload), "Doing it").diagnostics[0].hint


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ClientAuthenticationError("no credential"), NotAuthenticated),
        (ServiceRequestError("cannot connect"), Unavailable),
        (ServiceResponseError("read timed out"), Unavailable),
        (DecodeError("no JSON"), AzureError),
        (HttpResponseError("the operation failed"), AzureError),
        (HttpResponseError(response=Answer(404, body("NotFound", "x"))), NotFound),
    ],
)
def test_what_the_sdks_raise_is_translated(error: Exception, kind: type[AzureError]) -> None:
    at = Address("secret", "kv/db")
    with pytest.raises(AzureError) as caught, translated("Doing it", at):
        raise error

    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert caught.value.diagnostics[0].address == at


def test_a_message_that_repeats_the_value_is_left_out() -> None:
    value = Sensitive('multi "line"\nvalue')
    for shown in ('multi "line"\nvalue', 'multi \\"line\\"\\nvalue'):
        with pytest.raises(AzureError) as caught, translated("Setting", hide=value):
            raise HttpResponseError(response=Answer(400, body("BadParameter", f"cannot take {shown} here")))
        assert "Azure says" not in caught.value.diagnostics[0].detail
        assert caught.value.__cause__ is None


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), translated("Doing it"):
        _ = 1 / 0


def test_an_answer_without_text_says_nothing() -> None:
    problem = problem_of(object())

    assert (problem.code, problem.message) == ("", "")


def test_a_failed_sign_in_says_what_was_tried_in_a_line_each() -> None:
    message = (
        "DefaultAzureCredential failed to retrieve a token from the included credentials.\nAttempted credentials:\n"
        "\tEnvironmentCredential: EnvironmentCredential authentication unavailable. Variables are missing.\n"
        "Visit https://aka.example/x to troubleshoot this issue.\n"
        "\tAzureCliCredential: Azure CLI not found on path\n"
        "To mitigate this issue, please refer to the guidelines at https://aka.example/y."
    )
    with pytest.raises(NotAuthenticated) as caught, translated("Signing in"):
        raise ClientAuthenticationError(message)

    [diagnostic] = caught.value.diagnostics
    assert diagnostic.detail.splitlines()[1:] == [
        "  EnvironmentCredential: Variables are missing.",
        "  AzureCliCredential: Azure CLI not found on path",
    ]
    assert "`az login`" in diagnostic.hint


def test_a_sign_in_that_never_got_through_points_at_the_network() -> None:
    message = (
        "Attempted credentials:\n\tEnvironmentCredential: Cannot connect to host login.example:443 ssl:default [x]"
    )
    with pytest.raises(NotAuthenticated) as caught, translated("Signing in"):
        raise ClientAuthenticationError(message)

    assert "HTTPS_PROXY" in caught.value.diagnostics[0].hint
