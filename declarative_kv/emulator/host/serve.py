"""The server process: `python -m declarative_kv.emulator.host.serve FOLDER OPTIONS`, for `process.start`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.host.authority import authority, server_context
from declarative_kv.emulator.host.control import endpoint
from declarative_kv.emulator.host.failure import EmulatorError
from declarative_kv.emulator.host.folder import (
    SERVER_LOG,
    Contact,
    last_port,
    remove_contact,
    write_contact,
)
from declarative_kv.emulator.host.opened import opened
from declarative_kv.emulator.host.options import Options
from declarative_kv.emulator.host.request_log import RequestLog
from declarative_kv.emulator.host.server import Gateway
from declarative_kv.emulator.world import Settings, World

READY: Final = "ready"
RAGGED_FROM: Final = 0.1
"""The time scale from which on lists have short and empty pages: below, the delays are small and counts stay plain."""
_LOCK_SECONDS: Final = 10.0


def serve(folder: Path, options: Options, ready: Callable[[int], None]) -> None:
    """Serve the folder's world until SIGTERM or SIGINT; `ready` is called with the port once it answers.

    Raises `EmulatorError` where the folder is in use, or the port or the log cannot be had.
    """
    settings = Settings(
        time_scale=options.time_scale,
        as_of=options.as_of,
        throttle=options.throttle,
        ragged_pages=options.time_scale >= RAGGED_FROM,
    )
    with opened(folder, _LOCK_SECONDS, settings) as world, _log(options) as log:
        asyncio.run(_serve(folder, options, world, log, ready))


async def _serve(
    folder: Path, options: Options, world: World, log: RequestLog | None, ready: Callable[[int], None]
) -> None:
    secret = token_urlsafe(32)
    stopped = _stop_signal()
    gateway = Gateway(
        Application(world),
        server_context(authority(folder)),
        endpoint(world, secret),
        latency=options.latency_ms / 1000,
        recorder=log,
    )
    port = await _open(gateway, options.port, last_port(folder))
    started = datetime.now(UTC).isoformat(timespec="seconds")
    write_contact(folder, Contact(pid=os.getpid(), port=port, secret=secret, started=started))
    try:
        ready(port)
        await stopped.wait()
    finally:
        remove_contact(folder)
        await gateway.close()


async def _open(gateway: Gateway, wanted: int, last: int) -> int:
    """Listen on the wanted port, or where none is wanted on the last one if it is still free."""
    try:
        return await gateway.open(wanted or last)
    except OSError as error:
        if wanted:
            raise EmulatorError(f"Port {wanted} cannot be had: {error.strerror}.", "Leave out --port.") from error
    return await gateway.open(0)


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


@contextmanager
def _log(options: Options) -> Iterator[RequestLog | None]:
    if options.request_log is None:
        yield None
        return
    try:
        log = RequestLog(Path(options.request_log))
    except OSError as error:
        raise EmulatorError(f"The request log {options.request_log} cannot be written: {error.strerror}.") from error
    try:
        yield log
    finally:
        log.close()


def _detach(folder: Path) -> None:
    """Leave the starter: a child of its own session, so that no terminal and no parent ends or awaits it."""
    if os.fork():
        os._exit(0)
    os.chdir(folder)


def _announce(folder: Path) -> None:
    """Tell the starter, which reads our standard output, then write to the log like the error stream does."""
    os.write(1, f"{READY}\n".encode())
    log = os.open(folder / SERVER_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.close(log)


def main(arguments: list[str]) -> int:
    """Detach and serve; what goes wrong before it answers is the last thing on standard output."""
    folder, options = Path(arguments[0]), Options.parse(arguments[1])
    _detach(folder)
    try:
        serve(folder, options, lambda _: _announce(folder))
    except EmulatorError as error:
        os.write(1, f"{error.message}\n{error.hint}\n".encode())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
