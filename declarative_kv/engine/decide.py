"""The decision table: what is wanted, what the state knows and what Azure holds give one action and its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from declarative_kv.model.plan import Action, Reason
from declarative_kv.model.resource import Condition

ABSENT = None

Seen = Condition | Literal["unseen"] | None
"""What Azure shows of an object. UNSEEN: it is not live, and what is soft-deleted cannot be seen where it would be."""
UNSEEN: Final = "unseen"

DECISIONS: Mapping[tuple[bool, bool, Seen], tuple[Action, Reason]] = {
    # wanted, in state, in Azure
    (True, False, ABSENT): (Action.CREATE, Reason.NEW),
    (True, True, ABSENT): (Action.CREATE, Reason.VANISHED),
    (True, True, Condition.SOFT_DELETED): (Action.RECOVER, Reason.SOFT_DELETED),
    (True, True, Condition.LIVE): (Action.UPDATE, Reason.CONFIG_MOVED),
    (True, False, UNSEEN): (Action.CREATE, Reason.NEW),
    (True, True, UNSEEN): (Action.CREATE, Reason.UNSEEN),
    (True, False, Condition.LIVE): (Action.IMPORT, Reason.IMPORTING),
    (True, False, Condition.SOFT_DELETED): (Action.RECOVER, Reason.IMPORTING),
    (False, True, Condition.LIVE): (Action.DESTROY, Reason.UNDECLARED),
    (False, True, Condition.SOFT_DELETED): (Action.FORGET, Reason.GONE),
    (False, True, ABSENT): (Action.FORGET, Reason.GONE),
    (False, True, UNSEEN): (Action.FORGET, Reason.GONE),
}
"""The table of the product page. An import without leave is the error `unmanaged-exists`; an update without a
difference is a no-op; what is neither wanted nor in state is treated by the vault's `others`. The rows with UNSEEN are
those of design record 7: a create whose name turns out to be reserved fails by itself and changes nothing."""


def decide(*, wanted: bool, known: bool, condition: Seen) -> tuple[Action, Reason]:
    """The action for one address; at least one of `wanted` and `known` must hold."""
    return DECISIONS[wanted, known, condition]
