"""Settings read as somebody would write them in the YAML; a value never reads at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from declarative_kv.model.plan import AttrDiff
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import NetworkSpec
from declarative_kv.render.names import Names, short
from declarative_kv.render.safe import safe
from declarative_kv.render.values import changed, packed, settings, shown

from .plans import PAYMENTS, SUBSCRIPTION, secret, vault


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(none)"),
        (True, "true"),
        (90, "90"),
        ("standard", "standard"),
        ("", '""'),
        (" spaced ", '" spaced "'),
        (("get", "list"), "[get, list]"),
        (frozenset({"b", "a"}), "[a, b]"),
        ({"b": "2", "a": None}, "{a: (none), b: 2}"),
        (OtherPolicy.ALARM, "alarm"),
        (datetime(2027, 6, 30, tzinfo=UTC), "2027-06-30"),
        (datetime(2027, 6, 30, 2, tzinfo=timezone(timedelta(hours=2))), "2027-06-30"),
        (datetime(2027, 6, 30, 12, 30, tzinfo=UTC), "2027-06-30T12:30:00Z"),
        (NetworkSpec(default="deny", public=False), "{default: deny, public: false}"),
        (Sensitive("hunter2"), "(sensitive)"),
    ],
)
def test_a_value_reads_as_in_the_yaml(value: object, text: str) -> None:
    assert shown(value) == text


def test_settings_leave_out_the_name_the_value_and_its_source() -> None:
    spec = secret("db", source=EnvSource("DB"), value=Sensitive("hunter2"), content_type="text/plain")
    assert settings(spec) == [("name", "db"), ("content_type", "text/plain")]
    assert ("network.default", "deny") in settings(vault(network=NetworkSpec(default="deny")))


def test_a_difference_names_its_path() -> None:
    assert changed(AttrDiff(("network", "ip_rules"), (), ("203.0.113.0/24",))) == (
        "network.ip_rules: [] -> [203.0.113.0/24]"
    )


def test_pieces_share_a_line_while_they_fit() -> None:
    assert packed(["aaa", "bbb", "c" * 20], 10) == ["aaa, bbb", "c" * 20]
    assert packed([], 10) == []


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        (f"/subscriptions/{SUBSCRIPTION}", "subscription 2222…"),
        (PAYMENTS, "vault kv-payments-p1"),
        (f"{PAYMENTS}/secrets/db", "secret db"),
        ("/providers/Microsoft.Management/managementGroups/mg", "management group mg"),
        ("/", "the whole tenant"),
    ],
)
def test_a_scope_is_named_by_what_it_is(scope: str, text: str) -> None:
    assert Names().scope(scope) == text


def test_only_guids_are_shortened() -> None:
    assert short(SUBSCRIPTION) == "2222…"
    assert short("payments-api") == "payments-api"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x9b", "\u200b", "\u202e", "\u2066", "\ufeff", "\U000e0041"])
def test_invisible_characters_become_visible(character: str) -> None:
    assert character not in safe(f"a{character}b")
    assert safe(f"a{character}b").startswith("a\\")


def test_other_scripts_stay_as_they_are() -> None:
    assert safe("Zahlungen für Größe 日本") == "Zahlungen für Größe 日本"
