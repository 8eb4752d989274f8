"""How many requests go to one vault at a time, and when the next one goes: under Azure's limits, and after its 429s."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Final
from urllib.parse import urlsplit

from declarative_kv.azure.answers import asked_to_wait
from declarative_kv.azure.limits import (
    RATES,
    SUBSCRIPTION_FACTOR,
    Bucket,
    Limit,
    Window,
    manager_bucket,
    remaining,
    vault_cost,
)
from declarative_kv.azure.patience import Clock, OutOfTime, Patience, spread

IN_FLIGHT: Final = 32
"""More than this many requests in flight gain nothing against one vault (measured)."""
_LONGEST: Final = 16.0
"""Seconds; Key Vault asks clients to wait 1, 2, 4, 8 and 16 of them after its 429s, which do not say."""


class Lane:
    """The way to one vault. The first request goes alone: its 401 teaches the client how to sign in, once for all."""

    def __init__(self, limit: int = IN_FLIGHT) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._first = asyncio.Lock()
        self._primed = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it for as long as the block runs."""
        if not self._primed:
            async with self._first:
                if not self._primed:
                    yield
                    # Only an answer primes the lane; after an error the next request goes alone again.
                    self._primed = True
                    return
        async with self._slots:
            yield


@dataclass(slots=True)
class Gate:
    """What all requests of one kind to one place go through, in the order in which they came.

    It is closed until `opens` after a 429; `refusals` counts those that followed one another.
    """

    queue: asyncio.Lock = field(default_factory=asyncio.Lock)
    opens: float = 0.0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Where:
    """What a request has to heed: the gate of its kind, the limits that it counts for, and as how much.

    `bucket` says whose bucket of Resource Manager is the one limit, and which of them.
    """

    gate: Gate
    limits: tuple[Limit, ...] = ()
    weight: int = 1
    bucket: tuple[str, str] | None = None


class Pace:
    """Decides when each request of a run may go; all clients and all tries of a run ask the same one.

    Without `limited` only 429s hold requests back, not the published limits: an emulator that has none needs no more.
    """

    def __init__(self, clock: Clock, manager: str, *, limited: bool, patience: Patience | None = None) -> None:
        self.clock = clock
        self.patience = patience or Patience()
        self._manager = urlsplit(manager).hostname
        self._limited = limited
        self._subscriptions: dict[str, str] = {}
        self._gates: dict[tuple[str, str], Gate] = {}
        self._limits: dict[tuple[str, str], Limit] = {}
        self._answered = asyncio.Event()

    def lies_in(self, vault_uri: str, subscription: str) -> None:
        """Learn whose vault it is: a subscription's vaults have limits together."""
        self._subscriptions[str(urlsplit(vault_uri).hostname)] = subscription.lower()

    @asynccontextmanager
    async def turn(self, method: str, url: str) -> AsyncIterator[Turn]:
        """Wait until a request may be sent; the block sends it, and says by `Turn.answered` what came back.

        Raises `OutOfTime` once the run is stopped, or where Azure asks for too much patience.
        """
        where = self._where(method, url)
        async with where.gate.queue:
            sent = await self._let_through(where)
        turn = Turn(self, where, sent)
        try:
            yield turn
        finally:
            self._end(turn)

    def closed_for(self, method: str, url: str) -> float:
        """Seconds that a 429 keeps such requests back from now on."""
        return max(0.0, self._where(method, url).gate.opens - self.clock.now())

    async def _let_through(self, where: Where) -> Sent:
        while True:
            now = self.clock.now()
            closed = where.gate.opens - now
            if closed > self.patience.request:
                raise OutOfTime(closed)
            wait = max([closed, *(limit.wait(now, where.weight) for limit in where.limits)])
            if wait <= 0:
                return Sent(now, tuple(limit.begin(now, where.weight) for limit in where.limits))
            if wait == inf:
                self._answered.clear()
                await self.clock.hear(self._answered)
            else:
                await self.clock.sleep(wait)

    def _end(self, turn: Turn) -> None:
        now, where = self.clock.now(), turn.where
        for limit in where.limits:
            limit.end(now, where.weight, counted=turn.status != 429)
        self._answered.set()
        if turn.status == 429:
            self._close(where.gate, turn.sent.at, asked_to_wait(turn.headers, turn.text))
        elif turn.status and turn.sent.at >= where.gate.opens:
            where.gate.refusals = 0
        if where.bucket and (left := remaining(turn.headers, *where.bucket)) is not None:
            for limit, number in zip(where.limits, turn.sent.numbers, strict=True):
                if isinstance(limit, Bucket):
                    limit.heard(number, left)

    def _close(self, gate: Gate, sent_at: float, asked: float | None) -> None:
        """Keep everybody back; the 429s of requests that were under way together count as one."""
        now = self.clock.now()
        if asked is None and sent_at < gate.opens:
            return
        gate.refusals += 1
        seconds = asked if asked is not None else min(_LONGEST, 2.0 ** (gate.refusals - 1))
        gate.opens = max(gate.opens, now + spread(seconds, 1.0, 1.25))

    def _where(self, method: str, url: str) -> Where:
        host = str(urlsplit(url).hostname)
        if host in self._subscriptions:
            return self._of_vault(method, url, host)
        if host == self._manager:
            owner, kind = bucket = manager_bucket(method, url)
            gate = self._gate(owner, kind)
            return Where(gate, self._limit(bucket, lambda: Bucket(RATES[kind], self.clock.now())), bucket=bucket)
        return Where(self._gate(host, ""))

    def _of_vault(self, method: str, url: str, host: str) -> Where:
        cost, subscription = vault_cost(method, url), self._subscriptions[host]
        own = self._limit((host, cost.window), lambda: Window(cost.limit))
        shared = self._limit((subscription, cost.window), lambda: Window(cost.limit * SUBSCRIPTION_FACTOR))
        return Where(self._gate(host, cost.window), own + shared, cost.weight)

    def _gate(self, *key: str) -> Gate:
        owner, kind = key
        return self._gates.setdefault((owner, kind), Gate())

    def _limit(self, key: tuple[str, str], make: Callable[[], Limit]) -> tuple[Limit, ...]:
        if not self._limited:
            return ()
        if key not in self._limits:
            self._limits[key] = make()
        return (self._limits[key],)


@dataclass(frozen=True, slots=True)
class Sent:
    """When a request was let through, and its number at each limit."""

    at: float
    numbers: tuple[int, ...]


@dataclass(slots=True)
class Turn:
    """One request under way; `status` 0 means that no answer came."""

    pace: Pace
    where: Where
    sent: Sent
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def answered(self, status: int, headers: Mapping[str, str], text: str = "") -> None:
        """What came back; `text` is wanted of a 429 alone."""
        self.status, self.headers, self.text = status, headers, text
