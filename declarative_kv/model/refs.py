"""References that stand in a spec between load and resolve: names that only Azure or the document can turn to ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final, get_args

from declarative_kv.model.address import Address


@dataclass(frozen=True, slots=True)
class SubscriptionRef:
    """A subscription by key of `subscriptions` or by id; None is the default one."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class TenantRef:
    """The tenant of the run."""


@dataclass(frozen=True, slots=True)
class PrincipalRef:
    """A principal by its key under `principals`; resolves to the object id."""

    key: str


@dataclass(frozen=True, slots=True)
class PrincipalTypeRef:
    """The type of a principal (`User`, `Group`, `ServicePrincipal`), or None where it is not known."""

    key: str


@dataclass(frozen=True, slots=True)
class RoleRef:
    """A role by name or GUID; resolves to the role definition's GUID, lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class GroupRef:
    """A resource group by name: the name as Azure has it; `at` is its address where it is declared."""

    name: str
    at: Address | None = None


@dataclass(frozen=True, slots=True)
class VaultRef:
    """A declared vault; resolves to its ARM id."""

    at: Address


@dataclass(frozen=True, slots=True)
class ScopeRef:
    """A scope in the YAML's words, such as `subscription`, `vault.KEY`, `management_group.NAME` or an ARM id.

    `at` is the resource that it names where it names a declared one; resolves to the ARM id.
    """

    text: str
    at: Address | None = None


Ref = SubscriptionRef | TenantRef | PrincipalRef | PrincipalTypeRef | RoleRef | GroupRef | VaultRef | ScopeRef
_REFS: Final = frozenset(get_args(Ref))
"""To look a class up in a set takes a third of the time, and every field of every spec is asked."""


def references(spec: object) -> Iterator[Ref]:
    """All references among the fields of a spec."""
    return (value for _, value in named_references(spec))


def named_references(spec: Any) -> Iterator[tuple[str, Ref]]:
    """The same, each with the name of its field."""
    names, values = _fields(spec.__class__)
    for name, value in zip(names, values(spec), strict=True):
        if value.__class__ in _REFS:
            yield name, value


@cache
def _fields(spec: Any) -> tuple[tuple[str, ...], Callable[[Any], Sequence[Any]]]:
    """The names of the fields of a class of specs, and what gets all their values at once."""
    names = tuple(field.name for field in fields(spec)) if is_dataclass(spec) else ()
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda one: [getattr(one, name) for name in names]


def needed_addresses(spec: object) -> frozenset[Address]:
    """The declared resources that a spec refers to: what must exist before it."""
    return frozenset(at for ref in references(spec) if (at := getattr(ref, "at", None)) is not None)
