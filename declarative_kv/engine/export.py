"""What another tool must know to go on where we are: wishes without names, and what the state knows of each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from declarative_kv.engine.loop import in_loop
from declarative_kv.engine.moves import relocated
from declarative_kv.engine.resolve import resolve
from declarative_kv.model.address import Address
from declarative_kv.model.document import Document, Principal, Selector
from declarative_kv.model.identity import Identity
from declarative_kv.model.kind import Kinds
from declarative_kv.model.refs import PrincipalRef, RoleRef
from declarative_kv.model.resource import Resource
from declarative_kv.model.roles import GUID, builtin_role
from declarative_kv.model.state import Entry, State, Status

_MARK: Final = re.compile("\ue000([0-9]+)\ue001")
_VAULT: Final = re.compile(r"(/subscriptions/([^/]+)/resourceGroups/[^/]+/providers/[^/]+/vaults/([^/]+))", re.I)
_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/]+)")


class Missing(StrEnum):
    """What neither the YAML nor the state tells, and only Azure does."""

    CURRENT = "the identity that runs"
    TENANT = "the tenant"
    SUBSCRIPTION = "the subscription"
    PRINCIPAL = "a principal's object id"
    GROUP = "a vault's resource group"
    ROLE = "a role's id"


@dataclass(frozen=True, slots=True)
class Unknown:
    """One such thing, by its name in the YAML."""

    what: Missing
    name: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One declared object that is managed, and the id that it has or will have.

    `entry` is what the state says of it, None where no run has finished it.
    """

    resource: Resource
    remote_id: str
    entry: Entry | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """Everything to hand over, by address.

    `existing` are declared and somebody else's, `leaving` in the state and no longer declared. `unknown` are what the
    marks in the texts of `items` stand for, see `parts`. `principals` names object ids as the YAML does.
    """

    items: tuple[Item, ...]
    existing: tuple[Address, ...]
    leaving: tuple[Address, ...]
    unknown: tuple[Unknown, ...]
    subscription: str
    tenant: str
    principals: Mapping[str, str]
    subscriptions: Mapping[str, str]

    def parts(self, text: str) -> Iterator[str | Unknown]:
        """A text of an item in pieces: what is known, and what is not."""
        for number, piece in enumerate(_MARK.split(text)):
            if number % 2:
                yield self.unknown[int(piece)]
            elif piece:
                yield piece

    def missing(self, what: Missing) -> tuple[str, ...]:
        """The names of everything of that sort that is not known."""
        return tuple(sorted(one.name for one in self.unknown if one.what is what))


def exported(document: Document, state: State, kinds: Kinds) -> Export:
    """What to hand over. No credential, no network: whatever only Azure could tell is marked.

    Raises `ConfigError` where two entries come out as one object, `PlanError` where a move leads onto something else.
    """
    state, _ = relocated(state, document.moved)
    memory = _Memory(document, state)
    resolved = in_loop(resolve(document, memory, kinds))
    managed = [resolved.desired[at] for at in sorted(resolved.desired) if not resolved.desired[at].lifecycle.existing]
    return Export(
        items=tuple(_item(one, kinds, state) for one in managed),
        existing=tuple(sorted(at for at, one in resolved.desired.items() if one.lifecycle.existing)),
        leaving=tuple(sorted(state.entries.keys() - resolved.desired.keys())),
        unknown=tuple(memory.unknown),
        subscription=resolved.subscription.value or memory.subscription(),
        tenant=resolved.tenant,
        principals=resolved.principals,
        subscriptions=document.subscriptions,
    )


def _item(resource: Resource, kinds: Kinds, state: State) -> Item:
    entry, computed = state.entries.get(resource.address), kinds[resource.address.kind].remote_id(resource.spec)
    if entry is None or entry.status is Status.PENDING:
        return Item(resource, computed, pending=entry is not None)
    return Item(resource, entry.remote_id, entry)


@dataclass(slots=True)
class _Memory:
    """A directory that remembers what the state holds, and gives a mark for everything else."""

    document: Document
    state: State
    unknown: list[Unknown] = field(default_factory=list)

    def mark(self, what: Missing, name: str = "") -> str:
        """What stands in a text for something unknown; the same for the same."""
        one = Unknown(what, name)
        if one not in self.unknown:
            self.unknown.append(one)
        return f"\ue000{self.unknown.index(one)}\ue001"

    async def identity(self) -> Identity:
        """Whoever the state says that `current` was."""
        current = (one.key for one in self.document.principals.values() if one.selector is Selector.CURRENT)
        known = next((found for key in current if (found := self._granted(key))), None)
        said = self.document.tenant.value or ""
        tenant = said if GUID.fullmatch(said) else next(self._said("tenant"), None)
        return Identity(known or self.mark(Missing.CURRENT), "current", tenant or self.mark(Missing.TENANT), "state")

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        """The object id that is written, else the one that was granted something."""
        known = principal.object_id or self._granted(principal.key)
        return known or self.mark(Missing.PRINCIPAL, principal.key), principal.type, principal.key

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        """The one that the state works in."""
        return ((self.subscription(), "", ""),)

    def subscription(self) -> str:
        """The subscription of most entries."""
        found = [match[1] for entry in self.state.entries.values() if (match := _SUBSCRIPTION.match(entry.remote_id))]
        return max(sorted(found), key=found.count) if found else self.mark(Missing.SUBSCRIPTION)

    async def find_vault(self, subscription: str, name: str) -> str | None:
        """The vault as what lies below it names it."""
        for entry in self.state.entries.values():
            match = _VAULT.match(entry.remote_id)
            if match and (match[2].lower(), match[3].lower()) == (subscription.lower(), name.lower()):
                return match[1]
        group = self.mark(Missing.GROUP, name)
        return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"

    async def role(self, scope: str, name: str) -> str:
        """A built-in role's GUID, else the one that an entry of that role has."""
        if (known := builtin_role(name)) is not None:
            return known.guid
        for at, resource in self.document.resources.items():
            wanted, entry = getattr(resource.spec, "role", None), self.state.entries.get(at)
            if isinstance(wanted, RoleRef) and wanted.name.lower() == name.lower() and entry is not None:
                return str(entry.spec.role)
        return self.mark(Missing.ROLE, name)

    def _granted(self, key: str) -> str | None:
        """The object id of a principal, as some grant to it has it."""
        for at, resource in self.document.resources.items():
            entry = self.state.entries.get(at)
            if getattr(resource.spec, "principal", None) == PrincipalRef(key) and entry is not None:
                return str(entry.spec.principal)
        return None

    def _said(self, name: str) -> Iterator[Any]:
        """What the entries' specs say of something, where they do."""
        return (found for entry in self.state.entries.values() if (found := getattr(entry.spec, name, None)))
