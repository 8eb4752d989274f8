"""Who can do what as text: a block a vault or object, a row for each way in which somebody comes to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from declarative_kv.engine.access.analysis import Answer
from declarative_kv.engine.access.estate import Estate
from declarative_kv.render.access_rows import AccessGroup, AccessRow, access_groups
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.safe import safe


def access_text(estate: Estate, answers: Iterable[Answer], paint: Paint = PLAIN) -> str:
    """The whole table; colour says nothing that the text does not."""
    groups = access_groups(estate, answers)
    lines = [line for group in groups for line in _group(group, paint)]
    lines += [paint("yellow", "Unknown") + f"       {safe(note)}" for note in estate.unknown]
    return "\n".join(lines or ["Nobody can do that, as far as the grants tell."])


def _group(group: AccessGroup, paint: Paint) -> Iterator[str]:
    yield f"{paint('bold', group.title)}  {paint('dim', f'({group.note})')}"
    width = max(len(row.who) for row in group.rows)
    for row in group.rows:
        yield f"  {row.who:<{width}}  {_said(row, paint)}"
        yield f"  {'':<{width}}    {paint('dim', f'through {row.through}')}"


def _said(row: AccessRow, paint: Paint) -> str:
    return f"{paint('yellow', 'could:')} {row.what}" if row.could else row.what
