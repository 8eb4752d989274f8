"""Azure's published limits, kept to with `--throttle azure`: Key Vault's windows and Resource Manager's buckets.

Key Vault counts the transactions of the last 10 seconds, per vault, and in all vaults of a subscription five times as
many (Key Vault's service-limits). A transaction weighs what its limit makes it: 4,000 software RSA 2048 operations,
or 250 with RSA 4096 keys in hardware, fill the same window. Resource Manager gives each principal token buckets, and
its subscription fifteen times as many (Resource Manager's request-limits-and-throttling). The counts live in memory:
a restart forgets them, and neither a snapshot nor a load touches them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

SECONDS: Final = 10.0
SUBSCRIPTION_FACTOR: Final = 5
GLOBAL_FACTOR: Final = 15


@dataclass(frozen=True, slots=True)
class Cost:
    """What one transaction takes: `weight` units of a window that holds `limit` in 10 seconds."""

    window: str
    limit: int
    weight: int = 1


# Keys: transactions in 10 seconds that are no creation, in software and in hardware, by size; EC keys count as 2048.
_KEY_LIMITS: Final[Mapping[int, tuple[int, int]]] = {2048: (4000, 2000), 3072: (1000, 500), 4096: (500, 250)}
_KEY_CREATIONS: Final = {False: 20, True: 10}
_CREATIONS: Final = frozenset({"keys/create/action", "keys/rotate/action"})
# Setting a secret, importing a key and importing a certificate share one limit.
_IMPORTS: Final = frozenset({"secrets/setsecret/action", "keys/import/action"})


def cost_of(action: str, key: tuple[bool, int] | None) -> Cost:
    """What an operation costs, by its data action without the provider's prefix.

    `key` says of an operation on a key whether the key lives in hardware, and its size in bits (EC: 2048); None
    where no key is concerned or there is none of that name.
    """
    action = action.lower()
    if action in _IMPORTS:
        return Cost("secret creations", 300)
    hardware, size = key or (False, 2048)
    if action in _CREATIONS:
        return Cost("key creations", 20, 20 // _KEY_CREATIONS[hardware])
    if key is None:
        return Cost("secrets", 4000)
    # A size that has no limit of its own counts as the next larger one that has.
    known = next((bits for bits in sorted(_KEY_LIMITS) if size <= bits), 4096)
    return Cost("keys", 4000, 4000 // _KEY_LIMITS[known][hardware])


class Window:
    """What was admitted in the last 10 seconds; refused transactions do not count."""

    def __init__(self) -> None:
        self._admitted: deque[tuple[float, int]] = deque()
        self._sum = 0

    def fits(self, now: float, weight: int, limit: int) -> bool:
        """Whether so much more is within the limit now, in epoch seconds."""
        if self._admitted and self._admitted[-1][0] > now:  # somebody moved the clock back
            self._admitted.clear()
            self._sum = 0
        while self._admitted and self._admitted[0][0] <= now - SECONDS:
            self._sum -= self._admitted.popleft()[1]
        return self._sum + weight <= limit

    def add(self, now: float, weight: int) -> None:
        """Count an admitted transaction."""
        self._admitted.append((now, weight))
        self._sum += weight


@dataclass(slots=True)
class Bucket:
    """Tokens that a request takes one of and that time brings back, up to `size`; it starts full."""

    size: float
    refill: float
    tokens: float
    filled: float

    def fill(self, now: float) -> None:
        """Add what has come since the last time; `refill` is tokens a second."""
        self.tokens = min(self.size, self.tokens + max(0.0, now - self.filled) * self.refill)
        self.filled = now


@dataclass(frozen=True, slots=True)
class Rate:
    """The size of a principal's bucket, and how many tokens come back in a second."""

    size: int
    refill: float


RATES: Final[Mapping[str, Rate]] = {"reads": Rate(250, 25), "writes": Rate(200, 10), "deletes": Rate(200, 10)}
# Before the buckets there were hours of so many requests.
HOURLY: Final[Mapping[str, Rate]] = {
    kind: Rate(size, size / 3600) for kind, size in {"reads": 12_000, "writes": 1_200, "deletes": 15_000}.items()
}


@dataclass(frozen=True, slots=True)
class Left:
    """What a principal, and all of a subscription together, may still ask after a request.

    `wait` is 0 for a request that was admitted, else the whole seconds until the next one is.
    """

    own: int
    shared: int
    wait: int = 0


@dataclass(slots=True)
class Limits:
    """Everything that is counted; times are the emulated clock's, in epoch seconds."""

    _windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    _buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def admit(self, vault: Mapping[str, Any], cost: Cost, now: float) -> bool:
        """Count a transaction of a vault, unless the vault or its subscription has had too many."""
        subscription = str(vault["id"]).lower().split("/")[2]
        own = self._windows.setdefault((str(vault["uid"]), cost.window), Window())
        shared = self._windows.setdefault((subscription, cost.window), Window())
        if not own.fits(now, cost.weight, cost.limit):
            return False
        if not shared.fits(now, cost.weight, cost.limit * SUBSCRIPTION_FACTOR):
            return False
        own.add(now, cost.weight)
        shared.add(now, cost.weight)
        return True

    def take(self, owner: str, principal: str, kind: str, rate: Rate, now: float) -> Left:
        """Take a token for a request of a kind (reads, writes, deletes); a refused one takes none.

        `owner` is the subscription, or the tenant for what lies outside of one.
        """
        own = self._bucket((owner, principal, kind), rate, 1, now)
        shared = self._bucket((owner, kind), rate, GLOBAL_FACTOR, now)
        missing = [bucket for bucket in (own, shared) if bucket.tokens < 1]
        if missing:
            wait = max(ceil((1 - bucket.tokens) / bucket.refill) for bucket in missing)
            return Left(int(own.tokens), int(shared.tokens), max(1, wait))
        own.tokens -= 1
        shared.tokens -= 1
        return Left(int(own.tokens), int(shared.tokens))

    def _bucket(self, key: tuple[str, ...], rate: Rate, factor: int, now: float) -> Bucket:
        size, refill = float(rate.size * factor), rate.refill * factor
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(size, refill, size, now)
        bucket.fill(now)
        return bucket
