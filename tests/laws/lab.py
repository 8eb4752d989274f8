"""One project against one emulated Azure: the whole program but its command line, with trouble on request."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from declarative_kv.azure.directory import AzureDirectory
from declarative_kv.azure.session import Session, open_session
from declarative_kv.cli.context import Run, spec_types, store_at
from declarative_kv.cli.flow import Planned, helpful, place_of, planned
from declarative_kv.config import load
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World, new_world
from declarative_kv.engine.apply import apply
from declarative_kv.engine.events import Event, Outcome
from declarative_kv.engine.order import RULES, Rule, in_order
from declarative_kv.engine.saved import decode_plan, encode_plan
from declarative_kv.engine.steps import Tools
from declarative_kv.engine.values import collect
from declarative_kv.kinds import registry
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import DkvError
from declarative_kv.model.plan import Options, Plan
from declarative_kv.model.state import State
from tests.conftest import login_of
from tests.laws.interference import Before, Interference, Killed, Trouble
from tests.laws.leaks import leak_in, leaks_below, source_file
from tests.laws.storm import IMPATIENT, Storm, Stormy

KINDS = registry()
Dump = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Done:
    """An apply that was tried: the plan if there was one, how it ended, and Azure and the state on both sides of it.

    `refused` are the reasons why nothing was begun; `killed` whether the run was ended by force.
    """

    before: Dump
    after: Dump
    state_before: State
    state_after: State
    plan: Plan | None = None
    outcome: Outcome | None = None
    refused: tuple[Diagnostic, ...] = ()
    killed: bool = False
    struck: bool = False
    events: tuple[Event, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether everything in the plan was done."""
        return self.outcome is not None and not self.outcome.failed and not self.outcome.skipped

    def __str__(self) -> str:
        if self.killed:
            return "killed"
        problems = self.refused or (self.outcome.failed if self.outcome else ())
        return "; ".join(f"{one.code} {one.address}: {one.detail}" for one in problems) or "succeeded"


@dataclass
class Lab:
    """The project lies in `folder`, its Azure in memory. `told` is every text that the program would have printed."""

    folder: Path
    world: World = field(default_factory=new_world)
    told: list[str] = field(default_factory=list)

    @property
    def application(self) -> Application:
        """What answers to that world."""
        return Application(self.world)

    def write(self, tree: Mapping[str, Any]) -> None:
        """The YAML of the project."""
        text = yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True)
        (self.folder / "dkv.yaml").write_text(text, encoding="utf-8")

    def source(self, name: str, value: str) -> None:
        """The file that a secret's value is read from."""
        source_file(self.folder / "secrets" / name, value)

    def document(self) -> Document:
        """The project as the program loads it."""
        return load(self.folder, environ={}, cwd=self.folder)

    async def plan(self, options: Options) -> Plan:
        """A plan; raises what a plan raises. Nothing may be written to Azure or the state by it."""
        document = self.document()
        before, files = self.dump(), self.files()
        async with self.run(document) as run:
            made = (await planned(run, document, await run.store.read(), options)).plan
        assert self.dump() == before, "a plan wrote to Azure"
        assert self.files() == files, "a plan wrote to the state"
        return made

    async def apply(
        self,
        options: Options,
        *,
        trouble: Trouble | Storm | None = None,
        before_each: Before | None = None,
        rules: Iterable[Rule] = RULES,
        parallelism: int = 32,
    ) -> Done:
        """Plan and carry out, as `dkv apply` does, a saved plan read again in between."""
        document, before = self.document(), self.dump()
        state_before, events, made = await store_at(document.state).read(), list[Event](), None
        outcome, refused, killed = None, tuple[Diagnostic, ...](), False
        interference, storm = Interference(self.application, self._keep_state, before_each), None
        if isinstance(trouble, Storm):
            trouble, storm = None, trouble
        answers = Stormy(self.application, storm) if storm is not None else interference
        interference.trouble = trouble if trouble is not None and trouble.early else None
        try:
            async with self.run(document, answers) as run, run.store.locked("apply") as journal:
                made = self._read_again(await planned(run, document, journal.state, options), rules)
                if made.plan.blocked or not made.plan.complete:
                    refused = _why_not(made.plan)
                else:
                    tools = await _tools(run, made, journal)
                    if trouble is not None and not trouble.early:
                        interference.trouble, interference.seen = trouble, 0
                    interference.applying = True
                    outcome = await apply(tools, made.plan, events.append, parallelism=parallelism)
        except DkvError as error:
            refused = error.diagnostics
        except BaseException as error:
            if not _is_kill(error):
                raise
            killed = True
            self._restore_state()
        self.world.faults.clear()
        state_after = await store_at(document.state).read()
        done = Done(
            before, self.dump(), state_before, state_after, made.plan if made else None, outcome, refused, killed,
            interference.struck, tuple(events),
        )  # fmt: skip
        self.told += [str(done), repr(done.plan), repr(events), repr(outcome)]
        return done

    @asynccontextmanager
    async def run(self, document: Document, answers: Any = None) -> AsyncIterator[Run]:
        """What a command works with, over this Azure."""
        async with self.session(answers) as session:
            yield Run(place_of(document), session, AzureDirectory(session), store_at(document.state), KINDS)

    @asynccontextmanager
    async def session(self, answers: Any = None) -> AsyncIterator[Session]:
        """A session as the emulator's main identity."""
        transport = InProcessTransport(answers or self.application)
        cloud = self.document().cloud
        patience = IMPATIENT if isinstance(answers, Stormy) else None
        async with open_session(
            cloud, TENANT, transport=transport, credential=login_of(self.world), patience=patience
        ) as session:
            yield session

    async def state(self) -> State:
        """What the state holds now."""
        return await store_at(self.document().state).read()

    def dump(self) -> Dump:
        """What Azure holds now."""
        return {name: dict(rows) for name, rows in self.world.store.dump().items() if name != "faults"}

    def files(self) -> dict[str, bytes]:
        """The state's files."""
        return {path.name: path.read_bytes() for path in sorted((self.folder / "state").glob("*"))}

    def values(self) -> list[str]:
        """Every value that Azure holds, generated ones and fingerprint keys among them."""
        dump = self.dump()
        records = [*dump.get("secrets", {}).values(), *dump.get("deleted_secrets", {}).values()]
        return [version["value"] for record in records for version in record["versions"] if version["value"]]

    def versions(self) -> dict[str, int]:
        """How many versions each secret has that is live or soft-deleted."""
        tables = (self.dump().get(name, {}) for name in ("secrets", "deleted_secrets"))
        return {key: len(record["versions"]) for rows in tables for key, record in rows.items()}

    def leaks(self) -> list[str]:
        """Where a value of this project can be found outside Azure and the sources."""
        values = self.values()
        told = leak_in("\n".join(self.told).encode("utf-8", "surrogatepass"), values)
        return [*leaks_below(self.folder, values), *([f"what was told ({told})"] if told else [])]

    def _read_again(self, made: Planned, rules: Iterable[Rule]) -> Planned:
        """The plan after a way through a file, its work ordered by these rules."""
        text = json.dumps(encode_plan(made.plan))
        self.told.append(text)
        plan = decode_plan(json.loads(text), spec_types(KINDS))
        assert plan == made.plan, "a saved plan is another plan"
        changes = in_order(KINDS, plan.changes, helpful(plan, made.groups), rules)
        return replace(made, plan=replace(plan, changes=changes))

    def _keep_state(self) -> None:
        """What a kill leaves on the disk at this very moment."""
        shutil.rmtree(self.folder / "kept", ignore_errors=True)
        shutil.copytree(self.folder / "state", self.folder / "kept")

    def _restore_state(self) -> None:
        shutil.rmtree(self.folder / "state")
        (self.folder / "kept").rename(self.folder / "state")


async def _tools(run: Run, made: Planned, journal: Any) -> Tools:
    return Tools(
        kinds=run.kinds,
        azure=run.session,
        journal=journal,
        values=await collect(made.plan.pending, made.sources, made.ring),
        ring=made.ring,
        pause=run.session.pause,
        rest=run.session.rest,
        begins=run.session.begin_change,
        helpful=helpful(made.plan, made.groups),
        saved_keys=dict(journal.state.keys),
    )


def _why_not(plan: Plan) -> tuple[Diagnostic, ...]:
    blocks = (Diagnostic(block.code, "blocked", block.detail, address=block.address) for block in plan.blocked)
    return (*blocks, *plan.unreadable)


def _is_kill(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_kill(one) for one in error.exceptions)
    return isinstance(error, Killed | asyncio.CancelledError)
