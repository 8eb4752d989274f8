"""Laws of pictures over random worlds: a plan made from one is the plan that would be made online without values."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.cli.context import store_at
from declarative_kv.cli.flow import place_of, planned
from declarative_kv.cli.options import Common
from declarative_kv.cli.picturing import offline, picture_of, read, write
from declarative_kv.cli.rehearsing import copied, rehearse, stage
from declarative_kv.model.errors import DkvError
from declarative_kv.model.picture import Picture
from declarative_kv.model.plan import Options, Plan
from declarative_kv.model.resource import Observed
from declarative_kv.render.plan_json import plan_json
from tests.counts import count
from tests.laws.lab import Lab
from tests.laws.neighbours import meet, surround, without_roles
from tests.laws.nowhere import answers_from_nowhere
from tests.laws.outside import meddle
from tests.laws.story import ALLOWED
from tests.laws.wishes import Wishes

NEVER = Options(values="never", allow=ALLOWED)
WORLDS = 100
HALFWAY = frozenset({"known-after-recover", "forbidden"})
"""Why an apply may end in part: what nobody could see came back with a vault; or somebody took our policy, and of the
access model that the same plan switches to the deletion of a secret did not wait."""


async def some_world(seed: int, folder: Path) -> tuple[Lab, Wishes]:
    """A project that was applied, its Azure after some hands were in it, and what others have around its vaults."""
    chance, lab = random.Random(seed), Lab(folder)
    wishes = Wishes(chance, lab)
    wishes.begin()
    if chance.random() < 0.5:
        without_roles(wishes)
    await lab.apply(Options(allow=ALLOWED, import_all=True))
    lab.world.clock.shift(60.0)
    await meddle(lab, chance, chance.randint(1, 6))
    await surround(lab, chance)
    return lab, wishes


def changed(wishes: Wishes, times: int) -> None:
    """Edits of the YAML, and with them something that others have a part in."""
    wishes.edit(times)
    if times:
        meet(wishes)


async def take(lab: Lab, path: Path) -> None:
    document = lab.document()
    async with lab.run(document) as run:
        write(path, await picture_of(run, document, await run.store.read()))


async def from_picture(lab: Lab, path: Path, options: Options) -> Plan:
    """The plan that a process without any way to Azure makes."""
    document = lab.document()
    run = offline(place_of(document), read(path))
    return (await planned(run, document, await run.store.read(), options)).plan


async def told(making: Any) -> dict[str, Any] | list[str]:
    """The plan's JSON but for its head; or the codes of what kept it from being made."""
    try:
        plan = plan_json(await making)
    except DkvError as error:
        return [f"{one.code} {one.address}" for one in error.diagnostics]
    return without_head(json.loads(json.dumps(plan)))


def without_head(plan: dict[str, Any]) -> dict[str, Any]:
    plan.pop("timestamp")
    plan["dkv"].pop("head")
    return plan


@pytest.mark.parametrize("seed", range(count(5, 100)))
async def test_a_rehearsal_ends_with_an_empty_plan(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab, wishes = await some_world(seed, tmp_path)
    picture = tmp_path / "live.json"
    await take(lab, picture)
    changed(wishes, 3)
    try:
        wanted = await from_picture(lab, picture, replace(NEVER, import_all=True))
    except DkvError:
        return  # there is no plan to rehearse
    before, document = lab.dump(), lab.document()
    place = replace(place_of(document), state=str(tmp_path / "rehearsal.json"))
    state = await store_at(document.state).read()
    copied(state, place)
    async with stage(place, read(picture), state) as run:
        common, options = Common(no_color=True), replace(NEVER, import_all=True)
        code, afterwards = await rehearse(run, document, options, common)
        if code == 5:  # as the real apply would; then one plans again
            assert set(re.findall(r"^error\[(.*?)\]", capsys.readouterr().err, re.MULTILINE)) <= HALFWAY
            code, afterwards = await rehearse(run, document, options, common)
    shown = [f"{one.action} {one.address} {one.reason}" for one in afterwards.pending]
    assert (code, shown) == (0, []), [f"{one.action} {one.address}" for one in wanted.pending]
    assert lab.dump() == before, "a rehearsal reached the real one"


@pytest.mark.parametrize("seed", range(count(5, WORLDS)))
async def test_a_plan_from_a_picture_is_the_plan_that_is_made_online(seed: int, tmp_path: Path) -> None:
    lab, wishes = await some_world(seed, tmp_path)
    picture = tmp_path / "live.json"
    await take(lab, picture)
    assert lab.leaks() == []

    for edits in (0, 3, 3):
        changed(wishes, edits)
        for options in (NEVER, Options(values="never", import_all=True), Options(values="never", destroy=True)):
            online, offline = await told(lab.plan(options)), await told(from_picture(lab, picture, options))
            assert offline == online, (seed, edits, options)


def without_grants(picture: Picture, *, in_vaults: bool) -> Picture:
    """The picture as if the lists of vaults, or else those of subscriptions, showed no grants above vaults."""
    shots = [
        replace(shot, observed=tuple(one for one in shot.observed if not is_above_vaults(one)))
        if ("/vaults/" in shot.at) is in_vaults
        else shot
        for shot in picture.shots
    ]
    return replace(picture, shots=tuple(shots))


def is_above_vaults(one: Observed) -> bool:
    return one.kind == "role_assignment" and one.parent is None


def without_inside(picture: Picture, **lost: Any) -> Picture:
    inside = {subscription: replace(one, **lost) for subscription, one in picture.inside.items()}
    return replace(picture, inside=inside)


LOSSES: Mapping[str, Callable[[Picture], Picture]] = {
    "grants above a vault, in its own list": lambda picture: without_grants(picture, in_vaults=True),
    "grants above vaults, in a subscription's": lambda picture: without_grants(picture, in_vaults=False),
    "soft-deleted vaults": lambda picture: without_inside(picture, deleted=()),
    "names of roles": lambda picture: without_inside(picture, roles={}),
    "what roles permit": lambda picture: replace(picture, around=replace(picture.around, definitions={})),
}
"""Parts of a picture that a plan may need."""


async def test_no_part_of_a_picture_can_be_lost_without_some_plan_being_another(tmp_path: Path) -> None:
    """The worlds of the law above hold what it needs to notice each loss: the first of them do, so this ends soon."""
    unnoticed, taking = set(LOSSES), replace(NEVER, import_all=True)
    for seed in range(WORLDS):
        if not unnoticed:
            break
        (folder := tmp_path / str(seed)).mkdir()
        lab, wishes = await some_world(seed, folder)
        await take(lab, whole := folder / "whole.json")
        for edits in (0, 3, 3):
            changed(wishes, edits)
            wanted = await told(from_picture(lab, whole, taking))
            for loss in sorted(unnoticed):
                write(folder / "less.json", LOSSES[loss](read(whole)))
                if await told(from_picture(lab, folder / "less.json", taking)) != wanted:
                    unnoticed.discard(loss)
    assert unnoticed == set()


def command(folder: Path, *arguments: str) -> list[str]:
    allowed = [part for code in ALLOWED for part in ("--allow", code)]
    return [*arguments, "-f", str(folder), "--live", str(folder / "live.json"), *allowed]


def codes(told_or_answer: Any) -> Any:
    """The plan that was told; or the codes of what kept it from being made, as the terminal has them too."""
    if isinstance(told_or_answer, list):
        return sorted(line.partition(" ")[0] for line in told_or_answer)
    if isinstance(told_or_answer.get("err"), str):
        if not told_or_answer["out"]:
            return sorted(re.findall(r"^error\[(.*?)\]", told_or_answer["err"], re.MULTILINE))
        told_or_answer = without_head(json.loads(told_or_answer["out"]))
    return told_or_answer


async def test_where_there_is_no_network_the_same_plans_are_made_and_rehearsed(tmp_path: Path) -> None:
    """The command line itself, in a process that has no interface: plan, plan of a destroy, rehearsal."""
    seeds, online, commands = range(1000, 1000 + count(5, 100)), [], []
    for seed in seeds:
        (folder := tmp_path / str(seed)).mkdir()
        lab, wishes = await some_world(seed, folder)
        await take(lab, folder / "live.json")
        changed(wishes, 3)
        taking = replace(NEVER, import_all=True)
        online += [await told(lab.plan(taking)), await told(lab.plan(replace(NEVER, destroy=True)))]
        commands += [command(folder, "plan", "--json", "--import"), command(folder, "plan", "--json", "--destroy")]
        commands.append(command(folder, "rehearse", "--import"))

    answers = answers_from_nowhere(commands, tmp_path)

    rehearsed = 0
    for number, seed in enumerate(seeds):
        wanted, destroying = (codes(one) for one in online[2 * number : 2 * number + 2])
        plan, destroy, rehearsal = answers[3 * number : 3 * number + 3]
        assert (seed, codes(plan)) == (seed, wanted)
        assert (seed, codes(destroy)) == (seed, destroying)
        if isinstance(wanted, list) or wanted["dkv"]["exit_code"] in (3, 4):
            assert rehearsal["code"] != 0, (seed, rehearsal)
            continue
        assert "\n".join(wanted["dkv"]["summary"]) in rehearsal["out"], (seed, "another plan was rehearsed")
        if rehearsal["code"] == 5:  # as the real apply would
            assert HALFWAY.issuperset(codes({**rehearsal, "out": ""})), (seed, rehearsal["err"])
            continue
        assert rehearsal["code"] == 0, (seed, rehearsal["out"], rehearsal["err"])
        assert "No changes." in rehearsal["out"].rpartition("A plan after that rehearsal")[2], (seed, rehearsal)
        rehearsed += 1
    assert rehearsed > len(seeds) // 2, "too many worlds have no plan that can be rehearsed"
