"""The decision table, row by row, as the product page has it."""

from __future__ import annotations

import pytest

from declarative_kv.engine.decide import DECISIONS, UNSEEN, Seen, decide
from declarative_kv.model.plan import Action, Reason
from declarative_kv.model.resource import Condition

ROWS = [
    (True, False, None, Action.CREATE, Reason.NEW, "nobody has it yet"),
    (True, True, None, Action.CREATE, Reason.VANISHED, "somebody deleted it for good"),
    (True, True, Condition.SOFT_DELETED, Action.RECOVER, Reason.SOFT_DELETED, "never purged to make room"),
    (True, True, Condition.LIVE, Action.UPDATE, Reason.CONFIG_MOVED, "compared attribute by attribute afterwards"),
    (True, False, Condition.LIVE, Action.IMPORT, Reason.IMPORTING, "an error unless import is allowed"),
    (True, False, Condition.SOFT_DELETED, Action.RECOVER, Reason.IMPORTING, "an error unless import is allowed"),
    (False, True, Condition.LIVE, Action.DESTROY, Reason.UNDECLARED, "the YAML let go of it"),
    (False, True, Condition.SOFT_DELETED, Action.FORGET, Reason.GONE, "already deleted"),
    (False, True, None, Action.FORGET, Reason.GONE, "already gone"),
    (True, False, UNSEEN, Action.CREATE, Reason.NEW, "a reserved name makes the create fail, and nothing else"),
    (True, True, UNSEEN, Action.CREATE, Reason.UNSEEN, "whether it can be recovered is not known"),
    (False, True, UNSEEN, Action.FORGET, Reason.GONE, "soft-deleted or gone, there is nothing to delete"),
]


@pytest.mark.parametrize(("wanted", "known", "condition", "action", "reason", "why"), ROWS)
def test_each_row_of_the_table_gives_its_action(
    wanted: bool, known: bool, condition: Seen, action: Action, reason: Reason, why: str
) -> None:
    assert decide(wanted=wanted, known=known, condition=condition) == (action, reason), why


def test_the_table_has_every_combination_but_what_nobody_knows() -> None:
    every = {(w, k, c) for w in (True, False) for k in (True, False) for c in (None, UNSEEN, *Condition)}
    assert set(DECISIONS) == {row for row in every if row[0] or row[1]}
