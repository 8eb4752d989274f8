"""Grants above the vaults that nobody declared: they count in every report, though no address is theirs."""

from __future__ import annotations

import pytest

from declarative_kv.engine.changes import Inputs
from declarative_kv.engine.others import inherited_grants
from declarative_kv.kinds import registry
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Options
from declarative_kv.model.resource import Observed, Reading, Resource
from declarative_kv.model.specs import RoleAssignmentSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import State

SUBSCRIPTION = "/subscriptions/s"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
DECLARED = Resource(Address("vault", "app"), VaultSpec(subscription="s", resource_group="rg", name="kv"))
ELSEWHERE = Resource(Address("secret", "app/db"), SecretSpec(vault=VAULT, name="db"))


def grant(scope: str) -> Observed:
    spec = RoleAssignmentSpec(scope=scope, role=READER, principal="somebody")
    return Observed("role_assignment", f"{scope.rstrip('/')}/grants/1", spec)


def found(*rest: Observed, desired: tuple[Resource, ...] = (DECLARED, ELSEWHERE)) -> list[str]:
    wanted = {one.address: one for one in desired}
    reading = Reading({}, rest)
    inputs = Inputs(registry(), wanted, State(), reading, {}, Options(), frozenset(wanted))
    return [str(one.spec.scope) for one in inherited_grants(inputs)]


@pytest.mark.parametrize(
    "scope", [SUBSCRIPTION, GROUP.upper(), "/", "/providers/Microsoft.Management/managementGroups/m"]
)
def test_what_reaches_the_vault_from_above_is_kept(scope: str) -> None:
    assert found(grant(scope)) == [scope]


@pytest.mark.parametrize(
    "scope", [VAULT, f"{VAULT}/secrets/db", f"{SUBSCRIPTION}/resourceGroups/other", "/subscriptions/t"]
)
def test_what_stands_in_the_vault_or_reaches_another_place_is_not(scope: str) -> None:
    assert found(grant(scope)) == []


def test_what_is_no_grant_does_not_count_and_without_vaults_nothing_does() -> None:
    assert found(Observed("vault", VAULT, DECLARED.spec)) == []
    assert found(grant("/"), desired=(ELSEWHERE,)) == []
