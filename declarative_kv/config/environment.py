"""The choice of an environment: which part of the root file counts for this run."""

from __future__ import annotations

from dataclasses import dataclass

from declarative_kv.config.draft import KEY
from declarative_kv.config.files import Parsed
from declarative_kv.config.merge import overlay
from declarative_kv.config.problem import Problem, choices
from declarative_kv.config.schema import Settings
from declarative_kv.config.tree import Map
from declarative_kv.config.validate import unknown_keys

_ROOT_ONLY = ("version", "include", "environments", "moved", "removed")


@dataclass(frozen=True, slots=True)
class Choice:
    """The root file without its environments, and the chosen one to lay over it.

    `settled` is false where no environment can be told, so that nothing else can be judged. `at` is the place of
    `environments`.
    """

    body: Map
    over: Map
    names: tuple[str, ...]
    settled: bool
    at: int
    problems: tuple[Problem, ...] = ()

    @property
    def variables(self) -> Map | None:
        """The variables of the root file with those of the environment on top."""
        base, over = self.body.get("vars"), self.over.get("vars")
        if not isinstance(over, Map):
            return base if isinstance(base, Map) else None
        return overlay(base, over)[0] if isinstance(base, Map) else over


def choose(root: Parsed, name: str | None) -> Choice:
    """Split the root file by the environment that is asked for."""
    tree = root.tree
    at = tree.key_mark("environments")
    declared = tree.get("environments")
    body = tree.copy()
    if "environments" in body:
        body.drop("environments")
    nothing = Map(at)
    if declared is not None and not isinstance(declared, Map):
        problem = Problem("wrong-type", "`environments` needs a map.", "Write `NAME: {vars: {…}}`.", at)
        return Choice(body, nothing, (), name is None, at, (problem,))
    environments = declared or nothing
    problems = [problem for key in environments for problem in _checked(environments, key)]
    names = tuple(sorted(environments))
    chosen = _chosen(environments, name, at)
    if isinstance(chosen, Problem):
        return Choice(body, nothing, names, False, at, (*problems, chosen))
    return Choice(body, chosen, names, True, at, tuple(problems))


def _chosen(environments: Map, name: str | None, at: int) -> Map | Problem:
    listed = ", ".join(f"`{each}`" for each in sorted(environments))
    if name is None:
        if not environments:
            return Map(at)
        first = min(environments)
        return Problem("environment-required", f"The file declares {listed}.", f"Choose one, as in `-e {first}`.", at)
    if name not in environments:
        hint = choices(name, environments, what="environments")
        return Problem(
            "unknown-environment", f"`{name}` is not under `environments`.", hint, at if environments else None
        )
    found = environments[name]
    if not isinstance(found, Map):
        return Map(environments.value_mark(name))
    over = found.copy()
    for key in _ROOT_ONLY:
        if key in over:
            over.drop(key)
    return over


def _checked(environments: Map, key: str) -> list[Problem]:
    """What is wrong with an environment whether it is chosen or not: its name, its shape, keys that nobody knows."""
    over = environments[key]
    problems = []
    if KEY.fullmatch(key) is None:
        hint = "Use letters, digits, `-`, `_` and `.`."
        problems.append(
            Problem("invalid-key", f"`{key}` cannot name an environment.", hint, environments.key_mark(key))
        )
    if over is None:
        return problems
    if not isinstance(over, Map):
        detail = f"`{key}` needs a map of settings."
        return [*problems, Problem("wrong-type", detail, "Write `{vars: {…}}`.", environments.value_mark(key))]
    for name in _ROOT_ONLY:
        if name in over:
            detail = f"`{name}` is the same for all environments."
            problems.append(Problem("misplaced-setting", detail, "Move it to the top level.", over.key_mark(name)))
    return [*problems, *unknown_keys(_without(over), Settings)]


def _without(over: Map) -> Map:
    kept = over.copy()
    for name in _ROOT_ONLY:
        if name in kept:
            kept.drop(name)
    return kept
