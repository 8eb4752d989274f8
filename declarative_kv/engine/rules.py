"""What a change of the YAML does to the rules: how entries are treated, what is managed, what must hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from declarative_kv.engine.leaving import left_out
from declarative_kv.engine.words import word
from declarative_kv.model.document import Document
from declarative_kv.model.invariant import Invariant
from declarative_kv.model.plan import Action, Change
from declarative_kv.model.resource import Desired, Importing, Lifecycle, Resource
from declarative_kv.model.review import Setting
from declarative_kv.model.source import GenerateSource, Kept


def rules_of(base: Document, head: Document, before: Desired, after: Desired) -> Iterator[Setting]:
    """Every rule that changes, those for all entries first; the entries are under HEAD's addresses in both."""
    yield from _guards(base, head)
    yield from _invariants(base, head)
    for at in sorted(before.keys() & after.keys()):
        yield from _treated(before[at], after[at])


def from_now_on(before: Desired, after: Desired, changes: Iterable[Change]) -> Iterator[str]:
    """Settings that come into the YAML as they are: from now on they are compared and kept."""
    made = {change.address: {".".join(one.path) for one in change.diff} for change in changes}
    fresh = {change.address for change in changes if change.action in (Action.CREATE, Action.REPLACE)}
    for at in sorted(before.keys() & after.keys() - fresh):
        if after[at].lifecycle.existing or after[at].spec == before[at].spec:
            continue
        names = [name for name in left_out(after[at].spec, before[at].spec) if not _is_changed(name, made.get(at))]
        if names:
            yield f"{at} from now on manages {', '.join(names)}, taken to be so already"


def _is_changed(name: str, made: set[str] | None) -> bool:
    return any(one == name or one.startswith(f"{name}.") for one in made or ())


def _guards(base: Document, head: Document) -> Iterator[Setting]:
    for code in sorted(base.guards ^ head.guards):
        text = "blocks from now on" if code in head.guards else "no longer blocks"
        yield Setting(f"guards.{code}", text)


def _invariants(base: Document, head: Document) -> Iterator[Setting]:
    was, will = _by_name(base.invariants), _by_name(head.invariants)
    for name in sorted(was.keys() | will.keys()):
        one, other = was.get(name), will.get(name)
        if other is None:
            yield Setting(f"invariants.{name}", "no longer has to hold", was[name].span)
        elif one is None:
            yield Setting(f"invariants.{name}", "is new", other.span)
        elif replace(one, span=None) != replace(other, span=None):
            yield Setting(f"invariants.{name}", "says something else", other.span)


def _by_name(invariants: Iterable[Invariant]) -> Mapping[str, Invariant]:
    return {one.name: one for one in invariants}


def _treated(was: Resource, will: Resource) -> Iterator[Setting]:
    """How an entry is treated, setting by setting, and whether a value that is there is no longer compared."""
    old, new = getattr(was.spec, "source", None), getattr(will.spec, "source", None)
    if was.lifecycle == will.lifecycle and old == new:
        return
    before, after = _words(was), _words(will)
    if old is not None and isinstance(new, Kept | GenerateSource) and old != new:
        before["value_from"], after["value_from"] = old, new
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            text = f"{name}: {_said(before.get(name))} -> {_said(after.get(name))}"
            yield Setting(str(will.address), text, will.spans.get(name.partition(".")[0], will.span))


def _words(resource: Resource) -> dict[str, object]:
    lifecycle: Lifecycle = resource.lifecycle
    found: dict[str, object] = {"protect": lifecycle.protect}
    if lifecycle.ignore:
        found["ignore"] = tuple(sorted(lifecycle.ignore))
    if lifecycle.importing is not Importing.NO:
        found["import"] = "all" if lifecycle.importing is Importing.ALL else True
    return found | {f"others.{kind}": policy.value for kind, policy in lifecycle.others.items()}


def _said(value: object) -> str:
    """A setting in words; of random values how they are made."""
    return f"generated ({value.length} {value.alphabet})" if isinstance(value, GenerateSource) else word(value)
