"""Role definitions: what they permit, and the built-in ones by GUID and name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_AUTHORITIES = ("microsoft.keyvault/", "microsoft.authorization/")


@dataclass(frozen=True, slots=True)
class Role:
    """A role definition; `guid` is lower case, the lists are Azure's wildcard patterns."""

    guid: str
    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def permits(self, action: str) -> bool:
        """Whether the control-plane action is granted and not taken out again."""
        return _any(self.actions, action) and not _any(self.not_actions, action)

    def permits_data(self, action: str) -> bool:
        """Whether the data-plane action is granted and not taken out again."""
        return _any(self.data_actions, action) and not _any(self.not_data_actions, action)


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.lower().split("*"))), re.DOTALL)


def matches(pattern: str, action: str) -> bool:
    """Azure's wildcard: `*` stands for any text, slashes included; letter case does not matter."""
    return _pattern(pattern).fullmatch(action.lower()) is not None


def _any(patterns: tuple[str, ...], action: str) -> bool:
    return any(matches(pattern, action) for pattern in patterns)


@lru_cache(maxsize=1)
def builtin_roles() -> Mapping[str, Role]:
    """The built-in roles that ship with the package, by GUID."""
    text = files("declarative_kv").joinpath("builtin_roles.json").read_text(encoding="utf-8")
    return MappingProxyType({guid.lower(): _role(guid.lower(), entry) for guid, entry in json.loads(text).items()})


def _role(guid: str, entry: Mapping[str, list[str]]) -> Role:
    return Role(
        guid,
        str(entry["name"]),
        tuple(entry["actions"]),
        tuple(entry["not_actions"]),
        tuple(entry["data_actions"]),
        tuple(entry["not_data_actions"]),
    )


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, Role]:
    return MappingProxyType({role.name.lower(): role for role in builtin_roles().values()})


def builtin_role(text: str) -> Role | None:
    """The built-in role of that GUID or name, in any letter case; None where it is none that we know."""
    return builtin_roles().get(text.lower()) or _by_name().get(text.lower())


def slug(role: str) -> str:
    """A role's name as it stands in an address: `Key Vault Reader` is `key-vault-reader`."""
    return re.sub(r"[\W_]+", "-", role.lower()).strip("-") or "role"


# One probe for each thing that a reader must not be able to do. They are whole actions, since a pattern such as
# `Microsoft.KeyVault/*/write` is caught by what it would permit and not by how it is spelled.
_WRITES = (
    "Microsoft.KeyVault/vaults/write",
    "Microsoft.KeyVault/vaults/delete",
    "Microsoft.KeyVault/vaults/deploy/action",
    "Microsoft.KeyVault/vaults/accessPolicies/write",
    "Microsoft.KeyVault/vaults/secrets/write",
    "Microsoft.KeyVault/vaults/keys/write",
    "Microsoft.KeyVault/locations/deletedVaults/purge/action",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
    "Microsoft.Authorization/roleDefinitions/write",
    "Microsoft.Authorization/roleDefinitions/delete",
    "Microsoft.Authorization/elevateAccess/action",
)
_DATA = (
    "secrets/getSecret/action",
    "secrets/setSecret/action",
    "secrets/delete",
    "secrets/backup/action",
    "secrets/restore/action",
    "secrets/recover/action",
    "secrets/purge/action",
    "secrets/update/action",
    "keys/create/action",
    "keys/import/action",
    "keys/update/action",
    "keys/delete",
    "keys/backup/action",
    "keys/restore/action",
    "keys/recover/action",
    "keys/purge/action",
    "keys/rotate/action",
    "keys/release/action",
    "keys/encrypt/action",
    "keys/decrypt/action",
    "keys/wrap/action",
    "keys/unwrap/action",
    "keys/sign/action",
    "certificates/create/action",
    "certificates/import/action",
    "certificates/update/action",
    "certificates/delete",
    "certificates/backup/action",
    "certificates/restore/action",
    "certificates/recover/action",
    "certificates/purge/action",
    "certificatecas/write",
    "certificatecontacts/write",
    "keyrotationpolicies/write",
    "storageaccounts/set/action",
    "storageaccounts/sas/set/action",
)


def can_change_or_read_values(role: Role) -> str | None:
    """The first thing by which the role is more than a reader of Key Vault and Authorization; None for a reader.

    A grant whose last word is not `read` counts too where it names one of the two, whether or not we know the action.
    """
    for action in _WRITES:
        if role.permits(action):
            return action
    for part in _DATA:
        action = f"Microsoft.KeyVault/vaults/{part}"
        if role.permits_data(action):
            return action
    return next((pattern for pattern in (*role.actions, *role.data_actions) if _unknown_power(role, pattern)), None)


def _unknown_power(role: Role, pattern: str) -> bool:
    text = pattern.lower()
    if not text.startswith(_AUTHORITIES) or text.endswith(("/read", "/readmetadata/action")):
        return False
    return pattern not in role.not_actions and pattern not in role.not_data_actions
