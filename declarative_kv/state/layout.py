"""The snapshot's text: a JSON object with one line an entry, so that a diff shows what moved."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from declarative_kv.model.codec import Malformed, Specs, decode, encode
from declarative_kv.model.state import FORMAT, Entry, State

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


def parse(data: bytes) -> Any:
    """The JSON value of a text; `Malformed` where it is none, or where an object has a key twice."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
    except Malformed:
        raise
    except UnicodeDecodeError as error:
        raise Malformed("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"it is not JSON (line {error.lineno}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise Malformed("it is not JSON that a state can hold") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("it has a key twice in one object")
    return found


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


def decode_state(data: bytes, specs: Specs) -> Snapshot:
    """The snapshot in a file's bytes; raises `Malformed` for what is none and `Newer` for one that is not known yet."""
    fields = parse(data)
    if not isinstance(fields, dict) or type(found := fields.get("format")) is not int or found < 1:
        raise Malformed("it is not a state")
    if found > FORMAT:
        raise Newer(found)
    if fields.keys() != _FIELDS:
        raise Malformed("it is not a whole state")
    entries = (decode_entry(address, entry, specs) for address, entry in _object(fields["entries"]).items())
    state = State(
        lineage=decode(str, fields["lineage"]),
        serial=decode(int, fields["serial"]),
        entries={entry.address: entry for entry in entries},
        keys={vault: decode_facts(facts) for vault, facts in _object(fields["keys"]).items()},
    )
    return Snapshot(state, decode(str, fields["journal"]))
