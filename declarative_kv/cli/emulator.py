"""`dkv emulator …`: the local Azure from the command line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

app = typer.Typer(
    add_completion=False,
    help="A local Azure: real host names, real clients, nothing leaves this machine.",
    no_args_is_help=True,
)
_faults = typer.Typer(help="Arrange for requests to fail.", no_args_is_help=True)
app.add_typer(_faults, name="fault")

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="D", help="Its folder; default $DKV_EMULATOR, else ~/.local/state/dkv/emulator."
    ),
]
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SHIFT: Final = re.compile(r"([+-])(\d+(?:\.\d+)?)([smhdw])")


class Throttle(StrEnum):
    """Whose limits the emulator keeps to."""

    AZURE = "azure"


@app.command()
def start(
    data_dir: DataDir = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: the last one, else any.")] = 0,
    latency: Annotated[float, typer.Option(metavar="MS", min=0, help="Added to each request.")] = 0.0,
    throttle: Annotated[Throttle | None, typer.Option(help="Refuse what exceeds Azure's published limits.")] = None,
    time_scale: Annotated[float, typer.Option(metavar="X", min=0, help="Azure's delays times this; 0: none.")] = 0.0001,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Azure's texts and defaults of that day.")] = None,
    request_log: Annotated[Path | None, typer.Option(metavar="F", help="Append one JSON line a request.")] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Serve here, until interrupted.")] = False,
) -> None:
    """Start it, or leave the running one alone; returns when it answers."""
    from declarative_kv.emulator.host import process
    from declarative_kv.emulator.host.options import Options

    folder = _folder(data_dir)
    options = Options(
        port=port,
        latency_ms=latency,
        throttle=throttle is not None,
        time_scale=time_scale,
        as_of=_date(as_of),
        request_log=None if request_log is None else str(request_log.absolute()),
    )
    with _reported():
        if foreground:
            process.serve_here(folder, options)
            return
        contact = process.start(folder, options)
    typer.echo(f"emulator answers on port {contact.port}, data in {folder}", err=True)


@app.command()
def stop(data_dir: DataDir = None) -> None:
    """Stop it; no error where none runs."""
    from declarative_kv.emulator.host import process

    with _reported():
        stopped = process.stop(_folder(data_dir))
    typer.echo("emulator stopped" if stopped else "no emulator runs", err=True)


@app.command()
def status(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say whether it runs, and what it holds."""
    from declarative_kv.emulator.host import process

    folder = _folder(data_dir)
    with _reported():
        contact = process.running(folder)
        held = process.command(folder, "status") if contact else {}
    found = {"running": contact is not None, "data_dir": str(folder), **held}
    if contact is not None:
        proxy = f"http://127.0.0.1:{contact.port}"
        found |= {"pid": contact.pid, "port": contact.port, "proxy": proxy, "started": contact.started}
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        typer.echo(f"{name.replace('_', ' '):<9} {json.dumps(value) if isinstance(value, bool) else value}")


@app.command()
def reset(data_dir: DataDir = None) -> None:
    """Empty it; identities, certificate and a running server stay."""
    from declarative_kv.emulator.host import process

    with _reported():
        process.command(_folder(data_dir), "reset")


@app.command()
def snapshot(file: Path, data_dir: DataDir = None) -> None:
    """Write all it holds, secret values included, to a file for `load`."""
    from declarative_kv.emulator.host import process

    with _reported():
        content = process.command(_folder(data_dir), "snapshot")
        process.write_snapshot(file, content)


@app.command()
def load(file: Path, data_dir: DataDir = None) -> None:
    """Replace all it holds by a snapshot; its own identities stay."""
    from declarative_kv.emulator.host import process

    with _reported():
        process.load(_folder(data_dir), process.read_snapshot(file))


@app.command()
def env(
    data_dir: DataDir = None,
    unset: Annotated[bool, typer.Option("--unset", help="Print what takes the exports back.")] = False,
) -> None:
    """Print shell exports: eval "$(dkv emulator env)"."""
    from declarative_kv.emulator.host import environment, process

    if unset:
        typer.echo(environment.unsets(), nl=False)
        return
    with _reported():
        typer.echo(environment.exports(process.exported(_folder(data_dir))), nl=False)


@app.command(context_settings={"ignore_unknown_options": True})
def clock(
    shift: Annotated[
        str | None, typer.Argument(metavar="[+90d]", help="+ or -, a number, and s, m, h, d or w.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Move its time; prints the time it has then."""
    from declarative_kv.emulator.host import process

    with _reported():
        typer.echo(process.command(_folder(data_dir), "clock", {"seconds": _seconds(shift)}))


@_faults.command("add")
def fault_add(
    method: Annotated[str, typer.Option(metavar="M", help="GET, PUT, … or *.")],
    path: Annotated[str, typer.Option(metavar="GLOB", help="Of the request's path, such as '/secrets/*'.")],
    data_dir: DataDir = None,
    status: Annotated[int | None, typer.Option(metavar="N", min=400, max=599, help="Answer with it.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Hang up without an answer.")] = False,
    delay: Annotated[float, typer.Option(metavar="MS", min=0, help="Wait first.")] = 0.0,
    times: Annotated[int | None, typer.Option(metavar="N", min=1, help="So often; default until cleared.")] = None,
) -> None:
    """Make matching requests wait, fail or go unanswered."""
    from declarative_kv.emulator.host import process

    if (status is not None) + drop + (delay > 0) == 0:
        raise typer.BadParameter("one of --status, --drop and --delay is needed")
    if status is not None and drop:
        raise typer.BadParameter("--status and --drop exclude each other")
    fault = {
        "method": method,
        "path": path,
        "status": status,
        "drop": drop,
        "delay": delay / 1000,
        "times": times,
    }
    with _reported():
        process.command(_folder(data_dir), "fault-add", fault)


@_faults.command("clear")
def fault_clear(data_dir: DataDir = None) -> None:
    """Forget every fault."""
    from declarative_kv.emulator.host import process

    with _reported():
        process.command(_folder(data_dir), "fault-clear")


def _folder(given: Path | None) -> Path:
    from declarative_kv.emulator.host.folder import default_folder

    return default_folder(os.environ) if given is None else given.expanduser().absolute()


def _date(text: str | None) -> str | None:
    """The ISO date that --as-of names."""
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date such as 2026-06-30", param_hint="--as-of") from error


def _seconds(shift: str | None) -> float:
    """The seconds that `+90d` and its like stand for."""
    if shift is None:
        return 0.0
    match = _SHIFT.fullmatch(shift)
    if match is None:
        raise typer.BadParameter(f"{shift!r} is not like +90d or -12h", param_hint="SHIFT")
    sign, number, unit = match.groups()
    return float(f"{sign}{number}") * _SECONDS[unit]


@contextmanager
def _reported() -> Iterator[None]:
    """Turn the emulator's error into a message on standard error and exit code 1."""
    from declarative_kv.emulator.host.failure import EmulatorError

    try:
        yield
    except EmulatorError as error:
        typer.echo(f"error[emulator]: {error.message}", err=True)
        if error.hint:
            typer.echo(f"hint: {error.hint}", err=True)
        raise typer.Exit(1) from error
