"""Hold an estate against the invariants of the YAML: what is broken, each with the way by which it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from declarative_kv.engine.access.analysis import Answer, answers
from declarative_kv.engine.access.direct import direct
from declarative_kv.engine.access.estate import Estate, Vault, lies_in
from declarative_kv.engine.access.view import Spot, View
from declarative_kv.model.address import Address
from declarative_kv.model.invariant import Claim, Invariant, Who


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold, in words. `answer` is the counterexample; None where somebody lacks a right."""

    invariant: Invariant
    detail: str
    answer: Answer | None = None


def broken(
    estate: Estate, invariants: Iterable[Invariant], ids: Mapping[str, str], *, offline: bool = False
) -> Iterator[Broken]:
    """The invariants that do not hold, each with its shortest counterexample.

    `ids` has the object id of every principal that they name, by its key. Who is not known to be in a group counts as
    outside; but `offline`, where nobody can know, nothing is said of him.
    """
    view = View(estate)
    known: dict[bool, tuple[Answer, ...]] = {}
    for one in invariants:
        if one.claim is Claim.ALWAYS:
            if not offline:
                yield from _lacking(view, one, ids)
            continue
        if one.direct not in known:
            known[one.direct] = answers(estate, through=not one.direct)
        secrets = {vault.id: frozenset(_secrets(estate, one, vault)) for vault in estate.vaults}
        about = [
            answer for answer in known[one.direct] if answer.capability in one.can and _is_on(one, answer, secrets)
        ]
        found = [answer for answer in about if _breaks(view, one, ids, answer, offline=offline)]
        if found:
            yield _counterexample(estate, one, sorted(found, key=_plainness))


def _plainness(answer: Answer) -> tuple[object, ...]:
    """What makes a counterexample easy to follow: sure, direct, and few steps."""
    return not answer.certain, not answer.direct, len(answer.path), answer.principal, answer.resource


def _breaks(view: View, one: Invariant, ids: Mapping[str, str], answer: Answer, *, offline: bool) -> bool:
    meant = _means(view, one.who, ids, answer.principal, offline=offline)
    return meant is (one.claim is Claim.NEVER)


def _means(view: View, who: tuple[Who, ...], ids: Mapping[str, str], principal: str, *, offline: bool) -> bool | None:
    """Whether somebody is meant; `offline` None where that hangs on a group whose members are not known."""
    wanted = [_is(view, one, ids, principal, offline=offline) for one in who if not one.negated] or [True]
    refused = [_is(view, one, ids, principal, offline=offline) for one in who if one.negated]
    if True in refused or not any(verdict is not False for verdict in wanted):
        return False
    return None if None in refused or True not in wanted else True


def _is(view: View, one: Who, ids: Mapping[str, str], principal: str, *, offline: bool) -> bool | None:
    if one.key is None:
        return True
    identifier = ids[one.key]
    if identifier == principal or (one.group and identifier in view.chains(principal)):
        return True
    return None if one.group and offline else False


def _is_on(one: Invariant, answer: Answer, secrets: Mapping[str, frozenset[str]]) -> bool:
    """Whether an answer is about what the invariant is about: a vault, what lies in it, or a secret that it names.

    `secrets` has those by their vault.
    """
    vault = str(answer.vault.address)
    if any(fnmatchcase(vault, pattern) for pattern in one.on):
        return True
    if answer.capability.category != "secrets":
        return False
    named = secrets[answer.vault.id]
    return answer.resource in named or (answer.resource == answer.vault.id and not named <= set(answer.excepted))


def _secrets(estate: Estate, one: Invariant, vault: Vault) -> Iterator[str]:
    """The ids of the declared secrets of a vault that the invariant names."""
    for place, address in estate.addresses.items():
        named = address.kind == "secret" and any(fnmatchcase(str(address), pattern) for pattern in one.on)
        if named and lies_in(place, vault.id):
            yield place


def _counterexample(estate: Estate, one: Invariant, found: list[Answer]) -> Broken:
    answer = found[0]
    where = estate.addresses.get(answer.resource, estate.spelled(answer.resource))
    way = " -> ".join(step.name for step in answer.path)
    others = len({other.principal for other in found}) - 1
    more = f"; {others} more {'breaks' if others == 1 else 'break'} it too" if others else ""
    verb = "" if answer.direct else " in the end"
    sure = "" if answer.certain else ", if a condition lets it"
    detail = f"{estate.name(answer.principal)} {answer.capability.phrase} on {where}{verb}{sure}: {way}{more}"
    return Broken(one, detail, answer)


def _lacking(view: View, one: Invariant, ids: Mapping[str, str]) -> Iterator[Broken]:
    """The first right that somebody should have and has not."""
    for who in one.who:
        assert who.key is not None, "whom something is promised to has a name"
        for spot, where in _spots(view.estate, one):
            has = {held.capability for held in direct(view, ids[who.key], spot)}
            lost = next((can for can in one.can if spot.shows(can) and can not in has), None)
            if lost is not None:
                permissions = " or ".join(lost.permissions)
                detail = f"{who.key} has no grant for {lost.name} on {where} ({permissions})"
                yield Broken(one, detail)
                return


def _spots(estate: Estate, one: Invariant) -> Iterator[tuple[Spot, Address | None]]:
    for vault in estate.vaults:
        if any(fnmatchcase(str(vault.address), pattern) for pattern in one.on):
            yield Spot(vault.id, vault), vault.address
        for place in sorted(_secrets(estate, one, vault)):
            yield Spot(place, vault), estate.addresses[place]
