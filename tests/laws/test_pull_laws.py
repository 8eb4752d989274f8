"""Laws of `dkv pull` over random worlds: taking over what exists writes nothing, and then nothing is left to do."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.azure.directory import AzureDirectory
from declarative_kv.azure.session import open_session
from declarative_kv.cli.context import Run, store_at
from declarative_kv.cli.flow import place_of
from declarative_kv.cli.pulling import Drawn, draw
from declarative_kv.emulator.seed import TENANT, seed_assignment
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.model.plan import Action, Options, Plan
from declarative_kv.model.resource import Condition, Observed
from tests.conftest import login_of
from tests.counts import count
from tests.laws.lab import KINDS, Dump, Lab
from tests.laws.neighbours import grant_by_hand
from tests.laws.outside import CI, READER, STRANGER, meddle
from tests.laws.story import ALLOWED
from tests.laws.wishes import Wishes

TOUCHED_BY_READING = frozenset({"meta", "tokens"})


async def some_azure(seed: int, folder: Path) -> tuple[Lab, random.Random]:
    """What a project and a few people with the portal made of a subscription, the project's files forgotten."""
    chance, lab = random.Random(seed), Lab(folder)
    wishes = Wishes(chance, lab)
    wishes.begin()
    for _ in range(3):
        done = await lab.apply(Options(allow=ALLOWED, import_all=True))
        if done.succeeded:
            break
    lab.world.clock.shift(60.0)
    await meddle(lab, chance, chance.randint(2, 8))
    await described_grants(lab, chance)
    lab.world.clock.shift(60.0)
    return lab, chance


async def described_grants(lab: Lab, chance: random.Random) -> None:
    """Grants at some vaults that say why they are there, which only an entry beside the vault can say."""
    for vault in lab.world.store.table("vaults").values():
        if chance.random() < 0.6:
            who = chance.choice([STRANGER, CI])
            await grant_by_hand(lab, str(vault["id"]), READER, who, description="asked for in a ticket")


async def pull(lab: Lab, folder: Path, *, attach: bool, in_one_file: bool) -> tuple[Lab, Drawn] | None:
    """What `dkv pull` writes for every vault there is, as a project of its own over the same Azure."""
    vaults = [str(record["id"]) for record in lab.world.store.table("vaults").values()]
    if not vaults:
        return None
    async with lab.run(lab.document()) as run:
        drawn = await draw(run, vaults, await run.directory.subscriptions(), attach=attach)
    assert {one.code for one in drawn.unreadable} <= {"forbidden"}, "only somebody's hand took our own right away"
    one = {"dkv.yaml": drawn.text()}
    for name, text in (one if in_one_file else drawn.files()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return Lab(folder, lab.world), drawn


async def test_who_may_read_little_is_told_what_is_missing(tmp_path: Path) -> None:
    """A reader of the subscription sees neither secrets nor the directory: ids stand for names."""
    (made := tmp_path / "made").mkdir()
    lab, _ = await some_azure(0, made)
    document, world = lab.document(), lab.world
    seed_assignment(world.store, world.identity("norights")["object_id"], READER, world.clock.now())
    transport = InProcessTransport(lab.application)
    login = login_of(world, "norights")
    async with open_session(document.cloud, TENANT, transport=transport, credential=login) as session:
        run = Run(place_of(document), session, AzureDirectory(session), store_at(document.state), KINDS)
        vaults = [str(record["id"]) for record in world.store.table("vaults").values()]
        drawn = await draw(run, vaults, await run.directory.subscriptions(), attach=False)
    assert {one.code for one in drawn.unreadable} == {"forbidden"}
    assert not any("secrets" in part.entry for part in drawn.parts)
    assert {tuple(one) for one in drawn.people.entries.values()} <= {("object_id",), ("object_id", "type")}
    assert drawn.people.missing == set()


def settled(dump: Dump) -> dict[str, Any]:
    """What Azure holds, without what reading alone leaves behind."""
    return {name: rows for name, rows in dump.items() if name not in TOUCHED_BY_READING}


@pytest.mark.parametrize("seed", range(count(5, 200)))
async def test_what_was_pulled_is_imported_and_nothing_is_written(seed: int, tmp_path: Path) -> None:
    (made := tmp_path / "made").mkdir()
    lab, chance = await some_azure(seed, made)
    made_of_it = await pull(lab, tmp_path / "pulled", attach=chance.random() < 0.3, in_one_file=seed % 2 == 1)
    if made_of_it is None:
        return
    twin, drawn = made_of_it
    before, versions = settled(lab.dump()), lab.versions()

    only = Options(import_only=True)
    planned = await twin.plan(only)
    assert (planned.blocked, planned.complete) == ((), True)
    assert {change.action for change in planned.pending} <= {Action.IMPORT}
    done = await twin.apply(only)
    afterwards = await twin.plan(Options())

    assert done.succeeded, done
    assert not afterwards.counts().any, afterwards.pending
    assert twin.versions() == versions
    assert settled(twin.dump()) == before
    assert forgotten(afterwards, drawn) == []


def forgotten(plan: Plan, drawn: Drawn) -> list[str]:
    """What is in the vaults, was not written down, and was not said to be left out."""
    said = "\n".join(one.detail for one in (*drawn.left_out, *drawn.unreadable))
    live = [one.live for one in plan.unmanaged if one.live.condition is Condition.LIVE]
    return [f"{one.kind} {one.label}" for one in live if one.label not in said and not whole_kind_said(one, said)]


def whole_kind_said(one: Observed, said: str) -> bool:
    """Whether all of its kind in its vault was said to be left out: what means nothing, or could not be listed."""
    vault = str(one.parent).rpartition("/")[2]
    words = {"access_policy": f"vault.{vault} uses roles", "secret": vault}
    return one.kind in words and words[one.kind] in said
