"""Which of what happened outside becomes an entry, a setting, or nothing that a file can say."""

from __future__ import annotations

from dataclasses import replace

from declarative_kv.engine.adopt import Outside, outside, strangers
from declarative_kv.engine.naming import People
from declarative_kv.model.adoption import Come, Gone, Moved
from declarative_kv.model.found import Unmanaged
from declarative_kv.model.plan import Action, AttrDiff, Drift, Plan
from declarative_kv.model.resource import Observed, OtherPolicy
from declarative_kv.model.specs import AccessPolicySpec
from tests.unit.engine.fakes import HEAD, at, live, thing
from tests.unit.engine.test_orphans import inputs
from tests.unit.engine.test_pulled import CI, VAULT, policy, role, secret, vault

KV = replace(thing("vault.kv"), spec=vault().spec)


def found(*unmanaged: Observed, policy: OtherPolicy = OtherPolicy.ALARM, access: str = "policies") -> Outside:
    wanted = replace(KV, spec=replace(KV.spec, access=access))
    strangers_there = tuple(
        Unmanaged(at(f"{one.kind}.kv/{one.label}"), at("vault.kv"), policy, one) for one in unmanaged
    )
    people = People({}, {})
    people.meet({CI: "User"})
    return outside(inputs((wanted,)), Plan(HEAD, (), unmanaged=strangers_there), people, {})


def test_what_is_only_reported_is_no_drift_and_is_not_taken_over() -> None:
    assert found(secret("db"), policy=OtherPolicy.REPORT) == Outside((), (), (), ())


def test_an_unknown_object_becomes_an_entry_that_is_imported() -> None:
    made = found(secret("db", content_type="x"), policy(CI, secrets=("get",)), role(CI))
    entries = [one.entry for one in made.items if isinstance(one, Come)]
    assert [sorted(one)[-1] for one in entries] == ["value_from", "secrets", "scope"]
    assert all(one["import"] is True for one in entries)
    assert made.unsaid == ()


def test_a_policy_for_an_application_in_a_persons_name_and_one_under_roles_can_be_no_entry() -> None:
    compound = policy(CI, application="a0a0a0a0-0000-4000-8000-000000000000", secrets=("get",))
    assert [one.live for one in found(compound).unsaid] == [compound]
    useless = policy(CI, secrets=("get",))
    assert [one.live for one in found(useless, access="rbac").unsaid] == [useless]
    assert isinstance(useless.spec, AccessPolicySpec)


def test_only_what_azure_moved_is_written_and_what_went_is_for_who_asks() -> None:
    moved, gone = at("thing.a"), at("thing.b")
    drifts = (
        Drift(moved, Action.UPDATE, live=live("thing.a", "blue"), diff=(AttrDiff(("colour",), "red", "blue"),)),
        Drift(gone, Action.DESTROY),
        Drift(at("thing.other"), Action.DESTROY),
    )
    made = outside(inputs((thing("thing.a"), thing("thing.b"))), Plan(HEAD, (), drifts), People({}, {}), {})
    assert made.items == (Moved(moved, ("colour",), "red", "blue"),)
    assert made.gone == (Gone(gone),)
    ignoring = thing("thing.a", ignore=frozenset({"colour"}))
    assert outside(inputs((ignoring,)), Plan(HEAD, (), drifts[:1]), People({}, {}), {}).items == ()


def test_strangers_are_the_grants_that_would_be_taken_over() -> None:
    there = (secret("db"), policy(CI, secrets=("get",)))
    unmanaged = tuple(Unmanaged(at(f"{one.kind}.kv/x"), at("vault.kv"), OtherPolicy.ALARM, one) for one in there)
    assert strangers(Plan(HEAD, (), unmanaged=unmanaged)) == (there[1],)
    assert VAULT in there[1].remote_id
