"""The document while it is being built: what was found so far, and the checks that all kinds of entries share."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, TypeVar

from declarative_kv.config.claims import Ignored
from declarative_kv.config.problem import MAX_PROBLEMS, Problem, choices
from declarative_kv.config.schema import Common, Root
from declarative_kv.config.source import Places, Sources
from declarative_kv.config.tree import Map
from declarative_kv.config.validate import Overwhelmed, Path
from declarative_kv.model.address import Address
from declarative_kv.model.lint import RULES
from declarative_kv.model.refs import SubscriptionRef
from declarative_kv.model.resource import Importing, Lifecycle, OtherPolicy, Resource
from declarative_kv.model.roles import GUID

KEY = re.compile(r"[^\s/\[\]{}\"'`*?=,$()#\\\x00-\x1f\x7f]{1,127}")
T = TypeVar("T")
_NOT_IGNORABLE = frozenset(("tenant", "version", "source", "value"))


@dataclass(slots=True)
class Draft:
    """Everything that builders read, and what they add to.

    `grants` maps what makes two grants one to the address of the first. `shared_key` is the secret that holds the
    fingerprint key of all vaults, where the YAML names one.
    """

    settings: Root
    tree: Map
    sources: Sources
    broken: frozenset[Path]
    subscriptions: Mapping[str, str]
    resources: dict[Address, Resource] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    grants: dict[tuple[object, ...], Address] = field(default_factory=dict)
    shared_key: Address | None = None
    fingerprint_off: bool = False
    moved: dict[Address, Address] = field(default_factory=dict)
    removed: frozenset[Address] = frozenset()
    ignored: dict[Address | None, Mapping[str, str]] = field(default_factory=dict)
    _shared: dict[Any, Any] = field(default_factory=dict)

    def shared(self, key: Hashable, value: T) -> T:
        """The first value of that key: of what many entries say alike there is one in memory."""
        first: T = self._shared.setdefault(key, value)
        return first

    def report(self, code: str, detail: str, hint: str, mark: int | None, address: Address | None = None) -> None:
        """Add a problem. Raises `Overwhelmed` when there are too many to go on."""
        self.problems.append(Problem(code, detail, hint, mark, address))
        if len(self.problems) > MAX_PROBLEMS:
            raise Overwhelmed(self.problems)

    def is_broken(self, *path: str) -> bool:
        """Whether a problem was found at the path or above it, so that what is missing there is no second one."""
        return bool(self.broken) and any(path[:depth] in self.broken for depth in range(1, len(path) + 1))

    def is_touched(self, *path: str) -> bool:
        """Whether a problem was found at the path, above or below it."""
        return self.is_broken(*path) or any(each[: len(path)] == path for each in self.broken)

    def add(self, resource: Resource, mark: int) -> bool:
        """Add a resource; False where its address is taken, which is a problem."""
        first = self.resources.get(resource.address)
        if first is None:
            self.resources[resource.address] = resource
            return True
        detail = f"{resource.address} is declared at {first.span} already."
        self.report("duplicate-address", detail, "Rename or remove one of the two.", mark, resource.address)
        return False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a collection: where it stands in the tree and what its address is."""

    address: Address
    path: tuple[str, ...]
    node: Map
    mark: int

    def place(self, name: str) -> int:
        """The place of a setting's value, or of the entry where the setting is not written."""
        return self.node.marks[name][1] if name in self.node.marks else self.mark


def entries(
    draft: Draft, path: tuple[str, ...], models: Mapping[str, Any] | None
) -> Iterable[tuple[str, Any, Map, int]]:
    """Key, model, node and place of each entry of the collection at a path.

    Keys that cannot be part of an address are problems, and their entries are left out.
    """
    node: Any = draft.tree
    for part in path:
        node = node.get(part) if isinstance(node, Map) else None
    for key, model in (models or {}).items():
        mark = node.marks[key][0]
        inner = node[key]
        if KEY.fullmatch(key) is None:
            hint = "Use letters, digits, `-`, `_` and `.`; variables work in values only."
            draft.report("invalid-key", f"`{key}` cannot be part of an address.", hint, mark)
        else:
            yield key, model, inner if isinstance(inner, Map) else Map(mark), mark


def resource(draft: Draft, entry: Entry, spec: Any, needs: frozenset[Address], lifecycle: Lifecycle) -> Resource:
    """A resource with its places."""
    span = draft.sources.span(entry.mark)
    return Resource(entry.address, spec, needs, lifecycle, span, Places(draft.sources, entry.node.marks))


PLAIN = Lifecycle()
_NONE: frozenset[str] = frozenset()


def lifecycle(
    draft: Draft,
    entry: Entry,
    model: Common,
    spec_type: type,
    *,
    protect: bool = False,
    importing: Importing = Importing.NO,
    others: Mapping[str, OtherPolicy] | None = None,
) -> Lifecycle:
    """The common settings of an entry; `protect` is the default for what is not `existing`."""
    if model.lint is not None:
        ignored(draft, entry.address, model.lint, entry.node)
    if model.import_ is not None:
        importing = Importing(model.import_)
    if importing is Importing.ALL and entry.address.kind != "vault":
        draft.report(
            "not-one-of", "`all` covers what is below a vault.", "Write `import: true`.", entry.place("import")
        )
    existing = bool(model.existing)
    protected = not existing and (protect if model.protect is None else model.protect)
    ignore = frozenset(model.ignore) if model.ignore else _NONE
    for name in sorted(ignore - ignorable(spec_type)) if ignore else ():
        detail = f"`{name}` is not a setting that can differ."
        draft.report("not-one-of", detail, choices(name, ignorable(spec_type), what="settings"), entry.place("ignore"))
    if not (protected or ignore or existing or others) and importing is Importing.NO:
        return PLAIN
    return Lifecycle(protected, ignore, importing, existing, others or {})


def ignored(draft: Draft, at: Address | None, model: Ignored, node: Map) -> None:
    """Note why some of lint's rules are not for an entry, or for all; an unknown rule and no reason are problems."""
    inner = node.get("lint")
    written = inner.get("ignore") if isinstance(inner, Map) else None
    marks = written.marks if isinstance(written, Map) else {}
    reasons: dict[str, str] = {}
    for rule, reason in (model.ignore or {}).items():
        mark = marks[rule][0] if rule in marks else node.key_mark("lint")
        if rule not in RULES:
            draft.report("not-one-of", f"`{rule}` is no rule of lint.", choices(rule, RULES, what="rules"), mark, at)
        elif not (reason or "").strip():
            detail = f"`{rule}` is ignored without a reason, so nobody can tell later whether it still holds."
            draft.report("missing-setting", detail, f'Write `{rule}: "why"`.', mark, at)
        else:
            reasons[rule] = str(reason)
    draft.ignored[at] = reasons


@lru_cache(maxsize=16)
def ignorable(spec_type: type) -> frozenset[str]:
    """The settings of a kind that may differ between YAML and Azure."""
    names = (each.name for each in fields(spec_type) if not each.metadata.get("identity"))
    return frozenset(names) - _NOT_IGNORABLE


def require(draft: Draft, entry: Entry, name: str, value: object, hint: str) -> None:
    """Report a setting that is not written, unless it was written wrongly, or the defaults were."""
    if value is None and not draft.is_broken(*entry.path, name) and not draft.is_broken("defaults"):
        draft.report("missing-setting", f"{entry.address} needs `{name}`.", hint, entry.mark, entry.address)


def subscription(draft: Draft, text: str | None, mark: int) -> SubscriptionRef:
    """A subscription by key or id; an unknown one is a problem."""
    if text is not None and text not in draft.subscriptions:
        if GUID.fullmatch(text):
            return SubscriptionRef(text.lower())
        if not draft.is_broken("subscriptions") and not draft.is_broken("subscriptions", text):
            detail = f"`{text}` is neither a key of `subscriptions` nor a subscription's id."
            draft.report("unknown-reference", detail, choices(text, draft.subscriptions, what="subscriptions"), mark)
    return SubscriptionRef(text)


_TAG_LIMITS = {"resource_group": (50, 512, 256), "vault": (15, 512, 256), "secret": (15, 512, 512)}
"""Number, length of names, length of values, as Microsoft documents them per kind."""


def tags(draft: Draft, entry: Entry, written: Mapping[str, str | None] | None) -> Mapping[str, str] | None:
    """The tags without those that an overlay removed, checked against Azure's limits."""
    if written is None:
        return None
    kept = {name: value for name, value in written.items() if value is not None}
    count, name_limit, value_limit = _TAG_LIMITS[entry.address.kind]
    node = entry.node.get("tags")
    marks = node.marks if isinstance(node, Map) else {}
    if len(kept) > count:
        detail = f"{entry.address} has {len(kept)} tags; Azure keeps at most {count}."
        draft.report("too-many-tags", detail, "Remove some; those of `defaults` count too.", entry.place("tags"))
    for name, value in kept.items():
        mark = marks[name][0] if name in marks else entry.mark
        if not 1 <= len(name) <= name_limit or len(value) > value_limit:
            detail = f"A tag's name has 1 to {name_limit} characters and its value at most {value_limit}."
            draft.report("invalid-tag", detail, "Shorten it.", mark)
        elif entry.address.kind == "secret":
            if name.lower() == "dkv":
                detail = "The tag `dkv` marks what the program itself keeps in a vault."
                draft.report("reserved-tag", detail, "Use another name.", mark)
        elif set(name) & set("<>%&\\?/"):
            detail = f"The tag's name `{name}` has one of the characters < > % & \\ ? / in it."
            draft.report("invalid-tag", detail, "Use another name.", mark)
    _check_case(draft, kept, marks, entry)
    return draft.shared(("tags", *kept.items()), kept)


def _check_case(draft: Draft, kept: Mapping[str, str], marks: Mapping[str, tuple[int, int]], entry: Entry) -> None:
    """Resource Manager takes tag names of one spelling in any letter case for the same tag; Key Vault does not."""
    if entry.address.kind == "secret":
        return
    seen: dict[str, str] = {}
    for name in kept:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            mark = marks[name][0] if name in marks else entry.mark
            detail = f"`{name}` and `{first}` are one tag to Azure."
            draft.report("invalid-tag", detail, "Remove one of the two.", mark)
