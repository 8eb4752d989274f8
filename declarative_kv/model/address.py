"""Addresses: the names that resources have in YAML, state and plan."""

from __future__ import annotations

from dataclasses import dataclass
from sys import intern
from typing import NamedTuple


class Address(NamedTuple):
    """Where a resource stands in the configuration: `kind.key` or `kind.vault/key`.

    A tuple, since a plan of many resources sorts and looks up addresses more than anything else.
    """

    kind: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.path}"

    @property
    def container(self) -> str:
        """The first part of the path: the vault's key for what lies below a vault, else the key itself."""
        return self.path.split("/", 1)[0]

    @property
    def key(self) -> str:
        """What follows the container; empty for a top-level resource."""
        return self.path.partition("/")[2]

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `kind.path`; raises `ValueError` where there is no dot or a part is empty."""
        kind, dot, path = text.partition(".")
        if not (kind and dot and path):
            raise ValueError(f"{text!r} is not an address such as vault.payments or secret.payments/db-password")
        return cls(intern(kind), path)


@dataclass(frozen=True, slots=True)
class Move:
    """An entry of the state that goes on under another address; Azure is left alone."""

    source: Address
    target: Address
