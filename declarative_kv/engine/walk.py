"""Walk a graph of work: each step after those it waits for, many side by side, none after a failed one."""

from __future__ import annotations

import asyncio
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
    step: Callable[[Address], Awaitable[bool]],
    *,
    parallelism: int,
    stop: asyncio.Event,
) -> Walked:
    """Run `step` for every key of `after`; it answers whether it succeeded. At most `parallelism` are in flight.

    When `stop` is set nothing new begins and what is in flight is finished. An exception from a step ends the walk.
    """
    graph = TopologicalSorter({at: sorted(needs & after.keys()) for at, needs in sorted(after.items())})
    graph.prepare()
    walked = Walked()
    ready: list[Address] = []
    running: dict[asyncio.Task[bool], Address] = {}
    try:
        while graph.is_active():
            ready.extend(sorted(graph.get_ready()))
            _start(ready, running, walked, after, step, graph, room=0 if stop.is_set() else parallelism)
            if not running:
                if stop.is_set():
                    break
                continue
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                at = running.pop(task)
                (walked.done if task.result() else walked.failed).append(at)
                graph.done(at)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    met = {*walked.done, *walked.failed, *walked.skipped}
    walked.unstarted = sorted(at for at in after if at not in met)
    return walked


def _start(
    ready: list[Address],
    running: dict[asyncio.Task[bool], Address],
    walked: Walked,
    after: Mapping[Address, frozenset[Address]],
    step: Callable[[Address], Awaitable[bool]],
    graph: TopologicalSorter[Address],
    *,
    room: int,
) -> None:
    """Begin what is ready while there is room; what needed a failed step is skipped at once."""
    broken = set(walked.failed)
    waiting = []
    for at in ready:
        cause = next((walked.skipped.get(n, n) for n in sorted(after[at]) if n in broken or n in walked.skipped), None)
        if cause is not None:
            walked.skipped[at] = cause
            graph.done(at)
        elif len(running) < room:
            running[asyncio.ensure_future(step(at))] = at
        else:
            waiting.append(at)
    ready[:] = waiting
