"""Keys for what Azure only has ids and display names for: short, readable, and never the same twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from declarative_kv.model.document import Principal, Selector
from declarative_kv.model.resource import Observed
from declarative_kv.model.specs import RoleAssignmentSpec

_LONGEST: Final = 60
_WORDS: Final[Mapping[str, str]] = {"User": "user", "Group": "group", "ServicePrincipal": "service_principal"}


def key_for(name: str, taken: Iterable[str], suffix: str) -> str:
    """A key made of a name: letters, digits, dots and hyphens. `suffix` tells it from one that is taken already."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9.-]+", "-", plain.lower())[:_LONGEST].strip("-.") or suffix
    used = frozenset(one.lower() for one in taken)
    if key not in used:
        return key
    longer = key if key == suffix else f"{key}-{suffix}"
    return next(each for each in (longer, *(f"{longer}-{n}" for n in range(2, 10_000))) if each not in used)


@dataclass(slots=True)
class People:
    """Keys for object ids; those that are asked for become entries of `principals`.

    `declared` maps object ids to keys that exist already, `known` says who an id is as far as the directory tells.
    `readable` is false where the directory could not be asked, so that an unknown id says nothing.
    """

    declared: Mapping[str, str]
    known: Mapping[str, Principal]
    taken: frozenset[str] = frozenset()
    readable: bool = True
    keys: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def key(self, principal: object, kind: object = None) -> str:
        """The key of an object id; `kind` is Azure's word for its type where the grant says it."""
        object_id = str(principal).lower()
        if object_id in self.declared:
            return self.declared[object_id]
        if object_id not in self.keys:
            self._add(object_id, str(kind) if kind else None)
        return self.keys[object_id]

    def meet(self, kinds: Mapping[str, str | None]) -> None:
        """Give keys to these object ids, of each of which some grant may say the type."""
        for object_id, kind in kinds.items():
            self.key(object_id, kind)

    def _add(self, object_id: str, kind: str | None) -> None:
        principal = self.known.get(object_id)
        name = "" if principal is None or principal.selector is Selector.OBJECT_ID else principal.name
        base = name.partition("@")[0] or _WORDS.get(kind or "", "principal").replace("_", "-")
        key = key_for(base, (*self.taken, *self.declared.values(), *self.entries), object_id[:8])
        word = _WORDS.get((principal.type if principal else kind) or "")
        named = {principal.selector.value: name} if principal is not None and name else {}
        typed = {"type": word} if word and not named else {}
        self.keys[object_id] = key
        self.entries[key] = {**named, "object_id": object_id, **typed}
        if principal is None and self.readable:
            self.missing.add(key)


def principals_of(found: Iterable[Observed]) -> dict[str, str | None]:
    """The object ids that grants name, with Azure's word for their type where a grant says it."""
    kinds: dict[str, str | None] = {}
    for one in found:
        object_id = str(one.spec.principal).lower()
        kind = one.spec.principal_type if isinstance(one.spec, RoleAssignmentSpec) else None
        kinds[object_id] = kinds.get(object_id) or (str(kind) if kind else None)
    return dict(sorted(kinds.items()))
