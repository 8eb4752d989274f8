"""What `pip install .` brings: every command and the emulator, from files that are in the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from declarative_kv.cli.commands import COMMANDS
from tests.architecture.sources import ROOT

PARTS = ("pyproject.toml", "README.md", "LICENSE", "declarative_kv")
BUILD = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet")
INSTALL = ("install", "--no-deps", "--no-index", "--quiet")


def run(*command: object, folder: Path, environ: Mapping[str, str] = os.environ) -> str:
    """What a program printed, which must have succeeded."""
    parts = [str(part) for part in command]
    done = subprocess.run(parts, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(*arguments: object, folder: Path) -> None:
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, folder=folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network from a copy that holds no left-overs of earlier builds."""
    copy, dist = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("dist")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, copy / part)
    pip(*BUILD, "--wheel-dir", dist, copy, folder=copy)
    (built,) = dist.iterdir()
    return built


class Installed:
    """The program of the wheel, in a folder of its own, before anything else that this interpreter would find."""

    def __init__(self, target: Path, folder: Path) -> None:
        self.folder = folder
        self.target = target
        # What the copy runs is not to be counted beside what the sources run.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        self.environ = {**environ, "PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}

    def python(self, script: str) -> str:
        return run(sys.executable, "-c", script, folder=self.folder, environ=self.environ)

    def dkv(self, *arguments: str) -> str:
        return run(self.target / "bin" / "dkv", *arguments, folder=self.folder, environ=self.environ)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    target, folder = tmp_path_factory.mktemp("target"), tmp_path_factory.mktemp("elsewhere")
    pip(*INSTALL, "--target", target, wheel, folder=folder)
    return Installed(target, folder)


def test_the_wheel_holds_every_module_and_what_they_read(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert {"declarative_kv/builtin_roles.json", "declarative_kv/py.typed"} <= names
    wanted = {path for path in (ROOT / "declarative_kv").rglob("*.*") if "__pycache__" not in path.parts}
    assert {str(path.relative_to(ROOT)) for path in wanted if path.is_file()} <= names


def test_the_wheel_holds_neither_tests_nor_examples(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"declarative_kv"}


def test_the_installed_package_is_the_one_that_runs(installed: Installed) -> None:
    place = installed.python("import declarative_kv; print(declarative_kv.__file__)").strip()
    assert Path(place).is_relative_to(installed.target)


def test_every_installed_command_explains_itself(installed: Installed) -> None:
    listed = installed.dkv("--help")
    assert [name for name in COMMANDS if name not in listed] == []
    calls = "".join(f"assert main([{name!r}, '--help']) == 0\n" for name in COMMANDS)
    printed = installed.python(f"from declarative_kv.cli.app import main\n{calls}")
    assert [name for name in COMMANDS if f"Usage: dkv {name}" not in printed] == []


def test_the_installed_program_plans_and_applies_its_starter(installed: Installed) -> None:
    installed.dkv("init", "started")
    for command in (["validate"], ["schema"], ["graph"], ["apply", "--auto-approve"], ["plan", "--detailed-exitcode"]):
        place = [] if command == ["schema"] else ["-f", "started"]
        assert installed.dkv(*command, *place)
    assert "No changes." in installed.dkv("drift", "-f", "started") + installed.dkv("plan", "-f", "started")


def test_the_installed_program_brings_the_emulator_and_the_tour(installed: Installed) -> None:
    assert "Destroy complete!" in installed.dkv("demo")
