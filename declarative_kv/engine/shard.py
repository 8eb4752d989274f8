"""Which part of an estate an address belongs to, and what one part needs of another.

A vault's part is given by its address alone, so it stays while the number of parts does. What lies below a vault, or is
for one, belongs with it. All else (resource groups, roles at wider scopes) is the first part's, which therefore needs
nothing of the others: it goes first, the rest follow in any order, and no two parts ever wait for each other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import PlanError, StateConflict
from declarative_kv.model.plan import Action, Block, Change
from declarative_kv.model.resource import Condition, Desired, Reading
from declarative_kv.model.shard import Shard
from declarative_kv.model.state import State

FIRST = 1
_MARK = re.compile(r"\.shard-(\d+)-of-(\d+)$")


def number_of(at: Address, needs: Iterable[Address], of: int) -> int:
    """The part, of so many, that an address belongs to, by its vault; the first where it has none.

    A vault's is the first 8 bytes of the SHA-256 of its address (`vault.payments`), big-endian, modulo `of`, plus 1.
    """
    vault = _vault(at, needs)
    if vault is None:
        return FIRST
    digest = hashlib.sha256(f"vault.{vault}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % of + 1


def _vault(at: Address, needs: Iterable[Address]) -> str | None:
    """The key of the vault that an address is, lies below, or is for."""
    if _is_placed(at):
        return at.container
    return min((need.container for need in needs if need.kind in ("vault", "secret")), default=None)


def _is_placed(at: Address) -> bool:
    """Whether the address itself names a vault."""
    return at.kind == "vault" or bool(at.key)


def members(desired: Desired, shard: Shard) -> frozenset[Address]:
    """The declared addresses that belong to a part."""
    return frozenset(at for at, one in desired.items() if number_of(at, one.depends_on, shard.of) == shard.number)


def own(desired: Desired, state: State, shard: Shard | None) -> Desired:
    """What a part's plan is made of: all that is declared, but for what its state holds and another part wants now.

    Such an entry has moved (a role to another vault): here it is no longer declared, and there it is new.
    """
    if shard is None or not state.entries:
        return desired
    ours = members(desired, shard)
    # A vault that the state holds is ours whatever its address says now: it was renamed with `moved`.
    return {at: one for at, one in desired.items() if at in ours or at not in state.entries or _is_placed(at)}


def away(desired: Desired, state: State, shard: Shard | None) -> Desired:
    """What a part's state holds and another part wants now, as it is declared: the rest of `own`."""
    ours = own(desired, state, shard)
    return {at: desired[at] for at in state.entries if at in desired and at not in ours}


def check_members(desired: Desired, addresses: Iterable[Address], shard: Shard | None) -> None:
    """Raise `PlanError` for declared addresses that are asked for by name, and are another part's."""
    if shard is None:
        return
    if problems := [_elsewhere(at, other, shard) for at, other in sorted(others_of(desired, addresses, shard).items())]:
        raise PlanError(*problems)


def others_of(desired: Desired, addresses: Iterable[Address], shard: Shard) -> dict[Address, Shard]:
    """Those of the addresses that are declared and another part's, with that part."""
    parts = {at: Shard(number_of(at, desired[at].depends_on, shard.of), shard.of) for at in addresses if at in desired}
    return {at: part for at, part in parts.items() if part != shard}


def _elsewhere(at: Address, other: Shard, shard: Shard) -> Diagnostic:
    return Diagnostic(
        code="other-shard",
        summary="The address belongs to another shard",
        detail=f"{at} is of shard {other}, and this run is shard {shard}.",
        hint=f"Run the same command with:\n    --shard {other}",
        address=at,
    )


def needed_elsewhere(
    desired: Desired, chosen: Collection[Address], shard: Shard | None, key_holder: Address | None
) -> frozenset[Address]:
    """What a part's addresses need and another part makes; `key_holder` is the vault of a key that all share."""
    if shard is None:
        return frozenset()
    needs = {need for at in chosen if at in desired for need in desired[at].depends_on}
    if key_holder is not None and any(at.kind == "secret" for at in chosen):
        needs.add(key_holder)
    ours = members(desired, shard)
    return frozenset(need for need in needs if need in desired and need not in ours)


def missing_elsewhere(
    desired: Desired, changes: Iterable[Change], reading: Reading, needed: Collection[Address], shard: Shard | None
) -> Iterator[Block]:
    """A block for each need of a create that another part has not made yet."""
    if shard is None:
        return
    there = {at for at, live in reading.live.items() if live.condition is Condition.LIVE} | reading.unread.keys()
    creates = [change.desired for change in changes if change.action is Action.CREATE and change.desired is not None]
    direct = {need for one in creates for need in one.depends_on}
    for at in sorted(needed):
        if at in there or (at not in direct and at.kind != "vault"):
            continue
        first = Shard(number_of(at, desired[at].depends_on, shard.of), shard.of)
        yield Block("shard-order", at, f"is not there yet, and shard {first} makes it: apply that one first")


def marked(lineage: str, shard: Shard) -> str:
    """The lineage of a part's state, which tells what part it is of."""
    return f"{lineage}.shard-{shard.number}-of-{shard.of}"


def check_state(state: State, shard: Shard | None, where: str) -> None:
    """Raise `StateConflict` where a state was made for another part, for another number of parts, or for the whole."""
    held = _shard_of(state)
    if held == shard or not state.lineage:
        return
    raise StateConflict(_mismatch(f"{where} was made {_words(held)}, and this run is {_words(shard)}."))


def check_beside(found: State, shard: Shard | None, where: str, mine: str) -> None:
    """Raise `StateConflict` where a state that lies beside a new one tells of another division of the estate."""
    held = _shard_of(found)
    if found.lineage and (held and held.of) != (shard and shard.of):
        raise StateConflict(_mismatch(f"{where} is there, made {_words(held)}, and {mine} is not."))


def _shard_of(state: State) -> Shard | None:
    """The part that a state was made for, or None for the whole."""
    found = _MARK.search(state.lineage)
    return Shard(int(found[1]), int(found[2])) if found else None


def _mismatch(detail: str) -> Diagnostic:
    """The error for a state that belongs to another division of the estate, with the way over."""
    return Diagnostic(
        code="shard-mismatch",
        summary="The state was made for another division of the estate",
        detail=f"{detail} With it this run would take what others hold for its own, or for nobody's.",
        hint="Go on with the number of shards that it was made with. To change the number, move the old states away,\n"
        "and let each shard take over what is its own, the first one first; nothing is written to Azure by it:\n"
        "    dkv apply --shard I/N --import-only",
    )


def _words(shard: Shard | None) -> str:
    return f"shard {shard}" if shard else "without --shard"
