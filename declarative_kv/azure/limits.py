"""Azure's published limits, and how much of each is left: Key Vault's windows and Resource Manager's buckets.

A request is counted from the moment it is sent. Nothing here waits: `wait` says for how long somebody else should.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol
from urllib.parse import urlsplit

SECONDS: Final = 10.0
"""The length of Key Vault's windows (Key Vault's service limits)."""
ALLOWANCE: Final = 0.05
"""Seconds added to a window, in which the clocks of Azure and of this machine may run apart."""
SUBSCRIPTION_FACTOR: Final = 5
"""All vaults of a subscription together may be asked for so many times what one may."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request takes: `weight` units of a window that holds `limit` of them in ten seconds."""

    window: str
    limit: int
    weight: int = 1


_CREATION: Final = Cost("creations", 300)
_OTHER: Final = Cost("others", 4000)
# The URL does not tell a key's size, nor whether it lives in hardware: all keys cost as much as the dearest.
_KEY_CREATION: Final = Cost("key creations", 20, 2)
_KEY: Final = Cost("keys", 4000, 16)


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket's size, and how many tokens come back in a second."""

    size: float
    refill: float


RATES: Final[Mapping[str, Rate]] = {"reads": Rate(250, 25), "writes": Rate(200, 10), "deletes": Rate(200, 10)}
"""Resource Manager's buckets, for each subscription and principal (its request limits and throttling)."""


class Limit(Protocol):
    """One limit of Azure's; times are seconds of one steady clock."""

    def wait(self, now: float, weight: int) -> float:
        """Seconds until so much more fits; infinity where that depends on requests that are under way."""
        ...

    def begin(self, now: float, weight: int) -> int:
        """Count a request that is sent now; gives its number."""
        ...

    def end(self, now: float, weight: int, *, counted: bool) -> None:
        """Its answer has come; one that Azure refused for too many requests is not `counted`."""
        ...


class Window:
    """What went out in the last ten seconds.

    A request takes its place from when it is sent until ten seconds after its answer came: whenever in between Azure
    counted it, Azure's own window, wherever it begins, never holds more than the limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way = 0
        self._past: deque[tuple[float, int]] = deque()
        self._taken = 0
        self._number = 0

    def wait(self, now: float, weight: int) -> float:
        """Seconds until so much more fits."""
        while self._past and self._past[0][0] <= now:
            self._taken -= self._past.popleft()[1]
        missing = self._taken + self._under_way + weight - self._limit
        if missing <= 0:
            return 0.0
        for until, freed in self._past:
            missing -= freed
            if missing <= 0:
                return until - now
        return inf

    def begin(self, now: float, weight: int) -> int:
        """Count a request that is sent now."""
        self._under_way += weight
        self._number += 1
        return self._number

    def end(self, now: float, weight: int, *, counted: bool) -> None:
        """Let its place run out from now on."""
        self._under_way -= weight
        if counted:
            self._past.append((now + SECONDS + ALLOWANCE, weight))
            self._taken += weight


class Bucket:
    """Tokens that a request takes one of and that time brings back; what Azure says is left beats our own count."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._size = self._tokens = rate.size
        self._refill = rate.refill
        self._filled = now
        self._under_way = 0
        self._number = 0
        self._heard = 0

    def wait(self, now: float, weight: int) -> float:
        """Seconds until there are so many tokens."""
        self._tokens = min(self._size, self._tokens + (now - self._filled) * self._refill)
        self._filled = now
        return max(0.0, (weight - self._tokens) / self._refill)

    def begin(self, now: float, weight: int) -> int:
        """Take the tokens."""
        self._tokens -= weight
        self._under_way += 1
        self._number += 1
        return self._number

    def end(self, now: float, weight: int, *, counted: bool) -> None:
        """One fewer is under way; a refused one has taken nothing."""
        self._under_way -= 1
        if not counted:
            self._tokens += weight

    def heard(self, number: int, remaining: float) -> None:
        """Azure says with the answer to a request what is left; those under way may or may not be part of it.

        Answers overtake each other: what was asked before the last one that we heard of is old news.
        """
        if number > self._heard:
            self._heard = number
            self._tokens = remaining - self._under_way
            self._size = max(self._size, self._tokens)


def vault_cost(method: str, url: str) -> Cost:
    """What a request to a vault takes."""
    parts = [part.lower() for part in urlsplit(url).path.split("/") if part]
    match method.upper(), parts:
        case "PUT", ["secrets" | "keys", _]:
            return _CREATION
        case "POST", ["keys", _, "create" | "rotate"]:
            return _KEY_CREATION
        case _, ["keys" | "deletedkeys", *_]:
            return _KEY
    return _OTHER


def manager_bucket(method: str, url: str) -> tuple[str, str]:
    """Whose bucket a Resource Manager request takes from (a subscription, or "tenant"), and which of them."""
    kind = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(method.upper(), "writes")
    parts = [part.lower() for part in urlsplit(url).path.split("/") if part]
    return (parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else "tenant"), kind


def remaining(headers: Mapping[str, str], owner: str, kind: str) -> float | None:
    """What Resource Manager says is left to us, and to the whole subscription where that is less."""
    scope = "tenant" if owner == "tenant" else "subscription"
    names = (f"x-ms-ratelimit-remaining-{scope}-{which}{kind}" for which in ("", "global-"))
    said = [float(text) for name in names if (text := headers.get(name) or "").isdecimal()]
    return min(said, default=None)
