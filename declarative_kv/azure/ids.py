"""Azure's ids: built from names, and taken apart again; compared without regard to case."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_ASSIGNMENTS: Final = "/providers/Microsoft.Authorization/roleAssignments/"
_DEFINITIONS: Final = "/providers/Microsoft.Authorization/roleDefinitions/"
_VAULTS: Final = "/providers/Microsoft.KeyVault/vaults/"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "role-assignment.declarative-kv")


@dataclass(frozen=True, slots=True)
class VaultId:
    """The parts of a vault's ARM id, as they were written."""

    subscription: str
    resource_group: str
    name: str


def group_id(subscription: str, name: str) -> str:
    """The ARM id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{name}"


def vault_id(subscription: str, group: str, name: str) -> str:
    """The ARM id of a vault."""
    return f"{group_id(subscription, group)}{_VAULTS}{name}"


def secret_id(vault: str, name: str) -> str:
    """The ARM id of a secret in the vault with that id."""
    return f"{vault}/secrets/{name}"


def policy_id(vault: str, principal: str, application: str | None = None) -> str:
    """An id for one principal's access policy entry, which Azure gives none; in the form Terraform writes it."""
    entry = f"{vault}/objectId/{principal}"
    return f"{entry}/applicationId/{application}" if application else entry


def encoded(identifier: str) -> str:
    """An id as it stands in a URL: nothing in it can begin a query or leave the path."""
    return "/".join(quote(segment, safe="()'") for segment in identifier.split("/") if segment not in (".", ".."))


def assignment_id(scope: str, role: str, principal: str) -> str:
    """The ARM id that a role assignment of ours has: the same for the same scope, role and principal."""
    name = uuid.uuid5(_NAMESPACE, f"{scope}|{role}|{principal}".lower())
    return f"{scope.rstrip('/')}{_ASSIGNMENTS}{name}"


def assignment_scope(identifier: str) -> str:
    """Where the role assignment with that id applies; an id that is no assignment's is its own scope."""
    place = identifier.lower().rfind(_ASSIGNMENTS.lower())
    return identifier if place < 0 else identifier[:place] or "/"


def definition_id(scope: str, role: str) -> str:
    """The full id of a role definition, as an assignment at `scope` names it."""
    subscription = subscription_of(scope)
    prefix = f"/subscriptions/{subscription}" if subscription else ""
    return f"{prefix}{_DEFINITIONS}{role}"


def guid_of(identifier: str) -> str:
    """The last segment of an id, lower case: of a role definition its GUID, which alone may be compared."""
    return identifier.rstrip("/").rsplit("/", 1)[-1].lower()


def subscription_of(identifier: str) -> str | None:
    """The subscription that an id lies in; None above subscriptions."""
    segments = identifier.split("/")
    return segments[2] if len(segments) > 2 and segments[1].lower() == "subscriptions" else None


def around(identifier: str) -> tuple[str, ...]:
    """The resource group and the subscription that an id lies in, nearest first."""
    segments = identifier.split("/")
    if subscription_of(identifier) is None:
        return ()
    return tuple("/".join(segments[:length]) for length in (5, 3) if len(segments) > length)


def parse_group(identifier: str) -> tuple[str, str]:
    """Subscription and name of the resource group that an id is of or lies in; raises `ValueError` for another id."""
    segments = identifier.split("/")
    if len(segments) < 5 or segments[1].lower() != "subscriptions" or segments[3].lower() != "resourcegroups":
        raise ValueError(f"{identifier!r} lies in no resource group")
    return segments[2], segments[4]


def parse_vault(identifier: str) -> VaultId:
    """The parts of the id of a vault, or of what lies below one; raises `ValueError` for another id."""
    segments = identifier.split("/")
    if len(segments) < 9 or [segments[6].lower(), segments[7].lower()] != ["microsoft.keyvault", "vaults"]:
        raise ValueError(f"{identifier!r} is not the id of a vault")
    return VaultId(*parse_group(identifier), segments[8])


def vault_of(identifier: str) -> str | None:
    """The id of the vault that an id is of or lies below; None for what belongs to no vault."""
    segments = identifier.split("/")
    is_below = len(segments) >= 9 and [s.lower() for s in segments[6:8]] == ["microsoft.keyvault", "vaults"]
    return "/".join(segments[:9]) if is_below else None
