"""What of Azure is to be taken into the YAML: settings as they are now, entries that went, entries that came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from declarative_kv.model.address import Address


@dataclass(frozen=True, slots=True)
class Moved:
    """A setting of an entry that is otherwise in Azure; None where Azure has none.

    `path` is the YAML's. Of an access policy it is empty, and `value` has every collection of permissions.
    """

    address: Address
    path: tuple[str, ...]
    before: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Gone:
    """An entry whose object was deleted outside."""

    address: Address


@dataclass(frozen=True, slots=True)
class Come:
    """An object that nobody declared, as an entry: where in the file's maps, and what it says.

    `principals` are entries that it needs there.
    """

    address: Address
    path: tuple[str, ...]
    entry: Mapping[str, Any]
    principals: Mapping[str, Any] = field(default_factory=dict)


Item = Moved | Gone | Come
