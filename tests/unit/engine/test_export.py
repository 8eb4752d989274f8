"""What is handed over to another tool, from the YAML and the state alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from declarative_kv.engine.export import Export, Missing, Unknown, exported
from declarative_kv.kinds import registry
from declarative_kv.model.address import Address
from declarative_kv.model.document import Document
from declarative_kv.model.state import Entry, State, Status
from tests.unit.config.yamls import loaded

SUBSCRIPTION, TENANT = "22222222-2222-2222-2222-222222222222", "11111111-1111-1111-1111-111111111111"
ME, OPS, ROLE = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
KNOWN = f"tenant: {TENANT}\nsubscription: {SUBSCRIPTION}\n"
BY_ID = f"principals: {{me: {{object_id: {ME}}}, ops: {{object_id: {OPS}}}}}\n"
BY_NAME = "principals: {me: {current: true}, ops: {group: Ops}}\n"
REST = """\
resource_groups: {rg: {location: westeurope}}
vaults:
  one:
    access: policies
    location: westeurope
    resource_group: rg
    access_policies: {me: {secrets: [get]}, ops: {secrets: [list]}}
    secrets: {db: {value_from: kept}}
  hr: {existing: true, name: kv-hr, access: rbac, %s roles: {ops: [%s]}}
"""


def document(
    folder: Path,
    head: str,
    people: str,
    rest: str = REST % ("resource_group: rg-hr,", ROLE),
    environ: Mapping[str, str] | None = None,
) -> Document:
    return loaded(folder, f"version: 1\n{head}{people}{rest}", environ=environ)


@pytest.fixture
def applied(tmp_path: Path) -> State:
    """What an apply left behind."""
    whole = exported(document(tmp_path, KNOWN, BY_ID), State(), registry())
    entries = [Entry(one.resource.address, one.remote_id, one.resource.spec) for one in whole.items]
    return State("lineage", 1, {entry.address: entry for entry in entries})


def told(export: Export, address: str, attribute: str) -> list[str | Unknown]:
    """The pieces of an item's text."""
    (item,) = [one for one in export.items if str(one.resource.address) == address]
    return list(export.parts(getattr(item.resource.spec, attribute)))


def test_the_state_tells_what_names_stand_for(tmp_path: Path, applied: State) -> None:
    named = document(tmp_path, "", BY_NAME, REST % ("", "Keeper of the Keys"))
    entries = dict(applied.entries)
    role = Address.parse("role_assignment.hr/ops/keeper-of-the-keys")
    entries[role] = replace(entries.pop(Address.parse(f"role_assignment.hr/ops/{ROLE}")), address=role)

    found = exported(named, replace(applied, entries=entries), registry())

    assert found.unknown == ()
    assert (found.subscription, found.tenant) == (SUBSCRIPTION, TENANT)
    assert told(found, "access_policy.one/me", "principal") == [ME]
    assert told(found, "access_policy.one/ops", "principal") == [OPS]
    assert told(found, str(role), "role") == [ROLE]
    assert "/resourceGroups/rg-hr/" in str(told(found, str(role), "scope")[0])
    assert {item.resource.address: item.entry for item in found.items} == entries
    assert found.existing == (Address("vault", "hr"),)


def test_what_nobody_told_is_marked(tmp_path: Path) -> None:
    found = exported(document(tmp_path, "", BY_NAME, REST % ("", "Keeper of the Keys")), State(), registry())
    role = "role_assignment.hr/ops/keeper-of-the-keys"
    assert told(found, "access_policy.one/me", "principal") == [Unknown(Missing.CURRENT)]
    assert told(found, "access_policy.one/ops", "principal") == [Unknown(Missing.PRINCIPAL, "ops")]
    assert told(found, role, "role") == [Unknown(Missing.ROLE, "Keeper of the Keys")]
    assert list(found.parts(found.tenant)) == [Unknown(Missing.TENANT)]
    assert told(found, role, "scope") == [
        "/subscriptions/",
        Unknown(Missing.SUBSCRIPTION),
        "/resourceGroups/",
        Unknown(Missing.GROUP, "kv-hr"),
        "/providers/Microsoft.KeyVault/vaults/kv-hr",
    ]
    assert found.missing(Missing.PRINCIPAL) == ("ops",)
    assert all(item.entry is None for item in found.items)


def test_what_is_unknown_in_two_places_is_one_unknown_thing(tmp_path: Path) -> None:
    vault = "{existing: true, resource_group: rg, subscription: %s, access: rbac, roles: {me: [Keeper of Keys]}}"
    vaults = "".join(
        f"  {key}: {vault % (digit * 8 + SUBSCRIPTION[8:])}\n" for key, digit in (("kva", "3"), ("kvb", "4"))
    )
    found = exported(document(tmp_path, KNOWN, BY_ID, f"vaults:\n{vaults}"), State(), registry())
    assert found.unknown.count(Unknown(Missing.ROLE, "Keeper of Keys")) == 1
    assert len(found.items) == 2


def test_the_tenant_is_an_id_also_where_it_is_given_as_a_domain(tmp_path: Path, applied: State) -> None:
    given = document(tmp_path, "", BY_NAME, environ={"AZURE_TENANT_ID": "contoso.example"})
    assert given.tenant.value == "contoso.example"
    assert exported(given, applied, registry()).tenant == TENANT


def test_a_built_in_role_needs_nobody_and_a_vault_elsewhere_is_not_taken_for_ours(
    tmp_path: Path, applied: State
) -> None:
    elsewhere = "subscription: 33333333-2222-2222-2222-222222222222,"
    found = exported(document(tmp_path, KNOWN, BY_ID, REST % (elsewhere, "Reader")), applied, registry())
    assert told(found, "role_assignment.hr/ops/reader", "role") == ["acdd72a7-3385-48ef-bd42-f606fba81ae7"]
    assert found.missing(Missing.GROUP) == ("kv-hr",)


def test_what_a_run_left_unfinished_is_told_apart_from_what_was_never_begun(tmp_path: Path, applied: State) -> None:
    pending, fresh = Address("secret", "one/db"), Address("access_policy", "one/ops")
    entries = {**applied.entries, pending: replace(applied.entries[pending], status=Status.PENDING)}
    del entries[fresh]
    found = exported(document(tmp_path, KNOWN, BY_ID), replace(applied, entries=entries), registry())
    items = {item.resource.address: item for item in found.items}
    assert (items[pending].entry, items[pending].pending) == (None, True)
    assert (items[fresh].entry, items[fresh].pending) == (None, False)


def test_an_id_of_the_state_wins_and_moves_are_followed(tmp_path: Path, applied: State) -> None:
    grant, old, new = (
        Address("role_assignment", f"hr/ops/{ROLE}"),
        Address("resource_group", "rg"),
        Address("resource_group", "group"),
    )
    entries = {**applied.entries, grant: replace(applied.entries[grant], remote_id="/other")}
    gone = Entry(
        Address("secret", "one/old"), f"{applied.entries[Address('vault', 'one')].remote_id}/secrets/old", None
    )
    moved = (REST % ("resource_group: rg-hr,", ROLE)).replace("{rg: {", "{group: {name: rg, ")
    moved += "moved: {resource_group.rg: resource_group.group}\n"
    found = exported(
        document(tmp_path, KNOWN, BY_ID, moved), replace(applied, entries={**entries, gone.address: gone}), registry()
    )
    items = {item.resource.address: item for item in found.items}
    assert items[grant].remote_id == "/other"
    assert items[new].remote_id == applied.entries[old].remote_id
    assert items[new].entry is not None
    assert found.leaving == (gone.address,)


def test_the_subscription_of_most_entries_is_the_one(tmp_path: Path, applied: State) -> None:
    odd = Entry(Address("secret", "one/old"), "/subscriptions/00000000-0000-0000-0000-000000000000/x", None)
    above = Entry(Address("role_assignment", "x"), "/providers/x", None)
    state = replace(applied, entries={odd.address: odd, above.address: above, **applied.entries})
    assert exported(document(tmp_path, f"tenant: {TENANT}\n", BY_ID), state, registry()).subscription == SUBSCRIPTION
