"""The `$filter` of Microsoft Graph, as far as clients of the directory use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from declarative_kv.emulator.errors import AzureFault

Filter = Callable[[Mapping[str, Any]], bool]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w./]*)|(?P<mark>[(),:])|(?P<number>[0-9]{1,18}))"
)
_ABSENT: Final = object()


def parse_filter(text: str) -> Filter:
    """A predicate over the properties of an object; strings compare without regard to case, as the directory's do.

    Understood: `eq`, `ne`, `in`, `startswith`, `endswith`, `any` over a collection, `and`, `or`, `not`, parentheses.
    Anything else is a 501 that quotes the filter: a filter half understood would find the wrong principal.
    """
    reader = _Reader(text)
    found = reader.either()
    reader.end()
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._unknown()
            self._tokens.append(match[0].strip())
            place = match.end()

    def either(self) -> Filter:
        found = self._both()
        while self._peek().lower() == "or":
            self._next()
            found = _or(found, self._both())
        return found

    def end(self) -> None:
        if self._tokens:
            raise self._unknown()

    def _both(self) -> Filter:
        found = self._single()
        while self._peek().lower() == "and":
            self._next()
            found = _and(found, self._single())
        return found

    def _single(self) -> Filter:
        word = self._next()
        lowered = word.lower()
        if lowered == "not":
            return _not(self._single())
        if word == "(":
            found = self.either()
            self._expect(")")
            return found
        if lowered in ("startswith", "endswith"):
            return self._affix(lowered)
        if lowered.endswith("/any"):
            return self._any(word[:-4])
        return self._comparison(word)

    def _affix(self, function: str) -> Filter:
        self._expect("(")
        name = self._next()
        self._expect(",")
        wanted = self._text_value()
        self._expect(")")
        if function == "startswith":
            return lambda found: _lowered(found.get(name)).startswith(wanted)
        return lambda found: _lowered(found.get(name)).endswith(wanted)

    def _any(self, name: str) -> Filter:
        """`name/any(x:CONDITION on x)`: the condition is read with the item under the variable's name."""
        self._expect("(")
        variable = self._next()
        self._expect(":")
        condition = self.either()
        self._expect(")")
        return lambda found: any(condition({variable: item}) for item in _items(found.get(name)))

    def _comparison(self, name: str) -> Filter:
        operator = self._next().lower()
        if operator == "in":
            self._expect("(")
            wanted = [self._value()]
            while self._peek() == ",":
                self._next()
                wanted.append(self._value())
            self._expect(")")
            return lambda found: _folded(found.get(name, _ABSENT)) in wanted
        if operator not in ("eq", "ne"):
            raise self._unknown()
        one = self._value()
        if operator == "eq":
            return lambda found: _folded(found.get(name, _ABSENT)) == one
        return lambda found: _folded(found.get(name, _ABSENT)) != one

    def _value(self) -> Any:
        word = self._peek()
        if word.startswith("'"):
            return self._text_value()
        self._next()
        constants: Mapping[str, Any] = {"true": True, "false": False, "null": None}
        if word.lower() in constants:
            return constants[word.lower()]
        if word.isdecimal():
            return int(word)
        raise self._unknown()

    def _text_value(self) -> str:
        word = self._next()
        if not word.startswith("'"):
            raise self._unknown()
        return word[1:-1].replace("''", "'").lower()

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _next(self) -> str:
        if not self._tokens:
            raise self._unknown()
        return self._tokens.pop(0)

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise self._unknown()

    def _unknown(self) -> AzureFault:
        return AzureFault(501, "NotImplemented", f"The emulator does not understand the filter: {self._text}")


def _or(left: Filter, right: Filter) -> Filter:
    return lambda found: left(found) or right(found)


def _and(left: Filter, right: Filter) -> Filter:
    return lambda found: left(found) and right(found)


def _not(inner: Filter) -> Filter:
    return lambda found: not inner(found)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _lowered(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
