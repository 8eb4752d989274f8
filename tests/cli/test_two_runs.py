"""Two runs of one state at a time: the second is told at once who is at work, and readers are not held up."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from declarative_kv.emulator.host.private import open_private

from .conftest import Dkv, Project

SECRETS = "".join(f"      s{number}: {{value_from: {{generate: {{length: 24}}}}}}\n" for number in range(20))


@pytest.fixture
def at_work(project: Project, dkv: Dkv) -> Iterator[int]:
    """The process id of an apply that is in the middle of its work on the private emulator."""
    assert dkv("apply", "--auto-approve").code == 0
    project.replace("    others:", f"{SECRETS}    others:")
    slow = ("--method", "PUT", "--path", "/secrets/*", "--delay", "1000")
    assert dkv("emulator", "fault", "add", "--data-dir", "state/.emulator", *slow).code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "declarative_kv", "apply", "--auto-approve", "--parallelism", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any(line.startswith("secret.payments/s0: creating") for line in process.stderr)
    yield process.pid
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "--auto-approve"),
        ("destroy", "--auto-approve"),
        ("import", "secret.payments/db", "--auto-approve"),
        ("secret", "set", "secret.payments/kept"),
        ("state", "rm", "secret.payments/db"),
    ],
)
def test_a_second_writer_is_told_at_once_who_is_at_work(command: tuple[str, ...], dkv: Dkv, at_work: int) -> None:
    begun = time.monotonic()
    result = dkv(*command, typed="a-new-value\n")

    assert result.code == 1
    assert "error[state-locked]: The state is locked" in result.err
    assert f"(process {at_work}) runs `apply` since" in result.err
    assert time.monotonic() - begun < 5


def test_a_reader_of_the_state_is_not_held_up_and_sees_what_is_done(dkv: Dkv, at_work: int) -> None:
    listed = dkv("state", "list")

    assert listed.code == 0
    assert "secret.payments/db" in listed.out


def test_a_plan_that_waits_for_the_private_emulator_says_for_what(project: Project, dkv: Dkv) -> None:
    assert dkv("plan").code == 0
    with open_private(project.folder / "state" / ".emulator"):
        process = subprocess.Popen(
            [sys.executable, "-m", "declarative_kv", "plan"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = process.stderr.readline()
    out, _ = process.communicate(timeout=60)
    assert said.startswith("Waiting for the emulator in ")
    assert process.returncode == 0
    assert "Plan: " in out
