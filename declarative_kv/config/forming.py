"""Files brought into the canonical layout, and the proof that each still says what it said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from declarative_kv.config.files import Parsed, open_included, open_root
from declarative_kv.config.form import formed
from declarative_kv.config.hidden import slipped_in
from declarative_kv.config.loading import refusal
from declarative_kv.config.problem import Problem
from declarative_kv.config.source import Source, Sources, pack
from declarative_kv.config.tree import Map, Seq, parse
from declarative_kv.model.diagnostic import Severity

_VARIABLE = re.compile(r"\$\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Formed:
    """One file: where it is, what people call it, its text as it is and as it should be."""

    path: Path
    name: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after

    def diff(self) -> Iterator[str]:
        """The lines of a unified diff."""
        return unified_diff(self.before.splitlines(), self.after.splitlines(), self.name, self.name, lineterm="")


def formed_files(paths: Iterable[Path], cwd: Path, *, including: bool, shown: bool) -> tuple[Formed, ...]:
    """Each file once; a folder means its `dkv.yaml` and what that includes, and so does a file if `including`.

    `shown` says that the lines will be: then a file with what may be a secret's value in it is a mistake. Raises
    `ConfigError` with every mistake; values of variables do not count, so an include with one means all that match.
    """
    sources = Sources()
    problems: list[Problem] = []
    found: dict[Path, Parsed] = {}
    for path in paths:
        for parsed in _opened(path, cwd, sources, problems, including=including):
            found.setdefault(parsed.source.path.resolve(), parsed)
    made = [
        Formed(one.source.path, one.source.name, one.source.text, formed(one.source.text)) for one in found.values()
    ]
    for one, file in zip(found.values(), made, strict=True):
        problems += doubts(one.source, file.after) if file.differs else ()
    if shown:
        problems += [_value(mark) for one in found.values() for tree in one.trees for mark in slipped_in(tree)]
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise refusal(errors, sources, [tree for one in found.values() for tree in one.trees])
    return tuple(made)


def _opened(path: Path, cwd: Path, sources: Sources, problems: list[Problem], *, including: bool) -> list[Parsed]:
    root, found = open_root(path, cwd, sources)
    problems += found
    if root is None:
        return []
    if not (including or (cwd / path).is_dir()):
        return [root]
    tree = root.tree.copy()
    if isinstance(tree.get("include"), Seq):
        tree["include"] = _any_value(tree["include"])
    included, found = open_included(Parsed(root.source, tree), sources)
    problems += found
    return [root, *included]


def _any_value(patterns: Seq) -> Seq:
    """The patterns with anything in the place of a variable."""
    made = Seq(patterns.at)
    made += [_VARIABLE.sub("*", one) if isinstance(one, str) else one for one in patterns]
    made.marks += patterns.marks
    return made


def doubts(source: Source, after: str) -> Iterator[Problem]:
    """A problem where another text does not say what the file says."""
    if not says_the_same(source.text, after):
        detail = f"Another layout of {source.name} would say something else."
        yield Problem("not-formatted", detail, "Lay it out by hand.", pack(source.number, 0, 0, 1))


def says_the_same(before: str, after: str) -> bool:
    """Whether two texts hold the same keys in the same order, and the same values."""
    one, other = (parse(Source(0, Path(), "", text)) for text in (before, after))
    return _same(one[0], other[0]) and not other[1]


def _same(before: Any, after: Any) -> bool:
    pending: list[tuple[Any, Any]] = [(before, after)]
    seen: set[tuple[int, int]] = set()
    while pending:
        one, other = pending.pop()
        if isinstance(one, Map) and isinstance(other, Map):
            if list(one) != list(other):
                return False
            if (id(one), id(other)) not in seen:
                seen.add((id(one), id(other)))
                pending += zip(one.values(), other.values(), strict=True)
        elif isinstance(one, Seq) and isinstance(other, Seq):
            if len(one) != len(other):
                return False
            pending += zip(one, other, strict=True)
        elif one != other:
            return False
    return True


def _value(mark: int) -> Problem:
    detail = "This may be a secret's value, so no line of the file is shown."
    return Problem("value-in-yaml", detail, "Take it out of the file, and write `value_from`.", mark)
