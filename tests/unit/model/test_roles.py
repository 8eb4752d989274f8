"""Role definitions: what they permit, and which are only for readers."""

from __future__ import annotations

import pytest

from declarative_kv.model.roles import Role, builtin_role, builtin_roles, can_change_or_read_values, matches, slug

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.mark.parametrize("text", ["Reader", "reader", READER, READER.upper()])
def test_a_built_in_role_is_found_by_name_and_id_in_any_case(text: str) -> None:
    role = builtin_role(text)

    assert role is not None
    assert (role.guid, role.name) == (READER, "Reader")


def test_an_unknown_role_is_none() -> None:
    assert builtin_role("Vault Whisperer") is None


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "Microsoft.KeyVault/vaults/read", True),
        ("*/read", "Microsoft.KeyVault/vaults/read", True),
        ("*/read", "Microsoft.KeyVault/vaults/write", False),
        ("microsoft.keyvault/vaults/*", "Microsoft.KeyVault/vaults/secrets/getSecret/action", True),
        ("Microsoft.KeyVault/vaults/secrets/*/action", "Microsoft.KeyVault/vaults/secrets/getSecret/action", True),
        ("Microsoft.KeyVault/vaults/read", "Microsoft.KeyVault/vaults/readX", False),
        ("Microsoft.KeyVault/vaults/read", "MicrosoftXKeyVault/vaults/read", False),
    ],
)
def test_a_star_stands_for_any_text(pattern: str, action: str, expected: bool) -> None:
    assert matches(pattern, action) is expected


def test_what_is_taken_out_is_not_permitted() -> None:
    contributor = builtin_role("Contributor")

    assert contributor is not None
    assert contributor.permits("Microsoft.KeyVault/vaults/write")
    assert not contributor.permits("Microsoft.Authorization/roleAssignments/write")
    assert not contributor.permits_data("Microsoft.KeyVault/vaults/secrets/getSecret/action")


def test_only_the_readers_among_the_built_in_roles_are_readers() -> None:
    readers = {role.name for role in builtin_roles().values() if can_change_or_read_values(role) is None}

    assert readers == {"Reader", "Key Vault Reader"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role("g", "other services only", ("Microsoft.Compute/*",)), None),
        (Role("g", "metadata", (), (), ("Microsoft.KeyVault/vaults/secrets/readMetadata/action",)), None),
        (Role("g", "purge", ("Microsoft.KeyVault/locations/deletedVaults/purge/action",)), "purge"),
        (Role("g", "new power", ("Microsoft.KeyVault/vaults/brandNew/action",)), "brandNew"),
        (Role("g", "new data power", (), (), ("Microsoft.KeyVault/vaults/brandNew/action",)), "brandNew"),
        (
            Role(
                "g",
                "power that is taken out again",
                ("Microsoft.KeyVault/vaults/brandNew/action",),
                ("Microsoft.KeyVault/vaults/brandNew/action",),
            ),
            None,
        ),
        (Role("g", "data taken out", (), (), ("*",), ("*",)), None),
    ],
    ids=lambda value: value.name if isinstance(value, Role) else None,
)
def test_a_role_is_more_than_a_reader_by_what_it_permits(role: Role, expected: str | None) -> None:
    found = can_change_or_read_values(role)

    assert (expected is None) == (found is None)
    assert expected is None or expected in str(found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Key Vault Reader", "key-vault-reader"),
        ("Role (Preview)", "role-preview"),
        (READER.upper(), READER),
        ("読み取り 専用", "読み取り-専用"),
        ("???", "role"),
    ],
)
def test_a_name_becomes_part_of_an_address(name: str, expected: str) -> None:
    assert slug(name) == expected
