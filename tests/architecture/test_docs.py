"""The documentation is complete and leads where it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from declarative_kv.config import json_schema
from declarative_kv.config.problem import SUMMARIES
from declarative_kv.engine.guards import ACCESS_GUARDS, GUARDS
from declarative_kv.kinds import registry

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "declarative_kv"
CODE = re.compile(r"[a-z]+(?:-[a-z]+)*")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def modules() -> dict[Path, ast.Module]:
    """The package's own sources; the emulator's codes are Azure's."""
    found = (path for path in sorted(PACKAGE.rglob("*.py")) if (PACKAGE / "emulator") not in path.parents)
    return {path: ast.parse(path.read_text()) for path in found}


def pages() -> list[Path]:
    """Every Markdown page of the project."""
    found = [
        *ROOT.glob("*.md"),
        *(path for name in ("docs", "examples", "state") for path in (ROOT / name).rglob("*.md")),
    ]
    return sorted(path for path in found if ".emulator" not in path.parts)


def codes_in(source: ast.Module, takers: dict[str, int]) -> Iterator[str]:
    """The codes that a module's diagnostics can have, as far as they are literal there."""
    for node in ast.walk(source):
        if isinstance(node, ast.Call):
            yield from _of_call(node, takers)
        if isinstance(node, ast.Assign) and _is_code_first(node.targets[0]):
            yield from _first_of_tuples(node.value)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "_WORDS":
            yield from _first_of_tuples(node.value)
        if isinstance(node, ast.FunctionDef):
            yield from (default for name, default in _defaults(node) if name == "code")


def takers_in(sources: dict[Path, ast.Module]) -> dict[str, int]:
    """The functions that take a code and make a diagnostic of it, and the place of the code among their arguments."""
    takers = {"Diagnostic": 0, "Block": 0}
    for node in (node for source in sources.values() for node in ast.walk(source)):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in node.args.args]
            if "code" in names:
                takers[node.name] = names.index("code")
    return takers


def _of_call(node: ast.Call, takers: dict[str, int]) -> Iterator[str]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name not in takers:
        return
    given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
    for value in (*node.args[takers[name] : takers[name] + 1], *given):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def _is_code_first(target: ast.expr) -> bool:
    return isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name) and target.elts[0].id == "code"


def _first_of_tuples(value: ast.expr | None) -> Iterator[str]:
    for node in ast.walk(value) if value is not None else ():
        if isinstance(node, ast.Tuple) and isinstance(node.elts[0], ast.Constant):
            yield str(node.elts[0].value)


def _defaults(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    arguments = function.args.args[len(function.args.args) - len(function.args.defaults) :]
    for argument, default in zip(arguments, function.args.defaults, strict=True):
        if isinstance(default, ast.Constant):
            yield argument.arg, str(default.value)


def all_codes() -> set[str]:
    sources = modules()
    takers = takers_in(sources)
    found = {code for source in sources.values() for code in codes_in(source, takers)}
    return {code for code in found | set(SUMMARIES) | {*GUARDS, *ACCESS_GUARDS, "invariant"} if CODE.fullmatch(code)}


def test_the_search_for_codes_finds_each_way_of_giving_one() -> None:
    some = {
        "duplicate-key",
        "protected",
        "forbidden",
        "unknown-role",
        "not-kept",
        "value-missing",
        "stale-plan",
        "usage",
    }
    assert some <= all_codes()


def test_every_code_is_explained_and_no_other() -> None:
    listed = re.findall(r"^### (.+)$", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == all_codes()


def test_every_kind_has_a_page() -> None:
    assert {path.stem for path in (ROOT / "docs" / "kinds").glob("*.md")} - {"index"} == set(registry())


SETTINGS = {
    "resource_group": ("ResourceGroup",),
    "vault": ("Vault", "Network", "Others"),
    "access_policy": ("PolicyGrant",),
    "secret": ("Secret", "ValueFrom", "Generate"),
    "role_assignment": ("RoleGrant",),
    "reader_role": ("RoleGrant",),
}
"""The parts of the schema that each kind's page explains."""


@pytest.mark.parametrize("kind", sorted(registry()))
def test_a_kinds_page_names_every_setting(kind: str) -> None:
    page = FENCE.sub("", (ROOT / "docs" / "kinds" / f"{kind}.md").read_text())
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", page))))
    definitions = json_schema()["$defs"]
    settings = {name for part in SETTINGS[kind] for name in definitions[part]["properties"]}
    assert settings - named == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    for target in LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = unquote(target).partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        assert there.is_relative_to(ROOT), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_project_has_what_people_look_for_first() -> None:
    for name in (
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "docs/index.md",
        "docs/glossary.md",
        "state/README.md",
    ):
        assert (ROOT / name).stat().st_size > 200, name


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in ROOT.glob("examples/*/dkv.yaml")), ids=lambda p: p.name
)
def test_every_example_is_a_folder_that_explains_itself(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    for part in (
        "## Run it",
        "## What the plan shows",
        "## For a real subscription",
        f"dkv apply -f examples/{folder.name}",
    ):
        assert part in readme
    assert (folder / ".env.example").exists()
    assert "state/" in (folder / ".gitignore").read_text()
    assert folder.name in (ROOT / "examples" / "README.md").read_text()


def test_every_page_is_reached_from_the_index() -> None:
    """From the README and the index, over links."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md", ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        for target in LINK.findall(FENCE.sub("", page.read_text())):
            path = unquote(target).partition("#")[0]
            if path and "://" not in path:
                there = (page.parent / path).resolve()
                waiting.append(there / "README.md" if there.is_dir() and (there / "README.md").exists() else there)
    assert set(pages()) <= reached
