"""`dkv state …`: look at the state, and mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from declarative_kv.cli import options
from declarative_kv.cli.output import say, tell
from declarative_kv.engine.loop import in_loop

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
    from fnmatch import fnmatchcase

    from declarative_kv.cli.mending import held_state
    from declarative_kv.model.state import Status

    entries = in_loop(held_state(options.common(file, env, var, state, no_color, verbose))).entries
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
    from declarative_kv.cli.mending import held_state
    from declarative_kv.render.entry import entry_text
    from declarative_kv.state.mend import found

    [wanted] = options.addresses([address])
    held = in_loop(held_state(options.common(file, env, var, state, no_color, verbose)))
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
    lock_timeout: options.LockTimeout = 0,
) -> None:
    """Move an entry to another address, with a vault what is below it. Azure is left alone."""
    from declarative_kv.cli.mending import move

    start, end = options.addresses([source, target])
    common = options.common(file, env, var, state, no_color, verbose)
    moves = in_loop(move(common, start, end, lock_timeout))
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
    lock_timeout: options.LockTimeout = 0,
) -> None:
    """Forget entries. The objects stay in Azure, and nobody manages them."""
    from declarative_kv.cli.mending import forget

    wanted = options.addresses(addresses)
    common = options.common(file, env, var, state, no_color, verbose)
    before = in_loop(forget(common, wanted, lock_timeout))
    for address in sorted(set(wanted)):
        say(f"forgotten: {address} ({before.entries[address].remote_id} stays in Azure)")


@app.command()
def unlock(
    force: Annotated[bool, typer.Option("--force", help="Take the lock without asking.")] = False,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Clear away what a killed run left of its lock, or take the lock of a state in a blob from whoever holds it."""
    from declarative_kv.cli.mending import unlocked

    in_loop(unlocked(options.common(file, env, var, state, no_color, verbose), force=force))


@app.command()
def pull(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")] = None,
    serial: Annotated[int | None, typer.Option("--serial", min=0, metavar="N", help="An earlier one.")] = None,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
) -> None:
    """Copy the state out, the journal folded in."""
    from declarative_kv.cli.mending import held_state
    from declarative_kv.state import encode_state
    from declarative_kv.state.files import save_file

    common = options.common(file, env, var, state, no_color, verbose)
    data = encode_state(in_loop(held_state(common, serial)))
    if out is None:
        say(data.decode().rstrip("\n"))
        return
    save_file(out, data)


@app.command()
def push(
    copy: Annotated[Path | None, typer.Argument(metavar="FILE", help="What `dkv state pull` wrote.")] = None,
    source: Annotated[str | None, typer.Option("--from", metavar="PATH", help="Another state, to copy here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also where lineage or serial do not fit.")] = False,
    file: options.File = options.DEFAULT_FILE,
    env: options.Env = None,
    var: options.Vars = None,
    state: options.StateAt = None,
    no_color: options.NoColor = False,
    verbose: options.Verbose = False,
    lock_timeout: options.LockTimeout = 0,
) -> None:
    """Put a copy, or another state, in the place of the state; what was there is kept as an earlier one."""
    from declarative_kv.cli.mending import put_in_place

    if (copy is None) == (source is None):
        raise options.usage("`dkv state push` takes a FILE, or --from and where another state is.")
    common = options.common(file, env, var, state, no_color, verbose)
    count, serial = in_loop(put_in_place(common, copy, source, lock_timeout, force=force))
    tell(f"Pushed: {count} entries, serial {serial}.")
