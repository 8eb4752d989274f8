"""Check a tree against the schema; every mistake becomes a problem with its place, and the rest stays usable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from declarative_kv.config.problem import MAX_PROBLEMS, SUMMARIES, Problem, choices
from declarative_kv.config.schema import SOURCE_HINT
from declarative_kv.config.tree import Map, Seq

M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

_BRIEF = {"include_url": False, "include_input": False}


Unfit = ValidationError
"""What a model raises where a tree does not fit it."""


class Overwhelmed(Exception):
    """So many mistakes that nothing else is worth checking; carries the first of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


_NEEDED = {
    "model_type": ("a map of settings", "Write `{key: value}`, or indented lines of `key: value`."),
    "dict_type": ("a map", "Write `{key: value}`, or indented lines of `key: value`."),
    "list_type": ("a list", "Write `[item, item]`, or indented lines that start with `- `."),
    "string_type": ("one plain value", "Write a text on the same line."),
    "bool_type": ("true or false", "Write `true` or `false`."),
    "int_type": ("a whole number", "Write digits only."),
    "datetime_type": ("a date", "Write `2027-06-30` (00:00 UTC) or `2027-06-30T12:00:00Z`."),
}


def validate(tree: Map, model: type[M], before_change: Callable[[], None]) -> tuple[M, list[Problem], frozenset[Path]]:
    """The tree as a model, its problems, and the paths that had one and were taken out of the tree (in place).

    An entry that is no map becomes an empty one, so that what refers to it still finds it. `before_change` is called
    before the tree is changed, so that what must not be shown can be found in it.
    """
    problems: list[Problem] = []
    broken: set[Path] = set()
    while True:
        try:
            return model.model_validate(tree), problems, frozenset(broken)
        except ValidationError as error:
            before_change()
            # Each round takes out what failed; a second round can fail only where a converter hid a deeper mistake.
            if error.error_count() > MAX_PROBLEMS:
                raise Overwhelmed([*problems, *_first(tree, model, error)]) from error
            errors = [(_existing(tree, found["loc"]), found) for found in error.errors(**_BRIEF)]
            problems += [_problem(tree, model, place, found) for place, found in errors]
            broken |= {_take_out(tree, place, found["type"]) for place, found in errors}


def _first(tree: Map, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    listed = error.errors(**_BRIEF)[: MAX_PROBLEMS + 1]
    return [_problem(tree, model, _existing(tree, found["loc"]), found) for found in listed]


def unknown_keys(tree: Map, model: type[BaseModel]) -> list[Problem]:
    """Only the keys that the model does not know; for parts whose values are not final."""
    try:
        model.model_validate(tree)
    except ValidationError as error:
        return [
            _problem(tree, model, found["loc"], found)
            for found in error.errors(**_BRIEF)
            if found["type"] == "extra_forbidden"
        ]
    return []


def _existing(tree: Map, loc: Path) -> Path:
    """The longest part of a location that is in the tree: converters may have added the rest."""
    here: Any = tree
    for depth, part in enumerate(loc):
        if not isinstance(here, Seq) and part not in (here or ()):
            return loc[:depth]
        here = here[part]
    return loc


def _parent(tree: Map, place: Path) -> Any:
    here: Any = tree
    for part in place[:-1]:
        here = here[part]
    return here


def _take_out(tree: Map, place: Path, kind: str) -> Path:
    """Remove what is wrong; of a list the whole, since the rest of it would mean something else."""
    if _existing(tree, place) != place:
        return place  # gone already, with what it stood in or through an alias of it
    while isinstance(_parent(tree, place), Seq):
        place = place[:-1]
    parent, key = _parent(tree, place), place[-1]
    if kind == "model_type" and isinstance(parent, Map):
        parent[str(key)] = Map(parent.value_mark(str(key)))
    else:
        parent.drop(key)
    return place


def _problem(tree: Map, model: type[BaseModel], place: Path, found: Any) -> Problem:
    parent, key = _parent(tree, place), place[-1]
    value = parent[key]
    place_of = parent.marks[key]
    at_value = place_of[1] if isinstance(place_of, tuple) else place_of
    kind, context = found["type"], found.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(model, place, place_of[0])
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", context["expected"])
        detail = f"`{value}` is none of {_listed(allowed)}." if isinstance(value, str) else "A word is needed here."
        return Problem("not-one-of", detail, choices(str(value), allowed, what="values"), at_value)
    if kind in SUMMARIES:
        return Problem(kind, context["detail"], context["hint"], at_value)
    if kind == "model_type" and isinstance(value, str) and _at(model, place).__name__ == "Secret":
        return Problem("value-in-yaml", _NO_VALUES, f"{_COMMITTED} {SOURCE_HINT}", at_value)
    needed, hint = _NEEDED[kind]
    return Problem("wrong-type", f"`{key}` needs {needed}, not {_shape(value)}.", hint, at_value)


_NO_VALUES = "Values never stand in the YAML, since it is kept under version control."
_COMMITTED = "If it was ever committed, change the value."


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _shape(value: Any) -> str:
    if isinstance(value, Map):
        return "a map"
    if isinstance(value, Seq):
        return "a list"
    return "nothing" if value is None else "a plain value"


def _unknown(model: type[BaseModel], place: Path, mark: int) -> Problem:
    key = str(place[-1])
    owner = _at(model, place[:-1])
    if key == "value" and owner.__name__ in ("Secret", "ValueFrom"):
        return Problem("value-in-yaml", _NO_VALUES, f"{_COMMITTED} {SOURCE_HINT}", mark)
    known = _fields(owner)
    detail = f"`{key}` is not a setting of this place."
    return Problem("unknown-key", detail, choices(key, known, what="settings"), mark)


def _fields(model: type[BaseModel]) -> Mapping[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _at(model: type[BaseModel], place: Path) -> type[BaseModel]:
    """The model of the map at a place."""
    here: Any = model
    for part in place:
        here = _plain(here)
        here = get_args(here)[-1] if get_origin(here) in (dict, list) else _fields(here)[str(part)]
    found: type[BaseModel] = _plain(here)
    return found


def _plain(annotation: Any) -> Any:
    """An annotation without `Annotated` and without `| None`."""
    while True:
        if get_origin(annotation) is Annotated or get_origin(annotation) in (Union, UnionType):
            annotation = get_args(annotation)[0]
        else:
            return annotation
