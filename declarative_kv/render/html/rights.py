"""What grants give, before and after, as the grid and the cards show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from declarative_kv.engine.access.grant import held_by
from declarative_kv.model.address import Address
from declarative_kv.model.plan import AccessLine, Action, Change, Drift, Plan
from declarative_kv.model.resource import Condition, OtherPolicy
from declarative_kv.model.specs import AccessPolicySpec, RoleAssignmentSpec
from declarative_kv.render.html.matrix import Right
from declarative_kv.render.names import Names

_GONE = frozenset({Action.DESTROY, Action.FORGET})


def of_plan(plan: Plan) -> tuple[Right, ...]:
    """Every right that a grant of the plan gives or gave, those that stay included."""
    names = Names.of(plan)
    return tuple(right for change in plan.changes for right in _of_change(change, names))


def _of_change(change: Change, names: Names) -> Iterator[Right]:
    before = None if change.action is Action.CREATE else change.live or change.prior
    after = None if change.action in _GONE else change.desired
    yield from _rights(change.address, before.spec if before else None, after.spec if after else None, names)


def of_drift(plan: Plan) -> tuple[Right, ...]:
    """Every right of the grants that moved: before as applied, after as Azure has it."""
    names = Names.of(plan)
    moved = (right for one in plan.drift for right in _of_drift(one, names))
    strangers = (
        right
        for item in plan.unmanaged
        if item.policy is not OtherPolicy.IGNORE
        for right in _rights(item.address, None, item.live.spec, names)
    )
    return (*moved, *strangers)


def _of_drift(one: Drift, names: Names) -> Iterator[Right]:
    live = one.live if one.live is not None and one.live.condition is Condition.LIVE else None
    yield from _rights(one.address, one.prior.spec if one.prior else None, live.spec if live else None, names)


def moved(rights: Sequence[Right]) -> tuple[AccessLine, ...]:
    """The rights that somebody has gained or lost outside."""
    return tuple(
        AccessLine(
            right.after, right.who, right.object_id, right.phrase, right.place, "", Address("vault", right.place)
        )
        for right in rights
        if right.before != right.after
    )


def _rights(address: Address, before: Any, after: Any, names: Names) -> Iterator[Right]:
    for spec, other in ((before, after), (after, before)):
        if not isinstance(spec, AccessPolicySpec | RoleAssignmentSpec):
            continue
        shared = held_by(other) if _same(spec, other) else {}
        for phrase in held_by(spec):
            if spec is after and phrase in shared:
                continue  # told with what was before
            where = _place(address, spec, names)
            who = str(spec.principal)
            has = (True, phrase in shared) if spec is before else (False, True)
            yield Right(names.principal(who), who, where, phrase, *has)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one.principal == other.principal


def _place(address: Address, spec: Any, names: Names) -> str:
    """The vault that the grant is in or below; beside the vaults its scope."""
    if address.key:
        return f"vault.{address.container}"
    return names.scope(str(getattr(spec, "scope", getattr(spec, "vault", ""))))
