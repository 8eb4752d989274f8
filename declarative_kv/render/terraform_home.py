"""What Terraform's resources are written against: their names, what they call each other, what nobody knows yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from declarative_kv.engine.export import Export, Item, Missing, Unknown
from declarative_kv.model.address import Address
from declarative_kv.model.document import Cloud
from declarative_kv.model.specs import SecretSpec
from declarative_kv.render.hcl import Code, expression, template
from declarative_kv.render.terraform import TYPES

_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
MAPS: Final[Mapping[Missing, str]] = MappingProxyType(
    {Missing.PRINCIPAL: "principals", Missing.GROUP: "resource_groups"}
)
"""The variables that hold what only Azure knows, by name."""
CONFIG: Final = "data.azurerm_client_config.current"


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that the resources are written against. `references` maps remote ids, lower case, to their blocks."""

    export: Export
    cloud: Cloud
    names: Mapping[Address, str]
    references: Mapping[str, str]

    def text(self, value: Any) -> Any:
        """A value whose texts say what is not known by a variable."""
        if isinstance(value, str):
            return template(one if isinstance(one, str) else _known_later(one) for one in self.export.parts(value))
        return {key: self.text(one) for key, one in value.items()} if isinstance(value, dict) else value

    def reference(self, identifier: str, attribute: str = "id") -> Any:
        """An id as the block says it whose id it is, else the id itself."""
        block = self.references.get(identifier.lower())
        return Code(f"{block}.{attribute}") if block else self.text(identifier)

    def provider(self, item: Item) -> Code | None:
        """The provider of another subscription than the one that most are in."""
        subscription = subscription_of(item)
        if subscription is None or subscription.lower() == self.export.subscription.lower():
            return None
        return Code(f"azurerm.{self.alias(subscription)}")

    def alias(self, subscription: str) -> str:
        """What the provider of a subscription is called."""
        keys = {identifier.lower(): key for key, identifier in self.export.subscriptions.items()}
        return identifier_of(keys.get(subscription.lower(), subscription))


def block_of(item: Item, names: Mapping[Address, str]) -> str:
    """The address of an object's block."""
    return f"{TYPES[item.resource.address.kind]}.{names[item.resource.address]}"


def names_of(addresses: Iterable[Address]) -> Iterator[tuple[Address, str]]:
    """A name for each address, no two of one type alike."""
    taken: set[tuple[str, str]] = set()
    for at in addresses:
        base = identifier_of(at.path)
        names = (base if number == 1 else f"{base}_{number}" for number in count(1))
        name = next(one for one in names if (TYPES[at.kind], one) not in taken)
        taken.add((TYPES[at.kind], name))
        yield at, name


def identifier_of(text: str) -> str:
    """A text as Terraform takes names."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", text)
    return plain if re.match("[A-Za-z_]", plain) else f"_{plain}"


def subscription_of(item: Item) -> str | None:
    """The subscription that an object lies in; None above subscriptions."""
    match = _SUBSCRIPTION.match(item.remote_id)
    return match[1] if match else None


def _known_later(one: Unknown) -> Code:
    """The expression for what only Azure knows."""
    match one.what:
        case Missing.CURRENT:
            return Code(f"{CONFIG}.object_id")
        case Missing.TENANT:
            return Code(f"{CONFIG}.tenant_id")
        case Missing.SUBSCRIPTION:
            return Code("var.subscription_id")
    return Code(f"var.{MAPS[one.what]}[{expression(one.name)}]")


def import_id(home: Home, item: Item) -> str | None:
    """The id that azurerm imports by; None for what no run has finished, and for a secret of no known version."""
    if item.entry is None or not isinstance(item.resource.spec, SecretSpec):
        return item.entry.remote_id if item.entry else None
    vault, _, name = item.entry.remote_id.partition("/secrets/")
    version = item.entry.facts.get("version")
    host = f"{vault.rpartition('/')[2].lower()}.{home.cloud.key_vault_suffix.lstrip('.')}"
    return f"https://{host}/secrets/{name}/{version}" if version else None
