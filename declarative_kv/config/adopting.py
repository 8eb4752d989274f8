"""Take what Azure holds into the YAML: edited texts, in which nothing but that has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from declarative_kv.config.edits import Untouchable, remove, set_value
from declarative_kv.config.layout import Path
from declarative_kv.config.loading import Loaded, Request, examine
from declarative_kv.config.origins import Origins, Place
from declarative_kv.model.address import Address
from declarative_kv.model.adoption import Come, Gone, Item, Moved
from declarative_kv.model.document import Document
from declarative_kv.model.errors import ConfigError
from declarative_kv.model.permissions import PERMISSIONS, TEMPLATES
from declarative_kv.model.roles import slug

Texts = Mapping[FilePath, str]


@dataclass(frozen=True, slots=True)
class Adopted:
    """The new texts by file; what is in them, with the files' names; and what is not, each with its reason."""

    texts: Texts
    done: tuple[tuple[Item, str], ...]
    refused: tuple[tuple[Item, str], ...]


def adopt(request: Request, items: Iterable[Item]) -> Adopted:
    """Write every item that can be written by itself into the files' texts. Nothing is saved."""
    loaded = examine(request)
    editor = _Editor(loaded, request)
    refused: list[tuple[Item, str]] = []
    done: list[tuple[Item, str]] = []
    for item in items:
        try:
            done.append((item, editor.write(item)))
        except Untouchable as reason:
            refused.append((item, str(reason)))
    if done and not editor.holds([item for item, _ in done]):
        return _one_by_one(loaded, request, [item for item, _ in done], refused)
    return Adopted(editor.changed(), tuple(done), tuple(refused))


def _one_by_one(loaded: Loaded, request: Request, items: list[Item], refused: list[tuple[Item, str]]) -> Adopted:
    """The same where the items together cannot stand: each is tried on top of those that could."""
    editor, done = _Editor(loaded, request), list[tuple[Item, str]]()
    for item in items:
        before = dict(editor.texts)
        where = editor.write(item)
        if editor.holds([*(one for one, _ in done), item]):
            done.append((item, where))
        else:
            editor.texts = before
            refused.append((item, "something else would change, or the file would not load"))
    return Adopted(editor.changed(), tuple(done), tuple(refused))


class _Editor:
    """The texts of one configuration while they are edited."""

    def __init__(self, loaded: Loaded, request: Request) -> None:
        self._loaded, self._request = loaded, request
        self._origins = Origins(loaded, request.environment)
        self._before = {one.source.path: one.source.text for one in loaded.files}
        self._names = {one.source.path: one.source.name for one in loaded.files}
        self._others = self._other_environments({})
        self.texts = dict(self._before)

    def changed(self) -> Texts:
        """The texts that are not as they were."""
        return {path: text for path, text in self.texts.items() if text != self._before[path]}

    def write(self, item: Item) -> str:
        """Edit the texts for one item, or leave them and raise `Untouchable`; gives the file's name."""
        texts, before = dict(self.texts), self.texts
        self.texts = texts
        try:
            match item:
                case Moved(address=at, path=path, value=value):
                    where = self._permissions(at, value) if not path else self._setting(at, path, value)
                case Gone(address=at):
                    where = self._gone(at)
                case _:
                    where = self._come(item)
        except Untouchable:
            self.texts = before
            raise
        return self._names[where.file]

    def holds(self, items: Iterable[Item]) -> bool:
        """Whether the texts load, say what the items say, and say nothing else that they did not say before."""
        items = tuple(items)
        try:
            after = examine(replace(self._request, texts=self.changed())).document
        except ConfigError:
            return False
        touched = _touched(self._loaded.document, items)
        same = rest(self._loaded.document, touched) == rest(after, touched)
        return (
            same
            and all(_is_said(after, item) for item in items)
            and self._others == self._other_environments(self.changed())
        )

    def _other_environments(self, texts: Texts) -> dict[str, Any]:
        """What the other environments say; nothing of one that cannot be loaded without further variables."""
        found: dict[str, Any] = {}
        for name in self._loaded.choice.names:
            if name == self._request.environment:
                continue
            try:
                found[name] = rest(examine(replace(self._request, environment=name, texts=texts)).document, frozenset())
            except ConfigError:
                found[name] = None
        return found

    def _set(self, place: Place, value: Any) -> Place:
        self.texts[place.file] = set_value(self.texts[place.file], place.path, value)
        return place

    def _unset(self, path: Path) -> Place:
        """Take a setting away, wherever it comes from."""
        place = self._origins.place(path)
        if place.exists:
            self.texts[place.file] = remove(self.texts[place.file], place.path)
            return place
        return self._set(place, None)

    def _setting(self, at: Address, path: tuple[str, ...], value: Any) -> Place:
        if path == ("access",):
            raise Untouchable("the access model decides what may stand below the vault, so it is changed by hand")
        full = (*self._origins.entry(at), *path)
        written = list(value) if isinstance(value, tuple) else value
        return self._unset(full) if written is None else self._set(self._origins.place(full), written)

    def _permissions(self, at: Address, live: Mapping[str, tuple[str, ...]]) -> Place:
        """An access policy's permissions, with as much of its template as still fits."""
        entry = self._policy(at)
        template, kept = _fitting(self._written(entry, "template"), live)
        place: Place | None = None
        if template is not None and template != self._written(entry, "template"):
            place = self._set(self._origins.place((*entry, "template")), template)
        elif template is None and self._written(entry, "template") is not None:
            place = self._unset((*entry, "template"))
        for kind, words in kept.items():
            if words and set(words) != set(self._listed(entry, kind)):
                place = self._set(self._origins.place((*entry, kind)), list(words))
            elif not words and self._written(entry, kind) is not None:
                place = self._unset((*entry, kind))
        return place or self._origins.place(entry)

    def _policy(self, at: Address) -> Path:
        """The path of an access policy that is for this vault alone."""
        entry = self._origins.entry(at)
        on_many = entry[0] == "access_policies"
        same = [one for one in self._loaded.document.resources if one.kind == at.kind and one.key == at.key]
        if on_many and len(same) > 1:
            raise Untouchable(f"it is one grant on {len(same)} vaults")
        return entry

    def _written(self, entry: Path, name: str) -> Any:
        here: Any = self._origins.tree
        for part in (*entry, name):
            here = here.get(part) if isinstance(here, Mapping) else None
        return here

    def _listed(self, entry: Path, kind: str) -> list[str]:
        return [word.lower() for word in self._written(entry, kind) or ()]

    def _gone(self, at: Address) -> Place:
        if at.kind == "role_assignment" and at.key:
            return self._role_gone(at)
        entry = self._policy(at) if at.kind == "access_policy" else self._origins.entry(at)
        places = self._origins.all_places(entry)
        for place in places:
            if place.exists:
                self.texts[place.file] = remove(self.texts[place.file], place.path)
            else:
                self._set(place, None)
        return places[0]

    def _role_gone(self, at: Address) -> Place:
        """One role of a principal's list, at a vault or at a secret."""
        vault, *inner, who, role = at.path.split("/")
        below: Path = ("secrets", inner[0]) if inner else ()
        path: Path = ("vaults", vault, *below, "roles", who)
        left = [name for name in self._written(path[:-1], who) or () if slug(name) != role]
        return self._set(self._origins.place(path), left) if left else self._unset(path)

    def _come(self, item: Come) -> Place:
        for key, entry in item.principals.items():
            root = self._origins.root
            if self._origins.layouts[root].at(("principals", key)) is None:
                self._set(Place(root, ("principals", key), exists=False), dict(entry))
        return self._set(self._origins.place(item.path), dict(item.entry))


def _fitting(written: str | None, live: Mapping[str, tuple[str, ...]]) -> tuple[str | None, dict[str, tuple[str, ...]]]:
    """The template to keep or to write, and what stands beside it."""
    granted = {kind: frozenset(words) for kind, words in live.items() if words}
    if written is not None:
        exact = [name for name, template in TEMPLATES.items() if dict(template) == granted]
        template = exact[0] if len(exact) == 1 else written
        base = TEMPLATES[template]
        if all(words <= granted.get(kind, frozenset()) for kind, words in base.items()):
            return template, {
                kind: tuple(sorted(frozenset(live[kind]) - base.get(kind, frozenset()))) for kind in PERMISSIONS
            }
    return None, {kind: tuple(live[kind]) for kind in PERMISSIONS}


def _touched(document: Document, items: Iterable[Item]) -> frozenset[Address]:
    """The addresses that the items are about, with a vault what lies below it."""
    named = {item.address for item in items}
    vaults = {item.address.path for item in items if isinstance(item, Gone) and item.address.kind == "vault"}
    return frozenset(named | {at for at in document.resources if at.key and at.container in vaults})


def rest(document: Document, touched: frozenset[Address]) -> dict[Address, Any]:
    """Every other entry, as far as it counts."""
    return {
        at: (one.spec, getattr(one.spec, "source", None), one.lifecycle, one.depends_on)
        for at, one in document.resources.items()
        if at not in touched
    }


def _is_said(document: Document, item: Item) -> bool:
    """Whether the YAML says now what the item says."""
    found = document.resources.get(item.address)
    match item:
        case Gone():
            return found is None
        case Come():
            return found is not None
        case Moved(path=(), value=live):
            return found is not None and all(getattr(found.spec, kind) == tuple(sorted(live[kind])) for kind in live)
    return found is not None and _at(found.spec, item.path) == item.value


def _at(spec: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if spec is None:
            return None
        spec = spec.get(part) if isinstance(spec, Mapping) else getattr(spec, part)
    return spec
