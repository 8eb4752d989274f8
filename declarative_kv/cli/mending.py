"""What `dkv state …` does, wherever the state is."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from declarative_kv.cli.approval import agreed
from declarative_kv.cli.context import Place, opened, spec_types, store_at, waiting
from declarative_kv.cli.documents import loaded
from declarative_kv.cli.flow import place_of
from declarative_kv.cli.options import Common, usage
from declarative_kv.cli.output import is_terminal, tell
from declarative_kv.config import cloud_named
from declarative_kv.kinds import registry
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError
from declarative_kv.model.state import State
from declarative_kv.state import LocalStore, Store, blob_place, decode_state
from declarative_kv.state.mend import forgotten, moved, pushed, read_copy


async def held_state(common: Common, serial: int | None = None) -> State:
    """The state as it is, or an earlier one with that serial."""
    async with _store(common) as store:
        if serial is None:
            return await store.read()
        data = await store.earlier(serial)
        with store.readable(f"the snapshot with serial {serial}"):
            return decode_state(data, store.specs).state


async def move(common: Common, source: Address, target: Address, wait: float) -> Mapping[Address, Address]:
    """Move an entry; gives what moved where."""
    async with _store(common) as store, store.locked("dkv state mv", wait, waiting) as journal:
        mended, moves = moved(journal.state, source, target)
        await journal.replace(mended)
        return moves


async def forget(common: Common, addresses: Sequence[Address], wait: float) -> State:
    """Forget entries; gives the state before."""
    async with _store(common) as store, store.locked("dkv state rm", wait, waiting) as journal:
        before = journal.state
        await journal.replace(forgotten(before, addresses))
        return before


async def put_in_place(
    common: Common, copy: Path | None, source: str | None, wait: float, *, force: bool
) -> tuple[int, int]:
    """Put a file's state, or that of another store, in the place of this one; gives its size and new serial."""
    if source is not None:
        incoming = await held_state(replace(common, state=source))
    else:
        assert copy is not None
        incoming = read_copy(copy, spec_types(registry()))
    async with _store(common) as store, store.locked("dkv state push", wait, waiting, anyhow=force) as journal:
        await journal.replace(pushed(journal.state, incoming, force=force))
        return len(incoming.entries), journal.state.serial


async def unlocked(common: Common, *, force: bool) -> None:
    """Clear the lock away; that of a state in a blob is taken from whoever has it, after asking."""
    async with _store(common) as store:
        if isinstance(store, LocalStore):
            stale = await store.unlock()
            tell("Nobody holds the lock: a local lock goes with the process that holds it.")
            if stale is not None:
                tell(f"Removed what was left of {stale}.")
            return
        holder = await store.holder()
        if holder is None and not force:
            tell("Nobody holds the lock.")
            return
        if not force:
            await _confirm(str(holder))
        taken = await store.unlock()
        tell(f"Taken from {taken}." if taken else "The lock is free.")
        tell("If that run is alive, it stops before its next write.")


async def _confirm(holder: str) -> None:
    """Return if the person at the terminal says yes."""
    if not is_terminal(sys.stdin, os.environ):
        detail = f"{holder}. Standard input is no terminal, so nobody can be asked whether to take the lock."
        hint = "If that run is surely dead, run the same command with --force."
        raise DkvError(Diagnostic("no-approval", "Nobody can be asked for approval", detail, hint))
    if not await agreed(
        f"\n{holder}.\nDo you really want to take the lock?\n"
        "  If that run is alive, it stops before its next write.\n  Only 'yes' will be accepted to confirm.\n"
    ):
        raise DkvError(Diagnostic("declined", "Unlock cancelled", "The lock is left alone."))


@asynccontextmanager
async def _store(common: Common) -> AsyncIterator[Store]:
    """The state's store. With `--state` no YAML is needed, so that a state can be mended without one."""
    given = common.state
    if given is not None and blob_place(given) is None:
        yield store_at(given)
        return
    if given is not None:
        # The operator's environment says which cloud, so that a broken YAML keeps nobody from the state.
        cloud = cloud_named(None)
        if cloud is None:
            raise usage("AZURE_ENVIRONMENT names no cloud.", "Set AzureCloud, AzureUSGovernment or AzureChinaCloud.")
        place = Place(cloud, os.environ.get("AZURE_TENANT_ID"), given, str(Path.cwd() / "dkv.yaml"))
    else:
        place = place_of(loaded(common))
        if blob_place(place.state) is None:
            yield store_at(place.state)
            return
    async with opened(place, verbose=common.verbose) as run:
        yield run.store
