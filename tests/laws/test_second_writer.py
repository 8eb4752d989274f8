"""The law of the second writer: at whatever request of a run somebody else writes, nothing of theirs is lost silently.

What this run wrote over is told by the run or by the next plan, but for what the guide names as open; what is not in
the plan is not touched.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.world import new_world
from declarative_kv.model.address import Address
from declarative_kv.model.errors import DkvError
from declarative_kv.model.plan import Action, Change, Options, Reason
from declarative_kv.model.resource import Observed
from tests.counts import FULL
from tests.laws.lab import KINDS, Done, Dump, Lab
from tests.laws.leaks import secret_value
from tests.laws.rival import (
    ACTS,
    DEV,
    DOOMED_GROUP,
    GONE,
    NEW,
    ONE,
    Act,
    Rival,
    View,
    view,
    write_policy,
)
from tests.laws.story import ALLOWED
from tests.laws.wishes import PRINCIPALS

Tree = dict[str, Any]
OPTIONS: Final = Options(allow=ALLOWED)
SAMPLE: Final = 100
GRANTS: Final = f"/subscriptions/{SUBSCRIPTION}/providers/microsoft.authorization"


def _policies_vault(name: str, **more: Any) -> Tree:
    mine = {"deployer": {"template": "key-and-secret-management"}}
    vault = {"name": name, "access": "policies", "location": "westeurope", "resource_group": "rg", "protect": False}
    return {**vault, **more, "access_policies": {**mine, **more.get("access_policies", {})}}


def before() -> Tree:
    """What is applied first."""
    grants = {
        "kept": {"principal": "dev", "role": "Reader", "scope": "resource_group.rg", "description": "first"},
        "moved": {"principal": "ann", "role": "Key Vault Reader", "scope": "resource_group.rg"},
        "over": {"principal": "ci", "role": "Key Vault Secrets User", "scope": "resource_group.rg"},
    }
    secrets: Tree = {
        name: {"value_from": {"file": f"secrets/{name}"}} for name in ("value", "tags", "old", "back", "same")
    }
    secrets["tags"]["tags"] = {"team": "pay"}
    policies = {"ci": {"secrets": ["list"]}, "dev": {"secrets": ["list"]}}
    return {
        "version": 1,
        "cloud": "emulator",
        "tenant": TENANT,
        "subscription": SUBSCRIPTION,
        "principals": deepcopy(PRINCIPALS),
        "resource_groups": {key: {"location": "westeurope", "protect": False} for key in ("rg", "rg-old")},
        "vaults": {
            "one": _policies_vault("kv-one", access_policies=policies, tags={"team": "pay"}, secrets=secrets),
            "gone": _policies_vault("kv-gone", secrets={"lost": {"value_from": {"file": "secrets/lost"}}}),
        },
        "role_assignments": grants,
    }


def after() -> Tree:
    """What the run in question is to make of it: every kind of change."""
    tree = before()
    tree["resource_groups"] = {"rg": {"location": "westeurope", "protect": False, "tags": {"team": "pay"}}}
    one = tree["vaults"]["one"]
    one |= {"tags": {"team": "ops"}, "enabled_for": ["deployment"]}
    one["access_policies"] |= {"ci": {"secrets": ["get", "list"]}, "ann": {"secrets": ["get"]}}
    del one["access_policies"]["dev"]
    secrets = one["secrets"]
    del secrets["old"]
    secrets["tags"]["tags"] = {"team": "ops"}
    secrets["fresh"] = {"value_from": {"file": "secrets/fresh"}}
    secrets["taken"] = {"value_from": "kept", "import": True, "tags": {"team": "pay"}}
    vaults = {
        "one": one,
        "new": _policies_vault("kv-new", secrets={"first": {"value_from": {"file": "secrets/first"}}}),
    }
    grants = tree["role_assignments"]
    grants["kept"]["description"] = "second"
    grants["moved"]["role"] = "Key Vault Secrets User"
    del grants["over"]
    grants["more"] = {"principal": "ci", "role": "Reader", "scope": "resource_group.rg"}
    return {**tree, "vaults": vaults}


@dataclass(frozen=True)
class Start:
    """Where each run begins: the project's folder, what Azure holds, and how many requests the run takes alone."""

    folder: Path
    dump: Dump
    requests: int

    def lab(self, folder: Path) -> Lab:
        """A copy to try it with."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("secrets"))
        world = new_world(seed_identity=False)
        world.store.clear()
        for table, rows in self.dump.items():
            for key, row in rows.items():
                world.store.put(table, key, deepcopy(row))
        lab = Lab(folder, world)
        for source in sorted((self.folder / "secrets").iterdir()):
            lab.source(source.name, source.read_text(encoding="utf-8"))
        return lab


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """The world before the run in question."""
    return asyncio.run(prepared(tmp_path_factory.mktemp("start"), tmp_path_factory.mktemp("alone")))


async def prepared(folder: Path, alone: Path) -> Start:
    """An applied project, one secret deleted by hand, another not ours yet; and the run in question tried alone."""
    lab = Lab(folder)
    for name in ("value", "tags", "old", "back", "same", "lost", "fresh", "first"):
        lab.source(name, secret_value(name))
    lab.write(before())
    assert (await lab.apply(OPTIONS)).succeeded
    async with lab.session() as session:
        await session.secrets(ONE).delete_secret("back")
        await session.secrets(ONE).set_secret("taken", secret_value("taken"))
        await write_policy("add", DEV, "Get")(lab, session)
    lab.world.clock.shift(60)
    lab.source("value", secret_value("changed"))
    lab.write(after())
    begun = Start(lab.folder, deepcopy(dict(lab.dump())), 0)
    undisturbed = await run(begun, alone, 10**6, ACTS["tag the group"])
    assert undisturbed.done.succeeded, str(undisturbed.done)
    return Start(begun.folder, begun.dump, len(undisturbed.rival.served))


@dataclass(frozen=True)
class Ran:
    """A run with a rival in it, and the world on both sides of it."""

    lab: Lab
    rival: Rival
    done: Done
    before: View
    after: View


async def run(start: Start, folder: Path, at: int, act: Act) -> Ran:
    lab = start.lab(folder)
    rival, begun = Rival(lab, at, act), view(lab)
    done = await lab.apply(OPTIONS, before_each=rival.before_each, parallelism=1)
    return Ran(lab, rival, done, begun, view(lab))


def cases() -> list[tuple[int, str]]:
    """The step, in thousandths of the run, and the deed."""
    chance = random.Random(4)
    return [(chance.randrange(1000), name) for name in chance.choices(sorted(ACTS), k=SAMPLE)]


@pytest.mark.parametrize(("place", "deed"), cases())
async def test_no_update_of_somebody_else_is_lost_silently(place: int, deed: str, start: Start, tmp_path: Path) -> None:
    ran = await run(start, tmp_path, place * start.requests // 1000, ACTS[deed])
    assert await broken(ran) == [], told(ran, deed)


@pytest.mark.skipif(not FULL, reason="every request and every deed: with DKV_TESTS=full")
@pytest.mark.parametrize("deed", sorted(ACTS))
async def test_no_update_is_lost_at_any_request(deed: str, start: Start, tmp_path: Path) -> None:
    for at in range(start.requests):
        ran = await run(start, tmp_path / str(at), at, ACTS[deed])
        assert await broken(ran) == [], told(ran, deed)


async def broken(ran: Ran) -> list[str]:
    """What is lost and not told."""
    told_of = await _told(ran)
    changes = {_id(change): change for change in (ran.done.plan.pending if ran.done.plan else ())}
    lost = [key for key, theirs in ran.rival.written.items() if ran.after.get(key) != theirs]
    return [
        *(f"theirs is lost: {key}" for key in lost if not _is_accounted_for(ran, key, changes, told_of)),
        *(f"ours is lost: {change.address}" for change in _undone(ran) if not _around(change) & told_of),
        *_touched(ran, changes),
    ]


async def _told(ran: Ran) -> set[Address]:
    """The addresses that the run names as failed, and those that the next plan shows.

    What somebody makes anew after we deleted it and looked is nobody's in that plan, so it is known by its id.
    """
    problems = ran.done.outcome.failed if ran.done.outcome else ran.done.refused
    addresses = {one.address for one in problems if one.address is not None}
    try:
        plan = await ran.lab.plan(OPTIONS)
    except DkvError as error:
        return addresses | {one.address for one in error.diagnostics if one.address is not None}
    unmanaged = {one.live.id for one in plan.unmanaged}
    done = ran.done.outcome.done if ran.done.outcome else ()
    back = {change.address for change in done if _id(change) in unmanaged}
    return addresses | back | {change.address for change in plan.pending} | {drift.address for drift in plan.drift}


def _is_accounted_for(ran: Ran, key: str, changes: Mapping[str, Change], told_of: set[Address]) -> bool:
    change = changes.get(key)
    vault = next((one for one in (GONE, ONE, NEW) if key.startswith(f"{one.lower()}/")), None)
    if change is None:
        # What lies in a vault that goes, goes with it; so does what comes into a group in the last moment.
        around = (change for at, change in changes.items() if key.startswith(f"{at}/"))
        if any(one.action is Action.RECOVER and _in_view(one, ran.rival.seen.get(_id(one))) for one in around):
            return True  # They deleted the vault before the plan, which says that it brings it back.
        last = ran.rival.request == ("DELETE", DOOMED_GROUP.lower()) and key.startswith(DOOMED_GROUP.lower())
        return last or (vault == GONE and GONE.lower() not in ran.after)
    if change.address in told_of or _in_view(change, ran.rival.seen.get(key)):
        return True
    return _is_open(ran, change)


def _in_view(change: Change, seen: Observed | None) -> bool:
    """Whether the plan was made after the deed, and so of what the deed had left."""
    live = change.live
    if live is None or seen is None:
        return live is seen
    stamps = all(live.facts.get(name) == seen.facts.get(name) for name in ("created", "updated"))
    return stamps and (live.spec, live.condition) == (seen.spec, seen.condition)


def _is_open(ran: Ran, change: Change) -> bool:
    """What the guide names: no compare-and-swap in Azure, and no room for a look."""
    method, path = ran.rival.request
    at, kind = change.address, change.address.kind
    if change.reason is Reason.CONTAINED:
        return method in ("GET", "DELETE") and path == GONE.lower()
    if change.action is Action.CREATE and kind in ("secret", "role_assignment"):
        listed = "/secrets" if kind == "secret" else f"{GRANTS}/roleassignments"
        return ("GET", listed, True) in ran.rival.served[: ran.rival.at]
    if kind == "secret":
        return (method, path) == ("PATCH", f"/secrets/{at.key}")
    if kind == "access_policy":
        return method == "PUT" and "/accesspolicies/" in path
    if kind in ("vault", "resource_group"):
        return method in ("PATCH", "DELETE") and path == _id(change)
    return method == "PUT" and path == _id(change)


def _around(change: Change) -> set[Address]:
    """The address itself, and that of the vault around it, which tells for all that is in it."""
    return {change.address, Address("vault", change.address.container)}


def _undone(ran: Ran) -> Iterator[Change]:
    """What the run says that it did, and that is not so."""
    for change in ran.done.outcome.done if ran.done.outcome else ():
        entry = ran.done.state_after.entries.get(change.address)
        now = ran.after.get(entry.remote_id.lower() if entry else _id(change))
        if change.action is Action.DESTROY and now is not None:
            yield change
        if change.action in (Action.DESTROY, Action.FORGET) or entry is None:
            continue
        if now is None or (change.writes_value and now["version"] != entry.facts["version"]):
            yield change


def _touched(ran: Ran, changes: Mapping[str, Change]) -> Iterator[str]:
    """What is in no plan and no deed, and is not as it was."""
    made = (GONE.lower(), NEW.lower(), *(at for at, one in changes.items() if one.action is Action.RECOVER))
    for key in ran.before.keys() | ran.after.keys():
        expected = ran.rival.written.get(key, ran.before.get(key))
        ours = key in changes or key.startswith(made) or key.endswith("/secrets/dkv-fingerprint-key")
        if not ours and key not in _replaced(changes) and ran.after.get(key) != expected:
            yield f"not in the plan, and changed: {key}"


def _replaced(changes: Mapping[str, Change]) -> set[str]:
    """The ids that replacements make."""
    new = (change for change in changes.values() if change.action is Action.REPLACE and change.desired is not None)
    return {KINDS[change.address.kind].remote_id(change.desired.spec).lower() for change in new if change.desired}


def _id(change: Change) -> str:
    if change.live is not None:
        return change.live.id
    side = change.desired or change.prior
    assert side is not None
    return KINDS[change.address.kind].remote_id(side.spec).lower()


def told(ran: Ran, deed: str) -> str:
    """The story, for whoever must understand why the law was broken."""
    where = f"{deed} before request {ran.rival.at}: {' '.join(ran.rival.request)}"
    requests = "\n".join(f"  {n} {method} {path}" for n, (method, path, _) in enumerate(ran.rival.served))
    return f"{where}\nended: {ran.done}\nrequests:\n{requests}"
