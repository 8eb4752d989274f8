"""What happens to each address, by vault: a part that opens for each, with a row an address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from declarative_kv.model.plan import Drift, Plan
from declarative_kv.render.drift_rows import drift_lines
from declarative_kv.render.html.element import NOTHING, Html, joined, tag
from declarative_kv.render.html.frame import Section
from declarative_kv.render.rows import Group, Row, groups, place

Words = Mapping[str, tuple[str, str]]
WORDS: Final[Words] = MappingProxyType(
    {
        "+": ("create", "plus"),
        "-": ("destroy", "minus"),
        "~": ("change", "turn"),
        "-/+": ("replace", "minus"),
        "^": ("recover", "turn"),
        ">": ("import", "turn"),
        ".": ("forget", "quiet"),
        "?": ("not compared", "quiet"),
    }
)
"""What the symbols of a plan's rows mean, and their colours."""
DRIFTED: Final[Words] = MappingProxyType({"~": ("changed", "turn"), "-": ("deleted", "minus")})
"""The same of what happened outside."""
_OPEN: Final = 40
"""Groups with more rows begin closed."""


def changes(plan: Plan) -> Section:
    """The rows of the plan by vault, as in the text."""
    found = groups(plan)
    return Section("changes", "Changes", _all(found, WORDS), sum(len(group.rows) for group in found))


def drift(plan: Plan) -> Section:
    """What moved outside by vault, with since when where Azure says so."""
    by_vault: dict[str, list[Drift]] = {}
    for one in plan.drift:
        inside = one.address.key or one.address.kind == "vault"
        title = f"vault.{one.address.container}" if inside else f"{one.address.kind}s"
        by_vault.setdefault(title, []).append(one)
    found = tuple(Group(title, tuple(map(_drift_row, many))) for title, many in sorted(by_vault.items()))
    return Section("changes", "Changed outside", _all(found, DRIFTED), len(plan.drift), "bad")


def _all(found: Sequence[Group], words: Words) -> Html:
    """The groups under their filters."""
    groups = joined(_group(group, words) for group in found)
    return tag("div", _tools(found, words), groups, class_="changes") if found else NOTHING


def _drift_row(one: Drift) -> Row:
    first, *rest = drift_lines(one)
    told = first.split("  ", 1)[1]
    return Row(first[0], one.address, (told, *rest), place(one.span))


def _tools(found: Sequence[Group], words: Words) -> Html:
    """Filters; the script shows them, for without it they would do nothing."""
    present = dict.fromkeys(row.symbol for group in found for row in group.rows)
    buttons = (
        tag("button", words[symbol][0], type="button", data_action=words[symbol][0], aria_pressed="false")
        for symbol in present
    )
    return tag(
        "div",
        tag("label", "Filter ", tag("input", type="search", id="find", placeholder="address, setting, file…")),
        tag("span", joined(buttons), class_="buttons"),
        tag("button", "Open all", type="button", id="open-all"),
        tag("output", "", id="found", aria_live="polite"),
        class_="tools",
        hidden=True,
    )


def _group(group: Group, words: Words) -> Html:
    counts = Counter(row.symbol for row in group.rows)
    badges = (
        tag("span", f"{number} {words[symbol][0]}", class_=f"badge {words[symbol][1]}")
        for symbol, number in counts.items()
    )
    summary = tag("summary", tag("h3", group.title), tag("span", joined(badges, " "), class_="badges"))
    rows = tag("ul", joined(_row(row, words) for row in group.rows), class_="rows")
    return tag("details", summary, rows, open=len(group.rows) <= _OPEN, class_="group")


def _row(row: Row, words: Words) -> Html:
    word, tone = words[row.symbol]
    address = str(row.address)
    return tag(
        "li",
        tag("span", row.symbol, class_=f"sign {tone}", title=word, aria_label=word),
        tag("code", address, class_="address"),
        tag("div", joined(map(_detail, row.details)), class_="details"),
        tag("small", row.place) if row.place else None,
        data_action=word,
        data_find=f"{address} {' '.join(row.details)} {row.place}",
    )


def _detail(line: str) -> Html:
    """A setting's old and new value apart, where it is sure which is which."""
    name, colon, values = line.partition(": ")
    if not colon or values.count(" -> ") != 1:
        return tag("p", line)
    before, after = values.split(" -> ")
    return tag("p", f"{name}: ", tag("del", before), " → ", tag("ins", after))
