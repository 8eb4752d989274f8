"""The parts that plans and drift share: access, guards, what cannot be undone, what nobody declared, what is unread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from declarative_kv.model.plan import AccessLine, Block, Plan
from declarative_kv.model.resource import OtherPolicy
from declarative_kv.render.drift_rows import orphan_line, unmanaged_line, unread_line
from declarative_kv.render.html.element import NOTHING, Html, joined, tag
from declarative_kv.render.html.frame import Section
from declarative_kv.render.names import Names
from declarative_kv.render.rows import place


def access(lines: Sequence[AccessLine], names: Names, lead: str) -> Section:
    """Who gains and who loses, a card a principal."""
    people = dict.fromkeys((line.who, line.object_id) for line in lines)
    cards = (_card(who, [line for line in lines if line.object_id == object_id], names) for who, object_id in people)
    body = tag("div", joined(cards), class_="cards") if lines else NOTHING
    return Section("access", "Access gained and lost", body, len(lines), "warn" if lines else "", lead)


def _card(who: str, lines: Sequence[AccessLine], names: Names) -> Html:
    object_id = lines[0].object_id
    places = dict.fromkeys(line.resource for line in lines)
    parts = (_at(place, [line for line in lines if line.resource == place], names) for place in places)
    known = tag("small", object_id) if object_id and object_id != who else None
    return tag("article", tag("h3", who, known), joined(parts), class_="card")


def _at(resource: str, lines: Sequence[AccessLine], names: Names) -> Html:
    """What changes at one place: each right with its sign, and what gives it."""
    chips = (
        tag(
            "li",
            tag("b", "+" if line.gained else "−", aria_label="gains" if line.gained else "loses"),
            f" {line.phrase}",
            class_=f"chip {'plus' if line.gained else 'minus'}",
        )
        for line in sorted(lines, key=lambda line: (not line.gained, line.phrase))
    )
    through = ", ".join(dict.fromkeys(line.via for line in lines if line.via))
    return tag(
        "div",
        tag("p", tag("code", _where(resource, names))),
        tag("ul", joined(chips), class_="chips"),
        tag("small", f"through {through}") if through else None,
        class_="at",
    )


def _where(resource: str, names: Names) -> str:
    return names.scope(resource) if resource.startswith("/") else resource


def guards(plan: Plan) -> Section:
    """What stands in the way, and what was allowed."""
    blocked, allowed = plan.blocked, [block for block in plan.blocks if block.allowed]
    rows = joined([*(_guard(block) for block in blocked), *(_guard(block) for block in allowed)])
    body = tag("ul", rows, class_="list") if plan.blocks else NOTHING
    title = "Blocked" if blocked else "Guards, lifted"
    return Section("guards", title, body, len(plan.blocks), "bad" if blocked else "warn")


def _guard(block: Block) -> Html:
    return tag(
        "li",
        tag("span", "allowed" if block.allowed else "blocked", class_=f"pill {'warn' if block.allowed else 'bad'}"),
        " ",
        tag("b", block.code),
        joined([" ", tag("code", str(block.address))]) if block.address else None,
        tag("p", block.detail),
        tag("p", "To allow it: ", tag("code", f"--allow {block.allow}")) if block.allow and not block.allowed else None,
    )


def irreversible(plan: Plan) -> Section:
    """What cannot be undone."""
    rows = (
        tag("li", tag("code", str(item.address)), " ", item.detail, _place(place(item.span)))
        for item in plan.irreversible
    )
    body = tag("ul", joined(rows), class_="list") if plan.irreversible else NOTHING
    return Section("irreversible", "Cannot be undone", body, len(plan.irreversible), "bad")


def unmanaged(plan: Plan) -> Section:
    """What Azure holds and nobody declared."""
    names = Names.of(plan)
    shown = [item for item in plan.unmanaged if item.policy is not OtherPolicy.IGNORE]
    rows = (
        _row(
            item.policy.value,
            "bad" if item.policy is OtherPolicy.ALARM else "quiet",
            unmanaged_line(item, names),
            f"since {item.since}" if item.since else "",
        )
        for item in shown
    )
    body = tag("ul", joined(rows), class_="list") if shown else NOTHING
    alarming = any(item.policy is OtherPolicy.ALARM for item in shown)
    return Section("unmanaged", "Unmanaged", body, len(shown), "bad" if alarming else "")


def orphans(plan: Plan) -> Section:
    """Grants to principals that the directory does not have."""
    names = Names.of(plan)
    rows = (_row("orphaned", "warn", f"{item.address}: {orphan_line(item, names)}", "") for item in plan.orphans)
    body = tag("ul", joined(rows), class_="list") if plan.orphans else NOTHING
    return Section("orphans", "Granted to nobody", body, len(plan.orphans), "warn")


def unread(plan: Plan) -> Section:
    """What could not be read, so that nothing is said about it."""
    rows = (_row("not read", "bad", unread_line(item), item.hint.split("\n")[0]) for item in plan.unreadable)
    body = tag("ul", joined(rows), class_="list") if plan.unreadable else NOTHING
    return Section("unread", "Could not be read", body, len(plan.unreadable), "bad")


def notes(plan: Plan) -> Section:
    """What one should know besides."""
    kept = [f"{u.address} no longer managed: {', '.join(u.attributes)} (stays as it is)" for u in plan.unwritten]
    lines: Iterable[str] = [*kept, *plan.notes]
    body = tag("ul", joined(tag("li", line) for line in lines), class_="list plain") if kept or plan.notes else NOTHING
    return Section("notes", "Notes", body, len(kept) + len(plan.notes))


def _row(word: str, tone: str, text: str, more: str) -> Html:
    return tag(
        "li",
        tag("span", word, class_=f"pill {tone}"),
        tag("span", text, class_="what"),
        tag("small", more) if more else None,
        data_find=text,
    )


def _place(where: str) -> Html | None:
    return tag("small", where) if where else None
