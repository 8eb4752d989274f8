"""The grid of access: what everybody holds before and after, in every plan and for drift."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from declarative_kv.model.found import Checked
from declarative_kv.model.plan import Action, Reason
from declarative_kv.model.resource import Condition
from declarative_kv.model.specs import RoleAssignmentSpec
from declarative_kv.model.state import Entry
from declarative_kv.render.html.element import NOTHING
from declarative_kv.render.html.matrix import Hold, Right, section
from declarative_kv.render.html.rights import difference, of_drift, of_plan, rights

from .plans import CI, PAYMENTS, SAMPLE, at, change, grant, observed, plan_of, policy, secret, vault

VAULT = vault(access="policies")
STAYS = change("vault.payments", Action.NOOP, VAULT, Reason.EQUAL, live=observed("vault", PAYMENTS, VAULT))
GROWS = change(
    "access_policy.payments/ci",
    Action.UPDATE,
    policy("get", "list"),
    live=observed("access_policy", f"{PAYMENTS}/p", policy("list", "set")),
)
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"


def held(found: object) -> dict[tuple[str, str], tuple[Hold, Hold]]:
    return {(one.place, one.phrase): (one.before, one.after) for one in found}  # type: ignore[attr-defined]


def test_rights_have_a_before_and_an_after() -> None:
    assert held(rights(of_plan(plan_of(STAYS, GROWS)))) == {
        ("vault.payments", "reads secret values"): (Hold.NONE, Hold.HAS),
        ("vault.payments", "lists secrets"): (Hold.HAS, Hold.HAS),
        ("vault.payments", "writes secret values"): (Hold.HAS, Hold.NONE),
    }


def test_principals_have_the_names_of_the_yaml() -> None:
    assert {right.who for right in rights(of_plan(plan_of(STAYS, GROWS)))} == {"ci"}


def test_a_stranger_holds_what_it_held_unless_the_plan_takes_it() -> None:
    (stranger,) = SAMPLE.unmanaged
    kept = plan_of(STAYS, unmanaged=SAMPLE.unmanaged)
    assert held(rights(of_plan(kept))) == {("vault.payments", "reads secret values"): (Hold.HAS, Hold.HAS)}
    taken = replace(change(str(stranger.address), Action.DESTROY, reason=Reason.OTHERS_DELETE), live=stranger.live)
    lost = held(rights(of_plan(plan_of(STAYS, taken, unmanaged=SAMPLE.unmanaged))))
    assert lost == {("vault.payments", "reads secret values"): (Hold.HAS, Hold.NONE)}


def test_who_holds_a_role_above_the_vault_is_in_the_grid_on_both_sides() -> None:
    roles = vault(access="rbac")
    there = change("vault.payments", Action.NOOP, roles, Reason.EQUAL, live=observed("vault", PAYMENTS, roles))
    group = PAYMENTS.partition("/providers/")[0]
    above = observed("role_assignment", f"{group}/a", replace(grant(), scope=group, role=ADMINISTRATOR))
    kept = replace(plan_of(there), inherited=(above,))
    assert held(rights(of_plan(kept)))["vault.payments", "reads secret values"] == (Hold.HAS, Hold.HAS)
    entry = Entry(at("vault.payments"), PAYMENTS, roles)
    seen = Checked(entry.address, prior=entry, live=there.live)
    drifted = replace(kept, changes=(), checked=(seen,))
    assert held(rights(of_drift(drifted)))["vault.payments", "reads secret values"] == (Hold.HAS, Hold.HAS)


def test_what_somebody_could_give_itself_is_told_apart() -> None:
    role = replace(grant(), role=CONTRIBUTOR)
    made = change("role_assignment.payments/ci/contributor", Action.CREATE, role, Reason.NEW)
    found = held(rights(of_plan(plan_of(STAYS, made))))
    assert found["vault.payments", "reads secret values"] == (Hold.NONE, Hold.COULD)


def test_a_secret_has_a_grid_of_its_own_where_it_differs() -> None:
    roles = vault(access="rbac")
    there = change("vault.payments", Action.NOOP, roles, Reason.EQUAL, live=observed("vault", PAYMENTS, roles))
    user = RoleAssignmentSpec(
        scope=f"{PAYMENTS}/secrets/db",
        role="4633458b-17de-408a-b874-0445c86b69e6",
        principal=CI,
        principal_type="ServicePrincipal",
    )
    made = change("role_assignment.payments/db/ci/x", Action.CREATE, user, Reason.NEW)
    places = {place for place, _ in held(rights(of_plan(plan_of(there, made))))}
    assert places == {"vault.payments · secrets/db"}
    declared = change("secret.payments/db", Action.CREATE, secret("db"), Reason.NEW)
    places = {place for place, _ in held(rights(of_plan(plan_of(there, made, declared))))}
    assert places == {"secret.payments/db"}


def test_drift_is_held_against_what_was_applied() -> None:
    applied, asleep = (
        policy("get"),
        replace(observed("access_policy", "y", policy("list")), condition=Condition.SOFT_DELETED),
    )
    checked = (
        Checked(
            at("vault.payments"), prior=Entry(at("vault.payments"), "v", VAULT), live=observed("vault", "v", VAULT)
        ),
        Checked(at("access_policy.payments/ci"), prior=Entry(at("access_policy.payments/ci"), "x", applied)),
        Checked(at("access_policy.payments/y"), live=asleep),
    )
    sides = of_drift(plan_of(checked=checked))
    assert held(rights(sides)) == {("vault.payments", "reads secret values"): (Hold.HAS, Hold.NONE)}
    (line,) = difference(sides)
    assert (line.gained, line.who, line.phrase) == (False, "ci", "reads secret values")


def right(phrase: str, before: Hold, after: Hold, who: str = "ci", category: str = "keys") -> Right:
    return Right(who, f"id-of-{who}", "vault.v", phrase, category, before, after)


@pytest.mark.parametrize("before", Hold)
@pytest.mark.parametrize("after", Hold)
def test_every_cell_says_in_words_what_it_shows(before: Hold, after: Hold) -> None:
    page = section([right("signs with keys", before, after), right("x", Hold.HAS, Hold.HAS)], "").body.text
    cells = re.findall(r'class="cell (\w+)"[^>]*aria-label="([^"]*)"', page)
    tone = (
        "none" if before == after == Hold.NONE else "kept" if before is after else "plus" if after > before else "minus"
    )
    assert cells[0][0] == tone
    assert ("could" in cells[0][1]) is (Hold.COULD in (before, after))
    assert ("1 changed" in page) is (before is not after)


def test_rights_that_all_hold_alike_are_one_column() -> None:
    phrases = [f"does {number} with keys" for number in range(5)]
    alike = [right(phrase, Hold.HAS, Hold.HAS, who) for phrase in phrases for who in ("ci", "sre")]
    page = section(alike, "").body.text
    assert re.findall(r'scope="col" class="right"><span title="([^"]*)">([^<]*)<', page) == [
        (", ".join(phrases), "5 rights on keys")
    ]
    secrets = [replace(one, category="secrets") for one in alike]
    assert section(secrets, "").body.text.count('class="right"') == 5


def test_without_rights_there_is_no_grid() -> None:
    assert section([], "").body == NOTHING
