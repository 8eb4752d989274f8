"""Conditions of role assignments and roles, as far as they are understood: yes, no, or not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from declarative_kv.model.roles import matches

Attributes = Mapping[tuple[str, str], str | None]
"""What a request says of itself, by source and name in lower case, such as ("request", "roledefinitionid"); None where
it is there and we do not know it."""
Verdict = bool | None
"""Whether something holds; None where that is not known."""
_Test = Callable[[str, Attributes], Verdict]

_WORDS = re.compile(
    r"\s*(?:(?P<attribute>@\w+\[[^\]]*\])|(?P<values>\{[^}]*\}|'[^']*')|(?P<word>[A-Za-z]+(?::[A-Za-z]+)?)"
    r"|(?P<sign>&&|\|\||!|\(|\)))"
)
_ATTRIBUTE = re.compile(r"@(\w+)\[(?:[^\]:]*:)?([^\]:]*)\]")
_OPERATOR = re.compile(
    r"(?:(?P<which>for(?:any|all)of(?:any|all)values):)?(?P<kind>guid|string)(?P<no>not)?equals(ignorecase)?"
)


class _Unknown(Exception):
    """Something that is not understood here."""


def holds(condition: str | None, action: str, attributes: Attributes) -> Verdict:
    """Whether a condition lets an action with these attributes through; no condition always does.

    An attribute that the request does not have fails every comparison, as Azure documents. Anything that is not
    understood (sub-operations, attributes of principals and of the environment, other operators) is not known.
    """
    if not condition:
        return True
    test = _parsed(condition)
    return None if test is None else test(action.lower(), attributes)


@lru_cache(maxsize=1024)
def _parsed(condition: str) -> _Test | None:
    try:
        parser = _Parser(_tokens(condition))
        test = parser.any_of()
        parser.expect_end()
    except _Unknown:
        return None
    return test


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.strip()
    while at < len(text):
        match = _WORDS.match(text, at)
        if match is None:
            raise _Unknown
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


def _not(test: _Test) -> _Test:
    def negated(action: str, attributes: Attributes) -> Verdict:
        verdict = test(action, attributes)
        return None if verdict is None else not verdict

    return negated


def _joined(tests: list[_Test], decisive: bool) -> _Test:
    """`or` where True decides, `and` where False does; what is not known counts only where nothing decides."""

    def both(action: str, attributes: Attributes) -> Verdict:
        verdicts = [test(action, attributes) for test in tests]
        if decisive in verdicts:
            return decisive
        return None if None in verdicts else not decisive

    return both


@dataclass(slots=True)
class _Parser:
    tokens: list[tuple[str, str]]
    at: int = 0

    def any_of(self) -> _Test:
        tests = [self._all_of()]
        while self._took("||", "or"):
            tests.append(self._all_of())
        return _joined(tests, decisive=True)

    def _all_of(self) -> _Test:
        tests = [self._one()]
        while self._took("&&", "and"):
            tests.append(self._one())
        return _joined(tests, decisive=False)

    def _one(self) -> _Test:
        if self._took("!", "not"):
            return _not(self._one())
        if self._took("("):
            test = self.any_of()
            if not self._took(")"):
                raise _Unknown
            return test
        kind, text = self._next()
        if (kind, text.lower()) == ("word", "actionmatches"):
            return _action_matches(_values(self._next()))
        if kind == "attribute":
            return _compared(text, self._next(), _values(self._next()))
        raise _Unknown

    def expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise _Unknown

    def _next(self) -> tuple[str, str]:
        if self.at == len(self.tokens):
            raise _Unknown
        self.at += 1
        return self.tokens[self.at - 1]

    def _took(self, *texts: str) -> bool:
        if self.at == len(self.tokens) or self.tokens[self.at][1].lower() not in texts:
            return False
        self.at += 1
        return True


def _values(token: tuple[str, str]) -> tuple[str, ...]:
    kind, text = token
    if kind != "values":
        raise _Unknown
    return tuple(part.strip().strip("'") for part in text.strip("{}").split(","))


def _action_matches(patterns: tuple[str, ...]) -> _Test:
    def test(action: str, _: Attributes) -> Verdict:
        return any(matches(pattern, action) for pattern in patterns)

    return test


def _compared(attribute: str, operator: tuple[str, str], values: tuple[str, ...]) -> _Test:
    named = _ATTRIBUTE.fullmatch(attribute)
    found = _OPERATOR.fullmatch(operator[1].lower()) if operator[0] == "word" else None
    if named is None or found is None or named[1].lower() not in ("request", "resource"):
        raise _Unknown
    key = (named[1].lower(), named[2].lower())
    exact = found["kind"] == "string" and found[4] is None
    unequal, every = found["no"] is not None, (found["which"] or "").endswith("allvalues")

    def test(_: str, attributes: Attributes) -> Verdict:
        if key not in attributes:
            return False
        actual = attributes[key]
        if actual is None:
            return None
        hits = [(actual == value if exact else actual.lower() == value.lower()) is not unequal for value in values]
        return all(hits) if every else any(hits)

    return test
