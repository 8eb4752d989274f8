"""A random week of one project: edits of the YAML, edits by hand, applies with trouble, and the laws after each."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from declarative_kv.engine.order import RULES, Rule
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError
from declarative_kv.model.plan import Action, Options, Plan
from tests.laws.interference import Trouble, some_trouble
from tests.laws.lab import Done, Lab
from tests.laws.outside import meddle
from tests.laws.storm import Storm
from tests.laws.watch import broken_laws, unmanaged_moved
from tests.laws.wishes import Wishes, remove_everything

ALLOWED: Final = (
    *("protected", "access-model-flip", "access-lost-on-import", "value-moved-outside", "recover-unmanaged"),
    *("many-destroys", "irreversible"),
)
"""Every guard but the one that keeps strangers' vaults: what it lets through would be no law's fault."""


class Broken(AssertionError):
    """A law does not hold."""


@dataclass
class Story:
    """One world. `log` tells what happened, for whoever must understand why a law was broken."""

    seed: int
    folder: Path
    rules: Iterable[Rule] = RULES
    chance: random.Random = field(init=False)
    lab: Lab = field(init=False)
    wishes: Wishes = field(init=False)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.lab = Lab(self.folder)
        self.wishes = Wishes(self.chance, self.lab)

    async def unfold(self, rounds: int = 4) -> None:
        """The whole story; raises `Broken` at the first law that does not hold."""
        self.wishes.begin()
        await self._settle(trouble=self._maybe_trouble())
        for _ in range(rounds):
            self._wait()
            if self.chance.random() < 0.8:
                self.wishes.edit(self.chance.randint(1, 4))
            if self.chance.random() < 0.6:
                self._note(f"by hand: {await meddle(self.lab, self.chance, self.chance.randint(1, 3))}")
            self._wait()
            await self._settle(trouble=self._maybe_trouble())
        self._wait()
        remove_everything(self.wishes)
        self.wishes.save()
        await self._settle(trouble=self._maybe_trouble(), leaving=True)
        self._require([f"a value is in {leak}" for leak in self.lab.leaks()])

    async def _settle(self, *, trouble: Trouble | Storm | None, leaving: bool = False) -> None:
        """Apply, with trouble first if there is some, until the plan is empty; it must be soon."""
        options, before = Options(allow=ALLOWED, import_all=self.chance.random() < 0.2), self.lab.versions()
        if trouble is not None:
            self._after_trouble(trouble, await self._apply(options, trouble))
        left = 1
        while True:
            done = await self._apply(options)
            if done.plan is None or done.outcome is None:
                if leaving and {one.code for one in done.refused} == {"group-not-empty"}:
                    return
                options = self._given_way(options, done)
                continue
            await self._plan_twice(options)
            if _shows_more_later(done.plan):
                left = 3
            left -= 1
            afterwards = await self._planned(Options(allow=ALLOWED))
            if done.succeeded and afterwards is not None and not afterwards.counts().any:
                self._require([*unmanaged_moved(done.plan, afterwards), *_written_twice(before, self.lab.versions())])
                return
            self._require(
                [] if all(map(_was_hidden, done.outcome.failed)) else [f"an undisturbed apply failed: {done}"]
            )
            left = max(left, len(done.outcome.failed) and 2)
            why = "nothing" if afterwards is None else ", ".join(_shown(afterwards))
            self._require([f"no end in sight, the next plan wants {why}"] if left <= 0 else [])
            options = replace(options, import_all=False)

    def _after_trouble(self, trouble: Trouble | Storm, done: Done) -> None:
        """What must hold of an apply in trouble beyond the laws."""

    async def _apply(self, options: Options, trouble: Trouble | Storm | None = None) -> Done:
        done = await self.lab.apply(
            options, trouble=trouble, rules=self.rules, parallelism=self.chance.choice([1, 4, 32])
        )
        self._note(f"apply {trouble or ''} {', '.join(_shown(done.plan)) if done.plan else ''} -> {done}")
        self._require(broken_laws(done))
        return done

    async def _plan_twice(self, options: Options) -> None:
        """Two plans of one world are one plan."""
        first, second = await self._planned(options), await self._planned(options)
        self._require([] if first == second else ["two plans of one world differ"])

    async def _planned(self, options: Options) -> Plan | None:
        """The plan, its time of reading left out; None where none can be made."""
        try:
            plan = await self.lab.plan(options)
        except DkvError:
            return None
        return replace(plan, head=replace(plan.head, read_at=""))

    def _given_way(self, options: Options, done: Done) -> Options:
        """What an author does when no plan can be made or carried out: take over, or correct the YAML."""
        codes = {one.code for one in done.refused}
        if "unmanaged-exists" in codes and not options.import_all:
            return replace(options, import_all=True)
        if "immutable" in codes:
            for one in done.refused:
                assert one.address is not None
                self.wishes.tree["vaults"][one.address.path].pop("retention_days", None)
            self.wishes.save()
            return options
        if "no-data-access" in codes and self._granted_anew(done):
            return options
        raise Broken(self._told([f"nobody could go on: {done}"]))

    def _granted_anew(self, done: Done) -> bool:
        """Write our own policy where the author had taken it out; whether there was such a place."""
        keys = {one.address.container for one in done.refused if one.address is not None}
        left = [vault for key in keys if (vault := self.wishes.tree["vaults"].get(key, {})).get("access") == "policies"]
        bare = [vault for vault in left if "deployer" not in vault["access_policies"]]
        for vault in bare:
            vault["access_policies"]["deployer"] = {"template": "key-and-secret-management"}
        self.wishes.save()
        return bool(bare)

    def _maybe_trouble(self) -> Trouble | Storm | None:
        return some_trouble(self.chance) if self.chance.random() < 0.6 else None

    def _wait(self) -> None:
        """Key Vault counts in seconds, and people take more than one."""
        self.lab.world.clock.shift(60.0)

    def _note(self, text: str) -> None:
        self.log.append(text)

    def _require(self, broken: list[str]) -> None:
        if broken:
            raise Broken(self._told(broken))

    def _told(self, broken: list[str]) -> str:
        return "\n  ".join([f"world {self.seed}", *self.log[-12:], "BROKEN:", *broken])


def _written_twice(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """A value that has to be written is written once, however often the writing is interrupted."""
    return [f"{at} has {n - before.get(at, 0)} new versions" for at, n in after.items() if n > before.get(at, 0) + 1]


def _was_hidden(problem: Diagnostic) -> bool:
    """Whether an apply may meet this: nobody could see it before the vault was back, or before the grant was made."""
    return problem.code == "known-after-recover" or "ObjectIsDeletedButRecoverable" in problem.detail


def _shown(plan: Plan) -> list[str]:
    return [f"{change.action} {change.address}" for change in plan.changes if change.action is not Action.NOOP]


def _shows_more_later(plan: Plan) -> bool:
    """Whether the plan could not see all: what is taken over or comes back is compared with its source afterwards."""
    return any(change.action is Action.IMPORT or not change.known for change in plan.changes) or any(
        change.action is Action.RECOVER for change in plan.changes
    )
