"""Names that people know for the ids that Azure wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from declarative_kv.model.plan import Plan
from declarative_kv.model.roles import builtin_roles
from declarative_kv.render.safe import safe


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids of one plan are called: principals by their key in the YAML, built-in roles by their name."""

    principals: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Names:
        """The names that a plan's head knows."""
        principals = {object_id.lower(): name for object_id, name in plan.head.principals.items()}
        return cls(principals, {guid: role.name for guid, role in builtin_roles().items()})

    def principal(self, object_id: object) -> str:
        """The principal's key in the YAML, else its object id."""
        return safe(self.principals.get(str(object_id).lower(), str(object_id)))

    def role(self, guid: object) -> str:
        """The role's name, else its GUID."""
        return safe(self.roles.get(str(guid).lower(), str(guid)))

    def scope(self, scope: object) -> str:
        """The last two segments of an ARM id in words: `vault kv-one`, `subscription 2222…`."""
        parts = [part for part in str(scope).split("/") if part]
        if len(parts) < 2:
            return "the whole tenant" if not parts else safe(str(scope))
        word = _WORDS.get(parts[-2].lower(), parts[-2])
        name = short(parts[-1]) if word == "subscription" else parts[-1]
        return safe(f"{word} {name}")


_WORDS: Mapping[str, str] = {
    "subscriptions": "subscription",
    "resourcegroups": "resource group",
    "vaults": "vault",
    "secrets": "secret",
    "managementgroups": "management group",
}


def short(identifier: str) -> str:
    """The first part of a GUID, for lines in which the rest would only be noise; other text as it is."""
    parts = identifier.split("-")
    return f"{identifier[:4]}…" if [len(part) for part in parts] == [8, 4, 4, 4, 12] else identifier
