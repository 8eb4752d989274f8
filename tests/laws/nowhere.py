"""Commands run one after another where there is no network: `python -m tests.laws.nowhere COMMANDS ANSWERS`.

Both are JSON files: a list of command lines, and of each its exit code and what it printed. One process runs them all,
since starting one takes longer than most plans.
"""

from __future__ import annotations

import errno
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

import pytest

from declarative_kv.cli.app import main

NOWHERE: Final = ("unshare", "--map-root-user", "--net")
ROOT: Final = Path(__file__).parents[2]


def answers_from_nowhere(commands: Sequence[Sequence[str]], folder: Path) -> list[dict[str, Any]]:
    """What the commands answer in a network namespace of their own; skips the test where none can be made."""
    if subprocess.run([*NOWHERE, "true"], capture_output=True).returncode != 0:
        pytest.skip("NOT RUN: this machine lets nobody make a network namespace")
    asked, answered = folder / "commands.json", folder / "answers.json"
    asked.write_text(json.dumps(list(commands)), encoding="utf-8")
    program = [*NOWHERE, sys.executable, "-m", "tests.laws.nowhere", str(asked), str(answered)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(answered.read_text(encoding="utf-8"))
    return found


def _answer(command: Sequence[str]) -> dict[str, Any]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(command)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def _expect_no_network() -> None:
    """Nothing but a loopback interface that is down: not even this machine can be reached."""
    names = [name for _, name in socket.if_nameindex()]
    with socket.socket() as attempt:
        assert names == ["lo"], names
        assert attempt.connect_ex(("127.0.0.1", 9)) == errno.ENETUNREACH


if __name__ == "__main__":
    _expect_no_network()
    wanted = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps([_answer(command) for command in wanted]), encoding="utf-8")
