"""Values from the output of commands, run only where the operator's environment allows it."""

from __future__ import annotations

import asyncio
import os
import signal
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
        process = await asyncio.create_subprocess_exec(
            *source.argv,
            cwd=source.folder,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its arguments are not valid"
        raise missing(f"{name} did not start: {reason.lower()}", "Check the program's name and its folder.") from error
    try:
        async with asyncio.timeout(seconds):
            data, code = await _outcome(process)
    except TimeoutError as error:
        await _kill(process)
        raise missing(f"{name} did not end within {seconds:g} seconds") from error
    except asyncio.CancelledError:
        await _kill(process)
        raise
    if len(data) > _ENOUGH:
        raise missing(f"{name} printed over {LIMIT} bytes, more than Key Vault takes")
    if code:
        raise missing(f"{name} ended with exit code {code}", "Run it by hand to see why; its output is not shown here.")
    return decoded(data, name)


async def _outcome(process: asyncio.subprocess.Process) -> tuple[bytes, int]:
    """What the process prints and its exit code; one that prints more than a value may be is stopped."""
    assert process.stdout is not None
    data = b""
    while more := await process.stdout.read(LIMIT):
        data += more
        if len(data) > _ENOUGH:
            await _kill(process)
            break
    return data, await process.wait()


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Stop the command and whatever it started, if anything of it still runs."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
