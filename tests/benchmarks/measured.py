"""Run the program as a user would, in a process of its own, and measure it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

DKV = (sys.executable, "-m", "declarative_kv")


@dataclass(frozen=True)
class Run:
    """One finished process: exit code, what it printed (both streams), seconds, and peak memory in MB."""

    code: int
    output: str
    wall: float
    cpu: float
    memory: float


def run(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Run:
    """Run a command to its end; what it uses counts with that of its own children."""
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=dict(environ), stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        output.seek(0)
        told = output.read().decode(errors="replace")
    return Run(process.returncode, told, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle(command: Sequence[str], environ: Mapping[str, str], folder: Path, times: int = 3) -> Run:
    """The medians of several runs, each of which must succeed."""
    runs = [must(run(command, environ, folder)) for _ in range(times)]
    wall, cpu, memory = (median(getattr(one, name) for one in runs) for name in ("wall", "cpu", "memory"))
    return Run(0, runs[0].output, wall, cpu, memory)


def must(done: Run) -> Run:
    """The same, if the command succeeded."""
    if done.code != 0:
        raise SystemExit(f"exit code {done.code}:\n{done.output}")
    return done
