"""Where in which file a setting stands, or would have to be written so that it counts for one entry alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

from declarative_kv.config.edits import Untouchable, is_variable
from declarative_kv.config.layout import Node, Path, Shape, keys_by_place, layout
from declarative_kv.config.loading import Loaded
from declarative_kv.config.source import unpack
from declarative_kv.config.tree import Map
from declarative_kv.model.address import Address

_COLLECTIONS: Mapping[str, str] = {
    "resource_group": "resource_groups",
    "vault": "vaults",
    "reader_role": "reader_roles",
    "role_assignment": "role_assignments",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A path in one file; `exists` is false where nothing is written there yet."""

    file: FilePath
    path: Path
    exists: bool = True


class Origins:
    """The files of one configuration, each laid out once."""

    def __init__(self, loaded: Loaded, environment: str | None) -> None:
        self.tree = loaded.tree
        self.root = loaded.files[0].source.path
        self._files = {one.source.number: one.source for one in loaded.files}
        self.layouts: dict[FilePath, Node] = {one.path: layout(one.text) for one in self._files.values()}
        self._keys = {number: keys_by_place(self.layouts[one.path]) for number, one in self._files.items()}
        # What several environments have in common must not be changed for one of them.
        self._environment = environment
        self._shared = environment if len(loaded.choice.names) > 1 else None

    def entry(self, address: Address) -> Path:
        """The path of an entry in the merged tree; raises `Untouchable` for an item of a list."""
        kind, vault, key = address.kind, address.container, address.key
        if not key:
            return (_COLLECTIONS[kind], vault)
        if kind == "secret":
            return ("vaults", vault, "secrets", key)
        if kind == "access_policy":
            own: Path = ("vaults", vault, "access_policies", key)
            return own if self._value(own) is not None else ("access_policies", key)
        raise Untouchable("it is an item of a list of roles")

    def place(self, path: Path) -> Place:
        """Where to write a setting of one entry: where it comes from, if it counts for nothing else there."""
        found = self._raw(path)
        if found is None:
            return self._beside(path)
        file, raw = found
        if raw[0] == "defaults":
            return self._own(path) if self._takers(path) > 1 or self._shared else Place(file, raw)
        if raw[0] == "environments":
            return Place(file, raw)
        if self._shared is not None:
            return self._variable(file, raw) or self._own(path)
        if raw != path:
            return self._own(path)
        return self._variable(file, raw) or Place(file, raw)

    def all_places(self, path: Path) -> list[Place]:
        """Every place that an entry is written at; where environments share it, the one place that takes it away."""
        if self._shared is not None:
            return [Place(self.root, ("environments", self._shared, *path), exists=False)]
        found = [(file, path) for file in self.layouts]
        found += [(self.root, ("environments", str(name), *path)) for name in self._environments()]
        return [Place(file, raw) for file, raw in found if self.layouts[file].at(raw) is not None]

    def _environments(self) -> list[str]:
        node = self.layouts[self.root].at(("environments",))
        return [key.text for key, _ in node.entries] if node is not None else []

    def _value(self, path: Path) -> object:
        here: object = self.tree
        for part in path:
            if not isinstance(here, Map) or part not in here:
                return None
            here = here[str(part)]
        return {} if here is None else here

    def _raw(self, path: Path) -> tuple[FilePath, Path] | None:
        """The file and the path in it of a key of the merged tree; None where nothing is written."""
        holder = self._value(path[:-1])
        if not isinstance(holder, Map) or path[-1] not in holder:
            return None
        number, line, column, _ = unpack(holder.key_mark(str(path[-1])))
        raw = self._keys[number].get((line, column))
        if raw is None:
            raise Untouchable("its place in the file cannot be told")
        return self._files[number].path, raw

    def _beside(self, path: Path) -> Place:
        """The place of what is not written: in the nearest map around it that is."""
        if self._shared is not None:
            return self._own(path)
        for depth in range(len(path) - 1, 1, -1):
            found = self._raw(path[:depth])
            if found is not None:
                file, raw = found
                return Place(file, (*raw, *path[depth:]), exists=False)
        return Place(self.root, path, exists=False)

    def _own(self, path: Path) -> Place:
        """The entry's own place, which wins over defaults and, for one environment, over what all share."""
        if self._shared is not None:
            return Place(self.root, ("environments", self._shared, *path), exists=False)
        found = self._raw(path[:2])
        assert found is not None, "an entry is written somewhere"
        file, raw = found
        return Place(file, (*raw, *path[2:]), exists=False)

    def _takers(self, path: Path) -> int:
        """How many entries have a setting from the very place that this one has it from."""
        mark = self._mark(path)
        collection = self.tree.get(str(path[0]))
        entries = collection if isinstance(collection, Map) else {}
        groups = self.tree.get("resource_groups") if path[0] == "vaults" else self.tree.get("vaults")
        others = groups if isinstance(groups, Map) else {}
        keys = [(path[0], key) for key in entries]
        keys += [("resource_groups" if path[0] == "vaults" else "vaults", key) for key in others]
        return sum(1 for each in keys if self._mark((*each, *path[2:])) == mark)

    def _mark(self, path: Path) -> int | None:
        holder = self._value(path[:-1])
        return holder.marks[str(path[-1])][1] if isinstance(holder, Map) and path[-1] in holder else None

    def _variable(self, file: FilePath, raw: Path) -> Place | None:
        """The definition of the variable that is all the setting says, where nothing else uses it."""
        node = self.layouts[file].at(raw)
        name = is_variable(node) if node is not None and node.shape is Shape.TEXT else None
        if name is None or self._uses(name) != 1:
            return None
        own: Path = ("environments", str(self._environment), "vars", name)
        places = (own,) if self._shared else (own, ("vars", name))
        there = (path for path in places if self.layouts[self.root].at(path) is not None)
        return next((Place(self.root, path) for path in there), None)

    def _uses(self, name: str) -> int:
        texts = [self._files[number].text for number in self._files]
        return sum(text.count(f"$({name})") for text in texts)
