"""What thousands of objects have alike, held once: they are frozen, so nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from declarative_kv.model.address import Address

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
"""Facts where there are none."""


def nothing() -> Mapping[str, Any]:
    """For fields that are mostly empty."""
    return NOTHING


def addresses(found: Iterable[Address]) -> frozenset[Address]:
    """A set of addresses, such as what all secrets of a vault need."""
    return _addresses(tuple(found))


def texts(found: Mapping[str, str]) -> Mapping[str, str]:
    """A mapping of texts, such as the tags that many objects have."""
    return _texts(tuple(found.items()))


def seconds(found: Mapping[str, int]) -> Mapping[str, int]:
    """A mapping of times: in one second a run makes dozens of objects."""
    return _seconds(tuple(found.items()))


@lru_cache(maxsize=256)
def _addresses(found: tuple[Address, ...]) -> frozenset[Address]:
    return frozenset(found)


@lru_cache(maxsize=256)
def _texts(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return dict(items)


@lru_cache(maxsize=256)
def _seconds(items: tuple[tuple[str, int], ...]) -> Mapping[str, int]:
    return dict(items)
