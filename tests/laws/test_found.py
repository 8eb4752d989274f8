"""What random worlds found, told as stories of their own."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.azure import ids
from declarative_kv.azure.session import Session
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.model.address import Address
from declarative_kv.model.plan import Action, Options, Plan
from declarative_kv.model.resource import Observed, Scope
from declarative_kv.model.state import Status
from tests.laws.interference import How, Trouble
from tests.laws.lab import KINDS, Done, Lab
from tests.laws.leaks import secret_value
from tests.laws.wishes import PRINCIPALS

VAULT = ids.vault_id(SUBSCRIPTION, "rg", "kv-one")


def tree(access: str = "policies", **more: Any) -> dict[str, Any]:
    """One vault with one secret, on which we have what its access model gives us."""
    vault: dict[str, Any] = {
        "name": "kv-one",
        "access": access,
        "location": "westeurope",
        "resource_group": "rg",
        "secrets": {"db": {"value_from": {"file": "secrets/db"}}},
    }
    if access == "policies":
        vault["access_policies"] = {"deployer": {"template": "key-and-secret-management"}}
    return {
        "version": 1,
        "cloud": "emulator",
        "tenant": TENANT,
        "subscription": SUBSCRIPTION,
        "principals": deepcopy(PRINCIPALS),
        "resource_groups": {"rg": {"location": "westeurope"}},
        "vaults": {"one": vault},
        **more,
    }


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path)
    made.source("db", secret_value())
    return made


def actions(plan: Plan | None) -> dict[str, str]:
    assert plan is not None
    return {str(change.address): change.action.value for change in plan.pending}


async def succeed(lab: Lab, **options: Any) -> Done:
    """An apply after which there is nothing left to do."""
    lab.world.clock.shift(60)
    done = await lab.apply(Options(**options))
    assert done.succeeded, str(done)
    assert actions(await lab.plan(Options())) == {}
    return done


async def test_an_apply_that_failed_before_our_own_grant_can_be_repeated(lab: Lab) -> None:
    lab.write(tree())
    lab.world.fail("PUT", "*/accessPolicies/add", status=403)
    done = await lab.apply(Options())
    assert done.outcome is not None
    assert [str(one.address) for one in done.outcome.failed] == ["access_policy.one/deployer"]
    assert actions((await succeed(lab)).plan) == {"access_policy.one/deployer": "create", "secret.one/db": "create"}


async def test_our_own_grant_that_was_taken_away_by_hand_is_given_back(lab: Lab) -> None:
    lab.write(tree())
    await succeed(lab)
    me = lab.world.identity()["object_id"]
    async with lab.session() as session:
        live = [one for one in await KINDS["vault"].read(session, Scope("vault", VAULT)) if one.kind == "access_policy"]
        await KINDS["access_policy"].delete(session, next(one for one in live if one.spec.principal == me))
    assert actions((await succeed(lab)).plan) == {"access_policy.one/deployer": "create"}


async def test_a_secret_in_a_vault_that_we_may_not_list_yet_is_not_overwritten_unasked(lab: Lab) -> None:
    lab.write(tree())
    await succeed(lab)
    before = [record["versions"] for record in lab.dump()["secrets"].values()]
    for name in ("dkv.json", "dkv.json.backup"):
        (lab.folder / "state" / name).unlink(missing_ok=True)
    vault = lab.world.store.table("vaults")["kv-one"]
    bare = {**vault, "properties": {**vault["properties"], "accessPolicies": []}}
    lab.world.store.put("vaults", "kv-one", bare)
    done = await lab.apply(Options())
    assert "secret.one/db" in {str(one.address) for one in done.refused if one.code == "unmanaged-exists"}
    assert [record["versions"] for record in lab.dump()["secrets"].values()] == before


async def test_resource_manager_lists_secrets_as_the_vault_itself_does(lab: Lab) -> None:
    wanted = tree()
    settings = {"content_type": "text/plain", "expires": "2031-06-30", "tags": {"team": "pay"}, "enabled": False}
    wanted["vaults"]["one"]["secrets"]["db"] |= settings
    lab.write(wanted)
    await succeed(lab)
    async with lab.session() as session:
        through_manager = await _listed(session, indirect=True)
        versions = [one.facts["version"] for one in through_manager]
        plain = [replace(one, facts={**one.facts, "version": None}) for one in through_manager]
        itself = await _listed(session, indirect=False)
        assert plain == [replace(one, facts={**one.facts, "version": None}) for one in itself]
        examined = [await KINDS["secret"].examine(session, one) for one in itself if one.spec.enabled]
        assert {one.facts["version"] for one in examined} < set(versions)


async def test_resource_manager_does_not_say_which_secrets_are_certificates_so_their_content_type_does(
    lab: Lab,
) -> None:
    wanted = tree()
    wanted["vaults"]["one"]["secrets"]["db"] |= {"content_type": "application/x-pkcs12"}
    lab.write(wanted)
    await succeed(lab)
    async with lab.session() as session:
        marked = {one.label: one.system for one in await _listed(session, indirect=True)}
    assert marked.pop("db")
    assert marked.pop("dkv-fingerprint-key")
    assert not any(marked.values())


async def _listed(session: Session, *, indirect: bool) -> list[Observed]:
    return list(await KINDS["secret"].read(session, Scope("secret", VAULT, indirect=indirect)))


WRITE = 2
"""The number of the write: the vault and its list are looked at once more before it."""


async def disabled_and_rotated(lab: Lab) -> None:
    """A secret that somebody disabled, so that its value can no longer be read, and whose source moved on."""
    lab.write(tree())
    await succeed(lab)
    async with lab.session() as session:
        await session.secrets(VAULT).update_secret_properties("db", enabled=False)
    lab.world.clock.shift(60)
    lab.source("db", secret_value())


def versions(lab: Lab) -> int:
    return next(len(record["versions"]) for record in lab.dump()["secrets"].values() if record["name"] == "db")


async def test_a_write_to_a_disabled_secret_that_did_not_arrive_is_repeated(lab: Lab) -> None:
    await disabled_and_rotated(lab)
    assert not (await lab.apply(Options(), trouble=Trouble(WRITE, How.DROPPED))).succeeded
    assert actions((await succeed(lab)).plan) == {"secret.one/db": "update"}
    assert versions(lab) == 2


async def test_a_write_to_a_disabled_secret_that_did_arrive_stays_open_until_it_can_be_compared(lab: Lab) -> None:
    await disabled_and_rotated(lab)
    assert not (await lab.apply(Options(), trouble=Trouble(WRITE, How.LOST))).succeeded
    for _ in range(2):
        done = await succeed(lab)
        assert done.state_after.entries[Address("secret", "one/db")].status is Status.PENDING
    async with lab.session() as session:
        await session.secrets(VAULT).update_secret_properties("db", enabled=True)
    done = await succeed(lab)
    assert actions(done.plan) == {}
    assert done.state_after.entries[Address("secret", "one/db")].status is Status.APPLIED
    assert versions(lab) == 2


async def test_a_role_on_a_secret_waits_for_the_vault_that_comes_back(lab: Lab) -> None:
    wanted = tree("rbac")
    wanted["vaults"]["one"]["secrets"]["db"]["roles"] = {"ci": ["Key Vault Secrets User"]}
    lab.write(wanted)
    await succeed(lab)
    async with lab.session() as session:
        await session.vaults(SUBSCRIPTION).vaults.delete("rg", "kv-one")
    assert actions((await succeed(lab)).plan) == {
        "role_assignment.one/db/ci/key-vault-secrets-user": "create",
        "vault.one": "recover",
    }


async def test_a_grant_that_moves_to_another_key_is_never_missing(lab: Lab) -> None:
    grant = {"principal": "ci", "role": "Key Vault Reader", "scope": "vault.one"}
    lab.write(tree(role_assignments={"old": grant}))
    await succeed(lab)
    before = lab.dump()["role_assignments"]
    lab.write(tree(role_assignments={"new": grant}))
    done = await succeed(lab)
    assert actions(done.plan) == {"role_assignment.new": Action.IMPORT, "role_assignment.old": Action.FORGET}
    assert lab.dump()["role_assignments"] == before


async def test_a_grant_that_takes_the_place_of_a_removed_one_is_there_afterwards(lab: Lab) -> None:
    reader, user = ({"principal": "ci", "role": role, "scope": "vault.one"} for role in ("Reader", "Key Vault Reader"))
    lab.write(tree(role_assignments={"a": reader, "b": user}))
    await succeed(lab)
    lab.write(tree(role_assignments={"a": user}))
    done = await succeed(lab)
    assert actions(done.plan) == {"role_assignment.a": Action.REPLACE, "role_assignment.b": Action.FORGET}


async def test_two_grants_that_change_places_are_both_there_all_the_time(lab: Lab) -> None:
    one, two = ({"principal": who, "role": "Reader", "scope": "vault.one"} for who in ("ci", "ann"))
    lab.write(tree(role_assignments={"a": one, "b": two}))
    await succeed(lab)
    before = set(lab.dump()["role_assignments"])
    lab.write(tree(role_assignments={"a": two, "b": one}))
    assert actions((await succeed(lab)).plan) == {"role_assignment.a": "replace", "role_assignment.b": "replace"}
    assert set(lab.dump()["role_assignments"]) == before


async def test_a_renamed_grant_is_not_forgotten_before_it_has_its_new_name(lab: Lab) -> None:
    grant = {"principal": "ci", "role": "Key Vault Reader", "scope": "vault.one"}
    lab.write(tree(role_assignments={"old": grant}))
    await succeed(lab)
    wanted = tree(role_assignments={"new": grant})
    wanted["resource_groups"]["rg"]["tags"] = {"owner": "us"}
    lab.write(wanted)
    assert (await lab.apply(Options(), trouble=Trouble(0, How.KILLED))).killed
    await succeed(lab)


@pytest.mark.parametrize("ended_at", range(3))
@pytest.mark.parametrize("how", [How.KILLED, How.KILLED_AFTER])
@pytest.mark.parametrize("still_wanted", [True, False])
async def test_a_grant_that_was_being_replaced_goes_however_early_the_run_ended(
    still_wanted: bool, how: How, ended_at: int, lab: Lab
) -> None:
    lab.write(tree(role_assignments={"one": {"principal": "ci", "role": "Reader", "scope": "vault.one"}}))
    await succeed(lab)
    before = set(lab.dump()["role_assignments"])
    other = {"principal": "ci", "role": "Key Vault Reader", "scope": "vault.one"}
    lab.write(tree(role_assignments={"one": other}))
    assert (await lab.apply(Options(), trouble=Trouble(ended_at, how))).killed
    lab.write(tree(role_assignments={"one": other} if still_wanted else {}))
    await succeed(lab)
    after = set(lab.dump()["role_assignments"])
    assert (len(before - after), len(after - before)) == (1, int(still_wanted))


async def test_a_fingerprint_key_is_ours_whenever_the_run_that_made_it_ended(tmp_path: Path) -> None:
    for at in range(12):
        lab = new_lab(tmp_path / str(at))
        lab.write(tree())
        await lab.apply(Options(), trouble=Trouble(at, How.KILLED_AFTER))
        await succeed(lab)
        assert [facts["made"] for facts in (await lab.state()).keys.values()] == [True]


async def test_a_destroy_leaves_no_fingerprint_key_in_a_vault_that_stays_whenever_it_ended(tmp_path: Path) -> None:
    for at in range(6):
        lab = new_lab(tmp_path / str(at))
        await attached(lab)
        await lab.apply(Options(destroy=True), trouble=Trouble(at, How.KILLED_AFTER))
        assert (await lab.apply(Options(destroy=True))).succeeded
        state = await lab.state()
        assert (dict(state.entries), dict(state.keys), lab.dump().get("secrets")) == ({}, {}, None)


async def test_a_key_that_was_recovered_is_ours_whenever_the_run_ended(tmp_path: Path) -> None:
    for at in range(8):
        lab = new_lab(tmp_path / str(at))
        await attached(lab)
        assert (await lab.apply(Options(destroy=True))).succeeded
        lab.world.store.delete("deleted_secrets", next(k for k in lab.dump()["deleted_secrets"] if k.endswith("/db")))
        await lab.apply(Options(), trouble=Trouble(at, How.KILLED_AFTER))
        await succeed(lab)
        assert [facts["made"] for facts in (await lab.state()).keys.values()] == [True]


def new_lab(folder: Path) -> Lab:
    folder.mkdir()
    lab = Lab(folder)
    lab.source("db", secret_value())
    return lab


async def attached(lab: Lab) -> None:
    """A vault of somebody else's with a secret of ours in it, and so a key of ours."""
    theirs = tree("rbac")
    del theirs["vaults"]["one"]["secrets"]
    lab.write(theirs)
    await succeed(lab)
    (lab.folder / "state" / "dkv.json").unlink()
    ours = tree("rbac")
    del ours["resource_groups"], ours["vaults"]["one"]["location"]
    ours["vaults"]["one"]["existing"] = True
    lab.write(ours)
    await succeed(lab)
