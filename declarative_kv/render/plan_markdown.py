"""A plan as Markdown for a pull request: what a reviewer must see first, never cut; the rest as far as it fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from declarative_kv.model.address import Address
from declarative_kv.model.plan import Plan
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.render.drift_rows import drift_lines, unmanaged_line, unread_line
from declarative_kv.render.markdown import BUDGET, Block, table, within
from declarative_kv.render.names import Names
from declarative_kv.render.plan_text import head_lines, move_lines
from declarative_kv.render.rows import NO_TAGS, Group, Row, groups, place
from declarative_kv.render.safe import code, prose, safe
from declarative_kv.render.summary import of_plan

_HOW = "`dkv plan`, or `dkv show` of a saved plan,"


def plan_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """The plan in at most `budget` characters; access, guards and what cannot be undone are whole where they fit."""
    summary = of_plan(plan)
    title = plan.head.environment or "plan"
    fixed = [f"### dkv: {prose(title)}", "", f"**{prose(summary.lines[-1])}**", ""]
    fixed += [line for head in head_lines(plan) for line in (prose(head), "")]
    fixed += first_parts(plan)
    closing = [*_unmanaged(plan), *_unreadable(plan), *notes(plan), *(f"{prose(line)}  " for line in summary.lines)]
    return within("\n".join(fixed), blocks(plan), "\n".join(closing), budget, how=_HOW) + "\n"


def first_parts(plan: Plan) -> list[str]:
    """What a reviewer must see before anything else."""
    return [*_access(plan), *_guards(plan), *_irreversible(plan), *_moves(plan)]


def _access(plan: Plan) -> list[str]:
    rows = [
        ("gains" if a.gained else "**loses**", code(a.who), prose(a.phrase), code(a.resource), prose(a.via))
        for a in plan.access
    ]
    return ["#### Access", "", *table(("", "who", "what", "where", "through"), rows)] if rows else []


def _guards(plan: Plan) -> list[str]:
    lines = []
    for block in sorted(plan.blocks, key=lambda block: block.allowed):
        where = f" {code(block.about)}" if block.about else ""
        lift = "allowed by" if block.allowed else "to lift it:"
        how = f" ({lift} {code(f'--allow {block.allow}')})" if block.allow else ""
        lines.append(f"- **{block.code}**{where} {prose(block.detail)}{how}")
    title = "#### Blocked" if plan.blocked else "#### Guards, lifted"
    return [title, "", *lines, ""] if lines else []


def _irreversible(plan: Plan) -> list[str]:
    lines = [
        f"- {code(str(item.address))} {prose(item.detail)} {_where(place(item.span))}".rstrip()
        for item in plan.irreversible
    ]
    return ["#### Cannot be undone", "", *lines, ""] if lines else []


def _moves(plan: Plan) -> list[str]:
    lines = [f"- {prose(line)}" for line in move_lines(plan.moves)]
    return ["#### Moved in the state", "", *lines, ""] if lines else []


def blocks(plan: Plan, tags: Mapping[Address, str] = NO_TAGS) -> Iterator[Block]:
    """One block a vault or collection, in the colours that forges give to diffs; `tags` as in the rows."""
    for group in groups(plan, tags):
        yield Block(f"#### {code(group.title)}", tuple(_lines(group)))
    if plan.options.refresh_only and plan.drift:
        lines = tuple(line for drift in plan.drift for line in drift_lines(drift))
        yield Block("#### Changed outside", lines, "drift")


def _lines(group: Group) -> Iterator[str]:
    width = max(len(safe(str(row.address))) for row in group.rows)
    for row in group.rows:
        first, *rest = row.details
        where = f"  ({row.place})" if row.place else ""
        yield f"{_sign(row)} {safe(str(row.address)):<{width}}  {first}{where}"
        yield from (f"{'':<{len(_sign(row)) + width + 3}}{line}" for line in rest)


def _sign(row: Row) -> str:
    """The symbol as diff highlighting wants it: `!` is a change there."""
    return {"~": "! ~", "-/+": "! -/+", "^": "! ^", ">": "! >"}.get(row.symbol, row.symbol)


def _where(where: str) -> str:
    return f"({code(where)})" if where else ""


def _unmanaged(plan: Plan) -> list[str]:
    names = Names.of(plan)
    shown = [item for item in plan.unmanaged if item.policy is not OtherPolicy.IGNORE]
    lines = [f"- {prose(unmanaged_line(item, names))}" for item in shown[:50]]
    if len(shown) > len(lines):
        lines.append(f"- and {len(shown) - len(lines)} more")
    return ["#### Unmanaged", "", *lines, ""] if lines else []


def _unreadable(plan: Plan) -> list[str]:
    lines = [f"- {prose(unread_line(item))}" for item in plan.unreadable[:50]]
    return ["#### Could not be read", "", *lines, ""] if lines else []


def notes(plan: Plan) -> list[str]:
    """What is no change and worth a line."""
    kept = [
        f"- {code(str(item.address))} no longer managed: {prose(', '.join(item.attributes))} (stays as it is)"
        for item in plan.unwritten
    ]
    lines = [*kept[:50], *(f"- {prose(note)}" for note in plan.notes)]
    return ["#### Notes", "", *lines, ""] if lines else []
