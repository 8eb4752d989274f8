"""How several trees become one: an environment over the root file, included files beside it, defaults under entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from declarative_kv.config.files import Parsed
from declarative_kv.config.problem import Problem, nearest
from declarative_kv.config.source import Sources
from declarative_kv.config.tree import Map
from declarative_kv.model.diagnostic import Severity

GRANTS = ("access_policies", "reader_roles", "role_assignments")
REFACTORINGS = ("moved", "removed")
COLLECTIONS = ("resource_groups", "vaults", *GRANTS, *REFACTORINGS)
INCLUDABLE = ("defaults", *COLLECTIONS)
DEFAULTABLE = frozenset(
    (
        "access",
        "enabled_for",
        "location",
        "network",
        "others",
        "protect",
        "purge_protection",
        "resource_group",
        "retention_days",
        "sku",
        "subscription",
        "tags",
    )
)
"""What `defaults` may hold: the settings of a vault that are the same for many."""
_FOR_GROUPS = frozenset(("location", "tags", "subscription", "protect"))
_FOR_EXISTING = frozenset(("subscription", "others"))
_REPLACED_WHOLE = frozenset(("value_from",))


@dataclass(slots=True)
class Assembly:
    """All files as one tree. `homes` maps (collection, key) to the number of the file whose defaults count for it."""

    tree: Map
    defaults: dict[int, Map]
    homes: dict[tuple[str, str], int]


def overlay(base: Map, over: Map, path: str = "") -> tuple[Map, list[Problem]]:
    """`base` with `over` on top: maps merge, lists and scalars replace, null removes. Both stay as they are."""
    merged = base.copy()
    problems: list[Problem] = []
    for key, value in over.items():
        below = base.get(key)
        if value is None:
            if key in base:
                merged.drop(key)
            else:
                problems.append(_nothing_removed(key, base, over))
        elif isinstance(value, Map) and isinstance(below, Map) and key not in _REPLACED_WHOLE:
            inner, found = overlay(below, value, f"{path}{key}.")
            merged.put(key, inner, base.marks[key])
            problems.extend(found)
        else:
            merged.put(key, value, over.marks[key])
    return merged, problems


def _nothing_removed(key: str, base: Map, over: Map) -> Problem:
    close = nearest(key, base)
    hint = f"Did you mean `{close}`?" if close else "Take the line out."
    detail = f"`{key}` is not set below the environment, so there is nothing to remove."
    return Problem("nothing-removed", detail, hint, over.key_mark(key), severity=Severity.WARNING)


def assemble(root: Parsed, included: Iterable[Parsed], sources: Sources) -> tuple[Assembly, list[Problem]]:
    """The root's tree with the entries of the included files among its own."""
    tree = root.tree.copy()
    problems: list[Problem] = []
    homes: dict[tuple[str, str], int] = {}
    defaults: dict[int, Map] = {}
    for name in COLLECTIONS:
        if isinstance(tree.get(name), Map):
            tree[name] = tree[name].copy()
    for file in (root, *included):
        number = file.source.number
        if isinstance(file.tree.get("defaults"), Map):
            defaults[number] = file.tree["defaults"]
        if number != root.source.number:
            problems.extend(_misplaced(file, root))
            problems.extend(_take(file, tree, sources))
        for name in COLLECTIONS:
            for key in _entries(file.tree, name):
                homes.setdefault((name, key), number)
    return Assembly(tree, defaults, homes), problems


def _entries(tree: Map, collection: str) -> Iterable[str]:
    entries = tree.get(collection)
    return entries if isinstance(entries, Map) else ()


def _misplaced(file: Parsed, root: Parsed) -> list[Problem]:
    allowed = ", ".join(f"`{name}`" for name in INCLUDABLE)
    problems = []
    for key in file.tree:
        if key in INCLUDABLE:
            continue
        close = nearest(key, INCLUDABLE)
        hint = f"Did you mean `{close}`?" if close else f"Move it to {root.source.name}."
        detail = f"`{key}` does not belong in an included file; it may hold {allowed}."
        problems.append(Problem("misplaced-setting", detail, hint, file.tree.key_mark(key)))
    return problems


def _take(file: Parsed, tree: Map, sources: Sources) -> list[Problem]:
    """Put a file's entries into the tree; the same key twice is a problem that names both places."""
    problems: list[Problem] = []
    for name in COLLECTIONS:
        entries = file.tree.get(name)
        if entries is None:
            continue
        present = tree.get(name)
        if not isinstance(entries, Map):
            detail = f"`{name}` must be a map from keys to settings."
            problems.append(Problem("wrong-type", detail, "Write `KEY: {…}`.", file.tree.value_mark(name)))
            continue
        if not isinstance(present, Map):
            present = Map(entries.at)
            tree.put(name, present, file.tree.marks[name])
        for key, value in entries.items():
            if key in present:
                first = sources.span(present.key_mark(key))
                detail = f"`{name}.{key}` is declared at {first} already."
                problems.append(Problem("duplicate-address", detail, "Rename or remove one.", entries.key_mark(key)))
            else:
                present.put(key, value, entries.marks[key])
    return problems


def with_defaults(assembly: Assembly, root: int) -> Map:
    """The tree with each group's and vault's missing settings taken from the defaults of its own file.

    Tags are united key by key. What exists already takes only what tells where it is and how it is watched.
    """
    tree = assembly.tree.copy()
    for name in ("resource_groups", "vaults"):
        entries = tree.get(name)
        if not isinstance(entries, Map):
            continue
        filled = entries.copy()
        for key, entry in entries.items():
            defaults = assembly.defaults.get(assembly.homes.get((name, key), root))
            if defaults and (entry is None or isinstance(entry, Map)):
                base = Map(entries.value_mark(key)) if entry is None else entry
                filled[key] = _filled(base, defaults, _applicable(name, base))
        tree[name] = filled
    return tree


def _applicable(collection: str, entry: Mapping[str, object]) -> frozenset[str]:
    """The defaults that count for an entry."""
    names = DEFAULTABLE if collection == "vaults" else _FOR_GROUPS
    exists = str(entry.get("existing", "")).lower() in ("true", "yes", "on")
    return names & _FOR_EXISTING if exists else names


def _filled(entry: Map, defaults: Map, applicable: frozenset[str]) -> Map:
    filled = entry.copy()
    for key, value in defaults.items():
        if key not in applicable:
            continue
        if key not in entry:
            filled.put(key, value, defaults.marks[key])
        elif key == "tags" and isinstance(value, Map) and isinstance(entry[key], Map):
            filled[key], _ = overlay(value, entry[key])
    return filled
