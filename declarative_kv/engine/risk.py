"""The risk classes of changes: what can be taken back, until when, and what gives somebody more than before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from declarative_kv.model.address import Address
from declarative_kv.model.kind import Kinds
from declarative_kv.model.plan import AccessLine, Action, Change, Plan, Reason
from declarative_kv.model.review import Risk, RiskClass
from declarative_kv.model.specs import VaultSpec

_ORDER: Final = tuple(RiskClass)


def risks_of(
    kinds: Kinds, plan: Plan, changes: Iterable[Change], retention: Mapping[Address, int], today: date
) -> dict[Address, tuple[Risk, ...]]:
    """The classes of each of these changes of a plan, gravest first; never none.

    `retention` has the days for which the vaults keep what is deleted, where that is known.
    """
    changes = tuple(changes)
    final = {one.address for one in plan.irreversible}
    # Azure brings no group back, and what else is in it nobody knows from here.
    final |= {one.address for one in changes if one.action is Action.DESTROY and one.address.kind == "resource_group"}
    final |= {block.address for block in plan.blocks if block.code == "immutable" and block.address is not None}
    widening = _widening(plan, {change.address for change in changes})
    found = {}
    for change in changes:
        risks = [
            *([Risk(RiskClass.IRREVERSIBLE)] if change.address in final else []),
            *([Risk(RiskClass.WIDENS)] if change.address in widening else []),
            *_recoverable(kinds, change, retention, today),
        ]
        found[change.address] = tuple(sorted(risks, key=_gravity)) or (Risk(RiskClass.SAFE),)
    return found


def _gravity(risk: Risk) -> int:
    return _ORDER.index(risk.risk)


def _widening(plan: Plan, changed: set[Address]) -> set[Address]:
    """Whose change gives access: the grant's own, else that of the vault around it, which switched its access model."""
    return {_cause(line, changed) for line in plan.access if line.gained}


def _cause(line: AccessLine, changed: set[Address]) -> Address:
    if line.address in changed or line.resource.startswith("/"):
        return line.address
    return Address("vault", Address.parse(line.resource).container)


def _recoverable(kinds: Kinds, change: Change, retention: Mapping[Address, int], today: date) -> Iterator[Risk]:
    """What is deleted softly, by itself or with its vault."""
    if change.action is not Action.DESTROY:
        return
    if kinds[change.address.kind].soft_deletes or change.reason is Reason.CONTAINED:
        days = retention.get(Address("vault", change.address.container))
        yield Risk(RiskClass.RECOVERABLE, None if days is None else today + timedelta(days=days))


def retentions(sides: Iterable[tuple[Address, object]]) -> dict[Address, int]:
    """The days for which each vault keeps what is deleted, by what is known of the vaults."""
    return {
        at: spec.retention_days for at, spec in sides if isinstance(spec, VaultSpec) and spec.retention_days is not None
    }
