"""Variables: `$(name)` in values, replaced once per file, before anything is merged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from declarative_kv.config.problem import Problem, choices
from declarative_kv.config.source import Source
from declarative_kv.config.tree import Map, Seq

_USE = re.compile(r"\$\$\(|\$\(([^()\n]*)(\)?)")


@dataclass(frozen=True, slots=True)
class Variables:
    """The values of a run by name; `broken` names those that are declared but have no usable value."""

    values: Mapping[str, str]
    broken: frozenset[str] = frozenset()


def settle(declared: Map | None, given: Mapping[str, str]) -> tuple[Variables, list[Problem]]:
    """The variables that `vars` declares, each with its own uses replaced; what is given by the operator wins.

    `given` holds `env` too where an environment is chosen. A circle of variables is one problem. What is no text is
    left to the schema to report.
    """
    raw = Map(0) if declared is None else declared.copy()
    values: dict[str, str] = dict(given)
    broken = {name for name, value in raw.items() if not isinstance(value, str | None)}
    for name in [name for name, value in raw.items() if name in given or name in broken or value is None]:
        raw.drop(name)
    problems: list[Problem] = []
    for name in raw:
        if name not in values and name not in broken:
            _settle(name, (), raw, values, broken, problems)
    return Variables(values, frozenset(broken)), problems


def _settle(
    name: str,
    above: tuple[str, ...],
    raw: Map,
    values: dict[str, str],
    broken: set[str],
    problems: list[Problem],
) -> None:
    """Settle what a variable uses, then the variable."""
    if name in above:
        circle = " → ".join(f"`{each}`" for each in (*above[above.index(name) :], name))
        detail = f"The variables use each other in a circle: {circle}."
        problems.append(Problem("variable-cycle", detail, "Give one of them a plain value.", raw.value_mark(name)))
        broken.add(name)
        return
    for used in (match[1] for match in _USE.finditer(raw[name]) if match[2]):
        if used in raw and used not in values and used not in broken:
            _settle(used, (*above, name), raw, values, broken, problems)
    if name in broken:
        return
    text, found, settled = replaced(raw[name], Variables(values, frozenset(broken)), raw.value_mark(name))
    problems.extend(found)
    if settled:
        values[name] = text
    else:
        broken.add(name)


def replaced(text: str, variables: Variables, mark: int) -> tuple[str, list[Problem], bool]:
    """The text with its variables replaced, problems, and whether all could be replaced; `$$(` becomes `$(`.

    What cannot be replaced stays. A variable that is broken is no second problem.
    """
    problems: list[Problem] = []
    settled = True

    def value(match: re.Match[str]) -> str:
        nonlocal settled
        name = match[1]
        if name is None:
            return "$("
        if match[2] and name in variables.values:
            return variables.values[name]
        settled = False
        if not match[2]:
            hint = "Close it as `$(name)`, or write `$$(` for a literal `$(`."
            problems.append(Problem("variable-syntax", f"`{match[0]}` has no closing bracket.", hint, mark))
        elif name not in variables.broken:
            problems.append(_unknown(name, variables, mark))
        return match[0]

    return _USE.sub(value, text), problems, settled


def _unknown(name: str, variables: Variables, mark: int) -> Problem:
    detail = f"Nothing gives `$({name})` a value: neither the environment's `vars` nor `--var`."
    if name == "env":
        return Problem("unknown-variable", "No environment is chosen, so `$(env)` has no value.", _ENV_HINT, mark)
    hint = choices(name, variables.values, what="variables")
    return Problem("unknown-variable", detail, f"{hint} A literal `$(` is written `$$(`.", mark)


_ENV_HINT = "Declare `environments` and choose one with `-e`."


def replace_all(source: Source, trees: Sequence[Map], variables: Variables) -> tuple[list[Problem], set[int]]:
    """Replace the variables in every value of some trees of a file, in place; keys are left alone.

    Returns the problems, and the marks of the values that could not be settled: what else is wrong with them is
    nobody's concern.
    """
    problems: list[Problem] = []
    unsettled: set[int] = set()
    # Aliases make one node stand in several places: it is replaced once, since `$$(` must not be read twice.
    seen: set[int] = set()
    pending: list[Any] = [*trees] if "$(" in source.text else []
    while pending:
        here = pending.pop()
        if not isinstance(here, Map | Seq) or id(here) in seen:
            continue
        seen.add(id(here))
        for key, value, mark in _items(here):
            if not isinstance(value, str):
                pending.append(value)
            elif "$(" in value:
                here[key], found, settled = replaced(value, variables, mark)
                problems.extend(found)
                if not settled:
                    unsettled.add(mark)
    return problems, unsettled


def _items(node: Map | Seq) -> Iterable[tuple[Any, Any, int]]:
    """Key or index, value and place of everything in a map or list."""
    if isinstance(node, Map):
        return [(key, value, node.marks[key][1]) for key, value in node.items()]
    return [(index, value, node.marks[index]) for index, value in enumerate(node)]
