"""Where a shard keeps its state, and that a state is used by the run that it was made for."""

from __future__ import annotations

import uuid
from dataclasses import replace

from declarative_kv.cli.context import Place
from declarative_kv.cli.flow import place_of
from declarative_kv.engine.shard import check_beside, check_state, marked
from declarative_kv.model.document import Document
from declarative_kv.model.shard import Shard
from declarative_kv.model.state import State
from declarative_kv.state import Journal, Store


def place_in(document: Document, shard: Shard | None) -> Place:
    """Where the document's run works; a shard's has a state of its own beside the whole one's."""
    place = place_of(document)
    return place if shard is None else replace(place, state=state_at(place.state, shard.number))


def state_at(location: str, number: int) -> str:
    """The location of one shard's state: `state/dkv.json` is `state/dkv.shard-2.json`; for blobs alike."""
    folder, slash, name = location.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    named = f"{stem}.shard-{number}.{ending}" if stem and dot else f"{name}.shard-{number}"
    return f"{folder}{slash}{named}"


async def checked(state: State, document: Document, shard: Shard | None, store: Store) -> State:
    """The state of `store`, if it is such a run's; a new one only where none of another division lies beside it.

    Raises `StateConflict` with `shard-mismatch`.
    """
    place = place_in(document, shard)
    check_state(state, shard, place.state)
    if not state.lineage:
        # Beside a new state lies the whole one's or the first shard's, whoever has begun with this estate.
        for other in sorted({document.state, state_at(document.state, 1)} - {place.state}):
            check_beside(await store.beside(other).read(), shard, other, place.state)
    return state


def mark(journal: Journal, shard: Shard | None) -> None:
    """Write into a new state of a shard what shard it is, so that no other run takes it for its own."""
    if shard is not None and not journal.state.lineage:
        journal.begin(marked(str(uuid.uuid4()), shard))
