"""A picture of who was given what: vaults, the grants that reach them, and what decides over those grants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from declarative_kv.model.access import Definition, Denial, builtin_definitions
from declarative_kv.model.address import Address

ROOT = "/"
_MANAGEMENT = "/providers/microsoft.management/managementgroups/"


class Network(StrEnum):
    """From where a vault's contents can be reached. Rights count as ever; whether they help is the network's say."""

    OPEN = "open"
    RESTRICTED = "restricted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Policy:
    """One entry of a vault's access policies; `application` is the client id that its principal must come through.

    `granted` has lower-case words by category (`secrets`, `keys`, …). `address` is where it is declared.
    """

    principal: str
    granted: Mapping[str, frozenset[str]]
    application: str | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role for a principal at a scope. `role` is a definition's GUID; scopes are `normal`, all ids lower case."""

    scope: str
    role: str
    principal: str
    condition: str | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Vault:
    """A vault. `rbac` is its access model: roles, else policies. `id` is lower case; `address` where it is declared."""

    id: str
    rbac: bool
    policies: tuple[Policy, ...] = ()
    network: Network = Network.OPEN
    address: Address | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything that the analysis looks at.

    `assignments` are those at every scope; `roles` what they may mean, by GUID. `groups` maps a principal or a group to
    the groups that it is in. `management_groups` maps a subscription's scope to the management groups above it, lower
    case; where it says nothing of one, every management group is taken to be above. `addresses` maps an ARM id to where
    it is declared, `spellings` to how Azure writes it, `names` an object id to a name for people. `unknown` says in
    words what could not be found out.
    """

    vaults: tuple[Vault, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    roles: Mapping[str, Definition] = field(default_factory=builtin_definitions)
    denials: tuple[Denial, ...] = ()
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    management_groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    addresses: Mapping[str, Address] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    spellings: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything that counts could be found out."""
        return not self.unknown

    def spelled(self, identifier: str) -> str:
        """An ARM id as Azure writes it, as far as that is known."""
        return self.spellings.get(identifier, identifier)

    def name(self, object_id: str) -> str:
        """A principal's name for people, else its object id."""
        return self.names.get(object_id, object_id)


def normal(scope: str) -> str:
    """A scope in the form that scopes are compared in: lower case, without a slash at the end; the root is `/`."""
    return scope.lower().rstrip("/") or ROOT


def is_management_group(scope: str) -> bool:
    """Whether a normal scope is a management group's."""
    return scope.startswith(_MANAGEMENT)


def lies_in(place: str, scope: str) -> bool:
    """Whether a normal scope is another one or lies below it by its id; management groups and the root aside."""
    return place == scope or place.startswith(scope + "/")
