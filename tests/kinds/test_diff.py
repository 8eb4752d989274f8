"""A difference is what is written and is otherwise in Azure; nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from declarative_kv.kinds.diff import differences
from declarative_kv.model.plan import AttrDiff
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import NetworkSpec, RoleAssignmentSpec, SecretSpec, VaultSpec

VAULT = VaultSpec(
    subscription="s",
    resource_group="g",
    name="kv",
    sku="standard",
    network=NetworkSpec(public=True, default="deny", ip_rules=("10.0.0.0/8", "192.0.2.0/24")),
    tags={"team": "pay", "cost": "7"},
)
SECRET = SecretSpec(vault="v", name="n", content_type=None, expires=datetime(2027, 6, 30, tzinfo=UTC), tags={})
WEST = timezone(timedelta(hours=-8))


@pytest.mark.parametrize(
    ("desired", "live", "reason"),
    [
        (VAULT, VAULT, "the same"),
        (VaultSpec(subscription="s", resource_group="g", name="kv"), VAULT, "nothing is written"),
        (replace(VAULT, tags={"team": "pay"}, network=None), VAULT, "tags are managed key by key"),
        (replace(VAULT, network=NetworkSpec(default="deny")), VAULT, "a nested setting that is unwritten"),
        (replace(VAULT, network=NetworkSpec(ip_rules=("192.0.2.0/24", "10.0.0.0/8"))), VAULT, "lists have no order"),
        (replace(VAULT, name="KV", resource_group="G"), VAULT, "an identity is never compared"),
        (replace(SECRET, expires=datetime(2027, 6, 29, 16, tzinfo=WEST)), SECRET, "the same instant elsewhere"),
        (replace(SECRET, expires=datetime(2027, 6, 30, microsecond=9, tzinfo=UTC)), SECRET, "whole seconds only"),
        (replace(SECRET, content_type=""), SECRET, "no text is empty text"),
        (replace(SECRET, value=Sensitive("x"), source=EnvSource("X")), SECRET, "values are compared elsewhere"),
        (
            RoleAssignmentSpec(scope="s", role="r", principal="p"),
            RoleAssignmentSpec(scope="s", role="r", principal="p", principal_type="Group", description="d"),
            "a type that Azure filled in",
        ),
    ],
)
def test_there_is_no_difference(desired: Any, live: Any, reason: str) -> None:
    assert differences(desired, live) == (), reason


@pytest.mark.parametrize(
    ("desired", "live", "found"),
    [
        (replace(VAULT, sku="premium"), VAULT, [AttrDiff(("sku",), "standard", "premium")]),
        (
            replace(VAULT, tags={"team": "new", "owner": "sre"}),
            VAULT,
            [AttrDiff(("tags", "owner"), None, "sre"), AttrDiff(("tags", "team"), "pay", "new")],
        ),
        (
            replace(VAULT, network=NetworkSpec(public=False, ip_rules=())),
            VAULT,
            [
                AttrDiff(("network", "ip_rules"), ("10.0.0.0/8", "192.0.2.0/24"), ()),
                AttrDiff(("network", "public"), True, False),
            ],
        ),
        (replace(SECRET, enabled=False), replace(SECRET, enabled=True), [AttrDiff(("enabled",), True, False)]),
        (replace(SECRET, content_type="x"), SECRET, [AttrDiff(("content_type",), None, "x")]),
        (replace(SECRET, version="1"), replace(SECRET, version="2"), [AttrDiff(("version",), "2", "1")]),
        (
            replace(VAULT, network=NetworkSpec(default="allow")),
            replace(VAULT, network=None),
            [AttrDiff(("network", "default"), None, "allow")],
        ),
    ],
)
def test_a_difference_names_its_path_before_and_after(desired: Any, live: Any, found: list[AttrDiff]) -> None:
    assert list(differences(desired, live)) == found
