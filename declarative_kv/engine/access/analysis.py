"""The answers: who can do what on which vault, secret or key, directly or not, each with its way there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from declarative_kv.engine.access.direct import direct
from declarative_kv.engine.access.estate import Assignment, Estate, Network, Policy, Vault
from declarative_kv.engine.access.indirect import indirect, shortest
from declarative_kv.engine.access.rules import ALL, Rules
from declarative_kv.engine.access.view import Held, Spot, Step, StepKind, View
from declarative_kv.model.address import Address
from declarative_kv.model.capabilities import BY_NAME, Capability

_ORDER = {name: place for place, name in enumerate(BY_NAME)}


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which somebody can do something.

    `principal` is an object id, `resource` an ARM id in lower case, `permission` what Azure calls it. `direct` is false
    where the principal must first give itself something, or goes through Resource Manager. `network` says from where
    the vault's contents are reached at all. `certain` is false where a condition decides or is not understood.
    `excepted` are the objects of a vault on which this is denied.
    """

    principal: str
    resource: str
    vault: Vault
    capability: Capability
    permission: str
    direct: bool
    path: tuple[Step, ...]
    grant: Assignment | Policy
    certain: bool = True
    excepted: tuple[str, ...] = ()

    @property
    def address(self) -> Address | None:
        """Where what it is about is declared."""
        return self.vault.address if self.resource == self.vault.id else None

    @property
    def network(self) -> Network:
        """The network's say over it; Resource Manager and the vault itself are not behind the vault's network."""
        around = any(step.kind is StepKind.RESOURCE_MANAGER for step in self.path)
        return Network.OPEN if around or not self.capability.on_contents else self.vault.network

    @property
    def key(self) -> tuple[str, str, str]:
        """What it says, however it comes about: who, where, what."""
        return self.principal, self.resource, self.capability.name


def answers(estate: Estate, *, rules: Rules = ALL, through: bool = True) -> tuple[Answer, ...]:
    """Everything that anybody can do, by name, place and capability; of several ways each.

    What grants give outright hides the ways in which the same principal could give it to itself; without `through`
    there are no such answers at all. An object of a vault has answers of its own only where they differ from the
    vault's.
    """
    view = View(estate, rules)
    found = [one for vault in estate.vaults for one in _of_vault(view, vault, through)]
    return tuple(sorted(found, key=lambda one: _place(estate, one)))


def _place(estate: Estate, one: Answer) -> tuple[object, ...]:
    steps = tuple((step.kind.value, step.name, step.id) for step in one.path)
    where = (str(one.vault.address or ""), one.vault.id, one.resource)
    return (*where, estate.name(one.principal), one.principal, _ORDER[one.capability.name], not one.direct, steps)


def held(view: View, principal: str, spot: Spot, *, through: bool = True) -> tuple[Held, ...]:
    """What a principal can do at one place: every way by grants, and the shortest way to what it has no grant for."""
    outright = tuple(direct(view, principal, spot))
    if not through:
        return outright
    has = {one.capability.name for one in outright}
    more = (one for one in indirect(view, principal, spot) if one.capability.name not in has)
    return (*outright, *shortest(more))


def _of_vault(view: View, vault: Vault, through: bool) -> Iterator[Answer]:
    whole = Spot(vault.id, vault)
    found = {who: held(view, who, whole, through=through) for who in view.holders}
    excepted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for spot in objects_of(view, vault):
        for who in _concerned(view, spot):
            own = held(view, who, spot, through=through)
            same = {_said(one) for one in found[who]}
            mine = {_said(one) for one in own}
            yield from (_answer(spot, who, one) for one in own if _said(one) not in same)
            for name, outright in same - mine:
                if spot.shows(BY_NAME[name]) and (outright or (name, True) not in mine):
                    excepted[who, name].append(spot.id)
    for who, many in found.items():
        yield from (_answer(whole, who, one, excepted[who, one.capability.name]) for one in many)


def _said(one: Held) -> tuple[str, bool]:
    return one.capability.name, one.direct


def _answer(spot: Spot, who: str, one: Held, excepted: Iterable[str] = ()) -> Answer:
    assert spot.vault is not None, "answers are about vaults and what lies in them"
    return Answer(
        principal=who,
        resource=spot.id,
        vault=spot.vault,
        capability=one.capability,
        permission=one.permission,
        direct=one.direct,
        path=one.path,
        grant=one.grant,
        certain=one.certain,
        excepted=tuple(sorted(excepted)),
    )


def objects_of(view: View, vault: Vault) -> Iterator[Spot]:
    """The objects of a vault at which something stands."""
    below = vault.id + "/"
    scopes = {*view.by_scope, *(one.scope for one in view.estate.denials)}
    for scope in sorted(scopes):
        if scope.startswith(below):
            yield Spot(scope, vault)


def _concerned(view: View, spot: Spot) -> Iterator[str]:
    """Those for whom an object may differ from its vault: who was given something there; on a denial everybody."""
    if any(one.scope == spot.id for one in view.estate.denials):
        yield from view.holders
        return
    given = {one.principal for one in view.by_scope.get(spot.id, ())}
    yield from sorted({who for principal in given for who in view.bearers[principal]})
