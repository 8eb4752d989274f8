"""Laws of `dkv drift --adopt` over random worlds: then nothing is left to write, and no line changed without need."""

from __future__ import annotations

import random
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest
import yaml

from declarative_kv.cli.adopting import found_outside
from declarative_kv.config.adopting import Adopted, adopt
from declarative_kv.config.emit import Block, emit
from declarative_kv.config.loading import Request
from declarative_kv.engine.adopt import Outside
from declarative_kv.model.errors import DkvError
from declarative_kv.model.plan import Action, Options, Plan
from tests.counts import count
from tests.laws.lab import Lab
from tests.laws.outside import EDITS, meddle, widen_policy
from tests.laws.story import ALLOWED
from tests.laws.wishes import Tree, Wishes

NEVER = Options(values="never")


def laid_out(tree: Tree, chance: random.Random) -> str:
    """The same configuration as one of several people would have typed it, remarks included."""
    blocks = {key: _blocks(value, chance.randint(0, 3)) for key, value in tree.items()}
    dumped = yaml.safe_dump(tree, sort_keys=False, width=9999, default_flow_style=chance.choice([None, False]))
    lines = (dumped if chance.random() < 0.5 else emit(Block(blocks))).splitlines()
    remarked = [f"{line}  # remark {number}" if chance.random() < 0.2 else line for number, line in enumerate(lines)]
    for number in range(chance.randint(0, 4)):
        remarked.insert(chance.randint(1, len(remarked)), f"# between {number}")
    return "\n".join(remarked) + "\n"


def _blocks(value: object, depth: int) -> object:
    if depth and isinstance(value, dict) and value:
        return Block({key: _blocks(one, depth - 1) for key, one in value.items()})
    return value


def with_more_permissions(wishes: Wishes) -> None:
    """Policies of several kinds of permissions, in an order and in letters of their authors' own."""
    for vault in wishes.tree["vaults"].values():
        for policy in (vault.get("access_policies") or {}).values():
            for kind, words in (("keys", ["sign", "get", "list"]), ("certificates", ["list", "get"])):
                if "template" not in policy and wishes.chance.random() < 0.6:
                    policy[kind] = list(words)
            for kind in policy.keys() - {"template"}:
                wishes.chance.shuffle(policy[kind])
                policy[kind] = [wishes.chance.choice([word, word.title()]) for word in policy[kind]]
    wishes.save()


def drifted(lab: Lab) -> Path:
    return lab.folder / "dkv.yaml"


async def adopted(lab: Lab, *, deleted: bool) -> tuple[Adopted, Outside]:
    """What the command does, its texts written."""
    document = lab.document()
    async with lab.run(document) as run:
        _, there = await found_outside(run, document, await run.store.read())
    items = (*there.items, *(there.gone if deleted else ()))
    made = adopt(Request(lab.folder, None, {}, None, {}, lab.folder), items)
    for path, text in made.texts.items():
        path.write_text(text, encoding="utf-8")
    return made, there


async def planned(lab: Lab) -> Plan | None:
    try:
        return await lab.plan(NEVER)
    except DkvError:
        return None


def quiet(plan: Plan | None, made: Adopted, there: Outside, *, deleted: bool) -> bool:
    """Whether an apply would write nothing to Azure, but for what the YAML had to keep."""
    if plan is None:
        return False
    kept = {item.address for item, _ in made.refused} | (set() if deleted else {one.address for one in there.gone})
    kept |= {one.address for one in there.unsaid}
    works = [change for change in plan.pending if change.address not in kept and not _below(change.address, kept)]
    return all(change.action is Action.FORGET or _only_taken_over(change) for change in works)


def _only_taken_over(change: object) -> bool:
    return change.action is Action.IMPORT and not change.diff  # type: ignore[attr-defined]


def _below(at: object, kept: set[object]) -> bool:
    return any(one.kind == "vault" and at.container == one.path for one in kept)  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(count(5, 200)))
async def test_what_was_adopted_leaves_nothing_to_write_and_every_changed_line_was_needed(
    seed: int, tmp_path: Path
) -> None:
    chance, lab = random.Random(seed), Lab(tmp_path)
    wishes = Wishes(chance, lab)
    wishes.begin()
    with_more_permissions(wishes)
    drifted(lab).write_text(laid_out(wishes.tree, chance), encoding="utf-8")
    for _ in range(3):
        done = await lab.apply(Options(allow=ALLOWED, import_all=True))
        if done.succeeded:
            break
    lab.world.clock.shift(60.0)
    await meddle(lab, chance, chance.randint(1, 6), (*EDITS, widen_policy, widen_policy, widen_policy))
    lab.world.clock.shift(60.0)
    deleted, before = chance.random() < 0.5, drifted(lab).read_text(encoding="utf-8")

    made, there = await adopted(lab, deleted=deleted)

    after = drifted(lab).read_text(encoding="utf-8")
    story = f"seed {seed}, done {made.done}, refused {made.refused}, gone {there.gone}"
    plan = await planned(lab)
    pending = [f"{change.action} {change.address} {change.reason}" for change in plan.pending] if plan else ["no plan"]
    assert quiet(plan, made, there, deleted=deleted), (story, pending)
    assert (before == after) == (not made.done), story
    for reverted, undone in every_line_undone(before.splitlines(), after.splitlines()):
        drifted(lab).write_text("\n".join(reverted) + "\n", encoding="utf-8")
        again = await planned(lab)
        assert not quiet(again, made, there, deleted=deleted), (story, undone)


def every_line_undone(old: list[str], new: list[str]) -> Iterator[tuple[list[str], tuple[list[str], list[str]]]]:
    """The new text with one change undone at a time, and that change: line by line where lines stand for lines."""
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        alike = i2 - i1 == j2 - j1
        parts = [(i1 + n, i1 + n + 1, j1 + n, j1 + n + 1) for n in range(i2 - i1)] if alike else [(i1, i2, j1, j2)]
        for start, end, to, until in parts:
            yield [*new[:to], *old[start:end], *new[until:]], (old[start:end], new[to:until])
