"""Whatever is sent to Resource Manager is answered or refused, never an exception of our own."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.arm_support import GROUP, ROLES, VAULT, Arm, policy, vault_body

ANYONE = "aaaaaaaa-0000-4000-8000-000000000001"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
VALID: dict[str, tuple[str, Any]] = {
    "group": (GROUP, {"location": "westeurope", "tags": {"a": "b"}, "managedBy": None}),
    "vault": (
        VAULT,
        vault_body(
            accessPolicies=[policy(ANYONE, secrets=["get"])],
            networkAcls={
                "defaultAction": "Deny",
                "ipRules": [{"value": "1.2.3.4"}],
                "virtualNetworkRules": [{"id": "x"}],
            },
            softDeleteRetentionInDays=7,
            enablePurgeProtection=True,
            createMode="default",
            publicNetworkAccess="Enabled",
        ),
    ),
    "policy": (f"{VAULT}/accessPolicies/add", {"properties": {"accessPolicies": [policy(ANYONE, keys=["get"])]}}),
    "assignment": (
        f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/{ANYONE}",
        {
            "properties": {
                "roleDefinitionId": f"{ROLES}/acdd72a7-3385-48ef-bd42-f606fba81ae7",
                "principalId": ANYONE,
                "principalType": "User",
                "condition": "true",
                "description": "d",
            }
        },
    ),
    "definition": (
        f"{ROLES}/{ANYONE}",
        {
            "properties": {
                "roleName": "r",
                "type": "CustomRole",
                "assignableScopes": [GROUP],
                "permissions": [{"actions": ["*/read"], "dataActions": []}],
            }
        },
    ),
    "identity": (
        f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/vm",
        {"location": "westeurope", "tags": {}},
    ),
}


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every node of a JSON value."""
    found = [at]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        found.extend(places(inner, (*at, key)))
    return found


def replaced(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with the node at that path replaced."""
    if not at:
        return new
    result = copy.deepcopy(value)
    node = result
    for key in at[:-1]:
        node = node[key]
    node[at[-1]] = new
    return result


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), kind=st.sampled_from(sorted(VALID)), method=st.sampled_from(["PUT", "PUT", "PATCH"]), junk=JSON)
def test_a_body_with_one_wrong_part_is_answered_or_refused(data: Any, kind: str, method: str, junk: Any) -> None:
    arm = Arm()
    arm.make_group()
    arm.make_vault()
    path, body = VALID[kind]
    at = data.draw(st.sampled_from(places(body)))
    answer = arm.call(method, path, replaced(body, at, junk))
    assert answer.status in (200, 201, 400, 403, 404, 409, 501), answer
    if answer.status >= 400:
        assert answer.code
        assert answer.message
    # What was kept can be shown again.
    assert arm.call("GET", VAULT).status == 200
    assert arm.call("GET", f"{ROLES}").status == 200
    assert arm.call("GET", f"{GROUP}/resources").status == 200


@given(path=st.text(max_size=60), method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"]))
@settings(max_examples=150, deadline=None)
def test_any_path_is_answered_or_refused(path: str, method: str) -> None:
    arm = Arm()
    for prefix in ("", f"{GROUP}/", f"{VAULT}/", f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/"):
        assert arm.call(method, f"{prefix}{path}".encode(errors="ignore").decode()).status >= 200


@given(text=st.text(max_size=40), top=st.text(max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_filter_and_page_size_is_answered_or_refused(text: str, top: str) -> None:
    arm = Arm()
    arm.make_group()
    arm.make_vault()
    for path in (f"{GROUP}/resources", ROLES, f"{GROUP}/providers/Microsoft.Authorization/roleAssignments"):
        answer = arm.call(
            "GET", path, filter=text.encode(errors="ignore").decode(), top=top.encode(errors="ignore").decode()
        )
        assert answer.status in (200, 400)
