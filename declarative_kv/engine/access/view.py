"""An estate as the analysis looks at it: places, paths, and the indexes by which grants are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Final

from declarative_kv.engine.access.conditions import Attributes, Verdict, holds
from declarative_kv.engine.access.estate import (
    ROOT,
    Assignment,
    Estate,
    Policy,
    Vault,
    is_management_group,
    lies_in,
)
from declarative_kv.engine.access.rules import ALL, Rule, Rules
from declarative_kv.model.access import EVERYONE, Definition, Denial, Permission
from declarative_kv.model.capabilities import AROUND, CAPABILITIES, Capability, Place
from declarative_kv.model.roles import matches

Operation = tuple[str, bool]
"""An action or data action as Azure spells it, and whether it is a data action."""
_NOTHING: Final[Attributes] = MappingProxyType({})
_OF_BLOCKS: Final[Rules] = frozenset({Rule.WILDCARDS, Rule.NOT_ACTIONS, Rule.NOT_DATA_ACTIONS})


class StepKind(StrEnum):
    """What a step of a path is; the last four are what a holder does with the right that the path led to."""

    PRINCIPAL = "principal"
    GROUP = "group"
    ROLE = "role"
    POLICY = "policy"
    SCOPE = "scope"
    TAKES_ROLE = "takes-role"
    TAKES_POLICY = "takes-policy"
    SWITCHES_MODEL = "switches-model"
    RESOURCE_MANAGER = "resource-manager"


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way from a principal to what it can do. `id` is Azure's: an object id, a GUID, a scope."""

    kind: StepKind
    name: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """One way of holding a capability.

    `grant` is what gives it; `certain` is false where a condition decides, or is not understood. `direct` is false
    where the holder must first give it to itself, or goes through Resource Manager.
    """

    capability: Capability
    permission: str
    path: tuple[Step, ...]
    grant: Assignment | Policy
    certain: bool = True
    direct: bool = True


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that rights are asked for: a vault, an object in one, or (without a vault) a scope above vaults."""

    id: str
    vault: Vault | None = None

    @property
    def on_object(self) -> bool:
        """Whether it is one object of a vault."""
        return self.vault is not None and self.vault.id != self.id

    def asked_at(self, capability: Capability) -> str | None:
        """The scope at which Azure asks for a right; None where it is asked for at no one place.

        For a vault as a whole that is an object of it like any other, where the right is about one object.
        """
        match capability.place:
            case Place.OBJECT if self.vault is not None and not self.on_object and capability.on_contents:
                return f"{self.id}/{capability.category}/*"
            case Place.OBJECT | Place.LISTED:
                return self.id
            case Place.VAULT:
                return self.id if self.vault is None else self.vault.id
            case _:
                subscription = "/".join(self.id.split("/")[:3])
                return subscription if self.id == subscription or self.vault is not None else None

    def shows(self, capability: Capability) -> bool:
        """Whether a capability can be held here: on an object one on its kind, or over who has roles on it."""
        if not self.on_object:
            return True
        kind = self.id.split("/")[9]
        return capability.place in (Place.OBJECT, Place.LISTED) and capability.category in (kind, "vault")


class View:
    """An estate with its indexes. `rules` are those that hold; only tests leave any out."""

    def __init__(self, estate: Estate, rules: Rules = ALL) -> None:
        self.estate = estate
        self.rules = rules
        self._chains: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._reaching: dict[str, Mapping[str, tuple[Assignment, ...]]] = {}

    @cached_property
    def holders(self) -> tuple[str, ...]:
        """Everybody who was given something, and everybody who is in such a group."""
        granted = {one.principal for one in self.estate.assignments}
        granted |= {one.principal for vault in self.estate.vaults for one in vault.policies}
        members = {who for who in self.estate.groups if not granted.isdisjoint(self.chains(who))}
        return tuple(sorted(granted | members))

    @cached_property
    def bearers(self) -> Mapping[str, tuple[str, ...]]:
        """For each principal that was given something, those for whom that counts."""
        found: dict[str, list[str]] = defaultdict(list)
        for who in self.holders:
            for identity in self.chains(who):
                found[identity].append(who)
        return {identity: tuple(many) for identity, many in found.items()}

    @cached_property
    def by_scope(self) -> Mapping[str, tuple[Assignment, ...]]:
        """The assignments at each scope."""
        found: dict[str, list[Assignment]] = defaultdict(list)
        for one in self.estate.assignments:
            found[one.scope].append(one)
        return {scope: tuple(many) for scope, many in found.items()}

    def chains(self, principal: str) -> Mapping[str, tuple[str, ...]]:
        """Whose grants count for a principal: its own id and its groups', each with the groups on the way there."""
        if principal not in self._chains:
            self._chains[principal] = self._walked(principal)
        return self._chains[principal]

    def _walked(self, principal: str) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {principal: ()}
        waiting = [principal] if Rule.GROUPS in self.rules else []
        for one in waiting:
            if found[one] and Rule.NESTED_GROUPS not in self.rules:
                continue
            for group in sorted(self.estate.groups.get(one, ())):
                if group not in found:
                    found[group] = (*found[one], group)
                    waiting.append(group)
        return found

    def covers(self, scope: str, place: str) -> bool:
        """Whether what stands at a scope reaches a place; both normal."""
        if scope == place:
            return len(place.split("/")) < 10 or Rule.BELOW_VAULT in self.rules
        if scope == ROOT:
            return Rule.ROOT in self.rules
        if is_management_group(scope):
            return Rule.MANAGEMENT_GROUPS in self.rules and self._managed(scope, place)
        return Rule.INHERITED in self.rules and lies_in(place, scope)

    def _managed(self, group: str, place: str) -> bool:
        if not place.startswith("/subscriptions/"):
            return False
        above = self.estate.management_groups.get("/".join(place.split("/")[:3]))
        return above is None or group in above

    def reaching(self, place: str) -> Mapping[str, tuple[Assignment, ...]]:
        """The assignments that reach a place by principal, nearest first."""
        if place not in self._reaching:
            found: dict[str, list[Assignment]] = defaultdict(list)
            for scope in (*upwards(place), *self._high):
                if scope in self.by_scope and self.covers(scope, place):
                    for one in self.by_scope[scope]:
                        found[one.principal].append(one)
            self._reaching[place] = {who: tuple(many) for who, many in found.items()}
        return self._reaching[place]

    @cached_property
    def _high(self) -> tuple[str, ...]:
        """The scopes above subscriptions, the root last."""
        return (*sorted(filter(is_management_group, self.by_scope)), ROOT)

    def given(self, role: str) -> Mapping[Operation, tuple[Permission, ...]]:
        """What a role gives, each with the blocks that do; nothing for a role that is not known."""
        definition = self.estate.roles.get(role)
        if definition is None:
            return {}
        return _given(definition, self.rules & _OF_BLOCKS)

    def passes(self, condition: str | None, action: str, attributes: Attributes = _NOTHING) -> Verdict:
        """Whether a condition lets an action through."""
        return holds(condition, action, attributes) if Rule.CONDITIONS in self.rules else True

    def permits(
        self,
        assignment: Assignment,
        operation: Operation,
        blocks: Iterable[Permission],
        attributes: Attributes = _NOTHING,
    ) -> Verdict:
        """Whether an assignment lets an operation through that these blocks of its role give."""
        own = self.passes(assignment.condition, operation[0], attributes)
        inner = [self.passes(block.condition, operation[0], attributes) for block in blocks]
        best = True if True in inner else None if None in inner else False
        return False if False in (own, best) else None if None in (own, best) else True

    def denied(self, principal: str, operation: Operation, place: str) -> bool:
        """Whether a deny assignment forbids the principal an operation at a place."""
        if Rule.DENIALS not in self.rules or not self.estate.denials:
            return False
        return any(self._denies(one, principal, operation, place) for one in self.estate.denials)

    def _denies(self, denial: Denial, principal: str, operation: Operation, place: str) -> bool:
        if not self.covers(denial.scope, place):
            return False
        if not denial.children and denial.scope != place and Rule.DENIAL_ALONE in self.rules:
            return False
        identities = self.chains(principal).keys()
        if Rule.DENIAL_EXCLUDES in self.rules and not denial.excluded.isdisjoint(identities):
            return False
        meant = set(identities) if Rule.DENIED_GROUPS in self.rules else {principal}
        if Rule.DENIED_EVERYONE in self.rules:
            meant.add(EVERYONE)
        kept = (self.rules & {Rule.WILDCARDS}) | (
            {Rule.NOT_ACTIONS} if Rule.DENIAL_NOT_ACTIONS in self.rules else set()
        )
        return not denial.principals.isdisjoint(meant) and any(
            _gives(block, operation, kept) for block in denial.permissions
        )


def upwards(place: str) -> Iterator[str]:
    """A place and what it lies in by its id, nearest first; above subscriptions only itself."""
    if place.startswith("/subscriptions/"):
        parts = place.split("/")
        yield from ("/".join(parts[:length]) for length in range(len(parts), 2, -1))
    elif place != ROOT and not is_management_group(place):
        yield place


def _gives(block: Permission, operation: Operation, rules: Rules) -> bool:
    """Whether a block gives an operation; `rules` are some of `_OF_BLOCKS`, where NOT_ACTIONS stands for both lists."""
    name, data = operation
    granted, withheld = (block.data_actions, block.not_data_actions) if data else (block.actions, block.not_actions)
    fits = matches if Rule.WILDCARDS in rules else _same
    if not any(fits(pattern, name) for pattern in granted):
        return False
    return not (Rule.NOT_ACTIONS in rules and any(fits(pattern, name) for pattern in withheld))


def _same(pattern: str, name: str) -> bool:
    return pattern.lower() == name.lower()


def _by_operation() -> Mapping[Operation, tuple[Capability, ...]]:
    found: dict[Operation, tuple[Capability, ...]] = {}
    for one in CAPABILITIES:
        operation = (one.data_action, True) if one.data_action else (one.action, False)
        if operation[0]:
            found[operation] = (*found.get(operation, ()), one)
    return MappingProxyType(found)


BY_OPERATION: Final = _by_operation()
"""The capabilities that an operation is."""
_OPERATIONS: Final = (*BY_OPERATION, *((action, False) for action in AROUND))


@lru_cache(maxsize=2048)
def _given(definition: Definition, rules: Rules) -> Mapping[Operation, tuple[Permission, ...]]:
    found = {}
    for operation in _OPERATIONS:
        less = Rule.NOT_DATA_ACTIONS if operation[1] else Rule.NOT_ACTIONS
        kept = (rules - {Rule.NOT_ACTIONS}) | ({Rule.NOT_ACTIONS} if less in rules else set())
        blocks = tuple(block for block in definition.permissions if _gives(block, operation, kept))
        if blocks:
            found[operation] = blocks
    return found
