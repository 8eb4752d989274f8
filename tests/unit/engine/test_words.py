"""Settings in the words of the YAML."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from declarative_kv.engine.words import deviation, shortfall, word
from declarative_kv.model.plan import AttrDiff
from tests.unit.engine.fakes import at


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(none)"),
        (False, "false"),
        (90, "90"),
        ("standard", "standard"),
        (datetime(2027, 1, 31, tzinfo=UTC), "2027-01-31T00:00:00+00:00"),
        (("a", None), "[a, (none)]"),
    ],
)
def test_a_setting_reads_as_it_is_written(value: object, text: str) -> None:
    assert word(value) == text


def test_what_deviates_is_named_with_both_sides() -> None:
    diffs = [AttrDiff(("sku",), "premium", "standard"), AttrDiff(("network", "default"), "allow", "deny")]
    assert deviation(diffs) == "sku is premium, not standard; network.default is allow, not deny"
    assert deviation(diffs[:1], at("vault.a")) == "sku of vault.a is premium, not standard"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (("list",), ("get", "list"), "secrets lacks get"),
        (("get", "purge"), ("get",), "secrets has purge beyond what was written"),
        (None, ("get", "list"), "secrets lacks get, list"),
        (("purge", "set"), ("get",), "secrets lacks get and has purge, set beyond what was written"),
        ("one", "other", "secrets is one, not other"),
    ],
)
def test_what_a_list_lacks_is_named_item_by_item(before: object, after: object, text: str) -> None:
    assert shortfall([AttrDiff(("secrets",), before, after)]) == text
