"""The journal's text: a first line that names the snapshot it builds on, then one line a change.

A line counts when it ends: what a killed run wrote of its last line is not a record, but it may still tell which entry
the run was at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.codec import Malformed, Specs, decode, encode
from declarative_kv.model.state import FORMAT, Entry, State, Status
from declarative_kv.state.layout import Newer, decode_entry, decode_facts, dump, encode_entry, parse

_TORN = re.compile(rb'\{"(?:put|drop)": ("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class JournalText:
    """A journal as it lies on disk: its id, what it builds on, its whole lines, and what is left of a cut one."""

    id: str
    lineage: str
    serial: int
    lines: tuple[bytes, ...] = ()
    torn: bytes = b""


def header_line(journal: JournalText) -> bytes:
    """The first line."""
    fields = {"format": FORMAT, "journal": journal.id, "lineage": journal.lineage, "serial": journal.serial}
    return f"{dump(fields)}\n".encode()


def put_line(entry: Entry) -> bytes:
    """An entry is there, as given. The address comes first, so that a cut line may still tell it."""
    return f'{{"put": {dump(str(entry.address))}, "entry": {dump(encode_entry(entry))}}}\n'.encode()


def drop_line(address: Address) -> bytes:
    """An entry is gone."""
    return f'{{"drop": {dump(str(address))}}}\n'.encode()


def key_line(vault: str, facts: Mapping[str, Any] | None) -> bytes:
    """The facts of a vault's fingerprint key; None: there is none any more."""
    return f'{{"key": {dump(vault)}, "facts": {dump(encode(facts))}}}\n'.encode()


def parse_journal(data: bytes | None) -> JournalText | None:
    """The journal in a file's bytes, or None where no first line was finished; `Malformed` for what is no journal."""
    *lines, torn = (data or b"").split(b"\n")
    if not lines:
        return None
    header = parse(lines[0])
    if not isinstance(header, dict) or type(found := header.get("format")) is not int:
        raise Malformed("it is not a journal")
    if found > FORMAT:
        raise Newer(found)
    if found < 1 or header.keys() != {"format", "journal", "lineage", "serial"}:
        raise Malformed("it is not a journal")
    return JournalText(
        id=decode(str, header["journal"]),
        lineage=decode(str, header["lineage"]),
        serial=decode(int, header["serial"]),
        lines=tuple(lines[1:]),
        torn=torn,
    )


def fold(state: State, journal: JournalText, specs: Specs) -> State:
    """The state with the journal's changes in it; the entry that a cut line is about is pending."""
    entries, keys = dict(state.entries), dict(state.keys)
    for number, line in enumerate(journal.lines, 2):
        try:
            _apply(parse(line), entries, keys, specs)
        except Malformed as error:
            raise error.under(f"line {number}") from error
    interrupted = _interrupted(journal.torn, entries)
    if interrupted:
        entries[interrupted.address] = interrupted
    entries = dict(sorted(entries.items()))
    return replace(state, lineage=journal.lineage, entries=entries, keys=keys)


def _apply(record: Any, entries: dict[Address, Entry], keys: dict[str, Mapping[str, Any]], specs: Specs) -> None:
    """Carry one record out."""
    match record:
        case {"put": str(address), "entry": fields}:
            entry = decode_entry(address, fields, specs)
            entries[entry.address] = entry
        case {"drop": str(address)}:
            entries.pop(decode(Address, address), None)
        case {"key": str(vault), "facts": None}:
            keys.pop(vault, None)
        case {"key": str(vault), "facts": facts}:
            keys[vault] = decode_facts(facts)
        case _:
            raise Malformed("expected a record")


def _interrupted(torn: bytes, entries: Mapping[Address, Entry]) -> Entry | None:
    """The known entry that a cut line is about: its write may have happened, and its outcome is not known."""
    found = _TORN.match(torn)
    if not found:
        return None
    try:
        entry = entries.get(decode(Address, parse(found[1])))
    except Malformed:
        return None
    return replace(entry, status=Status.PENDING) if entry else None
