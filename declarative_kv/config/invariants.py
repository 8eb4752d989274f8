"""Invariants, the guards that the YAML switches on, and what it says about lint."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from declarative_kv.config import claims, schema
from declarative_kv.config.draft import Draft, entries, ignored
from declarative_kv.config.problem import choices
from declarative_kv.config.tree import Map, Seq
from declarative_kv.model.capabilities import WORDS, Capability, named
from declarative_kv.model.document import Selector
from declarative_kv.model.invariant import Claim, Invariant, Who
from declarative_kv.model.lint import RULES, Lint

_ONE = "Write `NAME: {never: {who: KEY, can: read-value, on: vault.KEY}}`, or `only` or `always` instead of `never`."
_WHO = "Write keys of `principals`, `group:NAME`, `not` before one of these, or `any`."


def invariants(draft: Draft) -> tuple[Invariant, ...]:
    """Every invariant that makes sense; what does not is a problem."""
    return tuple(_invariants(draft))


def switched_on(draft: Draft) -> frozenset[str]:
    """The guards that block only where the YAML says so."""
    written = draft.settings.guards
    return frozenset({"access-widened"}) if written is not None and written.access_widened == "block" else frozenset()


def lint(draft: Draft) -> Lint:
    """The rules that block, and why others are ignored; the entries have been read before."""
    written = draft.settings.lint
    if written is None:
        return Lint(ignored=draft.ignored)
    ignored(draft, None, written, draft.tree)
    node = draft.tree["lint"]
    for text, place in _marked(written.block, node if isinstance(node, Map) else Map(draft.tree.at), "block"):
        if text not in RULES:
            draft.report("not-one-of", f"`{text}` is no rule of lint.", choices(text, RULES, what="rules"), place)
    return Lint(frozenset(written.block or ()), draft.ignored)


def _invariants(draft: Draft) -> Iterator[Invariant]:
    for key, model, node, mark in entries(draft, ("invariants",), draft.settings.invariants):
        made = [(claim, said) for claim in Claim if (said := getattr(model, claim.value)) is not None]
        if len(made) != 1:
            if not draft.is_touched("invariants", key):
                what = "says nothing" if not made else "says several things at once"
                draft.report("invariant-claim", f"`{key}` {what}.", _ONE, mark)
            continue
        claim, said = made[0]
        inner = node[claim.value]
        found = _read(draft, key, claim, said, inner if isinstance(inner, Map) else Map(mark), mark)
        if found is not None:
            yield found


def _read(draft: Draft, key: str, claim: Claim, said: claims.Claim, node: Map, mark: int) -> Invariant | None:
    for name in ("who", "can", "on"):
        if not getattr(said, name):
            if not draft.is_touched("invariants", key):
                draft.report("missing-setting", f"The invariant `{key}` needs `{name}`.", _ONE, mark)
            return None
    who = tuple(_who(draft, text, place) for text, place in _marked(said.who, node, "who"))
    can = [_can(draft, text, place) for text, place in _marked(said.can, node, "can")]
    for text, place in _marked(said.on, node, "on"):
        _check_on(draft, text, place)
    if claim is Claim.ALWAYS and any(one is not None and (one.key is None or one.negated) for one in who):
        detail = f"`{key}` says that somebody can always do something, and not who."
        draft.report("invariant-claim", detail, "Write keys of `principals` under `who`.", mark)
    capabilities = dict.fromkeys(one for many in can for one in many)
    known = tuple(one for one in who if one is not None)
    span = draft.sources.span(mark)
    return Invariant(key, claim, known, tuple(capabilities), tuple(said.on or ()), bool(said.direct), span)


def _marked(texts: list[str] | None, node: Map, name: str) -> Iterator[tuple[str, int]]:
    """Each text of a setting that may be one text or a list, with its place."""
    written = node.get(name)
    for index, text in enumerate(texts or ()):
        yield text, written.marks[index] if isinstance(written, Seq) else node.value_mark(name)


def _who(draft: Draft, text: str, mark: int) -> Who | None:
    negated, term = text.strip().startswith("not "), text.strip().removeprefix("not ").strip()
    if term == "any" and not negated:
        return Who()
    if term.startswith("group:"):
        return _group(draft, term.removeprefix("group:").strip(), mark, negated=negated)
    declared = draft.settings.principals or {}
    if term in declared:
        return Who(term, _is_group(declared[term]), negated)
    if not draft.is_broken("principals"):
        hint = f"{choices(term, declared, what='principals')} {_WHO}"
        draft.report("unknown-reference", f"`{term}` is not under `principals`.", hint, mark)
    return None


def _group(draft: Draft, name: str, mark: int, *, negated: bool) -> Who | None:
    """A group by its key under `principals`, or by the name that an entry there has."""
    declared = {key: model for key, model in (draft.settings.principals or {}).items() if _is_group(model)}
    keys = [key for key, model in declared.items() if name == key] or [
        key for key, model in declared.items() if (model.group or "").lower() == name.lower()
    ]
    if keys:
        return Who(keys[0], group=True, negated=negated)
    if not draft.is_broken("principals"):
        detail = f"`{name}` is no group under `principals`."
        draft.report("unknown-reference", detail, choices(name, declared, what="groups"), mark)
    return None


def _is_group(model: schema.Principal) -> bool:
    return getattr(model, Selector.GROUP.value) is not None or model.type == "group"


def _can(draft: Draft, text: str, mark: int) -> tuple[Capability, ...]:
    found = named(text)
    if not found:
        draft.report("not-one-of", f"`{text}` is nothing that can be done.", choices(text, WORDS, what="words"), mark)
    return found


def _check_on(draft: Draft, pattern: str, mark: int) -> None:
    known = [str(address) for address in draft.resources if address.kind in ("vault", "secret")]
    if any(fnmatchcase(address, pattern) for address in known) or draft.is_broken("vaults"):
        return
    hint = choices(pattern, known, what="addresses")
    draft.report("unknown-reference", f"`{pattern}` matches no declared vault or secret.", hint, mark)
