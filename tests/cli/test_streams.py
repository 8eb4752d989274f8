"""Output that nobody reads, or that nothing can take: the work is done all the same, and no traceback is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Dkv, Project

FULL = Path("/dev/full")


def run(*arguments: str, out: int, err: int = subprocess.PIPE) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "declarative_kv", *arguments], stdout=out, stderr=err, text=True, check=False
    )
    return done.returncode, done.stderr or ""


def abandoned() -> int:
    """The writing end of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("arguments", [("plan",), ("plan", "--json"), ("schema",), ("--help",)])
def test_a_full_disk_is_said_to_be_so(arguments: tuple[str, ...], project: Project) -> None:
    with FULL.open("w") as full:
        code, err = run(*arguments, out=full.fileno())
    assert code == 1
    assert "error[not-writable]" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("both", [True, False])
def test_an_apply_goes_on_when_its_readers_have_gone(both: bool, project: Project, dkv: Dkv) -> None:
    gone = abandoned()
    code, _ = run("apply", "--auto-approve", out=gone, err=gone if both else subprocess.DEVNULL)
    os.close(gone)
    assert code == 0
    assert dkv("plan", "--detailed-exitcode").code == 0


@pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")
def test_an_apply_goes_on_when_its_progress_cannot_be_written(project: Project, dkv: Dkv) -> None:
    with FULL.open("w") as full:
        code, _ = run("apply", "--auto-approve", out=subprocess.DEVNULL, err=full.fileno())
    assert code == 0
    assert dkv("plan", "--detailed-exitcode").code == 0


def test_a_plan_that_cannot_be_saved_says_which_file(project: Project, dkv: Dkv) -> None:
    result = dkv("plan", "--out", "missing/plan")
    assert result.code == 1
    assert "error[not-writable]" in result.err
    assert "missing/plan cannot be written: No such file or directory." in result.err
