"""Moves: entries of the state under the addresses that the YAML has given them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from declarative_kv.model.address import Address, Move
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError
from declarative_kv.model.state import Entry, State, readdressed


def relocated(state: State, wanted: Mapping[Address, Address]) -> tuple[State, tuple[Move, ...]]:
    """The state after the moves, and which entries moved; what is not in the state any longer has moved already.

    Moves may follow one another, and go with their vault. Raises `PlanError` where another object has the new address.
    """
    now: dict[Address, Address] = {}
    # Each round moves something nearer to where no move leads on; circles are refused with the YAML.
    for _ in wanted:
        ready = next((source for source in sorted(wanted) if _entries_of(state, source)), None)
        if ready is None:
            break
        state, moves = _moved(state, ready, wanted[ready])
        back = {target: source for source, target in now.items()}
        now |= {back.get(source, source): target for source, target in moves.items()}
    return state, tuple(Move(source, now[source]) for source in sorted(now))


def _moved(state: State, source: Address, target: Address) -> tuple[State, Mapping[Address, Address]]:
    moves = {
        at: target if at == source else Address(at.kind, f"{target.path}/{at.key}") for at in _entries_of(state, source)
    }
    taken = [(at, to) for at, to in moves.items() if to in state.entries]
    if problems := [_taken(at, to) for at, to in taken if not _same(state.entries[at], state.entries[to])]:
        raise PlanError(*problems)
    # A move that was made already, and whose old entry a killed run left behind: the new one is as good.
    left = {at: entry for at, entry in state.entries.items() if at not in dict(taken)}
    moves = {at: to for at, to in moves.items() if at in left}
    return readdressed(replace(state, entries=left), moves), moves


def _entries_of(state: State, source: Address) -> list[Address]:
    """The entry, and with a vault what is below it, which is in the state without it where the vault is attached."""
    below = source.kind == "vault"
    return sorted(at for at in state.entries if at == source or (below and at.key and at.container == source.path))


def _same(one: Entry, other: Entry) -> bool:
    return one.remote_id.lower() == other.remote_id.lower()


def _taken(source: Address, target: Address) -> Diagnostic:
    return Diagnostic(
        code="move-taken",
        summary="The new address is taken",
        detail=f"{source} cannot become {target}: the state has another object under that address.",
        hint=f"Move or forget that one first:\n    dkv state rm {target}",
        address=target,
    )
