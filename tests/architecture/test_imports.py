"""Imports point down, run in no circle, and what is slow to load is loaded only by who needs it."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

from declarative_kv.cli.commands import COMMANDS
from declarative_kv.config import STARTER
from tests.architecture.sources import ROOT, trees

OF_HELP = {
    "declarative_kv",
    "declarative_kv.cli",
    "declarative_kv.cli.app",
    "declarative_kv.cli.commands",
    "declarative_kv.cli.output",
    "declarative_kv.model",
    "declarative_kv.model.address",
    "declarative_kv.model.diagnostic",
    "declarative_kv.model.errors",
    "declarative_kv.render",
    "declarative_kv.render.paint",
}

SEAMS = {
    "aiohttp": {"azure/transport", "emulator/host/control", "emulator/host/server"},
    "cryptography": {
        "emulator/dataplane/backup",
        "emulator/dataplane/key_operations",
        "emulator/dataplane/material",
        "emulator/entra/assertion",
        "emulator/entra/keyring",
    },
    "filelock": {"emulator/host/folder", "state/lock"},
    "jwt": {"emulator/entra/assertion", "emulator/entra/keyring", "emulator/entra/tokens"},
    "multidict": {"emulator/host/server"},
    "pydantic": {"config/claims", "config/frozen", "config/scalars", "config/schema", "config/validate"},
    "pydantic_core": {"config/scalars"},
    "pytest": {"emulator/pytest"},
    "rich": {"render/progress"},
    "trustme": {"emulator/host/authority"},
    "yaml": {"config/emit", "config/form", "config/layout", "config/tree"},
}
"""Where each package is imported, and nowhere else; `azure` and `typer` have packages of ours to themselves."""

OFFLINE = {"azure", "aiohttp", "cryptography", "jwt", "trustme", "rich", "multidict", "declarative_kv.emulator"}
"""What a command that talks to nobody never loads."""

HEAVY = {"azure", "aiohttp", "cryptography", "filelock", "jwt", "pydantic", "rich", "trustme", "yaml"}


def imported(name: str, tree: ast.Module) -> Iterator[str]:
    """The packages of others that a module imports when it runs, wherever in it."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        waiting += [] if for_types else ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            yield (node.module or "").split(".")[0]


@cache
def importers() -> dict[str, set[str]]:
    """The modules that import each package of others."""
    found: dict[str, set[str]] = {}
    for name, tree in trees().items():
        for package in set(imported(name, tree)) - set(sys.stdlib_module_names) - {"declarative_kv"}:
            found.setdefault(package, set()).add(name.removeprefix("declarative_kv/").removesuffix(".py"))
    return found


def loaded_by(script: str, folder: Path = ROOT) -> set[str]:
    """The modules that a script leaves loaded in an interpreter of its own."""
    ending = "\nimport sys\nprint(*sorted(sys.modules), sep='\\n', file=sys.stderr)"
    command = [sys.executable, "-c", script + ending]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return set(done.stderr.split())


def dkv(*arguments: str) -> str:
    """A script that runs one command, which must succeed."""
    return f"from declarative_kv.cli.app import main\nassert main({list(arguments)!r}) == 0"


def tops(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules}


def test_the_import_contracts_hold(tmp_path: Path) -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=str(tmp_path)) == 0


def test_no_imports_run_in_a_circle() -> None:
    graph = grimp.build_graph("declarative_kv", cache_dir=None, exclude_type_checking_imports=True)
    order = TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    assert set(order.static_order()) == graph.modules


def test_help_loads_typer_and_a_few_modules_of_ours() -> None:
    loaded = loaded_by(dkv("--help"))
    assert {module for module in loaded if module.startswith("declarative_kv")} == OF_HELP
    with_typer = tops(loaded_by("import typer"))
    assert tops(loaded) - with_typer - set(sys.stdlib_module_names) == {"declarative_kv"}
    assert "rich" not in tops(loaded)


def test_the_help_of_every_command_loads_nothing_heavy() -> None:
    loaded = loaded_by("\n".join(dkv(command, "--help") for command in COMMANDS))
    assert not loaded & (HEAVY - {"pydantic"}), "typer itself takes pydantic where it finds it"


@pytest.mark.parametrize("command", ["validate", "lint", "fmt", "graph", "schema"])
def test_a_command_that_talks_to_nobody_loads_no_client(command: str, tmp_path: Path) -> None:
    (tmp_path / "dkv.yaml").write_text(STARTER)
    assert not loaded_by(dkv(command), tmp_path) & OFFLINE


def test_every_package_of_others_is_imported_in_its_place() -> None:
    found = dict(importers())
    assert found.pop("azure") <= {name for name in named() if name.startswith(("azure/", "emulator/", "cli/"))}
    assert {name.split("/")[0] for name in found.pop("typer")} == {"cli"}
    assert found == SEAMS


def test_the_command_line_imports_clients_for_the_tour_only() -> None:
    outside = {name for name in importers()["azure"] if not name.startswith("azure/")}
    assert outside == {"cli/tour", "emulator/transport"}


def named() -> set[str]:
    return {name.removeprefix("declarative_kv/").removesuffix(".py") for name in trees()}


def test_what_is_installed_with_us_is_what_we_import() -> None:
    """A dependency that nobody imports costs every user; one that is not declared is there by chance.

    Who uses the fixtures has pytest, and nobody else needs it.
    """
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {distribution_of(line) for line in declared}
    providers = packages_distributions()
    clients = {name for name in names if name.startswith("azure-")}
    for package in importers().keys() - {"azure", "multidict", "pydantic_core", "pytest"}:
        assert names & {name.lower() for name in providers[package]}, package
    provided = {name.lower() for package in importers() for name in providers[package]}
    assert names - clients <= provided


def distribution_of(requirement: str) -> str:
    return requirement.split(">")[0].split("=")[0].strip().lower()
