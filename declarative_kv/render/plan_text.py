"""A plan as text: head, access, guards, what cannot be undone, the changes by vault, the rest, closing lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from declarative_kv.model.address import Address, Move
from declarative_kv.model.found import Listing
from declarative_kv.model.plan import AccessLine, Block, Irreversible, Plan
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.render.drift_rows import drift_lines, unmanaged_line, unread_line
from declarative_kv.render.names import Names, short
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.rows import NO_TAGS, Group, Row, groups, longest, place
from declarative_kv.render.safe import safe
from declarative_kv.render.summary import Summary, of_plan

_LABEL: Final = 14
_ADDRESS: Final = (30, 60)
_EDGE: Final = (97, 132)
_COLOURS: Final[Mapping[str, str]] = MappingProxyType(
    {"+": "green", "-": "red", "~": "yellow", "-/+": "red", "^": "cyan", ">": "cyan", ".": "dim", "?": "dim"}
)


def plan_text(plan: Plan, paint: Paint = PLAIN, summary: Summary | None = None) -> str:
    """The whole plan; colour says nothing that the text does not. `summary` replaces the plan's own closing."""
    closing = summary or of_plan(plan)
    body = [*head_lines(plan, paint), *body_lines(plan, paint)]
    return "\n".join([*body, "", *(paint("bold", line) for line in closing.lines)])


def body_lines(plan: Plan, paint: Paint, tags: Mapping[Address, str] = NO_TAGS) -> list[str]:
    """Everything between the head and the closing; `tags` are words to put behind what is said of an address."""
    layout = _layout(plan, tags)
    sections = [
        _access(plan.access, paint),
        _guards(plan, paint),
        _irreversible(plan, layout, paint),
        _moves(plan, paint),
        _groups(layout, paint),
        _drift(plan, paint),
        _unmanaged(plan, paint),
        _unreadable(plan, paint),
        _notes(plan, paint),
    ]
    return [line for section in sections for line in section]


def head_lines(plan: Plan, paint: Paint = PLAIN) -> list[str]:
    """What was compared, as whom and when; and which secrets are known from Resource Manager alone."""
    return [head_line(plan, paint), *(paint("dim", line) for line in listing_lines(plan.listings))]


def listing_lines(listings: Iterable[Listing]) -> list[str]:
    """One line a reason why vaults could not list their secrets themselves; none where all could."""
    kept_out: dict[str, list[str]] = {}
    for one in listings:
        if one.why is not None:
            kept_out.setdefault(one.why.value, []).append(safe(one.vault))
    return [
        f"secrets of {', '.join(vaults)} read through Resource Manager: {why}; no values, no soft-deleted ones"
        for why, vaults in sorted(kept_out.items())
    ]


def head_line(plan: Plan, paint: Paint = PLAIN) -> str:
    """What was compared, as whom and when."""
    head, shard = plan.head, plan.options.shard
    parts = [f"env {safe(head.environment)}"] if head.environment else []
    parts += [f"shard {shard}"] if shard is not None else []
    parts.append(f"subscription {short(safe(head.subscription))} ({safe(head.subscription_from)})")
    parts.append(f"as {safe(head.identity)} ({safe(head.identity_from)})")
    parts.append(f"state serial {head.serial}")
    parts.append(f"as of {safe(head.as_of)}" if head.as_of else f"read {_clock(head.read_at)}")
    return paint("dim", " · ".join(parts))


def _clock(read_at: str) -> str:
    """The time of day of an ISO time; the date belongs to the JSON."""
    return read_at.partition("T")[2] or read_at


def labelled(label: str, rows: Iterable[Sequence[str]], paint: Paint, style: str) -> list[str]:
    """Rows of a section, its label before the first; further lines of a row are indented below its text."""
    lines: list[str] = []
    for first, *rest in rows:
        title = "" if lines else label
        lines.append(paint(style, f"{title:<{_LABEL}}") + first)
        lines.extend(f"{'':<{_LABEL + 2}}{line}" for line in rest)
    return lines


def _access(access: Sequence[AccessLine], paint: Paint) -> list[str]:
    if not access:
        return []
    cells = [(safe(a.who), safe(a.phrase), _where(a.resource), f"({safe(a.via)})" if a.via else "") for a in access]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    rows = []
    for line, (who, phrase, resource, via) in zip(access, cells, strict=True):
        text = f"{who:<{widths[0]}}  {phrase:<{widths[1]}}   {resource:<{widths[2]}}   {via}".rstrip()
        sign = "+" if line.gained else "-"
        rows.append([f"{paint(_COLOURS[sign], sign)} {text}"])
    return labelled("Access", rows, paint, "bold")


def _where(resource: str) -> str:
    """An address as it is; of an ARM id what people call it."""
    return Names().scope(resource) if resource.startswith("/") else safe(resource)


def _guards(plan: Plan, paint: Paint) -> list[str]:
    undoable = {item.address for item in plan.irreversible}
    shown = [block for block in plan.blocks if block.code != "irreversible" or block.address not in undoable]
    blocked = [block for block in shown if not block.allowed]
    allowed = [block for block in shown if block.allowed]
    lines = labelled("Blocked", (_guard(block, paint) for block in blocked), paint, "bold red")
    return lines + labelled("Allowed", (_guard(block, paint) for block in allowed), paint, "bold yellow")


def _guard(block: Block, paint: Paint) -> list[str]:
    parts = [block.code, block.about, block.detail]
    line = f"{paint('red', '!')} {'  '.join(safe(part) for part in parts if part)}"
    return [line] if block.allowed or not block.allow else [line, f"--allow {safe(block.allow)}"]


def _moves(plan: Plan, paint: Paint) -> list[str]:
    return labelled("Moved", ([line] for line in move_lines(plan.moves)), paint, "bold")


def move_lines(moves: Iterable[Move]) -> list[str]:
    """One line a move; what goes along with its vault is only counted."""
    moves = tuple(moves)
    vaults = {(move.source.path, move.target.path) for move in moves if move.source.kind == "vault"}
    lines = []
    along = Counter(
        pair for move in moves if (pair := (move.source.container, move.target.container)) in vaults and move.source.key
    )
    for move in moves:
        pair = (move.source.container, move.target.container)
        if move.source.key and pair in vaults and move.source.key == move.target.key:
            continue
        below = 0 if move.source.key else along[pair]
        more = f" with {below} below it" if below else ""
        lines.append(f"{safe(str(move.source))} -> {safe(str(move.target))}{more}")
    return lines


def _irreversible(plan: Plan, layout: _Layout, paint: Paint) -> list[str]:
    asked = {block.address: block for block in plan.blocks if block.code == "irreversible"}
    rows = []
    for item in plan.irreversible:
        text = _placed(_final(item), place(item.span), layout.edge - _LABEL)
        rows.append([paint("red", text[0]) + text[1:]])
        if (block := asked.get(item.address)) is not None:
            rows[-1].append(f"{'allowed by ' if block.allowed else ''}--allow {safe(block.allow)}")
    return labelled("Irreversible", rows, paint, "bold")


def _final(item: Irreversible) -> str:
    return f"! {safe(str(item.address))}  {safe(item.detail)}"


@dataclass(frozen=True, slots=True)
class _Layout:
    """The rows, the width of the column of addresses, and the column in which places in the YAML end."""

    groups: tuple[Group, ...]
    address: int
    edge: int


def _layout(plan: Plan, tags: Mapping[Address, str]) -> _Layout:
    """Columns as wide as the rows need, within bounds: what is longer than that stands out, and is whole."""
    found = groups(plan, tags)
    rows = [row for group in found for row in group.rows]
    address = max(_ADDRESS[0], min(_ADDRESS[1], longest(rows)))
    ends = [len(_first(row, address)) + 2 + len(row.place) for row in rows if row.place]
    ends += [_LABEL + len(_final(item)) + 2 + len(place(item.span)) for item in plan.irreversible if item.span]
    return _Layout(found, address, max(_EDGE[0], min(_EDGE[1], max(ends, default=0))))


def _placed(text: str, where: str, edge: int) -> str:
    """The text with the place in the YAML right-aligned after it."""
    return f"{text}  {where.rjust(edge - len(text) - 2)}" if where else text


def _groups(layout: _Layout, paint: Paint) -> list[str]:
    lines = []
    for group in layout.groups:
        lines.append(paint("bold", safe(group.title)))
        for row in group.rows:
            text = _placed(_first(row, layout.address), row.place, layout.edge)
            lines.append(paint(_COLOURS[row.symbol], text[:3]) + text[3:])
            lines.extend(f"{'':<{layout.address + 6}}{line}" for line in row.details[1:])
    return lines


def _first(row: Row, width: int) -> str:
    return f"{row.symbol:>3} {safe(str(row.address)):<{width}}  {row.details[0]}"


def _drift(plan: Plan, paint: Paint) -> list[str]:
    """Only of a refresh-only plan, which has nothing else; other rows say why they are there."""
    if not plan.options.refresh_only:
        return []
    return labelled("Drift", ([first, *rest] for first, *rest in map(drift_lines, plan.drift)), paint, "bold")


def _unmanaged(plan: Plan, paint: Paint) -> list[str]:
    names = Names.of(plan) if plan.unmanaged else Names()
    rows = [[unmanaged_line(item, names)] for item in plan.unmanaged if item.policy is not OtherPolicy.IGNORE]
    return labelled("Unmanaged", rows, paint, "bold")


def _unreadable(plan: Plan, paint: Paint) -> list[str]:
    rows = [[f"{paint('red', '!')} {unread_line(item)}"] for item in plan.unreadable]
    return labelled("Unreadable", rows, paint, "bold red")


def _notes(plan: Plan, paint: Paint) -> list[str]:
    kept = [
        f"{safe(str(item.address))}  no longer managed: {', '.join(map(safe, item.attributes))} (stays as it is)"
        for item in plan.unwritten
    ]
    return labelled("Note", ([line] for line in (*kept, *map(safe, plan.notes))), paint, "bold")
