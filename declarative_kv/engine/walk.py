"""Walk a graph of work: each step after those it waits for, many side by side, none after a failed one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from declarative_kv.model.address import Address


@dataclass(slots=True)
class Walked:
    """How each step ended. `skipped` maps a step to the failed one it needed; `unstarted` was left by a stop."""

    done: list[Address] = field(default_factory=list)
    failed: list[Address] = field(default_factory=list)
    skipped: dict[Address, Address] = field(default_factory=dict)
    unstarted: list[Address] = field(default_factory=list)


async def walk(
    after: Mapping[Address, frozenset[Address]],
    step: Callable[[Address], Awaitable[bool | None]],
    *,
    parallelism: int,
    stop: asyncio.Event,
) -> Walked:
    """Run `step` for every key of `after`; it answers whether it succeeded, None where a stop kept it from beginning.

    At most `parallelism` are in flight.

    When `stop` is set nothing new begins and what is in flight is finished. An exception from a step ends the walk.
    """
    graph = TopologicalSorter({at: sorted(needs & after.keys()) for at, needs in sorted(after.items())})
    graph.prepare()
    walked = Walked()
    ready: deque[Address] = deque()
    running: dict[asyncio.Task[bool | None], Address] = {}
    try:
        while graph.is_active():
            ready.extend(_freed(graph, walked, after))
            while ready and len(running) < parallelism and not stop.is_set():
                at = ready.popleft()
                running[asyncio.ensure_future(step(at))] = at
            if not running:
                if stop.is_set():
                    break
                continue
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                at = running.pop(task)
                if (succeeded := task.result()) is not None:
                    (walked.done if succeeded else walked.failed).append(at)
                    graph.done(at)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    met = {*walked.done, *walked.failed, *walked.skipped}
    walked.unstarted = sorted(at for at in after if at not in met)
    return walked


def _freed(
    graph: TopologicalSorter[Address], walked: Walked, after: Mapping[Address, frozenset[Address]]
) -> list[Address]:
    """The steps that nothing holds up any longer; what needed a failed one is skipped at once.

    All that these need has ended, so that it is known for good whether they can be done.
    """
    found = sorted(graph.get_ready())
    if not found:
        return []
    broken = {**{at: at for at in walked.failed}, **walked.skipped}
    causes = {at: next((broken[need] for need in sorted(after[at]) if need in broken), None) for at in found}
    skipped = {at: cause for at, cause in causes.items() if cause is not None}
    walked.skipped |= skipped
    graph.done(*skipped)
    return [at for at in found if at not in skipped]
