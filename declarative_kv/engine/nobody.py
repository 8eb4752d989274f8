"""A directory for who asks nobody: every name is its own id, and what a file does not say is stood in for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from declarative_kv.engine.loop import in_loop
from declarative_kv.engine.resolve import Resolved, resolve
from declarative_kv.model.document import Document, Principal, Selector
from declarative_kv.model.identity import Identity
from declarative_kv.model.kind import Kinds
from declarative_kv.model.refs import GroupRef
from declarative_kv.model.roles import builtin_role
from declarative_kv.model.specs import VaultSpec

CURRENT: Final = "principals.current"
_SUBSCRIPTION: Final = "subscriptions.default"
_GROUP: Final = "-"


@dataclass(frozen=True, slots=True)
class Nobody:
    """Answers of which each is the same for the same name.

    `pins` has the object ids that files give for names, `groups` the resource group of a vault by the vault's name.
    """

    tenant: str = ""
    subscription: str = _SUBSCRIPTION
    pins: Mapping[tuple[Selector, str], str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)

    async def identity(self) -> Identity:
        """Somebody, of that tenant."""
        return Identity(CURRENT, CURRENT, self.tenant, "nobody")

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        """The id that is pinned somewhere, else the name."""
        pinned = principal.object_id or self.pins.get(_named(principal))
        return pinned or f"principals.{principal.selector}.{principal.name}", principal.type, principal.key

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        """The one."""
        return ((self.subscription, self.subscription, self.tenant),)

    async def find_vault(self, subscription: str, name: str) -> str | None:
        """A vault of that name, wherever it lies."""
        group = self.groups.get(name.lower(), _GROUP)
        return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"

    async def role(self, scope: str, name: str) -> str:
        """The GUID of a built-in role; a custom one is its name."""
        known = builtin_role(name)
        return known.guid if known is not None else name.lower()


def resolved(document: Document, nobody: Nobody, kinds: Kinds) -> Resolved:
    """The document without names, nobody asked; raises `ConfigError` where two entries come out as one object."""
    return in_loop(resolve(document, nobody, kinds))


def between(one: Document, other: Document) -> tuple[Nobody, Nobody]:
    """A directory for each of two documents; what one of them leaves open is as the other has it."""
    pins = {**_pins(other), **_pins(one)}
    groups = {**_groups(other), **_groups(one)}
    return (
        Nobody(_tenant(one, other), _subscription(one, other), {**pins, **_pins(one)}, groups),
        Nobody(_tenant(other, one), _subscription(other, one), {**pins, **_pins(other)}, groups),
    )


def _tenant(own: Document, other: Document) -> str:
    return own.tenant.value or other.tenant.value or ""


def _subscription(own: Document, other: Document) -> str:
    return own.subscription.value or other.subscription.value or _SUBSCRIPTION


def _named(principal: Principal) -> tuple[Selector, str]:
    return principal.selector, principal.name.lower()


def _pins(document: Document) -> dict[tuple[Selector, str], str]:
    known: Iterable[Principal] = document.principals.values()
    return {_named(one): one.object_id for one in known if one.object_id is not None}


def _groups(document: Document) -> dict[str, str]:
    """The resource group of each vault that says it."""
    found = {}
    for resource in document.resources.values():
        spec = resource.spec
        if isinstance(spec, VaultSpec) and spec.resource_group is not None:
            group = spec.resource_group
            found[spec.name.lower()] = group.name if isinstance(group, GroupRef) else group
    return found
