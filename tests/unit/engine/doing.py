"""Changes that the tests of the applier begin with."""

from __future__ import annotations

from typing import Any

from declarative_kv.model.plan import Action, AttrDiff, Change, Reason
from declarative_kv.model.resource import Observed
from declarative_kv.model.state import Entry, Status
from tests.unit.engine.cloud import Applied, item
from tests.unit.engine.fakes import at, thing

A, B = "thing.a", "thing.b"
TO_BLUE = (AttrDiff(("colour",), "red", "blue"),)


def create(address: str = A, **fields: Any) -> Change:
    return Change(at(address), Action.CREATE, Reason.NEW, desired=thing(address), **fields)


def update(prior: Entry, there: Observed) -> Change:
    wanted = thing(str(prior.address), "blue")
    return Change(prior.address, Action.UPDATE, Reason.CONFIG_MOVED, TO_BLUE, desired=wanted, prior=prior, live=there)


def destroy(prior: Entry, there: Observed | None, reason: Reason = Reason.UNDECLARED, *after: str) -> Change:
    waits = frozenset(map(at, after))
    return Change(prior.address, Action.DESTROY, reason, after=waits, prior=prior, live=there)


def writing(address: str = "item.x", *after: str) -> Change:
    waits = frozenset(map(at, after))
    return Change(at(address), Action.CREATE, Reason.NEW, desired=item(address), after=waits, writes_value=True)


def statuses(over: Applied) -> list[Status]:
    return [one.status for one in over.journal.written]
