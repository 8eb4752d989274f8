"""Carry out a plan: refuse what must not be applied, ask, apply, and say how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from declarative_kv.cli.approval import approve
from declarative_kv.cli.context import Place, Run, held
from declarative_kv.cli.documents import loaded, warn
from declarative_kv.cli.flow import Planned, helpful, key_ring, planned_from, settings_of
from declarative_kv.cli.options import Common
from declarative_kv.cli.output import is_terminal, painted, say, tell
from declarative_kv.cli.planning import shown
from declarative_kv.cli.saved import Saved
from declarative_kv.cli.sharding import checked, mark, place_in
from declarative_kv.engine.apply import apply
from declarative_kv.engine.events import Outcome
from declarative_kv.engine.moves import relocated
from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.resolve import resolve
from declarative_kv.engine.shard import check_members
from declarative_kv.engine.stale import check_fresh, desired_of
from declarative_kv.engine.steps import Tools
from declarative_kv.engine.values import collect
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import Blocked, DkvError, Incomplete, Interrupted
from declarative_kv.model.plan import Block, Options, Plan
from declarative_kv.model.resource import Importing
from declarative_kv.render.progress import reporting
from declarative_kv.render.summary import Summary, of_outcome
from declarative_kv.state import Journal
from declarative_kv.values import Sources


@dataclass(frozen=True, slots=True)
class Manner:
    """How an apply is to go: without asking, how many changes at once, and seconds after which the run is over.

    `wait` is for how many seconds it waits for the state's lock. With `tell_platform` the CI that it runs on hears how
    it ended. `again` gives the words and the command to go on with where something is left to do, from what is done.
    """

    auto_approve: bool = False
    parallelism: int = 32
    timeout: float | None = None
    wait: float = 0
    tell_platform: bool = False
    again: Callable[[Collection[Address]], str] = lambda _: ""


async def applied(
    common: Common, options: Options, manner: Manner, *, word: str = "apply", importing: Sequence[Address] = ()
) -> int:
    """Plan and carry out under the state's lock, taking over what exists at `importing`; gives the exit code."""
    document = _taking_over(loaded(common), importing)
    check_members(document.resources, importing, options.shard)
    async with _at_work(place_in(document, options.shard), word, common, manner) as (run, journal):
        state = await checked(journal.state, document, options.shard, run.store)
        resolved = await resolve(document, run.directory, run.kinds)
        document = settings_of(document)
        made = await planned_from(run, document, resolved, state, options)
        return await carried_out(run, made, journal, common, manner)


async def applied_saved(saved: Saved, common: Common, manner: Manner) -> int:
    """Carry out exactly a saved plan; raises `StalePlan` where what it saw has moved."""
    plan, making = saved.plan, saved.making
    async with _at_work(making.place, "apply", common, manner) as (run, journal):
        state, _ = relocated(journal.state, {move.source: move.target for move in plan.moves})
        addresses = [change.address for change in plan.changes]
        desired = desired_of(plan)
        reading = await refresh(run.kinds, run.session, desired, state, addresses, around=True)
        _check_time(plan, run.session.stop)
        check_fresh(plan, state, reading)
        ring = key_ring(run, journal.state, shared=making.shared, off=making.off)
        groups = frozenset(making.groups)
        made = Planned(plan, making.place, ring, Sources(os.environ), making.shared, making.off, groups)
        return await carried_out(run, made, journal, common, manner)


@asynccontextmanager
async def _at_work(place: Place, word: str, common: Common, manner: Manner) -> AsyncIterator[tuple[Run, Journal]]:
    """A run that holds the state's lock, and is stopped when its time is over; the wait for the lock counts too."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    wait = manner.wait if manner.timeout is None else min(manner.wait, manner.timeout)
    async with held(place, word, wait=wait, verbose=common.verbose) as (run, journal):
        timer = None if manner.timeout is None else loop.call_at(begun + manner.timeout, run.session.stop.set)
        try:
            yield run, journal
        finally:
            if timer is not None:
                timer.cancel()


def _check_time(plan: Plan, stop: asyncio.Event) -> None:
    """Raise where the time was over before the first change: what the plan could not read by then it does not show."""
    if stop.is_set() and (plan.pending or not plan.complete):
        detail = "The time that --timeout gives was over before the first change was begun; nothing was changed."
        hint = "Give the run more time."
        raise DkvError(Diagnostic("out-of-time", "The run was stopped before this was done", detail, hint))


def _taking_over(document: Document, importing: Sequence[Address]) -> Document:
    """The document as if these entries had `import: true`."""
    resources = dict(document.resources)
    for at in importing:
        if (resource := resources.get(at)) is not None:
            lifecycle = replace(resource.lifecycle, importing=Importing.THIS)
            resources[at] = replace(resource, lifecycle=lifecycle)
    return replace(document, resources=resources)


def refuse(plan: Plan) -> None:
    """Raise `Blocked` or `Incomplete` where the plan must not be applied."""
    if plan.blocked:
        raise Blocked(*map(_blocked, plan.blocked))
    if not plan.complete:
        raise Incomplete(
            Diagnostic(
                "incomplete",
                "The plan is incomplete",
                f"{len(plan.unreadable)} of the reads failed, so what is there is not known; nothing was changed.",
                "Give the access that is missing, or leave out what cannot be read with --exclude.",
            )
        )


_OTHERWISE: Mapping[str, str] = {
    "import-only": "Leave out --import-only.",
    "shard-order": "Apply the shards in their order: the first one first, the others in any.",
}


def _blocked(block: Block) -> Diagnostic:
    return Diagnostic(
        code=block.code,
        summary="A guard stands in the way",
        detail=f"{block.about} {block.detail}." if block.about else f"{block.detail}.",
        hint=f"If it is meant, add:\n    --allow {block.allow}" if block.allow else _OTHERWISE[block.code],
        address=block.address,
    )


async def carried_out(run: Run, made: Planned, journal: Journal, common: Common, manner: Manner) -> int:
    """Show, refuse, ask, apply, conclude."""
    plan = made.plan
    _check_time(plan, run.session.stop)
    mark(journal, plan.options.shard)
    shown(plan, common)
    refuse(plan)
    accepting = plan.options.refresh_only and bool(plan.drift)
    if (plan.counts().any or accepting) and not manner.auto_approve:
        await approve(destroying=plan.options.destroy)
        # Minutes may have passed since the state was read, and somebody may have taken the lock.
        await journal.prove()
    if plan.moves:
        await journal.replace(relocated(journal.state, {move.source: move.target for move in plan.moves})[0])
    values = await collect(plan.pending, made.sources, made.ring)
    tools = Tools(
        kinds=run.kinds,
        azure=run.session,
        journal=journal,
        values=values,
        ring=made.ring,
        pause=run.session.pause,
        rest=run.session.rest,
        begins=run.session.begin_change,
        helpful=helpful(plan, made.groups),
        saved_keys=dict(journal.state.keys),
    )
    outcome, interrupted = await _watched(tools, plan, common, manner)
    again = manner.again([change.address for change in outcome.done])
    summary = of_outcome(outcome, interrupted=interrupted, destroying=plan.options.destroy, again=again)
    _concluded(outcome, common, summary)
    if manner.tell_platform:
        from declarative_kv.cli import ci

        ci.tell_platform(ci.of_apply(plan, outcome, summary))
    return summary.code


async def _watched(tools: Tools, plan: Plan, common: Common, manner: Manner) -> tuple[Outcome, bool]:
    """The outcome, and whether somebody interrupted; progress goes to standard error while it works."""
    stop, paint = tools.azure.stop, painted(sys.stderr, no_color=common.no_color)
    live = is_terminal(sys.stderr) and paint.colour
    try:
        with (
            reporting(sys.stderr, len(plan.pending), live=live, paint=paint) as report,
            _interruptible(stop) as interrupted,
        ):
            outcome = await apply(tools, plan, report, parallelism=manner.parallelism, stop=stop)
            return outcome, interrupted()
    except asyncio.CancelledError as error:
        raise Interrupted(_ended_at_once()) from error


def _ended_at_once() -> Diagnostic:
    return Diagnostic(
        "interrupted",
        "Ended at once",
        "What was in flight may have happened or not: the state has it as pending.",
        "Run the same command again; it finds out, and goes on.",
    )


@contextmanager
def _interruptible(stop: asyncio.Event) -> Iterator[Callable[[], bool]]:
    """Ctrl-C lets what is in flight finish; a second one ends the run as it stands. Tells whether there was one."""
    met: list[int] = []
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def interrupt() -> None:
        met.append(signal.SIGINT)
        if len(met) == 1:
            stop.set()
            tell("Interrupted: what is in flight is finished and saved. Once more ends it at once.")
        elif task is not None:
            task.cancel()

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield lambda: bool(met)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


def _concluded(outcome: Outcome, common: Common, summary: Summary) -> None:
    """Print what failed and how it ended."""
    warn(outcome.failed, no_color=common.no_color)
    (say if summary.code == 0 else tell)(painted(sys.stdout, no_color=common.no_color)("bold", summary.text))


def saved_path(path: Path | None) -> Saved | None:
    """The saved plan that a command line names, if it names one."""
    if path is None:
        return None
    from declarative_kv.cli.saved import read

    return read(path)
