"""Two pictures of who can do what, before and after, and the difference between them, for the grid and the cards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from declarative_kv.engine.access.analysis import answers
from declarative_kv.engine.access.difference import access_lines
from declarative_kv.engine.access.estate import Estate
from declarative_kv.engine.access.picture import Thing, picture
from declarative_kv.model.access import NOTHING_AROUND
from declarative_kv.model.plan import AccessLine, Plan
from declarative_kv.model.resource import Condition, Observed, OtherPolicy
from declarative_kv.render.html.matrix import Hold, Right
from declarative_kv.render.plan_json import after_of, before_of

Sides = tuple[Estate, Estate]


def of_plan(plan: Plan) -> Sides:
    """The estate that the plan found and the one that it leaves, as far as its addresses and strangers make it up."""
    strangers = {one.live.id: (None, one.live.spec) for one in plan.unmanaged}
    gone = {change.live.id for change in plan.changes if change.live is not None and after_of(change) is None}
    before = [(change.address, spec) for change in plan.changes if (spec := before_of(change)) is not None]
    after = [(change.address, spec) for change in plan.changes if (spec := after_of(change)) is not None]
    staying = [thing for identifier, thing in strangers.items() if identifier not in gone]
    above = _above(plan)
    return _drawn(plan, [*above, *strangers.values(), *before]), _drawn(plan, [*above, *staying, *after])


def of_drift(plan: Plan) -> Sides:
    """The estate as it was applied, and as Azure has it."""
    before = [(one.address, one.prior.spec) for one in plan.checked if one.prior is not None]
    after = [(one.address, one.live.spec) for one in plan.checked if one.live is not None and _lives(one.live)]
    strangers = [(None, item.live.spec) for item in plan.unmanaged if item.policy is not OtherPolicy.IGNORE]
    above = _above(plan)
    return _drawn(plan, [*above, *before]), _drawn(plan, [*above, *after, *strangers])


def _above(plan: Plan) -> list[Thing]:
    """The grants above the vaults, which nothing here moves: as far as anybody knows they were the same before."""
    return [(None, one.spec) for one in plan.inherited]


def _lives(one: Observed) -> bool:
    return one.condition is Condition.LIVE


def _drawn(plan: Plan, things: Iterable[Thing]) -> Estate:
    """A picture of specs; whose vault has no address is nobody's concern here."""
    return picture(things, NOTHING_AROUND, plan.head.principals)


def difference(sides: Sides) -> tuple[AccessLine, ...]:
    """Who holds more or less on the one side than on the other."""
    return access_lines(*_named(sides))


def rights(sides: Sides) -> Iterator[Right]:
    """What everybody holds, or could give itself, on either side; what goes without saying is left out."""
    before, after = _named(sides)
    held: dict[tuple[str, str, str], list[Hold]] = {}
    seen = {}
    for number, estate in enumerate((before, after)):
        for one in answers(estate):
            if one.capability.minor:
                continue
            place = _place(estate, one.resource, one.vault.id)
            key = (one.principal, place, one.capability.name)
            sides_of = held.setdefault(key, [Hold.NONE, Hold.NONE])
            sides_of[number] = max(sides_of[number], Hold.HAS if one.direct else Hold.COULD)
            seen[key] = one.capability
    for (who, place, name), (was, will) in held.items():
        capability = seen[who, place, name]
        yield Right(after.name(who), who, place, capability.phrase, capability.category, was, will)


def _named(sides: Sides) -> Sides:
    """Both with the addresses of both, so that a place is called the same where only one side declares it."""
    before, after = sides
    addresses = {**before.addresses, **after.addresses}
    return replace(before, addresses=addresses), replace(after, addresses=addresses)


def _place(estate: Estate, resource: str, vault: str) -> str:
    """The address of a vault or secret; of what nobody declared its vault's, and its own name."""
    if (at := estate.addresses.get(resource)) is not None:
        return str(at)
    inside = estate.spelled(resource)[len(vault) :].lstrip("/")
    return f"{estate.addresses.get(vault, estate.spelled(vault))} · {inside}" if inside else estate.spelled(resource)
