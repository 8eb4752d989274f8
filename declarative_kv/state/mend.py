"""Mending a state by hand: addresses moved and forgotten, whole states put in the place of another. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from declarative_kv.model.address import Address
from declarative_kv.model.codec import Malformed, Specs
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import StateConflict, StateError, StateUnreadable
from declarative_kv.model.state import FORMAT, Entry, State, readdressed
from declarative_kv.state.files import read_if_there
from declarative_kv.state.layout import Newer, decode_state


def found(state: State, address: Address) -> Entry:
    """The entry of an address; `StateError` where there is none."""
    if address not in state.entries:
        raise _not_in_state([address])
    return state.entries[address]


def moved(state: State, source: Address, target: Address) -> tuple[State, Mapping[Address, Address]]:
    """The state with an entry under another address, and what moved where: with a vault goes what is below it.

    `StateError` where the kinds differ, the source is not in the state, or a target is.
    """
    if source.kind != target.kind:
        raise _refused("An object keeps its kind", f"{source} and {target} are of different kinds.")
    if source not in state.entries:
        raise _not_in_state([source])
    moves = {source: target}
    if source.kind == "vault":
        below = [a for a in state.entries if a.key and a.container == source.path]
        moves |= {a: Address(a.kind, f"{target.path}/{a.key}") for a in below}
    taken = sorted(to for to in moves.values() if to in state.entries)
    if taken:
        raise _refused("The address is taken", f"{_listed(taken)} is in the state already.")
    return readdressed(state, moves), moves


def forgotten(state: State, addresses: Sequence[Address]) -> State:
    """The state without these entries; `StateError` where one is not in it."""
    missing = [address for address in addresses if address not in state.entries]
    if missing:
        raise _not_in_state(missing)
    return replace(state, entries={a: entry for a, entry in state.entries.items() if a not in addresses})


def pushed(current: State, incoming: State, *, force: bool) -> State:
    """The state that takes the place of `current`; `StateConflict` where that could lose something, unless forced."""
    if not force and current.lineage and incoming.lineage != current.lineage:
        raise _conflict(f"The file's lineage is {incoming.lineage or '(none)'}, the state's is {current.lineage}.")
    if not force and incoming.serial < current.serial:
        raise _conflict(f"The file has serial {incoming.serial}, the state has moved on to {current.serial}.")
    return incoming


def read_copy(path: Path, specs: Specs) -> State:
    """A state from any file, such as `dkv state pull` writes; `StateUnreadable` where it holds none."""
    data = read_if_there(path)
    try:
        if data is not None:
            return decode_state(data, specs).state
        problem = "there is no such file"
    except Malformed as error:
        problem = str(error)
    except Newer as error:
        problem = f"it has format {error.found}; this version knows formats up to {FORMAT}"
    raise StateUnreadable(
        Diagnostic(
            code="state-copy",
            summary="The file holds no state that can be used",
            detail=f"{path}: {problem}.",
            hint="Give a file that was made with:\n    dkv state pull --out FILE",
        )
    )


def _not_in_state(addresses: Sequence[Address]) -> StateError:
    return _refused("Not in the state", f"The state has no {_listed(addresses)}.", "dkv state list")


def _listed(addresses: Sequence[Address]) -> str:
    return ", ".join(map(str, addresses))


def _refused(summary: str, detail: str, command: str = "") -> StateError:
    hint = f"To see what there is:\n    {command}" if command else "Choose an address of the same kind that is free."
    return StateError(Diagnostic(code="state-address", summary=summary, detail=detail, hint=hint))


def _conflict(detail: str) -> StateConflict:
    return StateConflict(
        Diagnostic(
            code="state-conflict",
            summary="The file does not follow the state",
            detail=f"{detail} Putting it there would undo what others did.",
            hint="Pull, make the change again and push; or, where the file is right, use --force.",
        )
    )
