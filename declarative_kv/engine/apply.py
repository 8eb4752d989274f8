"""Carry out a plan: walk its changes in order, save each, read everything written back, and say how it ended."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from declarative_kv.engine.entries import accepted_entry, quiet_entry
from declarative_kv.engine.events import Event, Failed, Finished, Note, Outcome, Skipped, Started
from declarative_kv.engine.meanwhile import Lookout, check, lookout
from declarative_kv.engine.pending import is_gone
from declarative_kv.engine.recovered import check_recovered
from declarative_kv.engine.slots import Aside, begun_at_once
from declarative_kv.engine.steps import Tools, carry_out, forget_key, settle
from declarative_kv.engine.verify import read_back
from declarative_kv.engine.walk import Walked, walk
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError, StateError
from declarative_kv.model.kind import Plane
from declarative_kv.model.plan import Action, Change, Plan
from declarative_kv.model.state import Status

KEY_KIND = "fingerprint_key"
"""Steps of this made-up kind remove a vault's fingerprint key, after its last secret and before our last grant."""

Report = Callable[[Event], None]


@dataclass(slots=True)
class _Progress:
    """What an apply has met so far."""

    report: Report
    stop: asyncio.Event
    problems: list[Diagnostic] = field(default_factory=list)
    broken: set[Address] = field(default_factory=set)


async def apply(
    tools: Tools,
    plan: Plan,
    report: Report,
    *,
    parallelism: int = 32,
    stop: asyncio.Event | None = None,
) -> Outcome:
    """Do what the plan says and nothing else. Azure's refusals are in the outcome, never raised.

    `parallelism` bounds the changes that are at work in Azure at once. When `stop` is set, what is in flight is
    finished and saved.
    """
    progress = _Progress(report, stop or asyncio.Event())
    changes = {change.address: change for change in plan.pending}
    await _save_what_is_known(tools, plan)
    out = lookout(tools, plan)
    steps = _with_key_removal(tools, plan, changes)
    await _announce_removals(tools, steps)
    slots = asyncio.Semaphore(parallelism)
    inside = replace(tools, journal=Aside(tools.journal, slots))

    async def step(at: Address) -> bool | None:
        async with slots:
            return None if progress.stop.is_set() else await _step(inside, plan, changes, progress, out, at)

    walked = await walk(steps, step, parallelism=begun_at_once(parallelism), stop=progress.stop)
    for at, because in sorted(walked.skipped.items()):
        if at in changes:
            report(Skipped(changes[at], because))
    done = [changes[at] for at in walked.done if at in changes]
    unsound = [*tools.lost.items(), *(await read_back(tools, done)).items()]
    for at, problem in sorted(unsound, key=lambda found: found[0]):
        progress.problems.append(problem)
        progress.broken.add(at)
        report(Failed(changes[at], (problem,)))
    return _outcome(tools, plan, walked, progress)


async def _save_what_is_known(tools: Tools, plan: Plan) -> None:
    """Bring the state up to date where nothing is written to Azure: shared grants, confirmed values, new protection."""
    entry_of = accepted_entry if plan.options.refresh_only else quiet_entry
    quiet = (change for change in plan.changes if change.action is Action.NOOP and change.known)
    entries = (entry_of(tools.kinds[change.address.kind], change) for change in quiet)
    await tools.journal.put(*(entry for entry in entries if entry is not None))


def _with_key_removal(tools: Tools, plan: Plan, changes: Mapping[Address, Change]) -> dict[Address, frozenset[Address]]:
    """The graph to walk: the plan's changes, and the removal of keys that no secret of ours needs any longer."""
    after = {at: change.after for at, change in changes.items()}
    if not plan.options.destroy:
        return after
    for vault, secrets in _emptied(tools, changes).items():
        removal = Address(KEY_KIND, vault)
        for at, change in changes.items():
            if change.action is Action.DESTROY and _grants_at(tools, change, vault):
                after[at] = after[at] | {removal}
        after[removal] = frozenset(secrets)
    return after


def _grants_at(tools: Tools, change: Change, vault: str) -> bool:
    """Whether what goes gives the running identity access at a vault, or around it."""
    side = change.live or change.prior
    grantee = tools.kinds[change.address.kind].grantee(side.spec) if side is not None else None
    if side is None or grantee is None or grantee.lower() not in tools.helpful:
        return False
    where = str(getattr(side.spec, "vault", None) or side.spec.scope)
    return f"{vault}/".startswith(where.lower().rstrip("/") + "/")


async def _announce_removals(tools: Tools, steps: Iterable[Address]) -> None:
    """Save which keys go, so that a run which is ended after the last secret leaves none behind."""
    for vault in sorted(at.path for at in steps if at.kind == KEY_KIND):
        facts = tools.journal.state.keys[vault]
        if not facts.get("going"):
            await tools.journal.key(vault, {**facts, "going": True})


def _emptied(tools: Tools, changes: Mapping[Address, Change]) -> dict[str, list[Address]]:
    """The vaults, by ARM id, that stay, hold a key that we made, and lose their last secret of ours.

    Also those where an earlier run was ended before it came to the key, or right after it had made it.
    """
    keys = tools.journal.state.keys
    going: dict[str, list[Address]] = defaultdict(list)
    for at, change in changes.items():
        if tools.kinds[at.kind].plane is Plane.DATA and change.prior is not None:
            going[str(change.prior.spec.vault).lower()].append(at)
    gone = {change.prior.remote_id.lower() for change in changes.values() if change.prior and is_gone(change)}
    left = {
        str(entry.spec.vault).lower()
        for at, entry in tools.journal.state.entries.items()
        if tools.kinds[at.kind].plane is Plane.DATA and at not in changes
    }
    emptied = {vault for vault in going if keys.get(vault, {}).get("made")}
    emptied |= {vault for vault, facts in keys.items() if facts.get("going") or "pending" in facts}
    return {vault: going[vault] for vault in sorted(emptied - left - gone)}


async def _step(
    tools: Tools, plan: Plan, changes: Mapping[Address, Change], progress: _Progress, out: Lookout, at: Address
) -> bool:
    if at.kind == KEY_KIND:
        return await _remove_key(tools, progress, at.path)
    change = changes[at]
    progress.report(Started(change))
    begun = time.monotonic()
    tools.begins()
    try:
        await check(out, change)
        await tools.journal.check()
        await carry_out(tools, change)
        if change.action is Action.RECOVER and not change.known:
            await check_recovered(tools, plan, change)
            await settle(tools, change)
    except DkvError as error:
        if isinstance(error, StateError):
            # What cannot be saved must not be begun, and each further change would only say the same.
            progress.stop.set()
        placed = tuple(_placed(problem, change) for problem in error.diagnostics)
        progress.problems.extend(placed)
        progress.report(Failed(change, placed))
        return False
    progress.report(Finished(change, time.monotonic() - begun))
    return True


async def _remove_key(tools: Tools, progress: _Progress, vault: str) -> bool:
    try:
        await tools.journal.check()
        deleted = await tools.ring.delete(vault)
    except DkvError as error:
        progress.problems.extend(error.diagnostics)
        return False
    await forget_key(tools, vault)
    if deleted:
        progress.report(Note(f"the fingerprint key in {vault.rpartition('/')[2]} is deleted"))
    return True


def _placed(problem: Diagnostic, change: Change) -> Diagnostic:
    return replace(problem, span=problem.span or change.span, address=problem.address or change.address)


def _outcome(tools: Tools, plan: Plan, walked: Walked, progress: _Progress) -> Outcome:
    sound = {*walked.done} - progress.broken
    finished = tuple(change for change in plan.pending if change.address in sound)
    return Outcome(
        state=tools.journal.state,
        done=finished,
        failed=tuple(progress.problems),
        skipped=walked.skipped,
        unstarted=tuple(at for at in walked.unstarted if at.kind != KEY_KIND),
        counts=replace(plan, changes=finished).counts(),
        broken=tuple(sorted({*walked.failed} | progress.broken)),
        saved=bool(walked.done) or any(_left_a_mark(tools, change) for change in plan.pending),
    )


def _left_a_mark(tools: Tools, change: Change) -> bool:
    """Whether the state has something new of a change, although that failed: what was taken over, for instance."""
    entry = tools.journal.get(change.address)
    return entry is not None and entry.status is Status.APPLIED and entry != change.prior
