"""The kinds of resources, one file each, and the one list of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from declarative_kv.kinds.access_policy import AccessPolicyKind
from declarative_kv.kinds.resource_group import ResourceGroupKind
from declarative_kv.kinds.role_assignment import ReaderRoleKind, RoleAssignmentKind
from declarative_kv.kinds.secret import SecretKind
from declarative_kv.kinds.vault import VaultKind
from declarative_kv.model.kind import ResourceKind

ALL: Final[tuple[ResourceKind, ...]] = (
    ResourceGroupKind(),
    VaultKind(),
    AccessPolicyKind(),
    SecretKind(),
    ReaderRoleKind(),
    RoleAssignmentKind(),
)


def registry(kinds: Iterable[ResourceKind] = ALL) -> Mapping[str, ResourceKind]:
    """The kinds by name."""
    return MappingProxyType({kind.name: kind for kind in kinds})
