"""The equal object under another id that stands where a new one goes: Azure refuses a second one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from declarative_kv.engine.entries import applied_entry, replaced_id
from declarative_kv.model.kind import ResourceKind
from declarative_kv.model.plan import Change
from declarative_kv.model.resource import Observed, Reading, Resource
from declarative_kv.model.state import Entry, State


def standing(kind: ResourceKind, wanted: Resource, prior: Entry, reading: Reading) -> Observed | None:
    """What is there already in the place of the new one, somebody else's or another entry's."""
    own = reading.live.get(wanted.address)
    goes = own is not None and replaced_id(prior) is None and not prior.facts.get("shared")
    ours, spec = kind.remote_id(wanted.spec).lower(), wanted.spec
    seen = chain(reading.rest, reading.live.values())
    alike = (one for one in seen if type(one.spec) is type(spec) and not (goes and one is own))
    return next((one for one in alike if one.id != ours and kind.equivalent(spec, one.spec)), None)


def is_ours(state: State, one: Observed) -> bool:
    """Whether an entry has it, and not as somebody else's."""
    return any(e.remote_id.lower() == one.id and not e.facts.get("shared") for e in state.entries.values())


def made_entry(kind: ResourceKind, change: Change, made: Observed, fingerprint: Mapping[str, Any]) -> Entry:
    """What stands in the state when an object was made, or an equal one answered that somebody else made.

    That one serves and stays theirs, unless the plan takes it over; it may have come at this very moment.
    """
    assert change.desired is not None
    entry = applied_entry(kind, change, made, fingerprint=fingerprint)
    met = kind.replaceable and made.id != kind.remote_id(change.desired.spec).lower()
    if not met or change.facts.get("shared") is False:
        return entry
    return replace(entry, facts={**entry.facts, "shared": True})
