"""Who gains or loses what, conditions, invariants, and what is asked about the surroundings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.access.analysis import answers, held
from declarative_kv.engine.access.around import questions
from declarative_kv.engine.access.conditions import holds
from declarative_kv.engine.access.difference import access_lines
from declarative_kv.engine.access.estate import Estate, Network
from declarative_kv.engine.access.invariants import broken
from declarative_kv.engine.access.network import network_notes
from declarative_kv.engine.access.offline import offline
from declarative_kv.engine.access.picture import picture, pictures
from declarative_kv.engine.access.view import Spot, StepKind, View
from declarative_kv.engine.changes import Inputs
from declarative_kv.kinds import registry
from declarative_kv.model.access import Definition, Denial, Permission, Surroundings
from declarative_kv.model.capabilities import named
from declarative_kv.model.document import Cloud, Document, Origin, Principal, Selector
from declarative_kv.model.invariant import Claim, Invariant, Who
from declarative_kv.model.plan import AccessLine, Action, AttrDiff, Change, Options, Reason
from declarative_kv.model.refs import PrincipalRef, PrincipalTypeRef, RoleRef, ScopeRef
from declarative_kv.model.resource import Condition, Observed, Reading, Resource
from declarative_kv.model.specs import (
    AccessPolicySpec,
    NetworkSpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)
from declarative_kv.model.state import Entry, State
from tests.unit.engine.fakes import at

SUB = "/subscriptions/22222222-2222-2222-2222-222222222222"
GROUP = f"{SUB}/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
OFFICER, USER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "4633458b-17de-408a-b874-0445c86b69e6"
READER, KV_READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7", "21090545-7ca7-4776-b22c-e363652d74d2"
OWNER, CONTRIBUTOR = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"
ADMINISTRATOR, CRYPTO = "00482a5a-887f-4fb3-b363-3b7fe8e74483", "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
DELEGATE, DELEGATE_NAME = "f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator"
CUSTOM = "c0c0c0c0-0000-4000-8000-000000000001"
ASSIGN = "Microsoft.Authorization/roleAssignments/write"
ROLE_ID = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"


def vault(access: str | None = "rbac", **settings: Any) -> VaultSpec:
    return VaultSpec(subscription=SUB.rpartition("/")[2], resource_group="rg", name="kv", access=access, **settings)


def role(guid: str, scope: str = VAULT, who: str = "ci", condition: str | None = None) -> RoleAssignmentSpec:
    return RoleAssignmentSpec(scope=scope, role=guid, principal=who, condition=condition)


def policy(who: str = "ci", **words: tuple[str, ...]) -> AccessPolicySpec:
    return AccessPolicySpec(vault=VAULT, principal=who, **words)


def estate(*specs: Any, around: Surroundings | None = None, **names: str) -> Estate:
    """A picture; the vault and a secret of it are declared, grants are nobody's."""
    places = {VaultSpec: at("vault.kv"), SecretSpec: at("secret.kv/db"), ResourceGroupSpec: at("resource_group.rg")}
    return picture(((places.get(type(spec)), spec) for spec in specs), around or Surroundings(), names)


def lines(before: Estate, after: Estate) -> list[str]:
    return [_told(line) for line in access_lines(before, after)]


def _told(line: AccessLine) -> str:
    return f"{'+' if line.gained else '-'} {line.who} {line.phrase}, {line.resource} ({line.via})"


def test_what_somebody_keeps_through_another_grant_is_not_lost() -> None:
    above = role(OFFICER, GROUP)
    both, one = estate(vault(), above, role(USER)), estate(vault(), above)
    assert lines(both, one) == []
    assert lines(one, both) == []


def test_what_is_said_of_a_scope_is_not_repeated_below_it() -> None:
    group = ResourceGroupSpec(subscription=SUB.rpartition("/")[2], name="rg")
    found = lines(estate(group, vault()), estate(group, vault(), role(USER, GROUP)))
    assert found == [
        f"+ ci {phrase}, resource_group.rg (Key Vault Secrets User)"
        for phrase in ("lists secrets", "reads secret values")
    ]


def test_a_switch_of_the_access_model_ends_the_grants_of_the_old_and_lets_those_of_the_new_begin() -> None:
    grants = (policy(secrets=("get",)), role(USER, who="api"), role(CONTRIBUTOR, GROUP, who="ops"))
    found = lines(estate(vault("policies"), *grants), estate(vault("rbac"), *grants))
    assert found == [
        "+ api lists secrets, vault.kv (Key Vault Secrets User)",
        "+ api reads secret values, vault.kv (Key Vault Secrets User)",
        "- ci reads secret values, vault.kv (secrets: get)",
        "- ops can give itself every right, vault.kv (Contributor at resource group rg)",
    ]
    assert "+ ops can give itself every right, vault.kv (Contributor at resource group rg)" in lines(
        estate(vault("rbac"), *grants), estate(vault("policies"), *grants)
    )


def test_a_switch_counts_for_single_secrets_too() -> None:
    grant = role(USER, f"{VAULT}/secrets/db")
    secret = SecretSpec(vault=VAULT, name="db")
    found = lines(estate(vault("policies"), secret, grant), estate(vault("rbac"), secret, grant))
    assert found == [
        f"+ ci {phrase}, secret.kv/db (Key Vault Secrets User)" for phrase in ("lists secrets", "reads secret values")
    ]


def test_a_new_vault_opens_its_contents_to_roles_from_above_and_tells_nothing_else_of_them() -> None:
    grants = (role(USER, SUB), role(OWNER, SUB, who="boss"))
    found = lines(estate(*grants), estate(vault(), *grants))
    assert found == [
        f"+ ci {phrase}, vault.kv (Key Vault Secrets User at subscription 2222…)"
        for phrase in ("lists secrets", "reads secret values")
    ]
    assert lines(estate(vault(), *grants), estate(*grants)) == []


def test_a_whole_collection_is_one_line_but_for_secrets_and_what_goes_without_saying_is_none() -> None:
    found = lines(estate(vault()), estate(vault(), role(ADMINISTRATOR)))
    assert "+ ci does everything with keys, vault.kv (Key Vault Administrator)" in found
    assert "+ ci reads secret values, vault.kv (Key Vault Administrator)" in found
    assert not [line for line in found if "public keys" in line or "updates secrets" in line]
    (permission,) = (
        line.permission
        for line in access_lines(estate(vault()), estate(vault(), role(ADMINISTRATOR)))
        if line.phrase == "does everything with keys"
    )
    assert permission == "Microsoft.KeyVault/vaults/keys/*"


def test_what_goes_without_saying_is_told_where_nothing_else_is() -> None:
    before, after = estate(vault(), role(KV_READER), role(USER)), estate(vault(), role(USER))
    assert lines(before, after) == [
        "- ci reads certificates, vault.kv (Key Vault Reader)",
        "- ci reads public keys, vault.kv (Key Vault Reader)",
    ]


def test_all_of_a_policy_is_one_line_and_part_of_it_what_is_new() -> None:
    nothing, everything = estate(vault("policies")), estate(vault("policies"), policy(secrets=("all",)))
    assert lines(nothing, everything) == ["+ ci does everything with secrets, vault.kv (secrets: all)"]
    (line,) = access_lines(nothing, everything)
    assert line.permission == "policy:secrets/all"
    some = estate(vault("policies"), policy(secrets=("get",)))
    assert "+ ci lists secrets, vault.kv (secrets: all)" in lines(some, everything)
    assert "+ ci reads secret values, vault.kv (secrets: all)" not in lines(some, everything)


def test_who_writes_through_resource_manager_is_told_unless_it_writes_outright() -> None:
    plain, ops = estate(vault()), role(CONTRIBUTOR, who="ops")
    assert "+ ops writes secrets through Resource Manager, vault.kv (Contributor)" in lines(plain, estate(vault(), ops))
    both = lines(plain, estate(vault(), ops, role(OFFICER, who="ops")))
    assert not [line for line in both if "writes secrets through" in line]
    held_back = role(CONTRIBUTOR, who="ops", condition="(!(ActionMatches{'*/secrets/write'}))")
    assert not [line for line in lines(plain, estate(vault(), held_back)) if "writes secrets" in line]


def test_a_role_that_gives_nothing_there_is_held_all_the_same() -> None:
    assert lines(estate(vault("policies")), estate(vault("policies"), role(KV_READER))) == [
        "+ ci holds Key Vault Reader, vault.kv (Key Vault Reader)"
    ]
    unknown = estate(vault(), role(CUSTOM))
    assert lines(estate(vault()), unknown) == [f"+ ci holds a custom role, vault.kv (role {CUSTOM})"]
    assert unknown.unknown == (f"what the role {CUSTOM} permits is not known",)
    known = Definition(CUSTOM, "Ours", (Permission(data_actions=("Microsoft.KeyVault/vaults/secrets/delete",)),))
    around = Surroundings(definitions={CUSTOM: known})
    assert lines(estate(vault()), estate(vault(), role(CUSTOM), around=around)) == [
        "+ ci deletes secrets, vault.kv (Ours)"
    ]


def test_a_grant_elsewhere_is_told_by_its_scope() -> None:
    other = f"{SUB}/resourceGroups/Other"
    assert lines(estate(), estate(role(READER, other))) == [f"+ ci reads vaults, not their contents, {other} (Reader)"]
    assert lines(estate(), estate(role(READER, "/"))) == ["+ ci reads vaults, not their contents, / (Reader)"]


def test_a_network_that_opens_or_closes_is_noted_and_changes_no_right() -> None:
    closed = vault(network=NetworkSpec(public=False))
    before, after = estate(vault(), role(USER)), estate(closed, role(USER))
    assert lines(before, after) == []
    assert list(network_notes(before, after)) == [
        "the network of vault.kv goes from open to closed: rights stay as they are"
    ]
    assert list(network_notes(estate(), after)) == []
    restricted = answers(estate(vault(network=NetworkSpec(default="deny")), role(CONTRIBUTOR)))
    assert {one.network for one in restricted if one.capability.name == "write-value"} == {Network.OPEN}
    assert {one.network for one in answers(after) if one.direct} == {Network.CLOSED}


def test_answers_know_where_they_are_declared_and_what_they_say() -> None:
    (first, *_) = answers(estate(vault(), role(USER)), through=False)
    assert (first.address, first.key) == (at("vault.kv"), ("ci", VAULT.lower(), "read-value"))
    below = answers(estate(vault(), role(USER, f"{VAULT}/secrets/db")))
    assert {one.address for one in below} == {None}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True),
        (f"{ROLE_ID} ForAnyOfAnyValues:GuidEquals{{a, b}}", True),
        (f"{ROLE_ID} ForAnyOfAllValues:GuidNotEquals {{a, b}}", False),
        (f"{ROLE_ID} StringEquals 'A'", False),
        (f"{ROLE_ID} StringEqualsIgnoreCase 'A'", True),
        (f"NOT ({ROLE_ID} GuidEquals {{b}}) && ActionMatches{{'*/write'}}", True),
        (f"{ROLE_ID} GuidEquals {{b}} || {ROLE_ID} GuidEquals {{a}}", True),
        ("@Request[x:Missing] GuidEquals {a}", False),
        ("@Request[x:PrincipalId] GuidEquals {a}", None),
        (f"!(@Request[x:PrincipalId] GuidEquals {{a}}) OR {ROLE_ID} GuidEquals {{a}}", True),
        (f"@Request[x:PrincipalId] GuidEquals {{a}} AND {ROLE_ID} GuidEquals {{a}}", None),
        ("@Principal[x:y] StringEquals 'a'", None),
        (f"{ROLE_ID} NumericEquals {{1}}", None),
        (f"{ROLE_ID} {ROLE_ID} {{1}}", None),
        (f"{ROLE_ID} GuidEquals b", None),
        ("SubOperationMatches{'a'}", None),
        ("(ActionMatches{'*'}", None),
        ("ActionMatches{'*'} ActionMatches{'*'}", None),
        ("ActionMatches", None),
        ("ActionMatches{'*'} ~", None),
    ],
)
def test_a_condition_is_judged_as_far_as_it_is_understood(condition: str | None, expected: bool | None) -> None:
    asked = {("request", "roledefinitionid"): "a", ("request", "principalid"): None}
    assert holds(condition, ASSIGN, asked) is expected


def test_a_condition_that_is_not_understood_counts_and_is_told() -> None:
    strange = estate(vault(), role(OFFICER, condition="@Environment[isPrivateLink] BoolEquals true"))
    assert {one.certain for one in answers(strange)} == {False}
    giving = estate(vault(), role(OWNER, condition="@Environment[isPrivateLink] BoolEquals true"))
    reading = [one for one in answers(giving) if one.capability.name == "read-value"]
    assert reading
    assert not any(one.certain for one in reading)


def test_a_limit_to_some_roles_is_no_right_to_give_others() -> None:
    limited = f"!(ActionMatches{{'{ASSIGN}'}}) OR {ROLE_ID} ForAnyOfAnyValues:GuidEquals{{{READER}}}"
    found = {one.capability.name for one in answers(estate(vault(), role(OWNER, condition=limited)))}
    assert "give-roles" in found
    assert "read-value" not in found
    nobody = f"!(ActionMatches{{'{ASSIGN}'}}) OR {ROLE_ID} ForAnyOfAnyValues:GuidEquals{{nothing}}"
    assert "give-roles" not in {one.capability.name for one in answers(estate(vault(), role(OWNER, condition=nobody)))}


def switches(found: Estate) -> list[tuple[bool, list[str]]]:
    """How `ops` comes to read secret values by another access model: whether that is certain, and the steps."""
    answered = (one for one in answers(found) if (one.principal, one.capability.name) == ("ops", "read-value"))
    switching = (one for one in answered if any(step.kind is StepKind.SWITCHES_MODEL for step in one.path))
    return [(one.certain, [step.name for step in one.path]) for one in switching]


def test_the_role_that_a_switch_of_the_access_model_takes_first_is_a_step_of_its_own() -> None:
    changing = role(CONTRIBUTOR, GROUP, who="ops")
    start, taking = ["ops", "Contributor", "resource group rg"], f"gives itself the role {DELEGATE_NAME} through"
    end = ["switches the vault to access policies", "gives itself an access policy"]
    itself = f"!(ActionMatches{{'{ASSIGN}'}}) OR {ROLE_ID} ForAnyOfAnyValues:GuidEquals{{{DELEGATE}}}"
    strange = "@Environment[isPrivateLink] BoolEquals true"
    limited = role(DELEGATE, SUB, who="ops", condition=itself)
    here = estate(vault(), changing, limited)
    assert switches(here) == [(True, [*start, f"{taking} {DELEGATE_NAME} at subscription 2222…", *end])]
    ((certain, _),) = switches(estate(vault(), changing, replace(limited, condition=strange)))
    assert not certain
    by_another = [f"{end[0]} through {DELEGATE_NAME} at subscription 2222…", end[1]]
    assert switches(estate(vault(), changing, replace(limited, condition=None))) == [(True, [*start, *by_another])]
    assert switches(estate(vault(), changing)) == []


def test_a_policy_for_an_application_says_so() -> None:
    through = replace(policy(secrets=("get",)), application="app-1")
    (one,) = (one for one in answers(estate(vault("policies"), through)) if one.direct)
    assert [step.name for step in one.path] == ["ci", "secrets: get through application app-1", "vault.kv"]


def test_what_is_denied_on_one_object_is_left_out_of_the_vaults_answer() -> None:
    deny = Denial("d", f"{VAULT}/secrets/db".lower(), (Permission(data_actions=("*",)),), frozenset({"ci"}))
    found = answers(estate(vault(), role(USER), around=Surroundings(denials=(deny,))))
    assert {one.excepted for one in found} == {(f"{VAULT}/secrets/db".lower(),)}


def invariant(
    claim: Claim, *who: Who, can: str = "read-value", on: str = "vault.kv", direct: bool = False
) -> Invariant:
    return Invariant("i", claim, who, named(can), (on,), direct)


def broken_by(found: Estate, one: Invariant, *, offline: bool = False) -> list[str]:
    ids = {"ci": "ci", "ops": "ops", "club": "club"}
    return [each.detail for each in broken(found, [one], ids, offline=offline)]


def test_never_and_only_are_broken_by_the_shortest_way() -> None:
    there = estate(vault(), role(USER), role(OWNER, GROUP, who="ops"))
    assert broken_by(there, invariant(Claim.NEVER, Who("ci"))) == [
        "ci reads secret values on vault.kv: ci -> Key Vault Secrets User -> vault.kv"
    ]
    assert broken_by(there, invariant(Claim.ONLY, Who("ci"))) == [
        "ops reads secret values on vault.kv in the end: ops -> Owner -> resource group rg -> "
        "gives itself the role Key Vault Administrator"
    ]
    assert broken_by(there, invariant(Claim.ONLY, Who("ci"), direct=True)) == []
    (told,) = broken_by(there, invariant(Claim.NEVER, Who()))
    assert told.endswith("; 1 more breaks it too")
    more = estate(vault(), role(USER), role(USER, who="a"), role(USER, who="b"))
    assert broken_by(more, invariant(Claim.NEVER, Who(), can="lists secrets"))[0].endswith("; 2 more break it too")
    assert broken_by(there, invariant(Claim.NEVER, Who(), can="purge-vault", on="vault.other")) == []


def test_a_counterexample_that_a_condition_decides_says_so() -> None:
    strange = estate(vault(), role(USER, condition="@Environment[isPrivateLink] BoolEquals true"))
    (told,) = broken_by(strange, invariant(Claim.NEVER, Who("ci")))
    assert told.startswith("ci reads secret values on vault.kv, if a condition lets it: ")


def test_a_group_stands_for_its_members_as_far_as_they_are_known() -> None:
    around = Surroundings(members={"club": frozenset({"ci"})})
    there = estate(vault(), role(USER), around=around)
    outside = invariant(Claim.NEVER, Who("club", group=True, negated=True))
    assert broken_by(there, outside) == []
    assert broken_by(there, invariant(Claim.NEVER, Who("club", group=True))) != []
    assert broken_by(estate(vault(), role(USER)), outside) != []
    assert broken_by(estate(vault(), role(USER)), outside, offline=True) == []
    named_too = invariant(Claim.NEVER, Who("ci", negated=True), Who("club", group=True, negated=True))
    assert broken_by(estate(vault(), role(USER)), named_too, offline=True) == []


def test_a_secret_is_reached_through_its_vault() -> None:
    secret = SecretSpec(vault=VAULT, name="db")
    one = invariant(Claim.NEVER, Who("ci"), on="secret.kv/d*")
    assert broken_by(estate(vault(), secret, role(USER)), one) != []
    assert broken_by(estate(vault(), secret, role(USER, f"{VAULT}/secrets/db")), one) != []
    assert broken_by(estate(vault(), secret, role(USER, f"{VAULT}/secrets/other")), one) == []
    keys = invariant(Claim.NEVER, Who("ci"), can="create-key", on="secret.kv/db")
    assert broken_by(estate(vault(), secret, role(CRYPTO)), keys) == []


def test_always_wants_a_grant() -> None:
    secret = SecretSpec(vault=VAULT, name="db")
    one = invariant(Claim.ALWAYS, Who("ci"), on="secret.kv/db")
    assert broken_by(estate(vault(), secret, role(USER)), one) == []
    assert broken_by(estate(vault(), secret, role(OWNER)), one) == [
        "ci has no grant for read-value on secret.kv/db "
        "(policy:secrets/get or Microsoft.KeyVault/vaults/secrets/getSecret/action)"
    ]
    assert broken_by(estate(vault(), secret), one, offline=True) == []
    assert broken_by(estate(vault()), invariant(Claim.ALWAYS, Who("ci"))) != []


def test_capabilities_go_by_name_family_phrase_and_azures_permissions() -> None:
    one = named("read-value")
    others = ("reads secret values", "policy:secrets/get", "MICROSOFT.KEYVAULT/vaults/secrets/getSecret/action")
    assert {named(text) for text in others} == {one}
    assert [each.name for each in named("Microsoft.KeyVault/vaults/secrets/write")] == ["write-value"]
    assert {each.name for each in named("administer-access")} == {"give-roles", "change-vault", "change-policies"}
    assert named("anything") == ()


def test_what_has_to_be_asked_follows_from_the_grants() -> None:
    person, club, other = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
    grants = (
        role(CUSTOM, who=person),
        replace(role(USER, who=club), principal_type="Group"),
        role(CUSTOM.replace("1", "2"), "/providers/Microsoft.Management/managementGroups/m", who=other),
        policy("not-a-guid"),
    )
    desired = {at("vault.kv"): Resource(at("vault.kv"), vault())}
    seen = tuple(Observed("role_assignment", f"x{n}", spec) for n, spec in enumerate(grants))
    gone = Observed("vault", "gone", replace(vault(), subscription="gone"), Condition.SOFT_DELETED)
    reading = Reading(live={}, rest=(*seen, gone))
    state = State("line", 1, {at("vault.kv"): Entry(at("vault.kv"), VAULT, vault())})
    subscription = SUB.rpartition("/")[2]
    plain = questions(desired, state, reading, frozenset({other}), directory=False)
    assert plain.subscriptions == {subscription}
    assert plain.roles == {subscription: {CUSTOM, CUSTOM.replace("1", "2")}}
    assert (plain.groups, plain.principals) == (frozenset(), frozenset())
    asked = questions(desired, state, reading, frozenset({other}), directory=True)
    assert (asked.groups, asked.principals) == ({club, other}, {person})
    nowhere = questions({}, State("line", 1, {}), replace(reading, rest=seen[2:3]), frozenset(), directory=False)
    assert nowhere.roles == {}


def test_rights_at_a_scope_above_vaults_are_asked_for_there() -> None:
    view = View(estate(role(OWNER, SUB)))
    assert "purge-vault" in {one.capability.name for one in held(view, "ci", Spot(SUB), through=False)}
    assert "purge-vault" not in {one.capability.name for one in held(view, "ci", Spot(GROUP.lower()), through=False)}
    above = View(estate(role(READER, "/providers/Microsoft.Management/managementGroups/m")))
    spot = Spot("/providers/microsoft.management/managementgroups/m")
    assert [one.capability.name for one in held(above, "ci", spot, through=False)] == ["read-vault"]
    assert list(held(above, "ci", Spot("/providers/microsoft.other"), through=False)) == []


def test_a_capability_on_some_objects_only_is_no_way_around_a_whole_vault() -> None:
    deny = Denial("d", VAULT.lower(), (Permission(actions=("*/secrets/write",)),), frozenset({"ops"}))
    around = Surroundings(denials=(deny,))
    found = lines(estate(vault(), around=around), estate(vault(), role(CONTRIBUTOR, who="ops"), around=around))
    assert not [line for line in found if "writes secrets" in line]
    assert [line for line in found if "creates keys through" in line]


def test_an_assignment_that_is_declared_counts_before_an_equal_one_that_is_not() -> None:
    declared, found = at("role_assignment.kv/ci/user"), role(USER)
    for things in ([(declared, found), (None, found)], [(None, found), (declared, found)]):
        (one,) = picture(things, Surroundings(), {}).assignments
        assert one.address == declared


def given(*changes: Change, live: dict[str, Any] | None = None) -> tuple[Estate, Estate]:
    """The estate before and after some changes of a vault that is there with these grants."""
    seen = {at(place): Observed(at(place).kind, *known) for place, known in (live or {}).items()}
    inputs = Inputs(registry(), {}, State("line", 1, {}), Reading(live=seen), {}, Options(), frozenset())
    return pictures(inputs, changes, Surroundings(), {}, whole=False)


def change(place: str, action: Action, **sides: Any) -> Change:
    return Change(at(place), action, Reason.NEW, **sides)


def test_a_vault_that_comes_back_is_expected_as_it_was_applied() -> None:
    prior = Entry(at("vault.kv"), VAULT, vault(None))
    wanted = Resource(at("vault.kv"), vault("policies"))
    entry = Entry(at("access_policy.kv/ci"), f"{VAULT}/objectId/ci", policy(secrets=("get",)))
    back = change("vault.kv", Action.RECOVER, prior=prior, desired=wanted, known=False)
    kept = change("access_policy.kv/ci", Action.NOOP, prior=entry, known=False)
    before, after = given(back, kept)
    assert lines(before, after) == []
    assert [(one.rbac, len(one.policies)) for one in before.vaults] == [(False, 1)]
    undeclared = change("vault.kv", Action.DESTROY, prior=prior, known=False)
    assert len(given(undeclared)[0].vaults) == 1


def test_a_change_of_one_setting_leaves_the_others_as_they_are() -> None:
    there = {"vault.kv": (VAULT, vault("rbac", network=NetworkSpec(default="allow", public=True), tags={"a": "b"}))}
    wanted = Resource(at("vault.kv"), vault(None, network=NetworkSpec(default="deny")))
    diffs = (AttrDiff(("network", "default"), "allow", "deny"), AttrDiff(("tags", "a"), "b", "c"))
    live = Observed("vault", *there["vault.kv"])
    _, after = given(change("vault.kv", Action.UPDATE, desired=wanted, live=live, diff=diffs), live=there)
    assert [(one.rbac, one.network) for one in after.vaults] == [(True, Network.RESTRICTED)]


def test_a_vault_that_goes_takes_along_what_stands_in_it() -> None:
    grants = {"role_assignment.kv/ci/user": (f"{VAULT}/x/1", role(USER)), "role_assignment.up": ("up", role(USER, SUB))}
    there = {"vault.kv": (VAULT, vault()), "access_policy.kv/ci": (f"{VAULT}/p", policy(secrets=("get",))), **grants}
    live = Observed("vault", VAULT, vault())
    _, after = given(change("vault.kv", Action.DESTROY, live=live), live=there)
    assert (after.vaults, [one.scope for one in after.assignments]) == ((), [SUB])


def document(**principals: Principal) -> Document:
    known = {at("vault.kv"): Resource(at("vault.kv"), replace(vault(), resource_group=None))}
    custom = RoleAssignmentSpec(
        scope=ScopeRef("vault.kv", at("vault.kv")),
        role=RoleRef("Ours"),
        principal=PrincipalRef("ci"),
        principal_type=PrincipalTypeRef("ci"),
    )
    known[at("role_assignment.a")] = Resource(at("role_assignment.a"), custom)
    known[at("role_assignment.b")] = Resource(
        at("role_assignment.b"), replace(custom, role=RoleRef("Key Vault Secrets User"))
    )
    known[at("role_assignment.c")] = Resource(at("role_assignment.c"), replace(custom, scope=ScopeRef("subscription")))
    nowhere = Origin(None, "nobody")
    return Document("/x", None, Cloud("public"), nowhere, nowhere, {}, "/s", principals, known)


def test_offline_names_stand_for_what_only_azure_knows() -> None:
    ci = Principal("ci", Selector.APP_ID, "8f0f0c52-0000-0000-0000-000000000000")
    found = offline(document(ci=ci), registry())
    somebody = "principals.app_id.8f0f0c52-0000-0000-0000-000000000000"
    assert found.ids == {"ci": somebody}
    assert {(one.principal, one.role) for one in found.estate.assignments} == {
        (somebody, "ours"),
        (somebody, USER),
    }
    assert [str(vault.address) for vault in found.estate.vaults] == ["vault.kv"]


@pytest.mark.parametrize("whole", [False, True])
def test_a_secret_counts_where_something_is_granted_or_denied_at_it_or_where_all_are_asked_for(*, whole: bool) -> None:
    names = ("granted", "denied", "plain")
    secrets = {at(f"secret.kv/{name}"): SecretSpec(vault=VAULT, name=name) for name in names}
    seen = {place: Observed("secret", f"{VAULT}/secrets/{place.key}", spec) for place, spec in secrets.items()}
    grant = Observed("role_assignment", "/g", role(USER, scope=f"{VAULT}/secrets/granted"))
    deny = Denial("d", f"{VAULT}/secrets/denied".lower(), (), frozenset())
    inputs = Inputs(registry(), {}, State("line", 1, {}), Reading(live=seen, rest=(grant,)), {}, Options(), frozenset())
    noop = [Change(place, Action.NOOP, Reason.EQUAL, live=one) for place, one in seen.items()]
    nothing = Change(at("secret.kv/none"), Action.FORGET, Reason.GONE)

    before, after = pictures(inputs, [*noop, nothing], Surroundings(denials=(deny,)), {}, whole=whole)

    there = sorted(place.key for place in before.addresses.values())
    assert there == sorted(place.key for place in after.addresses.values())
    assert there == (["denied", "granted", "plain"] if whole else ["denied", "granted"])
