"""The changes of a plan as rows, grouped by vault: what the text and the Markdown both show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from declarative_kv.model.address import Address
from declarative_kv.model.plan import NOT_ASKED, Action, AttrDiff, Change, Plan, Reason, Value
from declarative_kv.model.source import Kept
from declarative_kv.model.specs import AccessPolicySpec, RoleAssignmentSpec
from declarative_kv.render.names import Names
from declarative_kv.render.safe import safe
from declarative_kv.render.values import changed, packed, settings, shown

SYMBOLS: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.NOOP: "?",
        Action.CREATE: "+",
        Action.UPDATE: "~",
        Action.REPLACE: "-/+",
        Action.RECOVER: "^",
        Action.IMPORT: ">",
        Action.DESTROY: "-",
        Action.FORGET: ".",
    }
)
_SAID: Final = frozenset({Reason.NEW, Reason.CONFIG_MOVED, Reason.EQUAL, Reason.IMPORTING, Reason.DESTROYING})
"""Reasons that the row's symbol and settings tell already."""
_BELOW_VAULTS: Final = frozenset({"access_policy", "role_assignment", "secret"})
_GRANTS: Final = frozenset({"role_assignment", "reader_role"})
_KINDS: Final = ("resource_group", "vault", "access_policy", "role_assignment", "secret", "reader_role")
_WIDTH: Final = 60
NO_TAGS: Final[Mapping[Address, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """One address: its symbol, what happens to it (first line, then more), and its place in the YAML."""

    symbol: str
    address: Address
    details: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one title: a vault's address, or the collection that they stand in."""

    title: str
    rows: tuple[Row, ...]


def groups(plan: Plan, tags: Mapping[Address, str] = NO_TAGS) -> tuple[Group, ...]:
    """What the plan does and what it could not compare: resource groups, each vault, then roles beside the vaults.

    `tags` are words to put behind what is said of an address.
    """
    rows: dict[tuple[int, str], list[Change]] = {}
    for change in plan.changes:
        if change.action is not Action.NOOP or _uncompared(change) or change.reason is Reason.WAITING:
            rows.setdefault(_group(change.address), []).append(change)
    names = Names.of(plan)
    return tuple(
        Group(title, tuple(_row(change, names, tags.get(change.address, "")) for change in sorted(changes, key=_order)))
        for (_, title), changes in sorted(rows.items())
    )


def place(span: Any) -> str:
    """`dkv.yaml:40`, or nothing."""
    return f"{safe(span.file)}:{span.line}" if span else ""


def details(change: Change, names: Names) -> tuple[str, ...]:
    """What happens to the address, in one line or several; never empty."""
    match change.action:
        case Action.CREATE:
            lines = packed(_created(change, names), _WIDTH)
        case Action.UPDATE | Action.NOOP:
            lines = _differences(change, names)
        case Action.REPLACE:
            lines = [*_differences(change, names), *packed(_created(change, names), _WIDTH)]
        case Action.RECOVER:
            lines = [
                "recover",
                *([] if change.known else ["settings (known after recover)"]),
                *_differences(change, names),
            ]
        case Action.IMPORT:
            lines = ["import", *_differences(change, names)]
        case Action.DESTROY:
            lines = packed(_destroyed(change, names), _WIDTH)
        case Action.FORGET:
            lines = ["forget"]
    lines.extend(_unread_value(change))
    if change.action is not Action.NOOP and (why := _why(change)):
        lines[:1] = [f"{lines[0]} ({why})" if lines else f"({why})"]
    return tuple(lines or [change.action.value])


def _why(change: Change) -> str:
    """What the symbol and the settings do not tell: which side moved, and what is certain only later."""
    reasons = [] if change.reason in _SAID else [change.reason.value]
    if not change.known and change.action is not Action.RECOVER:
        reasons.append("known after recover")
    return ", ".join(reasons)


def _row(change: Change, names: Names, tag: str) -> Row:
    first, *rest = details(change, names)
    lines = (f"{first} [{safe(tag)}]" if tag else first, *rest)
    return Row(SYMBOLS[change.action], change.address, lines, place(change.span))


def _created(change: Change, names: Names) -> list[str]:
    """What a new object will be: the grant or value first, then its settings."""
    spec = change.desired.spec if change.desired else None
    if spec is None:
        return []
    head = _grant(change.address, spec, names)
    source = getattr(spec, "source", None)
    if change.writes_value or (source is not None and not isinstance(source, Kept)):
        head.append(f"value ({safe(str(source))})" if source is not None else "value")
    return head + [f"{name}: {shown(value)}" for name, value in settings(spec) if not _redundant(name, value, change)]


def _destroyed(change: Change, names: Names) -> list[str]:
    """Whose grant goes; of other objects the symbol says it all."""
    source = change.live or change.prior
    return _grant(change.address, source.spec, names) if source else []


def _grant(address: Address, spec: Any, names: Names) -> list[str]:
    """`Key Vault Reader for sre at vault kv-one`; of an access policy the holder, unless the address says it."""
    if isinstance(spec, RoleAssignmentSpec):
        return [f"{names.role(spec.role)} for {names.principal(spec.principal)} at {names.scope(spec.scope)}"]
    if isinstance(spec, AccessPolicySpec):
        holder = names.principal(spec.principal)
        return [] if holder == address.key else [f"for {holder}"]
    return []


def _differences(change: Change, names: Names) -> list[str]:
    lines = [changed(_named(difference, change, names)) for difference in change.diff]
    return ["value", *lines] if change.writes_value else lines


def _named(difference: AttrDiff, change: Change, names: Names) -> AttrDiff:
    """The difference with names for the ids that a role assignment is made of."""
    words = {"role": names.role, "principal": names.principal, "scope": names.scope}
    name = words.get(difference.path[0]) if change.address.kind in _GRANTS else None
    if name is None:
        return difference
    return AttrDiff(difference.path, name(difference.before), name(difference.after))


def _unread_value(change: Change) -> list[str]:
    why = change.verdict.why if change.verdict else ""
    if not _uncompared(change):
        return [f"not made yet ({safe(why)})"] if change.reason is Reason.WAITING else []
    if change.action is Action.CREATE:
        return [] if why == NOT_ASKED else [f"apply needs the value ({safe(why)})"]
    return [f"value not compared ({safe(why)})" if why else "value not compared"]


def _uncompared(change: Change) -> bool:
    return change.verdict is not None and change.verdict.value is Value.NOT_COMPARED


def _redundant(name: str, value: Any, change: Change) -> bool:
    """Whether the address says it already: a name that is its own key."""
    return name == "name" and value in (change.address.container, change.address.key, change.address.path)


def _group(address: Address) -> tuple[int, str]:
    """Where the address is shown: resource groups come first, vaults follow, roles beside the vaults are last."""
    if address.kind == "vault" or (address.kind in _BELOW_VAULTS and address.key):
        return 1, f"vault.{address.container}"
    return (0 if address.kind == "resource_group" else 2), f"{address.kind}s"


def _order(change: Change) -> tuple[int, str]:
    kind = change.address.kind
    return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS)), change.address.path


def longest(rows: Iterable[Row]) -> int:
    """The length of the longest address among the rows."""
    return max((len(safe(str(row.address))) for row in rows), default=0)
