"""Who may do what: wildcards, scopes, groups, conditions, and the two access models of a vault."""

from __future__ import annotations

from typing import Any

import pytest

from declarative_kv.emulator.access.authz import Decision, check_vault, permits
from declarative_kv.emulator.access.conditions import UnsupportedCondition, holds
from declarative_kv.emulator.access.roles import Permission, builtin_roles, find_role, matches, role_guid
from declarative_kv.emulator.access.scopes import scopes_upwards
from declarative_kv.emulator.entra.tokens import Caller
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from tests.emulator.arm_support import GROUP, ROLES, SUB, VAULT, Arm, policy

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
KEY_VAULT_READER = "21090545-7ca7-4776-b22c-e363652d74d2"
GET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
SECRET = f"{VAULT}/secrets/db"


@pytest.fixture
def arm() -> Arm:
    arm = Arm()
    arm.make_group()
    arm.make_vault(enableRbacAuthorization=True)
    return arm


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "Microsoft.KeyVault/vaults/read", True),
        ("*/read", "Microsoft.KeyVault/vaults/read", True),
        ("*/read", "Microsoft.KeyVault/vaults/write", False),
        ("microsoft.keyvault/VAULTS/*", "Microsoft.KeyVault/vaults/secrets/getSecret/action", True),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/read", False),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/keys/read", True),
        ("Microsoft.KeyVault/vaults/read", "Microsoft.KeyVault/vaults/readMore", False),
        ("Microsoft.KeyVault/vault.", "Microsoft.KeyVault/vaults", False),
    ],
)
def test_a_wildcard_stands_for_any_text(pattern: str, action: str, expected: bool) -> None:
    assert matches(pattern, action) is expected


def test_what_is_excluded_from_a_grant_is_not_granted() -> None:
    block = Permission(("*",), ("Microsoft.Authorization/*/Write",), ("a/*",), ("a/secret/*",))
    assert block.grants("Microsoft.KeyVault/vaults/write", data=False)
    assert not block.grants("Microsoft.Authorization/roleAssignments/write", data=False)
    assert block.grants("a/b", data=True)
    assert not block.grants("a/secret/b", data=True)


def test_the_built_in_roles_are_those_of_azure() -> None:
    roles = builtin_roles()
    assert len(roles) == 19
    assert roles[SECRETS_USER].name == "Key Vault Secrets User"
    assert roles["00482a5a-887f-4fb3-b363-3b7fe8e74483"].permissions[0].data_actions == ("Microsoft.KeyVault/vaults/*",)
    assert all(role.permissions and role.created for role in roles.values())


def test_a_role_is_found_by_the_guid_of_any_id(arm: Arm) -> None:
    assert role_guid(f"{ROLES}/{READER.upper()}/") == READER
    assert find_role(arm.world.store, READER) is builtin_roles()[READER]
    assert find_role(arm.world.store, TENANT) is None


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("/", [""]),
        (
            "/providers/Microsoft.Management/managementGroups/mg",
            ["/providers/microsoft.management/managementgroups/mg", ""],
        ),
        (
            f"{SECRET}/",
            [SECRET.lower(), VAULT.lower(), GROUP.lower(), SUB, "/providers/microsoft.management/managementgroups/mg"],
        ),
        (
            f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv",
            [
                f"{SUB}/providers/microsoft.keyvault/locations/westeurope/deletedvaults/kv",
                f"{SUB}/providers/microsoft.keyvault/locations/westeurope",
                SUB,
                "/providers/microsoft.management/managementgroups/mg",
            ],
        ),
    ],
)
def test_above_a_scope_stand_its_parents(arm: Arm, scope: str, expected: list[str]) -> None:
    record = dict(arm.world.store.table("subscriptions")[SUBSCRIPTION])
    arm.world.store.put("subscriptions", SUBSCRIPTION, {**record, "managementGroups": ["MG"]})
    found = list(scopes_upwards(arm.world.store, scope))
    assert found[: len(expected)] == expected
    assert found[-1] == ""


@pytest.mark.parametrize(
    ("assigned", "asked", "expected"),
    [
        (SUB, SECRET, True),
        (GROUP, SECRET, True),
        (VAULT, SECRET, True),
        (SECRET, SECRET.upper(), True),
        (SECRET, VAULT, False),
        (SECRET, f"{VAULT}/secrets/db2", False),
        (VAULT, f"{VAULT}2/secrets/db", False),
    ],
)
def test_a_grant_reaches_what_is_below_it(arm: Arm, assigned: str, asked: str, expected: bool) -> None:
    caller = arm.application()
    made = arm.assign(assigned, caller.object_id, SECRETS_USER)
    decision = permits(arm.world, caller, GET, asked, data=True)
    assert decision == (Decision(True, made.body["name"]) if expected else Decision(False, reason="ForbiddenByRbac"))


@pytest.mark.parametrize(
    ("scope", "listed"),
    [(VAULT, "keys"), (VAULT, "keys/k/versions"), (f"{VAULT}/keys/k", "keys/k/versions"), (VAULT, "secrets")],
)
def test_who_may_read_what_a_list_is_of_may_list_it_through_resource_manager(arm: Arm, scope: str, listed: str) -> None:
    assert arm.call("PUT", f"{VAULT}/keys/k", {"properties": {"kty": "EC"}}).status == 200
    caller = arm.application()
    assert arm.call("GET", f"{VAULT}/{listed}", caller=caller).code == "AuthorizationFailed"
    arm.assign(scope, caller.object_id, READER)
    assert arm.call("GET", f"{VAULT}/{listed}", caller=caller).status == 200


def test_the_planes_are_apart(arm: Arm) -> None:
    caller = arm.application()
    arm.assign(SUB, caller.object_id, CONTRIBUTOR)
    assert permits(arm.world, caller, "Microsoft.KeyVault/vaults/write", VAULT).allowed
    assert not permits(arm.world, caller, GET, SECRET, data=True).allowed
    assert not permits(arm.world, caller, "Microsoft.Authorization/roleAssignments/write", VAULT).allowed


def test_groups_count_through_nesting(arm: Arm) -> None:
    caller = arm.application()
    arm.assign(VAULT, arm.group_of(arm.group_of(caller.object_id)), SECRETS_USER)
    assert permits(arm.world, caller, GET, SECRET, data=True).allowed


def test_an_assignment_of_a_deleted_role_grants_nothing(arm: Arm) -> None:
    caller = arm.application()
    made = arm.assign(VAULT, caller.object_id, SECRETS_USER)
    key = made.body["id"].lower()
    record = dict(arm.world.store.table("role_assignments")[key])
    arm.world.store.put("role_assignments", key, {**record, "roleDefinitionId": f"{ROLES}/{TENANT}"})
    assert not permits(arm.world, caller, GET, SECRET, data=True).allowed


def test_an_assignment_whose_condition_is_not_understood_grants_nothing(arm: Arm) -> None:
    caller = arm.application()
    arm.assign(VAULT, caller.object_id, SECRETS_USER, condition="@Environment[x] DateTimeGreaterThan 'y'")
    assert not permits(arm.world, caller, GET, SECRET, data=True).allowed


WRITE = "Microsoft.Authorization/roleAssignments/write"
ROLE = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"
KIND = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType]"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (f"{ROLE} ForAnyOfAnyValues:GuidEquals {{{READER}, {SECRETS_USER}}}", True),
        (f"{ROLE} ForAnyOfAnyValues:GuidEquals{{{CONTRIBUTOR}}}", False),
        (f"{ROLE} ForAnyOfAllValues:GuidNotEquals{{{CONTRIBUTOR}, {SECRETS_USER}}}", True),
        (f"{ROLE} ForAnyOfAllValues:GuidNotEquals{{{CONTRIBUTOR}, {READER}}}", False),
        (f"!({ROLE} ForAnyOfAnyValues:GuidEquals{{{READER}}})", False),
        (f"(!(ActionMatches{{'{WRITE}'}})) OR ({KIND} StringEqualsIgnoreCase 'user')", True),
        (f"{KIND} StringEquals 'user'", False),
        (f"{KIND} StringEquals 'User' && ActionMatches{{'*/write'}}", True),
        (f"ActionMatches{{'*/delete'}} || NOT {KIND} StringNotEquals 'User'", True),
        (f"@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] GuidEquals {{{READER}}}", False),
    ],
)
def test_conditions_on_delegation_are_evaluated(condition: str, expected: bool) -> None:
    attributes = {("request", "roledefinitionid"): READER, ("request", "principaltype"): "User"}
    assert holds(condition, WRITE, attributes) is expected


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "ActionMatches{'a'",
        "(ActionMatches{'a'}",
        "ActionMatches{'a'} ActionMatches{'b'}",
        "SubOperationMatches{'Blob.List'}",
        f"{ROLE} NumericEquals {{1}}",
        f"{ROLE} ForAllOfAllValues:GuidEquals {{{READER}}}",
        "@Principal[x:y] StringEquals 'z'",
        "ActionMatches{'*'} OR SubOperationMatches{'Blob.List'}",
        "true",
        "%",
    ],
)
def test_a_condition_beyond_that_is_not_guessed_at(condition: str) -> None:
    with pytest.raises(UnsupportedCondition):
        holds(condition, WRITE, {})


def vault_of(arm: Arm) -> Any:
    return arm.world.store.table("vaults")["kv-one"]


def test_a_role_vault_ignores_policies_and_a_policy_vault_ignores_roles(arm: Arm) -> None:
    caller = arm.application()
    arm.assign(VAULT, caller.object_id, SECRETS_USER)
    assert check_vault(arm.world, caller, vault_of(arm), "secrets/get", GET, SECRET).assignment is not None
    arm.make_vault(enableRbacAuthorization=False, accessPolicies=[policy(arm.stranger.object_id, secrets=["get"])])
    assert check_vault(arm.world, caller, vault_of(arm), "secrets/get", GET, SECRET).reason == "AccessDenied"
    assert check_vault(arm.world, arm.stranger, vault_of(arm), "secrets/get", GET, SECRET) == Decision(True)
    arm.make_vault(enableRbacAuthorization=True, accessPolicies=[policy(arm.stranger.object_id, secrets=["get"])])
    assert check_vault(arm.world, arm.stranger, vault_of(arm), "secrets/get", GET, SECRET) == Decision(
        False, reason="ForbiddenByRbac"
    )


@pytest.mark.parametrize(
    ("granted", "permission", "expected"),
    [
        ({"secrets": ["Get"]}, "secrets/get", Decision(True)),
        ({"secrets": ["all"]}, "secrets/purge", Decision(True)),
        ({"secrets": ["list"]}, "secrets/get", Decision(False, reason="ForbiddenByPolicy")),
        ({"keys": ["get"]}, "secrets/get", Decision(False, reason="ForbiddenByPolicy")),
    ],
)
def test_a_policy_grants_what_it_lists(
    arm: Arm, granted: dict[str, list[str]], permission: str, expected: Decision
) -> None:
    caller = arm.application()
    arm.make_vault(enableRbacAuthorization=False, accessPolicies=[policy(caller.object_id.upper(), **granted)])
    assert check_vault(arm.world, caller, vault_of(arm), permission, GET, SECRET) == expected


def test_a_policy_of_a_group_is_its_members_policy(arm: Arm) -> None:
    caller = arm.application()
    group = arm.group_of(caller.object_id)
    entries = [policy(caller.object_id, secrets=["list"]), policy(group, secrets=["get"])]
    arm.make_vault(enableRbacAuthorization=False, accessPolicies=entries)
    assert check_vault(arm.world, caller, vault_of(arm), "secrets/get", GET, SECRET).allowed


def test_a_policy_with_an_application_is_for_a_user_through_that_application(arm: Arm) -> None:
    user, tool = "eeeeeeee-0000-4000-8000-000000000005", "ffffffff-0000-4000-8000-000000000006"
    entry = {**policy(user, secrets=["get"]), "applicationId": tool}
    arm.make_vault(enableRbacAuthorization=False, accessPolicies=[entry])

    def reason(app_id: str, kind: str) -> str | None:
        caller = Caller(user, app_id, TENANT, kind)
        return check_vault(arm.world, caller, vault_of(arm), "secrets/get", GET, SECRET).reason

    assert reason(tool, "user") is None
    assert reason(user, "user") == "AccessDenied"
    assert reason(tool, "app") == "AccessDenied"


def test_a_metadata_reader_does_not_read_values(arm: Arm) -> None:
    caller = arm.application()
    arm.assign(VAULT, caller.object_id, KEY_VAULT_READER)
    metadata = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
    assert check_vault(arm.world, caller, vault_of(arm), "secrets/list", metadata, VAULT).allowed
    assert not check_vault(arm.world, caller, vault_of(arm), "secrets/get", GET, SECRET).allowed
