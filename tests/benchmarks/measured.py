"""Run the program as a user would, in a process of its own, and measure it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
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
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile() as output:
        figures = Path(name) / "figures.json"
        through = (sys.executable, str(Path(__file__).with_name("alone.py")), str(figures), *command)
        subprocess.run(through, cwd=folder, env=dict(environ), stdout=output, stderr=subprocess.STDOUT, check=True)
        output.seek(0)
        told = output.read().decode(errors="replace")
        found = json.loads(figures.read_bytes())
    return Run(found["code"], told, found["wall"], found["cpu"], found["memory"])


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
