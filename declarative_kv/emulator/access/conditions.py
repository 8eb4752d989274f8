"""Conditions of role assignments: the part of Azure's attribute language that restricts who may delegate what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from declarative_kv.emulator.access.roles import matches

Attributes = Mapping[tuple[str, str], str]
"""(source, attribute) to value, both lower case: ("request", "roledefinitionid") or ("resource", "principalid")."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<word>[A-Za-z]+(?::[A-Za-z]+)?)
      | @(?P<source>[A-Za-z]+)\[(?P<attribute>[^\]]+)\]
      | (?P<set>\{[^}]*\})
      | (?P<text>'[^']*')
      | (?P<sign>\(|\)|!|&&|\|\|)
    )""",
    re.VERBOSE,
)
_COMPARISONS = ("guidequals", "guidnotequals", "stringequals", "stringnotequals")
_SPELLING = {"&&": "and", "||": "or"}


class UnsupportedCondition(ValueError):
    """The condition uses something beyond what is understood here; whoever asks must deny."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    source: str = ""


def holds(condition: str, action: str, attributes: Attributes) -> bool:
    """Whether the condition (version 2.0) lets this action through.

    Raises `UnsupportedCondition` for sub-operations, principal and environment attributes, and for any other
    operator than equality of GUIDs and texts. An attribute the request does not have equals nothing.
    """
    reader = _Reader(_tokens(condition), action, attributes)
    result = reader.either()
    if not reader.at_end():
        raise UnsupportedCondition(condition)
    return result


def _tokens(condition: str) -> list[_Token]:
    found, position = [], 0
    text = condition.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnsupportedCondition(condition)
        position = match.end()
        if match["source"]:
            found.append(_Token("attribute", match["attribute"].lower(), match["source"].lower()))
            continue
        kind = str(match.lastgroup)
        spelled = match[kind].lower() if kind != "text" else match[kind]
        found.append(_Token(kind, _SPELLING.get(spelled, spelled)))
    return found


class _Reader:
    """Evaluates while it reads; both sides of AND and OR are always read, so nothing unsupported slips through."""

    def __init__(self, tokens: list[_Token], action: str, attributes: Attributes) -> None:
        self._tokens = tokens
        self._place = 0
        self._action = action
        self._attributes = attributes

    def at_end(self) -> bool:
        return self._place == len(self._tokens)

    def either(self) -> bool:
        result = self._both()
        while self._accept("or"):
            following = self._both()
            result = result or following
        return result

    def _both(self) -> bool:
        result = self._single()
        while self._accept("and"):
            following = self._single()
            result = result and following
        return result

    def _single(self) -> bool:
        if self._accept("!") or self._accept("not"):
            return not self._single()
        if self._accept("("):
            result = self.either()
            if not self._accept(")"):
                raise UnsupportedCondition("a bracket is not closed")
            return result
        token = self._next()
        if token.kind == "word" and token.text == "actionmatches":
            return any(matches(pattern, self._action) for pattern in _values(self._next()))
        if token.kind == "attribute" and token.source in ("request", "resource"):
            return self._compare(token)
        raise UnsupportedCondition(token.text)

    def _compare(self, attribute: _Token) -> bool:
        quantifier, _, comparison = self._next().text.rpartition(":")
        values = _values(self._next())
        plain = comparison.removesuffix("ignorecase")
        if plain not in _COMPARISONS or quantifier not in ("", "foranyofanyvalues", "foranyofallvalues"):
            raise UnsupportedCondition(f"{quantifier}:{comparison}")
        actual = self._attributes.get((attribute.source, attribute.text.rpartition(":")[2]))
        if actual is None:
            return False
        exact = comparison in ("stringequals", "stringnotequals")
        hits = [(actual == value) if exact else (actual.lower() == value.lower()) for value in values]
        if "not" in plain:
            hits = [not hit for hit in hits]
        return all(hits) if quantifier == "foranyofallvalues" else any(hits)

    def _accept(self, text: str) -> bool:
        if self.at_end() or self._tokens[self._place].text != text:
            return False
        self._place += 1
        return True

    def _next(self) -> _Token:
        if self.at_end():
            raise UnsupportedCondition("the condition ends too early")
        self._place += 1
        return self._tokens[self._place - 1]


def _values(token: _Token) -> tuple[str, ...]:
    if token.kind not in ("set", "text"):
        raise UnsupportedCondition(token.text)
    return tuple(part.strip().strip("'") for part in token.text.strip("{}").split(","))
