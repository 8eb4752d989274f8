"""What many have alike is held once."""

from __future__ import annotations

from declarative_kv.model.address import Address
from declarative_kv.model.alike import addresses, seconds, texts
from declarative_kv.model.codec import decode
from declarative_kv.model.plan import Action, Change, Reason, Value, Verdict
from declarative_kv.model.state import Entry

VAULT = Address("vault", "kv")


def test_equal_sets_of_addresses_are_one() -> None:
    assert addresses([VAULT]) == frozenset({VAULT})
    assert addresses([VAULT]) is addresses([Address("vault", "kv")])


def test_equal_mappings_of_texts_are_one_in_the_order_that_they_were_given_in() -> None:
    assert texts({"a": "1", "b": "2"}) is texts({"a": "1", "b": "2"})
    assert list(texts({"b": "2", "a": "1"})) == ["b", "a"]


def test_equal_mappings_of_times_are_one() -> None:
    assert seconds({"created": 1_700_000_000}) == {"created": 1_700_000_000}
    assert seconds({"created": 1_700_000_000}) is seconds({"created": 1_700_000_000})


def test_entries_that_need_the_same_hold_it_once() -> None:
    data = {"remote_id": "/x", "spec": {}, "depends_on": ["vault.kv"]}
    one, other = (decode(Entry, {"address": f"secret.kv/{name}", **data}) for name in "ab")
    assert one.depends_on is other.depends_on
    assert one.address.kind is other.address.kind


def test_changes_and_verdicts_without_facts_have_none() -> None:
    assert dict(Change(VAULT, Action.NOOP, Reason.EQUAL).facts) == {}
    assert Verdict(Value.SAME).facts is Verdict(Value.NEW).facts
