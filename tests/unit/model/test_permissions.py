"""Permissions and the portal's templates."""

from __future__ import annotations

import pytest

from declarative_kv.model.permissions import PERMISSIONS, TEMPLATES, granted


def test_permissions_are_lower_case_words_in_four_collections() -> None:
    assert list(PERMISSIONS) == ["secrets", "keys", "certificates", "storage"]
    assert all(word == word.lower() for words in PERMISSIONS.values() for word in words)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_grants_only_known_permissions_and_never_purge(name: str) -> None:
    for kind, words in TEMPLATES[name].items():
        assert words <= PERMISSIONS[kind]
        assert not words & {"purge", "all"}


def test_management_templates_do_no_cryptography() -> None:
    assert not TEMPLATES["key-management"]["keys"] & {"sign", "decrypt", "unwrapkey", "encrypt", "verify", "wrapkey"}


def test_names_of_templates_are_kebab_case() -> None:
    assert all(name == name.lower().replace(" ", "-") for name in TEMPLATES)


def test_a_template_and_written_permissions_are_united_and_sorted() -> None:
    found = granted("azure-backup", {"secrets": frozenset({"set", "get"}), "storage": frozenset({"get"})})

    assert found == {
        "secrets": ("backup", "get", "list", "set"),
        "keys": ("backup", "get", "list"),
        "certificates": (),
        "storage": ("get",),
    }


def test_nothing_written_grants_nothing() -> None:
    assert granted(None, {}) == {"secrets": (), "keys": (), "certificates": (), "storage": ()}
