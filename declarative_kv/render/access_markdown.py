"""Who can do what as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable

from declarative_kv.engine.access.analysis import Answer
from declarative_kv.engine.access.estate import Estate
from declarative_kv.render.access_rows import access_groups
from declarative_kv.render.markdown import table
from declarative_kv.render.safe import code, prose


def access_markdown(estate: Estate, answers: Iterable[Answer]) -> str:
    """A heading and a table a vault or object."""
    lines = []
    for group in access_groups(estate, answers):
        rows = [
            (code(row.who), f"could: {prose(row.what)}" if row.could else prose(row.what), prose(row.through))
            for row in group.rows
        ]
        lines += [f"#### {code(group.title)}", "", prose(group.note), "", *table(("who", "can", "through"), rows)]
    if estate.unknown:
        lines += ["#### Not known", "", *(f"- {prose(note)}" for note in estate.unknown), ""]
    return "\n".join(lines or ["Nobody can do that, as far as the grants tell.", ""])
