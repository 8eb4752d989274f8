"""Every scenario and every page of the guide, run as it stands: files written, commands run, output compared."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from declarative_kv.cli.app import main
from declarative_kv.cli.context import now
from declarative_kv.state.files import Paths
from declarative_kv.state.lock import Lock
from tests.scenarios import portal
from tests.scenarios.script import Step, Write, parse, rewritten, scenario_files

ROOT = Path(__file__).parents[2]
KNOWN_IDS = frozenset({"11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"})
_GUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_SHORT = re.compile(r"\b([0-9a-f]{4})…")
_FILTERS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "TIME"),
    (re.compile(r"\bread \d\d:\d\d:\d\dZ"), "read TIME"),
    (re.compile(r"\b(changed in Azure|deleted|rotated outside|since|until) 20\d\d-\d\d-\d\d"), r"\1 DATE"),
    (re.compile(r'("until": )"20\d\d-\d\d-\d\d"'), r"\1DATE"),
    (re.compile(r"\S+ on \S+ \(process \d+\)"), "WHO on HOST (process N)"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "FINGERPRINT"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "VERSION"),
    (re.compile(r"\b\d+(\.\d+)? ?m?s\b"), "SECONDS"),
)


def normal(text: str, folder: Path, given: frozenset[str]) -> str:
    """The output with what differs from run to run replaced: times, the temporary folder, ids that are not `given`."""
    text = text.replace(str(folder) + "/", "").replace(str(folder), ".")
    text = _GUID.sub(lambda found: found[0] if found[0] in given else "ID", text)
    text = _SHORT.sub(lambda found: found[0] if any(one.startswith(found[1]) for one in given) else "ID…", text)
    for pattern, word in _FILTERS:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n" if text.strip() else ""


def _given(text: str) -> frozenset[str]:
    """The ids that the scenario itself names, beside those of every fresh emulator."""
    return KNOWN_IDS | frozenset(_GUID.findall(text))


def execute(step: Step, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run one command line; its output, and `[exit N]` where that is not 0.

    `echo TEXT | dkv …` gives the command an input, `dkv … | grep -E PATTERN` shows the lines that match, and
    `dkv … > /dev/null` none of them, for a step that is not what the scenario is about.
    """
    first, *rest = _piped(shlex.split(step.command))
    given = ""
    if first[0] == "echo":
        given, first, rest = " ".join(first[1:]) + "\n", rest[0], rest[1:]
    shown = _run(first, given, folder, monkeypatch)
    if not rest:
        return shown
    (filtering,) = rest
    assert filtering[:-1] == ["grep", "-E"], step.command
    lines = shown.splitlines(keepends=True)
    return "".join(line for line in lines if re.search(filtering[-1], line) or line.startswith("[exit "))


def _piped(words: list[str]) -> list[list[str]]:
    """The commands of a pipe; discarding the output is one that lets nothing through."""
    if words[-2:] == [">", "/dev/null"]:
        words = [*words[:-2], "|", "grep", "-E", "(?!)"]
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def _run(words: list[str], given: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The output of one command without its pipe."""
    match words[0]:
        case "export":
            name, _, value = words[1].partition("=")
            monkeypatch.setenv(name, value)
            return ""
        case "unset":
            monkeypatch.delenv(words[1])
            return ""
        case "portal":
            return asyncio.run(portal.run(_emulator(folder), words[1:]))
        case "cat":
            file = folder / words[1]
            return file.read_text() if file.exists() else f"cat: {words[1]}: No such file or directory\n[exit 1]\n"
        case "rm":
            (folder / words[1]).unlink()
            return ""
        case "dkv":
            return run_dkv(words[1:], given, monkeypatch)
        case "git":
            git(folder, words[1:])
            return ""
        case "meanwhile":
            # Somebody else's apply holds the state while the command that follows the path of the state runs.
            lock = Lock(Paths(folder / words[1]))
            lock.acquire("apply", now)
            try:
                return _run(words[2:], given, folder, monkeypatch)
            finally:
                lock.release()
        case other:
            raise AssertionError(f"no such command in a scenario: {other}")


def run_dkv(arguments: list[str], given: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The command line in this process, both streams in one, as a person sees them."""
    seen = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    with contextlib.redirect_stdout(seen), contextlib.redirect_stderr(seen):
        code = main(arguments)
    return seen.getvalue() + (f"[exit {code}]\n" if code else "")


def git(folder: Path, words: list[str]) -> None:
    """Git as it is, which nobody's settings reach; what it prints is not shown."""
    names = {f"GIT_{who}_{what}": f"{who}@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *words], cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)


def _emulator(folder: Path) -> Path:
    return next(iter(folder.glob("**/.emulator")), folder / "state" / ".emulator")


@pytest.mark.parametrize("path", scenario_files(ROOT), ids=lambda path: path.stem)
def test_scenario(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    text = path.read_text()
    given = _given(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    for name in list(os.environ):
        if name.startswith(("AZURE_", "ARM_", "DKV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    outputs: list[tuple[Step, str]] = []
    for part in parse(text):
        if isinstance(part, Write):
            target = tmp_path / part.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(part.text)
        else:
            output = normal(execute(part, tmp_path, monkeypatch), tmp_path, given)
            assert "Traceback" not in output, f"{part.command}\n{output}"
            if part.command.startswith("dkv plan"):
                # A plan changes nothing, so the same one comes out again: of every plan of every scenario.
                assert normal(execute(part, tmp_path, monkeypatch), tmp_path, given) == output, part.command
            outputs.append((part, output))
    assert outputs, f"{path.name} runs no command"
    actual = rewritten(text, outputs)
    if request.config.getoption("--update-scenarios"):
        path.write_text(actual)
    else:
        assert actual == text
