"""Whether the running identity may write to a vault, and which grant on it is its last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.changes import Inputs
from declarative_kv.engine.coverage import check_data_access, helpful_principals, opening_grants
from declarative_kv.engine.others import unlisted_notes, unmanaged_changes, unmanaged_objects
from declarative_kv.engine.plan import plan
from declarative_kv.kinds import registry
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError
from declarative_kv.model.plan import Action, Change, Head, Options, Reason
from declarative_kv.model.resource import Condition, Lifecycle, Observed, OtherPolicy, Reading, Resource
from declarative_kv.model.shard import Shard
from declarative_kv.model.specs import AccessPolicySpec, RoleAssignmentSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, State
from tests.unit.engine.fakes import at

GROUP = "/subscriptions/s/resourceGroups/g"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
HEAD = Head(None, "s", "YAML", "deploy", "test", 1, "00:00:00Z", object_id="ME")
OFFICER, READER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SECRET = Resource(at("secret.kv/db"), SecretSpec(vault=VAULT, name="db"))
CREATE = Change(SECRET.address, Action.CREATE, Reason.NEW, desired=SECRET)


def vault(access: str | None, others: OtherPolicy = OtherPolicy.REPORT) -> Resource:
    spec = VaultSpec(subscription="s", resource_group="g", name="kv", access=access)
    kinds = ("access_policy", "role_assignment", "secret")
    return Resource(at("vault.kv"), spec, lifecycle=Lifecycle(others=dict.fromkeys(kinds, others)))


def policy(who: str, *secrets: str, where: str = VAULT) -> AccessPolicySpec:
    return AccessPolicySpec(vault=where, principal=who, secrets=secrets)


def role(who: str, guid: str = OFFICER, scope: str = VAULT, kind: str = "ServicePrincipal") -> RoleAssignmentSpec:
    return RoleAssignmentSpec(scope=scope, principal=who, role=guid, principal_type=kind)


def inputs(
    *resources: Resource,
    rest: Iterable[Observed] = (),
    live: Iterable[tuple[str, Observed]] = (),
    prior: Iterable[Entry] = (),
    chosen: Iterable[str] | None = None,
    **more: Any,
) -> Inputs:
    """What a plan is made of; every address is part of the run unless said."""
    desired = {resource.address: resource for resource in resources}
    found = {at(address): one for address, one in live}
    entries = {one.address: one for one in prior}
    run = desired.keys() | found.keys() | entries.keys() if chosen is None else map(at, chosen)
    reading = Reading(live=found, rest=tuple(rest), unlisted=more.pop("unlisted", {}))
    options = Options(targets=tuple(map(at, more.pop("targets", ()))))
    return Inputs(registry(), desired, State("line", 1, entries), reading, {}, options, frozenset(run), **more)


def seen(spec: object, kind: str = "role_assignment", name: str = "x", **fields: Any) -> Observed:
    return Observed(kind, f"{VAULT}/{kind}/{name}", spec, parent=VAULT, label=name, **fields)


def missing(given: Inputs, *changes: Change) -> str:
    """What is missing to carry out these changes, with the hint; empty where nothing is."""
    try:
        check_data_access(given, changes or (CREATE,), HEAD)
    except PlanError as error:
        (problem,) = error.diagnostics
        assert problem.code == "no-data-access"
        return f"{problem.detail}\n{problem.hint}"
    return ""


def test_without_any_grant_the_one_that_is_missing_is_named() -> None:
    said = missing(inputs(vault("policies"), SECRET))
    assert "the secret permission `set`" in said
    assert "access_policies:" in said
    said = missing(inputs(vault("rbac"), SECRET))
    assert "Microsoft.KeyVault/vaults/secrets/setSecret/action" in said
    assert "Key Vault Secrets Officer" in said


@pytest.mark.parametrize(
    ("access", "spec", "enough"),
    [
        ("policies", policy("me", "set"), True),
        ("policies", policy("me", "all"), True),
        ("policies", policy("a group that it may be in", "set"), True),
        ("policies", policy("me", "get"), False),
        ("policies", policy("me", "set", where=f"{VAULT}2"), False),
        ("policies", role("me"), False),
        ("rbac", role("me"), True),
        ("rbac", role("me", scope=GROUP), True),
        ("rbac", role("me", scope="/"), True),
        ("rbac", role("me", "a role of their own"), True),
        ("rbac", role("me", READER), False),
        ("rbac", role("somebody else"), False),
        ("rbac", role("me", scope=f"{VAULT}2"), False),
        ("rbac", policy("me", "set"), False),
    ],
)
def test_a_grant_that_is_there_is_enough_where_it_holds(access: str, spec: object, enough: bool) -> None:
    given = inputs(vault(access), SECRET, rest=[seen(spec)])
    assert (missing(given) == "") is enough


@pytest.mark.parametrize(
    ("spec", "enough"), [(policy("me", "set"), True), (policy("somebody else", "set"), False), (policy("me"), False)]
)
def test_a_declared_grant_is_enough_where_it_is_our_own(spec: AccessPolicySpec, enough: bool) -> None:
    grant = Resource(at("access_policy.kv/deployer"), spec)
    planned = Change(grant.address, Action.CREATE, Reason.NEW, desired=grant)
    assert (missing(inputs(vault("policies"), SECRET, grant), CREATE, planned) == "") is enough


def test_a_grant_that_is_taken_away_holds_until_the_secrets_are_done() -> None:
    there = seen(role("me"))
    entry = Entry(at("role_assignment.kv/me"), there.remote_id, there.spec)
    removal = Change(entry.address, Action.DESTROY, Reason.UNDECLARED, prior=entry, live=there)
    given = inputs(vault("rbac"), SECRET, live=[("role_assignment.kv/me", there)], prior=[entry])
    assert missing(given, CREATE, removal) == ""


def test_a_grant_that_this_run_leaves_out_is_pointed_at() -> None:
    grant = Resource(at("role_assignment.kv/deployer/officer"), role("me"))
    given = inputs(vault("rbac"), SECRET, grant, chosen=["vault.kv", "secret.kv/db"])
    assert "--target role_assignment.kv/deployer/officer" in missing(given)


def test_a_grant_that_another_shard_makes_is_not_to_be_targeted() -> None:
    grant = Resource(at("role_assignment.wide"), role("me", scope=GROUP))
    given = inputs(vault("rbac"), SECRET, grant, chosen=["vault.kv", "secret.kv/db"])
    said = missing(replace(given, options=Options(shard=Shard(2, 3))))
    assert "role_assignment.wide would give it, and another shard makes it" in said
    assert "--target" not in said


def test_a_grant_to_a_group_helps_who_may_be_in_it() -> None:
    given = inputs(vault("rbac"), rest=[seen(role("Team", kind="Group"))], groups=frozenset({"Others"}))
    assert helpful_principals(given, "ME") == {"me", "team", "others"}
    assert missing(inputs(vault("rbac"), SECRET, rest=[seen(role("team", kind="Group"))])) == ""


def test_who_may_not_see_the_grants_learns_from_azure() -> None:
    hidden = {(at("vault.kv"), "role_assignment"): object()}
    assert missing(inputs(vault("rbac"), SECRET, unlisted=hidden)) == ""
    assert missing(inputs(vault("policies"), SECRET, unlisted=hidden)) != ""


def test_the_access_model_is_the_declared_one_else_the_one_that_is_there() -> None:
    there = Observed("vault", VAULT, vault("rbac").spec)
    known = Entry(at("vault.kv"), VAULT, vault("rbac").spec)
    assert "setSecret" in missing(inputs(vault(None), SECRET, live=[("vault.kv", there)]))
    assert "setSecret" in missing(inputs(SECRET, prior=[known]))
    assert "`set`" in missing(inputs(vault("policies"), SECRET, live=[("vault.kv", there)]))
    assert "`set`" in missing(inputs(SECRET))


@pytest.mark.parametrize(
    "change",
    [
        replace(CREATE, action=Action.NOOP),
        replace(CREATE, action=Action.DESTROY, reason=Reason.CONTAINED),
        Change(at("vault.kv"), Action.CREATE, Reason.NEW, desired=vault("rbac")),
        Change(at("secret.kv/db"), Action.DESTROY, Reason.UNDECLARED),
    ],
)
def test_what_needs_no_data_plane_needs_no_grant(change: Change) -> None:
    assert missing(inputs(vault("rbac"), SECRET), change) == ""


def test_nobody_is_asked_for_grants_whose_own_id_is_unknown() -> None:
    check_data_access(inputs(vault("rbac"), SECRET), (CREATE,), replace(HEAD, object_id=""))


def deleted(*resources: Resource, rest: Iterable[Observed], targets: tuple[str, ...] = ()) -> list[str]:
    """The names of what `others: delete` takes out of the vault."""
    there = Observed("vault", VAULT, vault("rbac").spec)
    given = inputs(
        vault("rbac", OtherPolicy.DELETE), *resources, rest=rest, live=[("vault.kv", there)], targets=targets
    )
    return [change.address.key for change in unmanaged_changes(given, unmanaged_objects(given), HEAD.object_id)]


def test_what_nobody_declared_is_deleted_where_that_was_asked_for() -> None:
    stray = seen(SecretSpec(vault=VAULT, name="s"), "secret", "s")
    assert deleted(rest=[stray]) == ["s"]
    assert deleted(rest=[replace(stray, system=True), replace(stray, condition=Condition.SOFT_DELETED)]) == []
    assert deleted(rest=[replace(stray, parent=None)]) == []


def test_a_vault_that_a_target_brings_along_keeps_what_is_in_it() -> None:
    stray = seen(SecretSpec(vault=VAULT, name="s"), "secret", "s")
    assert deleted(SECRET, rest=[stray], targets=("secret.kv/db",)) == []
    assert deleted(SECRET, rest=[stray], targets=("vault.kv",)) == ["s"]


def test_the_last_grant_of_the_running_identity_stays() -> None:
    mine, theirs = seen(role("me"), name="mine"), seen(role("they"), name="theirs")
    assert deleted(rest=[mine, theirs]) == ["theirs"]
    declared = Resource(at("role_assignment.kv/deployer/officer"), role("me", scope=f"{VAULT}/secrets/db"))
    assert deleted(declared, rest=[mine]) == ["mine"]
    checked = replace(declared, lifecycle=Lifecycle(existing=True))
    assert deleted(checked, rest=[mine]) == []
    for_somebody = replace(declared, spec=role("they"))
    assert deleted(for_somebody, rest=[mine]) == []


def test_grants_that_cannot_be_listed_are_noted_unless_nobody_wants_to_know() -> None:
    hidden = {(at("vault.kv"), "role_assignment"): object()}
    (note,) = unlisted_notes(inputs(vault("rbac"), unlisted=hidden))
    assert "role_assignments of vault.kv cannot be listed" in note
    assert unlisted_notes(inputs(vault("rbac", OtherPolicy.IGNORE), unlisted=hidden)) == ()


@pytest.mark.parametrize(
    ("access", "spec", "opens"),
    [
        ("policies", policy("me", "get"), True),
        ("policies", policy("me", "get", where=f"{VAULT}2"), False),
        ("policies", policy("somebody else", "get"), False),
        ("policies", role("me"), False),
        ("rbac", role("me", scope=GROUP), True),
        ("rbac", role("me", scope=f"{VAULT}2"), False),
        ("rbac", policy("me", "get"), False),
    ],
)
def test_a_grant_of_the_plan_opens_a_vault_that_could_not_be_read(access: str, spec: object, opens: bool) -> None:
    there = Observed("vault", VAULT, vault(access).spec)
    given = inputs(vault(access), SECRET, live=[("vault.kv", there)])
    closed = Diagnostic("forbidden", "Azure refused the operation")
    given = replace(given, reading=replace(given.reading, unread={SECRET.address: closed}))
    grant = Resource(at("access_policy.kv/deployer"), spec)
    planned = Change(grant.address, Action.CREATE, Reason.NEW, desired=grant)
    found = list(opening_grants(given, [CREATE, planned], frozenset({"me"})))
    assert found == [(at("vault.kv"), grant.address)] * opens


def test_the_way_into_a_vault_that_could_not_be_read_is_noted() -> None:
    there = Observed("vault", VAULT, vault("rbac").spec)
    given = inputs(vault("rbac"), SECRET, live=[("vault.kv", there)])
    closed = Diagnostic("forbidden", "Azure refused the operation")
    reading = replace(given.reading, unread={SECRET.address: closed}, unreadable=(closed,))
    grant = Resource(at("role_assignment.kv/deployer/officer"), role("ME"))
    desired = {**given.desired, grant.address: grant}
    made = plan(registry(), desired, State(), reading, {}, HEAD, Options(import_all=True))
    assert any(f"--target {grant.address}" in note for note in made.notes)
