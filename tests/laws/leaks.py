"""The leak law: no secret value that a test uses is found, in any form, where values have no business to be.

Values come from `secret_value`. Each carries one mark at both ends, of characters that every encoding writes another
way; so looking for the mark in each form finds every value, also one that another process made, and only half of one.
A value that must look otherwise is made known with `register`. What a test may hold on purpose, the file that a
`file` source reads, is made known with `source_file`; the emulator's data folder may hold values by contract.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, quote_plus

MARK = 'zqJ7é"Xw/&k'
"""Letters that no text has by chance, and one for each encoding to change."""
SHORTEST = 8
"""Shorter values are found by chance, so nobody looks for them."""
EMULATOR_FILES = ("world.db", "keyring.json")
_OUTPUTS = frozenset({".json", ".jsonl", ".journal", ".backup", ".plan", ".lock", ".log", ".html", ".sarif", ".xml"})

_registered: set[str] = set()
_sources: set[Path] = set()


def secret_value(label: str = "value") -> str:
    """A new value that the law knows; `label` stands in its middle."""
    return f"{MARK}{label}-{uuid.uuid4().hex}{MARK}"


def register(value: str) -> str:
    """Make a value known that was made elsewhere; gives it back."""
    if len(value) >= SHORTEST:
        _registered.add(value)
    return value


def source_file(path: Path, value: str) -> Path:
    """Write a value to a file that a configuration reads it from; the law leaves this one file out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value, encoding="utf-8")
    _sources.add(path.resolve())
    return path


@lru_cache(maxsize=4096)
def forms(text: str) -> Mapping[str, frozenset[bytes]]:
    """Every form that the law looks for, by its name."""
    raw = text.encode("utf-8", "surrogatepass")
    return {
        "plain": frozenset({raw}),
        "base64": frozenset(_base64(raw)),
        "hex": frozenset({raw.hex().encode(), raw.hex().upper().encode()}),
        "URL": frozenset({quote(raw).encode(), quote(raw, safe="").encode(), quote_plus(raw).encode()}),
        "JSON": frozenset(
            {
                json.dumps(text)[1:-1].encode(),
                json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"),
            }
        ),
    }


def leak_in(data: bytes, values: Iterable[str] = ()) -> str | None:
    """The form in which a known value, or one of `values`, is in the data; None where there is none.

    The answer never holds the value.
    """
    for value in (MARK, *_registered, *values):
        for name, needles in forms(value).items():
            if any(needle in data for needle in needles):
                return name
    return None


def leaks_below(folder: Path, values: Collection[str] = ()) -> Iterator[str]:
    """The files below a folder that hold a known value, each with its form in brackets.

    `values`, which bear no mark, are looked for in the kinds of files that the program writes.
    """
    known = tuple(frozenset(values) - frozenset(_public(folder, values)))
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or _may_hold_values(path, folder):
            continue
        form = leak_in(path.read_bytes(), known if _written_by_us(path) else ())
        if form is not None:
            yield f"{path.relative_to(folder)} ({form})"


def _written_by_us(path: Path) -> bool:
    """Whether a file is of a kind that the program writes; others are what a test gave it to read."""
    return path.suffix in _OUTPUTS


def _public(folder: Path, values: Iterable[str]) -> Iterator[str]:
    """The values that a test wrote into its own configuration, such as the arguments of a command that prints them."""
    # Some tests leave a device or a pipe there, which must not be opened.
    written = b"".join(path.read_bytes() for path in folder.rglob("*.yaml") if path.is_file())
    return (value for value in values if value.encode("utf-8", "surrogatepass") in written)


def _may_hold_values(path: Path, top: Path) -> bool:
    if path.resolve() in _sources:
        return True
    if any((parent / EMULATOR_FILES[0]).exists() for parent in path.parents if parent.is_relative_to(top)):
        return True
    return path.suffix == ".json" and b'"dkv-emulator/1"' in path.read_bytes()[:4096]


def _base64(raw: bytes) -> Iterator[bytes]:
    """The text's base64 wherever in a longer text it stands: three ways to fall on groups of three bytes."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        whole = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))
