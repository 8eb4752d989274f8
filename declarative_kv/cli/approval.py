"""Asking before anything is changed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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


def approve(*, destroying: bool) -> None:
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
    if not agreed(_DESTROY if destroying else _ACTIONS):
        what = "Destroy" if destroying else "Apply"
        raise DkvError(Diagnostic("declined", f"{what} cancelled", "Nothing was changed."))


def agreed(question: str) -> bool:
    """Whether the person at the terminal says yes."""
    # The way out is there before the question is: Ctrl-C counts from the first word that asks for an answer.
    with _plain_interrupts():
        tell(question)
        return _answer("  Enter a value: ") == "yes"


def _answer(prompt: str) -> str:
    """What is typed; an end of input is no answer."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


@contextmanager
def _plain_interrupts() -> Iterator[None]:
    """Let Ctrl-C end the program at once, for nothing has begun.

    The event loop's own handler would wait for the loop, which waits for the answer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
