"""Variables: `$(name)` in values, replaced once per file, before anything is merged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from declarative_kv.config.problem import Problem, choices
from declarative_kv.config.source import Source
from declarative_kv.config.tree import Map, Seq

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_USE = re.compile(r"\$\$\(|\$\(([^()\n]*)(\)?)")


@dataclass(frozen=True, slots=True)
class Variables:
    """The values of a run by name; `broken` names those that are declared but have no usable value."""

    values: Mapping[str, str]
    broken: frozenset[str] = frozenset()


def settle(declared: Map | None, given: Mapping[str, str]) -> tuple[Variables, list[Problem]]:
    """The variables that `vars` declares, each with its own uses replaced; what is given by the operator wins.

    `given` holds `env` too where an environment is chosen. A circle of variables is one problem.
    """
    problems: list[Problem] = []
    values: dict[str, str] = dict(given)
    raw = {key: value for key, value in (declared or Map(0)).items() if key not in given and value is not None}
    for name, value in list(raw.items()):
        if not isinstance(value, str):
            del raw[name]
            assert declared is not None
            detail = f"The variable `{name}` must be text."
            problems.append(Problem("wrong-type", detail, "Write a plain value.", declared.value_mark(name)))
    broken: set[str] = set()
    for name in raw:
        if name not in values and name not in broken:
            assert declared is not None
            _settle(name, (), raw, values, broken, declared, problems)
    return Variables(values, frozenset(broken)), problems


def _settle(
    name: str,
    above: tuple[str, ...],
    raw: Mapping[str, str],
    values: dict[str, str],
    broken: set[str],
    declared: Map,
    problems: list[Problem],
) -> None:
    """Settle what a variable uses, then the variable."""
    if name in above:
        circle = " → ".join(f"`{each}`" for each in (*above[above.index(name) :], name))
        detail = f"The variables use each other in a circle: {circle}."
        problems.append(Problem("variable-cycle", detail, "Give one of them a plain value.", declared.value_mark(name)))
        broken.add(name)
        return
    for used in (match[1] for match in _USE.finditer(raw[name]) if match[2]):
        if used in raw and used not in values and used not in broken:
            _settle(used, (*above, name), raw, values, broken, declared, problems)
    if name in broken:
        return
    text, found = replaced(raw[name], Variables({**values}, frozenset(broken)), declared.value_mark(name))
    problems.extend(found)
    if found or any(match[1] in broken for match in _USE.finditer(raw[name])):
        broken.add(name)
    else:
        values[name] = text


def replaced(text: str, variables: Variables, mark: int) -> tuple[str, list[Problem]]:
    """The text with its variables replaced; `$$(` becomes `$(`. What cannot be replaced stays and is a problem."""
    problems: list[Problem] = []

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$("
        if not match[2]:
            hint = "Close it as `$(name)`, or write `$$(` for a literal `$(`."
            problems.append(Problem("variable-syntax", f"`{match[0]}` has no closing bracket.", hint, mark))
        elif name in variables.values:
            return variables.values[name]
        elif name not in variables.broken:
            problems.append(_unknown(name, variables, mark))
        return match[0]

    return _USE.sub(value, text), problems


def _unknown(name: str, variables: Variables, mark: int) -> Problem:
    detail = f"Nothing gives `$({name})` a value: neither the environment's `vars` nor `--var`."
    if name == "env":
        return Problem("unknown-variable", "No environment is chosen, so `$(env)` has no value.", _ENV_HINT, mark)
    hint = choices(name, variables.values, what="variables")
    return Problem("unknown-variable", detail, f"{hint} A literal `$(` is written `$$(`.", mark)


_ENV_HINT = "Declare `environments` and choose one with `-e`."


def replace_all(source: Source, trees: Sequence[Map], variables: Variables) -> list[Problem]:
    """Replace the variables in every value of some trees of a file, in place; keys are left alone."""
    problems: list[Problem] = []
    if "$(" not in source.text:
        return problems
    # Aliases make one node stand in several places: it is replaced once, since `$$(` must not be read twice.
    seen: set[int] = set()
    pending: list[Any] = [*trees]
    while pending:
        here = pending.pop()
        if not isinstance(here, Map | Seq) or id(here) in seen:
            continue
        seen.add(id(here))
        places: Any = {key: each[1] for key, each in here.marks.items()} if isinstance(here, Map) else here.marks
        items: Any = here
        for key, value in here.items() if isinstance(here, Map) else enumerate(here):
            if not isinstance(value, str):
                pending.append(value)
            elif "$(" in value:
                items[key], found = replaced(value, variables, places[key])
                problems.extend(found)
    return problems
