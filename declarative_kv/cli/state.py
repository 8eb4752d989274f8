"""`dkv state …`: look at the state, and mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.cli.output import say, tell

if TYPE_CHECKING:
    from declarative_kv.model.address import Address
    from declarative_kv.model.state import State
    from declarative_kv.state import Store

app = typer.Typer(add_completion=False, help="Look at the state, and mend it.", no_args_is_help=True)


@app.command("list")
def list_command(
    pattern: Annotated[str, typer.Argument(help="A kind, or an address with * and ? in it.")] = "*",
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Print the addresses in the state, one a line."""
    from declarative_kv.model.state import Status

    entries = asyncio.run(_store(options.common(file, env, var, state, no_color, verbose)).read()).entries
    found = [a for a in sorted(entries) if a.kind == pattern or fnmatchcase(str(a), pattern)]
    for address in found:
        say(str(address))
    pending = [str(a) for a in found if entries[a].status is Status.PENDING]
    if pending:
        tell(f"Pending, since a run was interrupted there: {', '.join(pending)}. The next plan says what it finds.")


@app.command()
def show(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Print what the state holds of one address."""
    from declarative_kv.render.entry import entry_text
    from declarative_kv.state.mend import found

    [wanted] = options.addresses([address])
    held = asyncio.run(_store(options.common(file, env, var, state, no_color, verbose)).read())
    say(entry_text(found(held, wanted)))


@app.command()
def mv(
    source: Annotated[str, typer.Argument(metavar="FROM")],
    target: Annotated[str, typer.Argument(metavar="TO")],
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Move an entry to another address, with a vault what is below it. Azure is left alone."""
    from declarative_kv.state.mend import moved

    start, end = options.addresses([source, target])
    store = _store(options.common(file, env, var, state, no_color, verbose))

    async def mend() -> Mapping[Address, Address]:
        async with store.locked("dkv state mv") as journal:
            mended, moves = moved(journal.state, start, end)
            await journal.replace(mended)
        return moves

    moves = asyncio.run(mend())
    for before, after in sorted(moves.items()):
        say(f"{before} -> {after}")


@app.command()
def rm(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS…")],
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Forget entries. The objects stay in Azure, and nobody manages them."""
    from declarative_kv.state.mend import forgotten

    wanted = options.addresses(addresses)
    store = _store(options.common(file, env, var, state, no_color, verbose))

    async def mend() -> State:
        async with store.locked("dkv state rm") as journal:
            before = journal.state
            await journal.replace(forgotten(before, wanted))
        return before

    before = asyncio.run(mend())
    for address in sorted(set(wanted)):
        say(f"forgotten: {address} ({before.entries[address].remote_id} stays in Azure)")


@app.command()
def unlock(
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Clear away what a killed run left of its lock; while a run really holds it, say who."""
    stale = asyncio.run(_store(options.common(file, env, var, state, no_color, verbose)).unlock())
    tell("Nobody holds the lock: a local lock goes with the process that holds it.")
    if stale is not None:
        tell(f"Removed what was left of {stale}.")


@app.command()
def pull(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")] = None,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Copy the state out, the journal folded in."""
    from declarative_kv.state import encode_state
    from declarative_kv.state.files import save_file

    data = encode_state(asyncio.run(_store(options.common(file, env, var, state, no_color, verbose)).read()))
    if out is None:
        say(data.decode().rstrip("\n"))
        return
    save_file(out, data)


@app.command()
def push(
    copy: Annotated[Path, typer.Argument(metavar="FILE", help="What `dkv state pull` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Also where lineage or serial do not fit.")] = False,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Put a copy in the place of the state; what was there becomes the backup."""
    from declarative_kv.cli.context import spec_types
    from declarative_kv.kinds import registry
    from declarative_kv.state.mend import pushed, read_copy

    incoming = read_copy(copy, spec_types(registry()))
    store = _store(options.common(file, env, var, state, no_color, verbose))

    async def put() -> int:
        async with store.locked("dkv state push") as journal:
            await journal.replace(pushed(journal.state, incoming, force=force))
            return journal.state.serial

    serial = asyncio.run(put())
    tell(f"Pushed: {len(incoming.entries)} entries, serial {serial}.")


def _store(common: options.Common) -> Store:
    """The state's store. With `--state` no YAML is needed, so that a state can be mended without one."""
    from declarative_kv.cli.context import store_at
    from declarative_kv.cli.documents import loaded

    return store_at(common.state if common.state is not None else loaded(common).state)
