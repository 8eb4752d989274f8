"""`moved` and `removed`: what a change of the YAML means for entries of the state, where it says so."""

from __future__ import annotations

from typing import Final

from declarative_kv.config.draft import Draft
from declarative_kv.config.problem import Problem
from declarative_kv.config.tree import Map
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Severity
from declarative_kv.model.resource import OtherPolicy

_KINDS: Final = frozenset(
    ("resource_group", "vault", "access_policy", "secret", "role_assignment", "reader_role"),
)
_KEEP: Final = "Take the line out, or the entry."


def moved(draft: Draft) -> None:
    """Add the moves: old address to new one, of one kind, without a circle, each end once."""
    node = draft.tree.get("moved")
    found: dict[Address, tuple[Address, int]] = {}
    for text, to in (draft.settings.moved or {}).items():
        assert isinstance(node, Map)
        mark = node.key_mark(text)
        source, target = _address(draft, text, mark), _address(draft, to or "", node.value_mark(text))
        if source is None or target is None:
            continue
        if problem := _mistake(draft, source, target, found):
            draft.report("invalid-move", problem, _KEEP, mark, source)
        else:
            found[source] = (target, mark)
            _warn_where_it_leads_nowhere(draft, found, target, mark)
    draft.moved = {source: target for source, (target, _) in found.items()}
    for source, (_, mark) in found.items():
        if _comes_back(draft, source):
            detail = f"The moves from {source} lead back to it."
            draft.report("invalid-move", detail, "Take one of them out.", mark, source)


def removed(draft: Draft) -> None:
    """Add what is to be forgotten: nothing that is declared, nor what its vault would delete as unknown."""
    node = draft.tree.get("removed")
    found: set[Address] = set()
    for text in draft.settings.removed or {}:
        assert isinstance(node, Map)
        mark = node.key_mark(text)
        at = _address(draft, text, mark)
        if at is None:
            continue
        vault = draft.resources.get(Address("vault", at.container))
        if at in draft.resources:
            draft.report("invalid-removal", f"{at} is declared, so it cannot be forgotten.", _KEEP, mark, at)
        elif at.key and vault is not None and vault.lifecycle.policy(at.kind) is OtherPolicy.DELETE:
            detail = f"{vault.address} deletes every {at.kind} that it does not declare, so {at} would be deleted next."
            draft.report("invalid-removal", detail, "Write another policy under `others`.", mark, at)
        else:
            found.add(at)
    draft.removed = frozenset(found)


def _address(draft: Draft, text: str, mark: int) -> Address | None:
    """The address that a text is; None where it is none, which is a problem."""
    kind, _, path = text.partition(".")
    if kind in _KINDS and path:
        return Address(kind, path)
    hint = "Write an address such as `secret.payments/db-password`."
    draft.report("invalid-address", f"`{text}` is no address.", hint, mark)
    return None


def _mistake(draft: Draft, source: Address, target: Address, found: dict[Address, tuple[Address, int]]) -> str:
    """What is wrong with a move by itself, in words; empty where nothing is."""
    if source.kind != target.kind:
        return f"{source} and {target} are of different kinds."
    if source == target:
        return f"{source} would stay where it is."
    if source in draft.resources:
        return f"{source} is declared still, so it has not moved."
    if any(target == other for other, _ in found.values()):
        return f"Two moves lead to {target}."
    return ""


def _warn_where_it_leads_nowhere(
    draft: Draft, found: dict[Address, tuple[Address, int]], target: Address, mark: int
) -> None:
    """What moves to an address that is not declared, nor moved on, is deleted there: likely a typing error."""
    moves_on = target in {Address(*text.split(".", 1)) for text in draft.settings.moved or {} if "." in text}
    if target in draft.resources or moves_on or draft.is_broken("vaults"):
        return
    detail = f"{target} is not declared, so what moves there would be deleted like anything that left the YAML."
    hint = "Correct the address, or take the line out."
    draft.problems.append(Problem("moved-nowhere", detail, hint, mark, target, severity=Severity.WARNING))


def _comes_back(draft: Draft, source: Address) -> bool:
    at = source
    for _ in draft.moved:
        if at not in draft.moved:
            return False
        at = draft.moved[at]
    return at in draft.moved
