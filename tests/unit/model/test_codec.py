"""The codec: what comes out of JSON is what went in, and what must not get in does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.codec import Malformed, decode, encode
from declarative_kv.model.document import Selector
from declarative_kv.model.plan import AttrDiff
from declarative_kv.model.resource import Condition, Observed
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import CommandSource, EnvSource, GenerateSource, Kept
from declarative_kv.model.specs import NetworkSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, Status

SPECS = {"secret": SecretSpec, "vault": VaultSpec}
VAULT = "/subscriptions/2/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"


@dataclass(frozen=True, slots=True)
class Everything:
    """A field of each form that the model uses."""

    flag: bool
    count: int
    share: float
    words: tuple[str, ...]
    pair: tuple[str, int]
    addresses: frozenset[Address]
    names: Mapping[Address, str]
    when: datetime
    status: Status
    maybe: NetworkSpec | None = None
    anything: Any = None
    required_default: int | None = 7


def through_json(value: object, declared: type | None = None) -> Any:
    return decode(declared or type(value), json.loads(json.dumps(encode(value))), SPECS)


def everything(**changes: Any) -> Everything:
    fields: dict[str, Any] = {
        "flag": False,
        "count": 3,
        "share": 0.5,
        "words": ("a", "b"),
        "pair": ("x", 1),
        "addresses": frozenset({Address("vault", "b"), Address("vault", "a")}),
        "names": {Address("secret", "v/x"): "x"},
        "when": datetime(2027, 6, 30, 12, 30, 1, 5, tzinfo=UTC),
        "status": Status.PENDING,
    }
    return Everything(**fields | changes)


@pytest.mark.parametrize(
    "value",
    [
        everything(),
        everything(maybe=NetworkSpec(public=True, ip_rules=())),
        everything(when=datetime(2027, 6, 30, tzinfo=timezone(timedelta(hours=2)))),
        everything(required_default=None),
        everything(anything={"list": [1, None, "x"], "tuple": (1, (2,)), "set": frozenset({"a"})}),
        everything(anything={"$type": "tuple", "items": [1]}),
        everything(anything=[{"nested": {"$type": "x"}}]),
        everything(anything=Address("vault", "a")),
        everything(anything=datetime(2027, 1, 1, tzinfo=UTC)),
        everything(anything=NetworkSpec(bypass=("azure_services",))),
        everything(anything=EnvSource("DB")),
    ],
)
def test_a_value_comes_back_as_it_was(value: Everything) -> None:
    assert through_json(value) == value


def test_text_forms_are_the_ones_people_read() -> None:
    encoded = encode(everything())

    assert encoded["addresses"] == ["vault.a", "vault.b"]
    assert encoded["names"] == {"secret.v/x": "x"}
    assert encoded["when"] == "2027-06-30T12:30:01.000005Z"
    assert encoded["status"] == "pending"


def test_settings_that_are_not_written_are_left_out() -> None:
    spec = VaultSpec(subscription="2", resource_group="rg", name="kv", tags={}, enabled_for=())

    assert encode(spec) == {"subscription": "2", "resource_group": "rg", "name": "kv", "tags": {}, "enabled_for": []}
    assert through_json(spec) == spec


@pytest.mark.parametrize(
    "source", [EnvSource("DB"), GenerateSource(length=48), CommandSource(("pass", "db"), "/src"), Kept(), None]
)
def test_a_source_comes_back_although_specs_do_not_compare_it(source: Any) -> None:
    spec = SecretSpec(vault=VAULT, name="db", source=source)

    assert through_json(spec).source == source


def test_a_hidden_field_is_not_written() -> None:
    spec = SecretSpec(vault=VAULT, name="db", value=Sensitive("hunter2-hunter2"))

    assert encode(spec) == {"vault": VAULT, "name": "db"}


@dataclass(frozen=True, slots=True)
class Leaky:
    """What a mistake would look like."""

    text: str | Sensitive | None = None
    tags: Mapping[str, str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Any, ...] = ()


SECRET: Any = Sensitive("hunter2-hunter2")
DIFF: Any = AttrDiff((), 1, 2)


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        {"value": SECRET},
        [SECRET],
        (SECRET,),
        AttrDiff(("value",), None, SECRET),
        Entry(Address("secret", "v/x"), "id", SECRET),
        Entry(Address("secret", "v/x"), "id", {"value": SECRET}),
        Entry(Address("secret", "v/x"), "id", {}, facts={"value": {"deep": [SECRET]}}),
        Leaky(text=SECRET),
        Leaky(tags=SECRET),
        Leaky(items=(1, SECRET)),
        Leaky(items=SECRET),
    ],
)
def test_a_sensitive_value_is_refused_wherever_it_stands(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        encode(value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", [object(), b"bytes", {1: "x"}, {"x": object()}, Entry(Address("a", "b"), "id", (1,))])
def test_what_has_no_json_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize(
    "changes",
    [{"count": True}, {"count": "3"}, {"words": "ab"}, {"pair": "x"}, {"names": 1}, {"maybe": 1}, {"addresses": []}],
)
def test_a_value_of_the_wrong_type_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        encode(everything(**changes))


def test_a_dataclass_in_the_place_of_another_is_refused() -> None:
    with pytest.raises(TypeError, match="AttrDiff where Everything belongs"):
        encode(Holds((DIFF,)))


@dataclass(frozen=True, slots=True)
class Holds:
    """Dataclasses in a tuple."""

    items: tuple[Everything, ...]


@dataclass(frozen=True, slots=True)
class Unwritable:
    """A type that JSON does not have."""

    data: bytes = b""


def test_a_field_type_without_a_json_form_is_refused_both_ways() -> None:
    with pytest.raises(TypeError, match="bytes has no JSON form"):
        encode(Unwritable())
    with pytest.raises(TypeError, match="bytes has no JSON form"):
        decode(Unwritable, {})


def test_the_spec_has_the_class_of_its_owners_kind() -> None:
    entry = Entry(Address("vault", "kv"), VAULT, VaultSpec(subscription="2", resource_group="rg", name="kv"))
    seen = Observed("secret", f"{VAULT}/secrets/x", SecretSpec(vault=VAULT, name="x"), Condition.SOFT_DELETED)

    assert through_json(entry) == entry
    assert through_json(seen) == seen


def test_the_spec_of_an_unknown_kind_stays_the_json_it_is() -> None:
    data = {"address": "widget.a", "remote_id": "id", "spec": {"$type": "tuple", "deep": [{"x": None}, 1.5]}}

    entry = decode(Entry, {**data, "status": "applied", "protect": False}, SPECS)

    assert entry.spec == data["spec"]
    assert encode(entry)["spec"] == data["spec"]
    assert through_json(entry) == entry


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"count": True}, "count: expected int"),
        ({"count": 1.0}, "count: expected int"),
        ({"flag": 0}, "flag: expected bool"),
        ({"share": "1"}, "share: expected float"),
        ({"words": "ab"}, "words: expected a list"),
        ({"words": ["a", 1]}, "words > [1]: expected str"),
        ({"pair": ["x"]}, "pair: expected 2 items"),
        ({"pair": ["x", "y"]}, "pair > [1]: expected int"),
        ({"addresses": ["vault"]}, "addresses > [0]: expected Address"),
        ({"names": []}, "names: expected an object"),
        ({"names": {"x": "y"}}, "names > x: expected Address"),
        ({"when": "yesterday"}, "when: expected datetime"),
        ({"when": 5}, "when: expected datetime"),
        ({"status": "gone"}, "status: expected Status"),
        ({"maybe": {"public": "yes"}}, "maybe > public: expected a value of another type"),
        ({"maybe": [1]}, "maybe: expected a value of another type"),
        ({"maybe": {"colour": "red"}}, "maybe > colour: NetworkSpec has an unknown field"),
        ({"colour": "red"}, "colour: Everything has an unknown field"),
        ({"anything": {"$type": "Path"}}, "anything: expected an object with a known $type"),
        ({"anything": {"$type": {}}}, "anything: expected an object with a known $type"),
        ({"anything": {"$type": "tuple"}}, "anything: expected a list"),
        ({"anything": {"$type": "set", "items": [[]]}}, "anything: expected members that can stand in a set"),
        ({"anything": {"$type": "mapping", "items": [["k"]]}}, "anything > [0]: expected 2 items"),
        ({"anything": {"$type": "datetime", "text": "x"}}, "anything: expected datetime"),
    ],
)
def test_json_that_does_not_fit_says_where_and_what_was_expected(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(Everything, encode(everything()) | changes, SPECS)
    assert str(caught.value) == problem


def test_a_missing_field_is_named() -> None:
    data = encode(everything())
    del data["count"]

    with pytest.raises(Malformed, match="count: Everything lacks a field"):
        decode(Everything, data)


def test_a_source_needs_a_name_that_is_known() -> None:
    with pytest.raises(Malformed, match=r"source: expected an object with a known \$type"):
        decode(SecretSpec, {"vault": VAULT, "name": "x", "source": {"name": "DB"}})


def test_a_whole_number_stands_for_a_float() -> None:
    assert decode(Everything, encode(everything()) | {"share": 2}).share == 2


def test_an_enum_of_text_under_any_is_its_text() -> None:
    assert encode(Selector.GROUP) == "group"
    assert encode({"by": Selector.GROUP}) == {"by": "group"}


def test_what_did_not_fit_is_never_in_the_message() -> None:
    with pytest.raises(Malformed) as caught:
        decode(SecretSpec, {"vault": VAULT, "name": ["hunter2-hunter2"]})
    assert "hunter2" not in str(caught.value)
