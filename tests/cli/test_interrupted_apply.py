"""Ctrl-C, time limits and failures in the middle of an apply: what is done is saved, and the next run finishes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .conftest import Dkv, Project

MANY = "".join(f"      s{number}: {{value_from: {{generate: {{length: 24}}}}}}\n" for number in range(4))


@pytest.fixture
def busy(project: Project, dkv: Dkv) -> Project:
    """A project whose vault is there, with four secrets to make."""
    assert dkv("apply", "--auto-approve").code == 0
    project.replace("    others:", f"{MANY}    others:")
    return project


def fault(dkv: Dkv, *arguments: str) -> None:
    result = dkv("emulator", "fault", "add", "--data-dir", "state/.emulator", *arguments)
    assert result.code == 0, result


def clear(dkv: Dkv) -> None:
    assert dkv("emulator", "fault", "clear", "--data-dir", "state/.emulator").code == 0


def versions(project: Project, name: str) -> int:
    async def count(client: object) -> int:
        return len([one async for one in client.list_properties_of_secret_versions(name)])  # type: ignore[attr-defined]

    return int(project.in_azure(count))


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    yield from process.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_flight_is_finished_and_saved(number: signal.Signals, dkv: Dkv, busy: Project) -> None:
    fault(dkv, "--method", "PUT", "--path", "/secrets/*", "--delay", "700")
    process = subprocess.Popen(
        [sys.executable, "-m", "declarative_kv", "apply", "--auto-approve", "--parallelism", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = []
    for line in lines_of(process):
        said.append(line)
        if line == "secret.payments/s0: creating...\n":
            process.send_signal(number)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait() == 130, said
    assert any(line.startswith("Interrupted: what is in flight") for line in said)
    assert any(line.startswith("secret.payments/s0: created") for line in said)
    assert said[-1] == "Interrupted: 1 added, 0 changed, 0 destroyed, 3 not begun. What is done is saved.\n"

    clear(dkv)
    assert "Plan: 3 to add, 0 to change, 0 to destroy." in dkv("plan").out
    assert dkv("apply", "--auto-approve").code == 0
    assert dkv("plan", "--detailed-exitcode").code == 0
    assert [versions(busy, f"s{number}") for number in range(4)] == [1, 1, 1, 1]


def test_a_second_interrupt_ends_at_once_and_the_next_run_converges(dkv: Dkv, busy: Project) -> None:
    fault(dkv, "--method", "PUT", "--path", "/secrets/*", "--delay", "20000")
    process = subprocess.Popen(
        [sys.executable, "-m", "declarative_kv", "apply", "--auto-approve", "--parallelism", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in lines_of(process):
        if line == "secret.payments/s0: creating...\n" or line.startswith("Interrupted: what is in flight"):
            process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(timeout=15) == 130

    clear(dkv)
    assert dkv("apply", "--auto-approve").code == 0
    assert dkv("plan", "--detailed-exitcode").code == 0


def test_nothing_new_is_begun_when_the_time_is_up(dkv: Dkv, busy: Project) -> None:
    fault(dkv, "--method", "PUT", "--path", "/secrets/*", "--delay", "5000")
    result = dkv("apply", "--auto-approve", "--parallelism", "1", "--timeout", "3")
    assert result.code == 5
    assert "Applied in part: 1 added, 0 changed, 0 destroyed, 3 not begun." in result.err

    clear(dkv)
    assert dkv("apply", "--auto-approve").code == 0
    assert [versions(busy, f"s{number}") for number in range(4)] == [1, 1, 1, 1]


def test_the_time_counts_from_the_start_of_the_command(dkv: Dkv, busy: Project) -> None:
    result = dkv("apply", "--auto-approve", "--timeout", "0")
    assert result.code == 1
    assert "error[out-of-time]" in result.err
    assert "Plan:" not in result.out
    assert "Plan: 4 to add, 0 to change, 0 to destroy." in dkv("plan").out


def test_nobody_tries_again_when_the_time_is_up(dkv: Dkv, busy: Project) -> None:
    """Far fewer tries than two minutes are good for, in an emulator that keeps nobody waiting in between."""
    fault(dkv, "--method", "PUT", "--path", "/secrets/s0", "--status", "429", "--delay", "700")
    result = dkv("apply", "--auto-approve", "--timeout", "3", "--target", "secret.payments/s0")
    assert result.code == 1
    assert "Not applied: 0 added, 0 changed, 0 destroyed, 1 failed." in result.err
    clear(dkv)
    assert dkv("apply", "--auto-approve").code == 0
    assert dkv("plan", "--detailed-exitcode").code == 0


def test_an_apply_that_fails_in_part_exits_5_and_says_why(dkv: Dkv, busy: Project) -> None:
    fault(dkv, "--method", "PUT", "--path", "/secrets/s1", "--status", "403")
    result = dkv("apply", "--auto-approve")
    assert result.code == 5
    assert "secret.payments/s1: failed" in result.err
    assert "error[forbidden]" in result.err
    assert "--> dkv.yaml:" in result.err
    assert "Applied in part: 3 added, 0 changed, 0 destroyed, 1 failed. What is done is saved." in result.err
    assert "Apply complete!" not in result.out

    clear(dkv)
    assert dkv("apply", "--auto-approve").code == 0
    assert dkv("plan", "--detailed-exitcode").code == 0


def test_an_apply_of_which_nothing_succeeds_exits_1(dkv: Dkv, busy: Project) -> None:
    fault(dkv, "--method", "PUT", "--path", "/secrets/*", "--status", "403")
    result = dkv("apply", "--auto-approve")
    assert result.code == 1
    assert "Not applied: 0 added, 0 changed, 0 destroyed, 4 failed." in result.err


def test_what_cannot_be_read_makes_a_plan_incomplete_and_is_never_applied(dkv: Dkv, busy: Project) -> None:
    fault(dkv, "--method", "GET", "--path", "/secrets", "--status", "403")
    plan = dkv("plan", "--detailed-exitcode")
    assert plan.code == 4
    assert "Unreadable    ! " in plan.out
    assert "error[forbidden]" in plan.err
    apply = dkv("apply", "--auto-approve")
    assert apply.code == 4
    assert "error[incomplete]" in apply.err
    assert dkv("drift").code == 4
    assert '"complete": false' in dkv("drift", "--format", "json").out
    assert '"complete": false' in dkv("plan", "--json").out


def test_a_state_that_somebody_holds_is_not_touched(dkv: Dkv, busy: Project) -> None:
    fault(dkv, "--method", "PUT", "--path", "/secrets/*", "--delay", "1500")
    process = subprocess.Popen(
        [sys.executable, "-m", "declarative_kv", "apply", "--auto-approve", "--parallelism", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    locked = None
    for line in lines_of(process):
        if line == "secret.payments/s0: creating...\n":
            locked = dkv("state", "rm", "secret.payments/db")
            process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.close()
    process.wait()
    assert locked is not None
    assert locked.code == 1
    assert "error[state-locked]" in locked.err
