"""YAML texts for the tests of the configuration: `⟦code⟧` stands in front of the place where a problem is expected."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from declarative_kv.config import load
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import ConfigError

_MARK = re.compile(r"⟦([a-z-]+)⟧")

Found = tuple[str, int, int]

PEOPLE = "principals: {me: {current: true}, ci: {object_id: 1b2c0000-0000-0000-0000-000000000000}, ops: {group: Ops}}"
SETTINGS = "{access: policies, location: westeurope, resource_group: rg"


def unmarked(text: str) -> tuple[str, list[Found]]:
    """The text without marks, and code, line and column of each."""
    found: list[Found] = []
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        while match := _MARK.search(line):
            found.append((match[1], number, match.start() + 1))
            line = line[: match.start()] + line[match.end() :]
        lines.append(line)
    return "\n".join(lines), sorted(found)


def document(text: str) -> str:
    """A root file with the lines given, its version and people first."""
    return f"version: 1\n{PEOPLE}\n{textwrap.dedent(text).strip()}\n"


def vault(settings: str, access: str = "policies") -> str:
    """A root file with one vault, `kv-one`, that has the settings given."""
    head = f"vaults:\n  kv-one:\n    access: {access}\n    location: westeurope\n    resource_group: rg\n"
    return document(head + textwrap.indent(textwrap.dedent(settings).strip(), "    "))


def write(folder: Path, text: str, files: Mapping[str, str] | None = None) -> Path:
    """Write a root file and others beside it."""
    root = folder / "dkv.yaml"
    root.write_text(text, encoding="utf-8")
    for name, inner in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(inner, encoding="utf-8")
    return root


def loaded(
    folder: Path,
    text: str,
    *,
    files: Mapping[str, str] | None = None,
    environment: str | None = None,
    variables: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    state: str | None = None,
) -> Document:
    """Load a root file, from its own folder."""
    write(folder, text, files)
    return load(
        Path("dkv.yaml"),
        environment=environment,
        variables=variables or {},
        environ=environ or {},
        state=state,
        cwd=folder,
    )


def refused(folder: Path, text: str, **options: object) -> tuple[Diagnostic, ...]:
    """The mistakes of a root file; each has a hint, and a source line where it has a place."""
    try:
        loaded(folder, text, **options)  # type: ignore[arg-type]
    except ConfigError as error:
        for each in error.diagnostics:
            assert each.hint
            assert each.detail
        return error.diagnostics
    raise AssertionError("the configuration loads")


def places(diagnostics: tuple[Diagnostic, ...]) -> list[Found]:
    """Code, line and column of diagnostics in the form of the marks."""
    return sorted((each.code, each.span.line, each.span.column) for each in diagnostics if each.span)
