"""At a terminal: colours, the question, the live view, a prompt that echoes nothing."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .conftest import Dkv, Project

Answers = Mapping[str, str | Callable[[], str]]


def at_terminal(
    *arguments: str,
    answers: Answers | None = None,
    interrupt_at: str = "\0",
    folder: Path | None = None,
    **environ: str,
) -> tuple[int, str]:
    """Run dkv at a terminal of its own, typing each answer once its question stands there; gives code and screen.

    An answer that is a function is asked for what to type, and may do something before that.
    """
    master, slave = pty.openpty()
    # Where CI is set, dkv asks nobody, terminal or not.
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    process = subprocess.Popen(
        [sys.executable, "-m", "declarative_kv", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        cwd=folder,
        env={**inherited, "TERM": "xterm-256color", **environ},
    )
    os.close(slave)
    screen, waiting, deadline = "", dict(answers or {}), time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.2)
        try:
            chunk = os.read(master, 65536) if ready else b""
        except OSError:
            break
        if not chunk and process.poll() is not None:
            break
        screen += chunk.decode(errors="replace")
        for question in [question for question in waiting if question in screen]:
            answer = waiting.pop(question)
            os.write(master, (answer if isinstance(answer, str) else answer()).encode())
        if interrupt_at in screen:
            process.send_signal(signal.SIGINT)
            interrupt_at = "\0"
    os.close(master)
    return process.wait(timeout=30), screen


def test_only_yes_is_a_yes(project: Project, dkv: Dkv) -> None:
    code, screen = at_terminal("apply", answers={"Enter a value:": "y\n"})
    assert code == 1
    assert "Only 'yes' will be accepted to approve." in screen
    assert "Apply cancelled" in screen
    assert dkv("state", "list").out == ""


def test_a_yes_applies_in_a_live_view(project: Project, dkv: Dkv) -> None:
    code, screen = at_terminal("apply", answers={"Enter a value:": "yes\n"})
    assert code == 0, screen
    assert "\x1b[32m" in screen, "a create is green"
    assert re.search(r"secret\.payments/db: .*created", screen)
    assert "Apply complete! Resources: 5 added" in screen
    assert dkv("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"CI": "true"}), ([], {"TERM": "dumb"})],
)
def test_colour_can_be_refused(project: Project, arguments: list[str], environ: dict[str, str]) -> None:
    code, screen = at_terminal("plan", *arguments, **environ)
    assert code == 0
    assert "\x1b[" not in screen


def test_a_job_that_pretends_to_have_a_terminal_is_not_asked(project: Project) -> None:
    code, screen = at_terminal("apply", CI="true")
    assert code == 1
    assert "error[no-approval]" in screen


def test_an_end_of_input_is_no_yes(project: Project, dkv: Dkv) -> None:
    code, _ = at_terminal("apply", answers={"Enter a value:": "\x04"})
    assert code == 1
    assert dkv("state", "list").out == ""


def test_ctrl_c_at_the_question_ends_the_run(project: Project, dkv: Dkv) -> None:
    code, screen = at_terminal("apply", interrupt_at="Enter a value:")
    assert code == 130
    assert "Traceback" not in screen
    assert dkv("state", "list").out == ""


def test_a_prompted_value_is_asked_twice_and_not_echoed(applied: Project) -> None:
    answers = {"Value of secret.payments/kept:": "typed-value\n", "Once more:": "typed-value\n"}
    code, screen = at_terminal("secret", "set", "secret.payments/kept", answers=answers)
    assert code == 0, screen
    assert "typed-value" not in screen
    assert applied.in_azure(lambda client: client.get_secret("kept")).value == "typed-value"


def test_two_different_values_are_none(applied: Project) -> None:
    answers = {"Value of secret.payments/kept:": "one\n", "Once more:": "two\n"}
    code, screen = at_terminal("secret", "set", "secret.payments/kept", answers=answers)
    assert code == 1
    assert "error[values-differ]" in screen
