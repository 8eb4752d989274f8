"""Object ids beside names: one place each, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from declarative_kv.config.loading import Request
from declarative_kv.config.pinning import Pinned, pin

ONE, TWO = "9f9f0000-0000-0000-0000-000000000001", "9f9f0000-0000-0000-0000-000000000002"


def pinned(
    folder: Path, text: str, ids: Mapping[str, str], environment: str | None = None
) -> tuple[str | None, Pinned]:
    """The root file's new text, and what came of it."""
    (folder / "dkv.yaml").write_text(f"version: 1\n{text}", encoding="utf-8")
    made = pin(Request(folder, environment, {}, None, {}, folder), ids)
    new = made.texts.get(folder / "dkv.yaml")
    return (None if new is None else new.removeprefix("version: 1\n")), made


@pytest.mark.parametrize(
    ("reason", "before", "after"),
    [
        (
            "in brackets",
            "principals:\n  a: {group: A}   # them\n  b: {user: b@c.example}\n",
            f"principals:\n  a: {{group: A, object_id: {ONE}}}   # them\n  b: {{user: b@c.example}}\n",
        ),
        (
            "in lines",
            "principals:\n  # who\n  a:\n    group: A  # them\n\nvars: {}\n",
            f"principals:\n  # who\n  a:\n    group: A  # them\n    object_id: {ONE}\n\nvars: {{}}\n",
        ),
        (
            "for the only environment",
            "environments: {p: {}}\nprincipals: {a: {group: A}}\n",
            f"environments: {{p: {{}}}}\nprincipals: {{a: {{group: A, object_id: {ONE}}}}}\n",
        ),
        (
            "for one of several environments in that one",
            "environments:\n  p: {}\n  q: {}\nprincipals: {a: {group: A}}\nstate: $(env).json\n",
            f"environments:\n  p: {{principals: {{a: {{object_id: {ONE}}}}}}}\n  q: {{}}\n"
            "principals: {a: {group: A}}\nstate: $(env).json\n",
        ),
    ],
)
def test_an_id_is_written_where_it_counts_for_nobody_else(tmp_path: Path, reason: str, before: str, after: str) -> None:
    environment = "p" if "environments" in before else None
    text, made = pinned(tmp_path, before, {"a": ONE}, environment)
    assert text == after, reason
    assert (made.done, made.refused) == ({"a": str(tmp_path / "dkv.yaml")}, {})


def test_what_comes_through_an_alias_is_left_and_the_rest_is_written(tmp_path: Path) -> None:
    text, made = pinned(
        tmp_path,
        "principals:\n  a: &them {group: A}\n  b: *them\n  c: {group: C}\n",
        {"a": ONE, "b": TWO, "c": TWO},
    )
    assert text == f"principals:\n  a: &them {{group: A}}\n  b: *them\n  c: {{group: C, object_id: {TWO}}}\n"
    assert made.refused == {
        "a": "something else would change, or the file would not load",
        "b": "it comes through an alias, which stands for other entries too",
    }


def test_two_names_of_one_principal_cannot_both_be_pinned_where_that_makes_a_grant_twice(tmp_path: Path) -> None:
    text, made = pinned(
        tmp_path,
        "principals:\n  a: {group: A}\n  b: {group: B}\n"
        "vaults: {kv-v: {access: policies, location: westeurope, resource_group: rg, "
        "access_policies: {a: {secrets: [get]}, b: {secrets: [get]}}}}\n",
        {"a": ONE, "b": ONE},
    )
    assert text is not None
    assert f"a: {{group: A, object_id: {ONE}}}\n  b: {{group: B}}\n" in text
    assert list(made.refused) == ["b"]


def test_nothing_to_pin_changes_nothing(tmp_path: Path) -> None:
    text, made = pinned(tmp_path, "principals: {a: {group: A}}\n", {})
    assert (text, made.done, made.refused) == (None, {}, {})
