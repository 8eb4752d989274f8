"""A law of reviews over random worlds: what a review says is what a plan says once BASE has been applied."""

from __future__ import annotations

import asyncio
import random
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest

from declarative_kv.engine.review import review
from declarative_kv.kinds import registry
from declarative_kv.model.address import Address
from declarative_kv.model.document import Document
from declarative_kv.model.errors import DkvError
from declarative_kv.model.plan import AccessLine, Action, Change, Options, Plan
from declarative_kv.model.review import Review
from tests.counts import count
from tests.laws.lab import Lab
from tests.laws.story import ALLOWED
from tests.laws.wishes import Tree, Wishes

NEVER = Options(values="never", allow=ALLOWED)
REFUSALS = frozenset({"immutable", "unmanaged-exists"})
Told = set[tuple[object, ...]]


@pytest.mark.parametrize("seed", range(count(8, 200)))
async def test_a_review_says_what_a_plan_says_once_base_was_applied(seed: int, tmp_path: Path) -> None:
    chance, lab = random.Random(seed), Lab(tmp_path)
    wishes = Wishes(chance, lab)
    wishes.begin()
    wishes.edit(chance.randint(0, 6))
    _with_values(wishes)
    base = lab.document()
    done = await lab.apply(Options(allow=ALLOWED))
    assert done.succeeded, str(done)

    wishes.edit(chance.randint(1, 8))
    found = await _off_the_loop(base, lab)
    plan, stopped = await _planned(lab)
    if plan is None:
        assert {code for code, _ in stopped} <= REFUSALS, stopped
        assert stopped == {(one.code, one.address) for one in found.plan.blocks if one.code in REFUSALS}
        return
    assert not [one for one in found.plan.blocks if one.code in REFUSALS]
    assert _changes(found.plan) == _changes(plan)
    assert _access(found.plan) == _access(plan)
    assert _rest(found.plan) == _rest(plan)


async def _planned(lab: Lab) -> tuple[Plan | None, set[tuple[str, Address | None]]]:
    """The plan; or the codes and addresses of what kept it from being made."""
    try:
        return await lab.plan(NEVER), set()
    except DkvError as error:
        return None, {(one.code, one.address) for one in error.diagnostics}


def _with_values(wishes: Wishes) -> None:
    """A kept secret has a value only where somebody has set it: in BASE all have theirs from somewhere."""
    vaults: dict[str, Tree] = deepcopy(wishes.tree["vaults"])
    for vault in vaults.values():
        for secret in vault["secrets"].values():
            if secret["value_from"] == "kept":
                secret["value_from"] = {"generate": {"length": 20}}
    wishes.tree["vaults"] = vaults
    wishes.save()


async def _off_the_loop(base: Document, lab: Lab) -> Review:
    """The review, which starts a loop of its own."""
    return await asyncio.to_thread(review, registry(), base, lab.document(), date(2026, 11, 22), ALLOWED)


def _changes(plan: Plan) -> Told:
    return {_told(change) for change in plan.changes if change.action is not Action.NOOP}


def _told(change: Change) -> tuple[object, ...]:
    """The change; what makes a role another one only by name, since offline nobody knows who runs us."""
    diff = tuple(one.path for one in change.diff if one.path != ("principal_type",))
    replaced = change.action is Action.REPLACE
    return change.address, change.action, change.reason, diff if replaced else change.diff, change.writes_value


def _access(plan: Plan) -> Told:
    """Who gains or loses access; whoever runs us holds roles at the subscription, which no YAML says."""
    return {_line(line) for line in plan.access if line.who != "deployer"}


def _line(line: AccessLine) -> tuple[object, ...]:
    return line.gained, line.who, line.phrase, line.resource, line.via, line.address, line.permission


def _rest(plan: Plan) -> Told:
    """What stands in the way, what cannot be undone, and what is no longer managed."""
    guards = {("guard", one.code, one.address, one.allowed) for one in plan.blocks}
    final = {("final", one.address, one.detail) for one in plan.irreversible}
    return guards | final | {("unwritten", one.address, one.attributes) for one in plan.unwritten}
