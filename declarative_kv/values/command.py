"""Values from the output of commands, run only where the operator's environment allows it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import CommandSource
from declarative_kv.values.check import LIMIT, decoded, missing

TIMEOUT = 60.0
"""Seconds that a command may take."""
_ENOUGH = LIMIT + len("\r\n")


async def read_command(
    source: CommandSource, environ: Mapping[str, str], allow: frozenset[str], seconds: float = TIMEOUT
) -> Sensitive:
    """The command's standard output without its last newline; run without a shell, in the folder of its YAML file.

    Nothing of what it prints is shown, since either stream may hold the value: a failure names the exit code only.
    """
    name = f"command {source.argv[0]}"
    if "command" not in allow:
        raise missing(
            f"{name} is not allowed to run",
            "If you trust this YAML, run with DKV_ALLOW=command in the environment.",
            code="source-forbidden",
        )
    try:
        data, code = await _run(source, environ, seconds)
    except TimeoutError as error:
        raise missing(f"{name} did not end within {seconds:g} seconds") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its arguments are not valid"
        raise missing(f"{name} did not start: {reason.lower()}", "Check the program's name and its folder.") from error
    if len(data) > _ENOUGH:
        raise missing(f"{name} printed over {LIMIT} bytes, more than Key Vault takes")
    if code:
        raise missing(f"{name} ended with exit code {code}", "Run it by hand to see why; its output is not shown here.")
    return decoded(data, f"the output of {name}")


class _Listener(asyncio.SubprocessProtocol):
    """Gathers what a process prints, up to a little over the limit.

    `ended` is set when it has exited and its output is closed, or when it printed too much; `exited` when it exited.
    """

    def __init__(self) -> None:
        self.data = b""
        self.ended = asyncio.Event()
        self.exited = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep the output until it is too long for a value."""
        self.data = (self.data + data)[: _ENOUGH + 1]
        if len(self.data) > _ENOUGH:
            self.ended.set()

    def process_exited(self) -> None:
        """The process is gone; what it started may still hold its output open."""
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The process is gone and nobody can print any more."""
        self.ended.set()


async def _run(source: CommandSource, environ: Mapping[str, str], seconds: float) -> tuple[bytes, int | None]:
    """What the command prints, and its exit code; raises `TimeoutError`. Whatever happens, nothing of it goes on."""
    transport, listener = await asyncio.get_running_loop().subprocess_exec(
        _Listener,
        *source.argv,
        cwd=source.folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            await listener.ended.wait()
        return listener.data, transport.get_returncode()
    except (TimeoutError, asyncio.CancelledError):
        _kill(transport.get_pid())
        raise
    finally:
        transport.close()
        await listener.exited.wait()


def _kill(group: int) -> None:
    """Stop a command and whatever it started, as far as it is there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
