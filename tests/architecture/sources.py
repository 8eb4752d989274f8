"""The package's own sources, as the tests of its architecture read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "declarative_kv"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, str]:
    """The text of every module, by its path below the project."""
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of every module, by its path below the project."""
    return {name: ast.parse(text) for name, text in modules().items()}


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))
