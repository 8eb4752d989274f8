"""The snapshot's text: a JSON object with one line an entry, so that a diff shows what moved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from sys import intern
from typing import Any

from declarative_kv.model.address import Address
from declarative_kv.model.codec import Malformed, Specs, decode, encode
from declarative_kv.model.state import FORMAT, Entry, State

_Pairs = list[tuple[str, Any]]
_ENCODER = json.JSONEncoder(sort_keys=True, allow_nan=False)
_FIELDS = {"format", "lineage", "serial", "journal", "entries", "keys"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state as it lies on disk; `journal` is the id of the journal that was folded into it last."""

    state: State
    journal: str


class Newer(Exception):
    """The data has a format that is not known yet; told as `StateUnreadable` where the file's name is known."""

    def __init__(self, found: int) -> None:
        super().__init__(found)
        self.found = found


def dump(value: Any) -> str:
    """One line of JSON in plain ASCII, keys sorted."""
    return _ENCODER.encode(value)


def parse(data: bytes, make: Callable[[_Pairs], dict[str, Any]] | None = None) -> Any:
    """The JSON value of a text; `Malformed` where it is none, or where an object has a key twice.

    `make` makes an object of its members, which it has to look through for that.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=make or _unique)
    except Malformed:
        raise
    except UnicodeDecodeError as error:
        raise Malformed("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"it is not JSON (line {error.lineno}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise Malformed("it is not JSON that a state can hold") from error


def _unique(pairs: _Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("it has a key twice in one object")
    return found


class _Sparing:
    """Makes the objects of many lines: names, and texts and numbers that are as in the line before, are kept once."""

    def __init__(self) -> None:
        self._before: dict[str, str | int] = {}

    def __call__(self, pairs: _Pairs) -> dict[str, Any]:
        """An object, as `_unique` makes it."""
        return _unique([(intern(name), self._alike(name, value)) for name, value in pairs])

    def _alike(self, name: str, value: Any) -> Any:
        if type(value) not in (str, int):
            return value
        before = self._before.get(name)
        if before == value:
            return before
        self._before[name] = value
        return value


def encode_entry(entry: Entry) -> dict[str, Any]:
    """An entry without its address, which is the key it stands under."""
    fields: dict[str, Any] = encode(entry)
    del fields["address"]
    return fields


def decode_entry(address: str, fields: Any, specs: Specs) -> Entry:
    """An entry from the text of its address and its fields."""
    if not isinstance(fields, dict) or "address" in fields:
        raise Malformed("expected an entry", address)
    try:
        entry: Entry = decode(Entry, {**fields, "address": address}, specs)
    except Malformed as error:
        raise error.under(address) from error
    return entry


def decode_facts(data: Any) -> dict[str, Any]:
    """The facts of a fingerprint key."""
    return _object(decode(Any, data))


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Malformed("expected an object")
    return data


def encode_state(state: State, journal: str = "") -> bytes:
    """The snapshot's file. `TypeError` for a value that must not get in, such as `Sensitive`."""
    entries = ((str(entry.address), dump(encode_entry(entry))) for _, entry in sorted(state.entries.items()))
    keys = ((vault, dump(encode(facts))) for vault, facts in sorted(state.keys.items()))
    lines = (
        f'"format": {FORMAT}',
        f'"lineage": {dump(state.lineage)}',
        f'"serial": {state.serial}',
        f'"journal": {dump(journal)}',
        f'"entries": {_block(entries)}',
        f'"keys": {_block(keys)}',
    )
    return ("{\n  " + ",\n  ".join(lines) + "\n}\n").encode()


def _block(items: Iterable[tuple[str, str]]) -> str:
    """An object with one line a member."""
    body = ",\n".join(f"    {dump(key)}: {text}" for key, text in items)
    return f"{{\n{body}\n  }}" if body else "{}"


_BEGIN, _END = b'\n  "entries": {\n', b'\n  },\n  "keys": '
"""What stands around the lines of the entries, as `encode_state` writes them."""


def decode_state(data: bytes, specs: Specs) -> Snapshot:
    """The snapshot in a file's bytes; raises `Malformed` for what is none and `Newer` for one that is not known yet.

    What `encode_state` wrote is read entry by entry, since the JSON of a large state takes several times its text.
    """
    begin, end = data.find(_BEGIN), data.rfind(_END)
    if 0 <= begin <= end:
        around = b'%b\n  "entries": {}%b' % (data[:begin], data[end + len(b"\n  }") :])
        try:
            fields = _fields(parse(around))
        except Malformed:
            fields = {}
        if fields and (found := _by_line(data, begin + len(_BEGIN), end, specs)) is not None:
            return _snapshot(fields, found)
    # Laid out by another program, or damaged; which of the two shows only when it is read as a whole.
    fields = _fields(parse(data))
    decoded = (decode_entry(address, entry, specs) for address, entry in _object(fields["entries"]).items())
    return _snapshot(fields, {entry.address: entry for entry in decoded})


def _fields(found: Any) -> dict[str, Any]:
    """What a snapshot consists of."""
    if not isinstance(found, dict) or type(number := found.get("format")) is not int or number < 1:
        raise Malformed("it is not a state")
    if number > FORMAT:
        raise Newer(number)
    if found.keys() != _FIELDS:
        raise Malformed("it is not a whole state")
    return found


def _by_line(data: bytes, begin: int, end: int, specs: Specs) -> dict[Address, Entry] | None:
    """The entries between two places of a text, one a line; None where a line is not one by itself, or is one again."""
    entries: dict[Address, Entry] = {}
    sparing, count = _Sparing(), 0
    while begin < end:
        stop = data.find(b"\n", begin, end)
        last = stop < 0
        line = data[begin : end if last else stop]
        if line.endswith(b",") is last:
            return None
        try:
            member = parse(b"{%b}" % (line if last else line[:-1]), sparing)
        except Malformed:
            return None
        for address, fields in member.items():
            entry = decode_entry(address, fields, specs)
            entries[entry.address] = entry
        count += 1
        if len(member) != 1 or len(entries) != count:
            return None
        begin = end if last else stop + 1
    return entries


def _snapshot(fields: dict[str, Any], entries: dict[Address, Entry]) -> Snapshot:
    state = State(
        lineage=decode(str, fields["lineage"]),
        serial=decode(int, fields["serial"]),
        entries=entries,
        keys={vault: decode_facts(facts) for vault, facts in _object(fields["keys"]).items()},
    )
    return Snapshot(state, decode(str, fields["journal"]))
