"""Exit codes, help, and the one place where errors become text."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from declarative_kv import __version__
from declarative_kv.cli.commands import COMMANDS, loaded
from declarative_kv.cli.options import KINDS
from declarative_kv.kinds import registry
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import Incomplete, PlanError

from .conftest import VALUE, Dkv, Project

DKV = [sys.executable, "-m", "declarative_kv"]


def test_every_command_of_the_contract_is_there(dkv: Dkv) -> None:
    help_text = dkv("--help").out
    names = "init validate plan show apply destroy drift import secret state graph schema emulator demo"
    for name in names.split(" "):
        assert re.search(rf"^  {name}\b", help_text, re.MULTILINE), name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str, dkv: Dkv) -> None:
    result = dkv(name, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: dkv {name}")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_says_what_the_commands_own_help_says(name: str) -> None:
    own = (loaded(name).help or "").splitlines()[0]
    assert own.startswith(COMMANDS[name].help.rstrip("."))


def test_the_version_is_said(dkv: Dkv) -> None:
    assert dkv("--version").out == f"dkv {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["plann"],
        ["plan", "--foo"],
        ["plan", "--values", "sometimes"],
        ["plan", "--json", "--markdown"],
        ["plan", "--var", "novalue"],
        ["plan", "--target", "nodot"],
        ["plan", "--allow", "everything"],
        ["plan", "--refresh-only", "--destroy"],
        ["plan", "--destroy", "--import"],
        ["apply", "--parallelism", "0"],
        ["import"],
        ["show"],
        [],
    ],
)
def test_a_wrong_command_line_exits_64_and_changes_nothing(arguments: list[str], dkv: Dkv, project: Project) -> None:
    result = dkv(*arguments)
    assert (result.code, result.out) == (64, "")
    assert result.err
    assert "Traceback" not in result.err


def test_a_mistake_in_the_yaml_is_shown_with_its_place(dkv: Dkv, project: Project) -> None:
    project.replace("access: policies", "access: open")
    result = dkv("validate")
    assert (result.code, result.out) == (1, "")
    assert re.search(r"--> dkv\.yaml:14:13", result.err)
    assert "^" in result.err


def test_a_missing_file_is_an_error_and_no_traceback(dkv: Dkv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = dkv("validate")
    assert result.code == 1
    assert "dkv.yaml" in result.err
    assert "Traceback" not in result.err


def test_a_mistake_of_ours_keeps_its_traceback_and_asks_for_a_report(
    dkv: Dkv, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        value = VALUE
        raise RuntimeError(f"length {len(value)}")

    monkeypatch.setattr("declarative_kv.cli.documents.load", broken)
    result = dkv("validate")
    assert result.code == 1
    assert "Traceback" in result.err
    assert "Please report it" in result.err
    assert VALUE not in result.err


def test_diagnostics_are_coloured_on_terminals_only(dkv: Dkv, project: Project) -> None:
    project.replace("access: policies", "access: open")
    assert "\x1b" not in dkv("validate").err


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from declarative_kv.cli.app import main; main(['--help']);"
        "print(sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"rich", "yaml", "pydantic", "azure", "aiohttp", "cryptography", "jwt", "filelock"}
    assert not heavy & set(re.findall(r"'([a-z_]+)'", done.stderr))


def test_a_reader_that_goes_away_is_no_error(project: Project) -> None:
    process = subprocess.Popen([*DKV, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() in (0, 1)
    assert said == b""


BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""What a shell does to a command that it starts in the background: Ctrl-C is not for it."""


@pytest.mark.parametrize(
    ("number", "started"), [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGTERM, BACKGROUND)]
)
def test_an_interrupted_command_exits_130(number: signal.Signals, started: tuple[str, ...], project: Project) -> None:
    project.replace("{env: DB_PASSWORD}", '{command: [sh, -c, "touch begun; sleep 30"]}')
    process = subprocess.Popen(
        [*started, *DKV, "plan", "--values", "required"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "DKV_ALLOW": "command"},
    )
    assert process.stderr is not None
    deadline = time.monotonic() + 30
    while not (project.folder / "begun").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130, said
    assert b"Traceback" not in said


def test_several_errors_at_a_time_are_shown_together(
    dkv: Dkv, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        first = PlanError(Diagnostic("b-second", "Second"))
        raise ExceptionGroup("tasks", [first, ExceptionGroup("inner", [Incomplete(Diagnostic("a-first", "First"))])])

    monkeypatch.setattr("declarative_kv.cli.documents.load", broken)
    result = dkv("validate")
    assert result.code == 1
    assert result.err == "error[a-first]: First\n\nerror[b-second]: Second\n"


def test_a_mistake_of_ours_among_several_errors_is_still_a_mistake(
    dkv: Dkv, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ExceptionGroup("tasks", [PlanError(Diagnostic("a", "A")), ValueError("odd")])

    monkeypatch.setattr("declarative_kv.cli.documents.load", broken)
    result = dkv("validate")
    assert result.code == 1
    assert "Please report it" in result.err


@pytest.mark.parametrize("option", ["--target", "--exclude", "--replace"])
def test_an_address_of_no_kind_is_wrong_usage(option: str, project: Project, dkv: Dkv) -> None:
    result = dkv("plan", option, "foo.bar")
    assert result.code == 64
    assert "foo.bar names no kind" in result.err
    assert "access_policy, reader_role, resource_group, role_assignment, secret, vault" in result.err


def test_the_kinds_of_the_command_line_are_those_of_the_registry() -> None:
    assert frozenset(registry()) == KINDS
