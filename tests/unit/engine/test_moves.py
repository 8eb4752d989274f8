"""Entries of the state under the addresses that the YAML has given them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.engine.moves import relocated
from declarative_kv.model.address import Address
from declarative_kv.model.errors import PlanError
from declarative_kv.model.state import Entry, State


def entry(text: str, remote_id: str, *needs: str, **facts: object) -> Entry:
    return Entry(Address.parse(text), remote_id, None, frozenset(map(Address.parse, needs)), facts=facts)


def state(*entries: Entry) -> State:
    return State("lineage", 3, {one.address: one for one in entries})


def after(before: State, **wanted: str) -> tuple[dict[str, str], dict[str, str]]:
    """What has which id afterwards, and what moved where."""
    pairs = {
        Address.parse(key.replace("__", ".").replace("_in_", "/")): Address.parse(to) for key, to in wanted.items()
    }
    found, moved = relocated(before, pairs)
    assert all(one.address == at for at, one in found.entries.items())
    return {str(at): one.remote_id for at, one in found.entries.items()}, {str(m.source): str(m.target) for m in moved}


VAULT, SECRET = entry("vault.a", "V"), entry("secret.a/x", "S", "vault.a", fingerprint="f", version="1")


def test_a_vault_takes_along_what_is_below_it_and_what_needs_it() -> None:
    role = entry("role_assignment.r", "R", "vault.a")
    found, moved = relocated(state(VAULT, SECRET, role), {Address("vault", "a"): Address("vault", "b")})
    secret = found.entries[Address("secret", "b/x")]
    assert secret.depends_on == found.entries[role.address].depends_on == {Address("vault", "b")}
    # The fingerprint is made with the address: under another one it says nothing.
    assert secret.facts == {"version": "1"}
    assert [(str(one.source), str(one.target)) for one in moved] == [
        ("secret.a/x", "secret.b/x"),
        ("vault.a", "vault.b"),
    ]


def test_what_lies_in_an_attached_vault_moves_although_the_vault_is_in_no_state() -> None:
    assert after(state(SECRET), vault__a="vault.b") == ({"secret.b/x": "S"}, {"secret.a/x": "secret.b/x"})


def test_moves_follow_one_another() -> None:
    found, moved = after(state(VAULT, SECRET), vault__a="vault.b", vault__b="vault.c", secret__c_in_x="secret.c/y")
    assert found == {"vault.c": "V", "secret.c/y": "S"}
    assert moved == {"vault.a": "vault.c", "secret.a/x": "secret.c/y"}


def test_a_move_that_was_made_is_not_made_again() -> None:
    before = state(entry("vault.b", "V"))
    assert relocated(before, {Address("vault", "a"): Address("vault", "b")}) == (before, ())


def test_an_old_entry_of_the_same_object_gives_way() -> None:
    both = state(VAULT, entry("vault.b", "v"), SECRET)
    assert after(both, vault__a="vault.b") == ({"vault.b": "v", "secret.b/x": "S"}, {"secret.a/x": "secret.b/x"})


def test_an_address_that_another_object_has_is_refused() -> None:
    taken = state(
        VAULT, SECRET, entry("vault.b", "W"), replace(SECRET, address=Address("secret", "b/x"), remote_id="T")
    )
    with pytest.raises(PlanError) as refused:
        after(taken, vault__a="vault.b")
    assert [(one.code, str(one.address)) for one in refused.value.diagnostics] == [
        ("move-taken", "secret.b/x"),
        ("move-taken", "vault.b"),
    ]
