"""Asking before anything is changed. The event loop goes on while somebody thinks: a lock is renewed meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from typing import Final, TextIO

from declarative_kv.cli.output import is_terminal, tell
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import DkvError

_ACTIONS = (
    "\nDo you want to perform these actions?\n"
    "  dkv will perform the actions described above.\n"
    "  Only 'yes' will be accepted to approve.\n"
)
_DESTROY = (
    "\nDo you really want to destroy all resources?\n"
    "  dkv will delete all that is shown above. What Azure keeps soft-deleted can be recovered.\n"
    "  Only 'yes' will be accepted to confirm.\n"
)
_CHUNK: Final = 4096


async def approve(*, destroying: bool) -> None:
    """Return if the person at the terminal says yes; raises `DkvError` otherwise, and where nobody can be asked."""
    if not is_terminal(sys.stdin, os.environ):
        raise DkvError(
            Diagnostic(
                "no-approval",
                "Nobody can be asked for approval",
                "Standard input is no terminal, and there are changes to approve.",
                "Look at the plan, then run the same command with --auto-approve.",
            )
        )
    if not await agreed(_DESTROY if destroying else _ACTIONS):
        what = "Destroy" if destroying else "Apply"
        raise DkvError(Diagnostic("declined", f"{what} cancelled", "Nothing was changed."))


async def agreed(question: str) -> bool:
    """Whether the person at the terminal says yes."""
    tell(question)
    sys.stderr.write("  Enter a value: ")
    sys.stderr.flush()
    return (await typed(sys.stdin)).strip() == "yes"


async def typed(stream: TextIO) -> str:
    """The next line of a stream that nobody has read from yet, without its end; empty where there is none.

    Everything else on the loop goes on meanwhile, and Ctrl-C cancels the wait.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()
    parts: list[bytes] = []

    def more() -> None:
        parts.append(_read(stream.fileno()))
        if (not parts[-1] or b"\n" in parts[-1]) and not line.done():
            line.set_result(b"".join(parts).decode(errors="replace").partition("\n")[0])

    try:
        loop.add_reader(stream.fileno(), more)
    except (RuntimeError, PermissionError):
        # Windows' loop watches no streams, and no loop watches files.
        return await _read_aside(stream)
    try:
        return await line
    finally:
        loop.remove_reader(stream.fileno())


def _read(descriptor: int) -> bytes:
    """What is there to read; a terminal that has hung up gives nothing more."""
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:
        return b""


async def _read_aside(stream: TextIO) -> str:
    """The same by a thread, which nobody waits for at the end: it may be reading still."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def answer(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        text = stream.readline().rstrip("\n")
        with suppress(RuntimeError):  # The loop is closed: nobody wants the answer any longer.
            loop.call_soon_threadsafe(answer, text)

    threading.Thread(target=read, name="answer", daemon=True).start()
    return await line
