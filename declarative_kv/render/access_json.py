"""Who can do what as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from declarative_kv.engine.access.analysis import Answer
from declarative_kv.engine.access.estate import Estate


def access_json(estate: Estate, answers: Iterable[Answer]) -> dict[str, Any]:
    """`complete`, `access` with one object an answer, and in words what is not known."""
    return {
        "complete": estate.complete,
        "access": [_answer(estate, one) for one in answers],
        "unknown": list(estate.unknown),
    }


def _answer(estate: Estate, one: Answer) -> dict[str, Any]:
    address = estate.addresses.get(one.resource)
    return {
        "principal": estate.name(one.principal),
        "object_id": one.principal,
        "resource": estate.spelled(one.resource),
        "address": str(address) if address else None,
        "capability": one.capability.name,
        "permission": one.permission,
        "phrase": one.capability.phrase,
        "direct": one.direct,
        "certain": one.certain,
        "network": one.network.value,
        "except": [estate.spelled(place) for place in one.excepted],
        "path": [{"kind": step.kind.value, "name": step.name, "id": step.id} for step in one.path],
    }
