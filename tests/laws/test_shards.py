"""The shards' plans together are the plan of the whole: nothing is done twice, and nothing by nobody."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.cli.flow import planned
from declarative_kv.engine.shard import number_of
from declarative_kv.model.codec import encode
from declarative_kv.model.errors import DkvError
from declarative_kv.model.plan import Action, Options, Plan
from declarative_kv.model.shard import Shard
from declarative_kv.model.state import State
from tests.counts import count
from tests.laws.lab import Lab
from tests.laws.outside import meddle
from tests.laws.story import ALLOWED
from tests.laws.wishes import Wishes


@pytest.mark.parametrize("seed", range(count(8, 200)))
async def test_the_union_over_shards_is_the_plan_of_the_whole(seed: int, tmp_path: Path) -> None:
    chance, lab = random.Random(seed), Lab(tmp_path)
    wishes = Wishes(chance, lab)
    wishes.begin()
    wishes.edit(3)
    of = chance.choice([2, 3, 5])
    await compare(lab, State(), of)
    done = await lab.apply(Options(allow=ALLOWED))
    lab.world.clock.shift(60)
    wishes.edit(3)
    await meddle(lab, chance, 2)
    await compare(lab, done.state_after, of)
    await compare(lab, done.state_after, of, destroy=True)


async def compare(lab: Lab, state: State, of: int, **options: bool) -> None:
    """Plan the whole and the parts, and hold them against each other."""
    whole = await told(lab, state, Options(**options))
    parts = [
        await told(lab, part(state, number, of), Options(shard=Shard(number, of), **options))
        for number in range(1, of + 1)
    ]
    if isinstance(whole, DkvError):
        found = {problem for one in parts if isinstance(one, DkvError) for problem in problems(one)}
        assert problems(whole) <= found
        return
    plans = [one for one in parts if isinstance(one, Plan)]
    assert len(plans) == of, [problems(one) for one in parts if isinstance(one, DkvError)]
    moved = {
        at
        for at, one in lab.document().resources.items()
        if at in state.entries
        and number_of(at, state.entries[at].depends_on, of) != number_of(at, one.depends_on, of)
        and not options.get("destroy")
    }
    for at in moved:
        # A grant whose scope went to another shard's vault: one lets go of the old, the other makes the new.
        done = [change.action for plan in plans for change in plan.changes if change.address == at]
        assert sorted(done) in ([Action.CREATE, Action.DESTROY], [Action.CREATE, Action.FORGET]), at
    for name in ("changes", "drift", "unmanaged", "unwritten", "irreversible"):
        together = [one for plan in plans for one in getattr(plan, name) if one.address not in moved]
        alone = [one for one in getattr(whole, name) if one.address not in moved]
        if name == "irreversible":
            # Of a group's vaults only the whole knows that they are all destroyed, not left in it.
            together, alone = ([one for one in many if one.address.kind == "vault"] for many in (together, alone))
        assert key(together) == key(alone), name


def part(state: State, number: int, of: int) -> State:
    """What of a state is one shard's."""
    held = {at: one for at, one in state.entries.items() if number_of(at, one.depends_on, of) == number}
    return replace(state, entries=held)


def key(items: Iterable[Any]) -> list[str]:
    """The items in an order of their own, without what only says what comes first."""
    bare = (replace(one, after=frozenset()) if hasattr(one, "after") else one for one in items)
    return sorted(json.dumps(encode(one), sort_keys=True) for one in bare)


def problems(error: DkvError) -> set[tuple[str, str]]:
    """What is wrong where."""
    return {(one.code, str(one.address)) for one in error.diagnostics}


async def told(lab: Lab, state: State, options: Options) -> Plan | DkvError:
    """A plan, or why there is none."""
    document = lab.document()
    async with lab.run(document) as run:
        try:
            return (await planned(run, document, state, options)).plan
        except DkvError as error:
            return error
