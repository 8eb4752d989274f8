"""Answers about access gathered for people: one row for what somebody can do somewhere in one way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from declarative_kv.engine.access.analysis import Answer
from declarative_kv.engine.access.estate import Estate, Network, Vault
from declarative_kv.engine.access.view import Step, StepKind
from declarative_kv.model.capabilities import CAPABILITIES
from declarative_kv.render.safe import safe

_NOUNS: Final[Mapping[str, str]] = {
    "secrets": "secrets",
    "keys": "keys",
    "certificates": "certificates",
    "storage": "storage accounts",
}
_SIZES: Final[Mapping[tuple[str, bool], int]] = {
    (category, by_role): sum(
        1 for one in CAPABILITIES if one.category == category and (one.data_action if by_role else one.word)
    )
    for category in _NOUNS
    for by_role in (True, False)
}
_NETWORK: Final[Mapping[Network, str]] = {
    Network.OPEN: "",
    Network.RESTRICTED: "only from where the network rules allow",
    Network.CLOSED: "only through a private link",
}


@dataclass(frozen=True, slots=True)
class AccessRow:
    """What one principal can do at one place in one way; `could` where it must first give it to itself."""

    who: str
    what: str
    through: str
    could: bool


@dataclass(frozen=True, slots=True)
class AccessGroup:
    """A vault, or an object of one, with the rows about it; `note` says what the vault's settings make of them."""

    title: str
    note: str
    rows: tuple[AccessRow, ...]


def access_groups(estate: Estate, answers: Iterable[Answer]) -> tuple[AccessGroup, ...]:
    """The answers by place, in the order that they come in."""
    places: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    vaults: dict[str, Vault] = {}
    for one in answers:
        # Azure has given managed storage accounts up: what one could still do with them is told in the JSON alone.
        if one.direct or one.capability.category != "storage":
            places[one.vault.id, one.resource].append(one)
            vaults[one.vault.id] = one.vault
    return tuple(
        AccessGroup(place_name(estate, resource), _note(vaults[vault]), tuple(_rows(estate, many)))
        for (vault, resource), many in places.items()
    )


def place_name(estate: Estate, resource: str) -> str:
    """The address of a vault or an object where it is declared, else its ARM id."""
    return safe(str(estate.addresses.get(resource, estate.spelled(resource))))


def _note(vault: Vault) -> str:
    model = "roles" if vault.rbac else "access policies"
    return f"{model}; {_NETWORK[vault.network]}" if _NETWORK[vault.network] else model


def _rows(estate: Estate, answers: Iterable[Answer]) -> Iterator[AccessRow]:
    ways: dict[tuple[str, bool, str], list[Answer]] = defaultdict(list)
    for one in answers:
        ways[one.principal, not one.direct, _through(one)].append(one)
    for (who, could, through), many in ways.items():
        yield AccessRow(safe(estate.name(who)), ", ".join(_phrases(many)), through, could)


def _phrases(answers: list[Answer]) -> list[str]:
    """What they say, a whole collection in one phrase."""
    said: dict[str, None] = {}
    for one in answers:
        category = one.capability.category
        alike = {other.capability.name for other in answers if other.capability.category == category}
        if len(alike) in (_SIZES.get((category, True)), _SIZES.get((category, False))):
            said[f"does everything with {_NOUNS[category]}"] = None
        else:
            said[one.capability.phrase + _except(one)] = None
    return [safe(phrase) for phrase in said]


def _except(one: Answer) -> str:
    if not one.excepted:
        return ""
    return f" (not {', '.join(place.rpartition('/')[2] for place in one.excepted)})"


def _through(one: Answer) -> str:
    """The way in words: `group Developers, Key Vault Reader at subscription 2222…`; steps of its own behind a colon."""
    groups = [f"group {step.name}" for step in one.path if step.kind is StepKind.GROUP]
    scope = next((step.name for step in one.path if step.kind is StepKind.SCOPE), "")
    role = next((f"{step.name} at {scope}" for step in one.path if step.kind is StepKind.ROLE), "")
    steps = [step.name for step in _own(one.path)]
    words = ", ".join([*groups, role or _policy(one)]) + (f": {', then '.join(steps)}" if steps else "")
    return safe(words if one.certain else f"{words} (a condition decides)")


def _policy(one: Answer) -> str:
    through = next((step.id for step in one.path if step.kind is StepKind.POLICY and step.id), "")
    return f"access policy for application {through}" if through else "access policy"


def _own(path: Iterable[Step]) -> Iterator[Step]:
    """What the principal does itself on the way."""
    given = (StepKind.PRINCIPAL, StepKind.GROUP, StepKind.ROLE, StepKind.POLICY, StepKind.SCOPE)
    return (step for step in path if step.kind not in given)
