"""Is an answer the recorded one? Ids, times and tokens that Azure made up are mapped, everything else is equal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

GUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_HEX = r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])"
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"
_ADDRESS = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
# Not a path with an id or a version in it: that alone is made up.
_NO_PATH = rf"(?![0-9A-Za-z_+/-]*?(?:{GUID}|/[0-9a-f]{{32}}(?![0-9A-Za-z])))"
_BLOB = rf"(?<![0-9A-Za-z_=+/-]){_NO_PATH}[0-9A-Za-z_+/-]{{40,}}={{0,2}}"
TOKEN = re.compile(f"({_TIME}|{GUID}|{_HEX}|{_ADDRESS}|{_BLOB})")
# What a sanitiser put in the place of something; it may stand for anything.
_SANITISED = re.compile(
    r"REDACTED|SANITIZED|FAKE~|IP_ADDRESS|2001-02-03T04:05:06Z|00000000-0000-0000-0000-000000000000", re.IGNORECASE
)
_BLOBS = re.compile(r"BACKUPBLOB-[\w-]+")
_TIME_ONLY = re.compile(_TIME)
EPOCH = range(1_200_000_000, 6_000_000_000)
_SERVICE_DATES = (".created", ".updated", ".deletedDate", ".scheduledPurgeDate")
_HEADERS = ("www-authenticate", "location", "retry-after")


class Correspondence:
    """What the emulator made up in the place of what Azure made up: ids, versions, tokens, addresses of operations.

    What a request said, and what the state that a scenario starts from holds, stands for itself.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        self.fixed_numbers: set[int] = set()
        self.sent_numbers: set[int] = set()

    def copy(self) -> Correspondence:
        twin = Correspondence()
        twin.tokens, twin.urls = dict(self.tokens), dict(self.urls)
        twin.fixed_numbers, twin.sent_numbers = set(self.fixed_numbers), set(self.sent_numbers)
        return twin

    def fix(self, value: Any, *, sent: bool = False) -> None:
        """Everything that looks like an id or a time in this JSON value stands for itself from now on.

        `sent` says that a request held it: the service may make up the same time for its own dates.
        """
        if isinstance(value, str):
            for token in TOKEN.findall(unquote(value)):
                self.tokens.setdefault(token.lower(), token)
        elif isinstance(value, bool):
            return
        elif isinstance(value, int):
            (self.sent_numbers if sent else self.fixed_numbers).add(value)
        elif isinstance(value, Mapping):
            for name, item in value.items():
                self.fix(name, sent=sent)
                self.fix(item, sent=sent)
        elif isinstance(value, list):
            for item in value:
                self.fix(item, sent=sent)

    def translate(self, value: Any) -> Any:
        """A JSON value of a recorded request as it is to be sent: what Azure made up becomes what the emulator did."""
        if isinstance(value, str):
            if value.lower() in self.tokens:
                return self.tokens[value.lower()]
            return TOKEN.sub(lambda match: self.tokens.get(match[0].lower(), match[0]), value)
        if isinstance(value, Mapping):
            return {self.translate(name): self.translate(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.translate(item) for item in value]
        return value

    def same(self, recorded: str, actual: str) -> bool:
        """Whether one made-up token may stand for the other; remembers it if it is new."""
        known = self.tokens.get(recorded.lower())
        if known is not None:
            return known.lower() == actual.lower() or (
                bool(_SANITISED.fullmatch(recorded)) and _kind(recorded) == _kind(actual)
            )
        if _TIME_ONLY.fullmatch(recorded) is not None:
            return _TIME_ONLY.fullmatch(actual) is not None
        if _kind(recorded) != _kind(actual):
            return False
        if _kind(recorded) == "address":
            return True
        self.tokens[recorded.lower()] = actual
        return True


def _kind(token: str) -> str:
    kinds = {"time": _TIME, "guid": GUID, "address": _ADDRESS, "version": _HEX}
    return next((name for name, pattern in kinds.items() if re.fullmatch(pattern, token)), "blob")


def differences(entry: Any, answer: Any, mapping: Correspondence) -> list[str]:
    """What is not as recorded; `answer` has `status`, `headers` (lower-case names), `body` (JSON, text or None).

    A stand-in is held to status, code and message alone.
    """
    if answer.status != entry.status:
        return [f"status {entry.status} -> {answer.status}: {_short(answer.body)}"]
    if entry.is_quote:
        return _quote(entry, answer.body, mapping)
    recorded, actual = entry.answer, answer.body
    if recorded == [] and entry.status == 204:
        recorded = None  # how one recorder writes an empty body
    if entry.meta.get("truncated") and isinstance(recorded, dict) and isinstance(actual, dict):
        found = _truncated(recorded, actual, mapping)
    else:
        found = _body("", recorded, actual, mapping, is_top=True)
    return found + _headers(entry, answer.headers, mapping)


def _truncated(recorded: dict[str, Any], actual: dict[str, Any], mapping: Correspondence) -> list[str]:
    """A list of which only some items were kept: those are all there, and the rest of the answer is as recorded."""
    found: list[str] = []
    for name, value in recorded.items():
        other = actual.get(name)
        if not isinstance(value, list) or not isinstance(other, list):
            continue
        if len(other) < len(value):
            return [f".{name}: at least {len(value)} items -> {len(other)}"]
        found += _matched(f".{name}", value, other, mapping)
    rest = [{name: value for name, value in one.items() if not isinstance(value, list)} for one in (recorded, actual)]
    rest = [{name: value for name, value in one.items() if "nextLink" not in name} for one in rest]
    return found + _body("", rest[0], rest[1], mapping)


def _quote(entry: Any, body: Any, mapping: Correspondence) -> list[str]:
    def parts(value: Any) -> tuple[Any, Any]:
        error = value.get("error", value) if isinstance(value, dict) else {}
        return (error.get("code"), error.get("message")) if isinstance(error, dict) else (error, None)

    (code, message), (actual_code, actual_message) = parts(entry.answer), parts(body)
    return _body("code", code, actual_code, mapping) + _body("message", message, actual_message, mapping)


def _headers(entry: Any, headers: Mapping[str, str], mapping: Correspondence) -> list[str]:
    found: list[str] = []
    for name in _HEADERS:
        recorded, actual = entry.answer_headers.get(name), headers.get(name)
        if recorded is None and actual is None:
            continue
        # Several recorders drop Retry-After, and others write 0 everywhere so that a playback does not wait.
        if name == "retry-after" and recorded in (None, "0"):
            continue
        if recorded is None or actual is None:
            found.append(f"header {name}: {_short(recorded)} -> {_short(actual)}")
        elif name == "location":
            found += _link("header location", recorded, actual, mapping)
        else:
            found += _text(f"header {name}", recorded, actual, mapping)
    for name, recorded in entry.answer_headers.items():
        actual = headers.get(name)
        if "ratelimit" in name and (actual is None or not actual.isdecimal()):
            found.append(f"header {name}: {recorded} -> {actual}")
        if name == "x-ms-failure-cause" and actual != recorded:
            found.append(f"header {name}: {recorded} -> {actual}")
    return found


def _body(where: str, recorded: Any, actual: Any, mapping: Correspondence, *, is_top: bool = False) -> list[str]:
    if recorded in (None, "") and actual in (None, "") and is_top:
        return []
    if isinstance(recorded, Mapping) and isinstance(actual, Mapping):
        return _object(where, recorded, actual, mapping)
    if isinstance(recorded, list) and isinstance(actual, list):
        return _list(where, recorded, actual, mapping)
    if isinstance(recorded, str) and isinstance(actual, str):
        if where.endswith(("nextLink", "@odata.nextLink")):
            return _link(where, recorded, actual, mapping)
        return _text(where, recorded, actual, mapping)
    if type(recorded) is int and type(actual) is int:
        return _number(where, recorded, actual, mapping)
    if type(recorded) is type(actual) and recorded == actual:
        return []
    return [f"{where or 'body'}: {_short(recorded)} -> {_short(actual)}"]


def is_redacted(tags: Any) -> bool:
    """Whether a sanitiser put its own tags in the place of somebody's."""
    return (
        isinstance(tags, Mapping)
        and bool(tags)
        and all(re.fullmatch(r"tag\d+", name) and value == "redacted" for name, value in tags.items())
    )


def _object(where: str, recorded: Mapping[str, Any], actual: Mapping[str, Any], mapping: Correspondence) -> list[str]:
    if where.endswith(".tags") and is_redacted(recorded):
        return []
    found = [f"{where}.{name}: missing, recorded {_short(recorded[name])}" for name in recorded if name not in actual]
    found += [f"{where}.{name}: too much, {_short(actual[name])}" for name in actual if name not in recorded]
    for name in recorded:
        if name in actual:
            found += _body(f"{where}.{name}", recorded[name], actual[name], mapping)
    dates = ("deletedDate", "scheduledPurgeDate")
    if not found and all(isinstance(recorded.get(name), int) for name in dates):
        spans = [values[dates[1]] - values[dates[0]] for values in (recorded, actual)]
        if abs(spans[0] - spans[1]) > 2:
            found.append(f"{where}: retained for {spans[0]} s -> {spans[1]} s")
    return found


def _list(where: str, recorded: list[Any], actual: list[Any], mapping: Correspondence) -> list[str]:
    if len(recorded) != len(actual):
        return [f"{where}: {len(recorded)} items -> {len(actual)}: {_names(recorded)} -> {_names(actual)}"]
    if where != ".value":
        found: list[str] = []
        for place, (one, other) in enumerate(zip(recorded, actual, strict=True)):
            found += _body(f"{where}[{place}]", one, other, mapping)
        return found
    return _matched(where, recorded, actual, mapping)


def _matched(where: str, recorded: list[Any], actual: list[Any], mapping: Correspondence) -> list[str]:
    """The items of a list in any order: it follows ids that are made up."""
    left = list(range(len(actual)))
    found: list[str] = []
    for place, item in enumerate(recorded):
        best: list[str] | None = None
        for candidate in left:
            trial = mapping.copy()
            wrong = _body(f"{where}[{place}]", item, actual[candidate], trial)
            if not wrong:
                mapping.tokens, mapping.urls = trial.tokens, trial.urls
                left.remove(candidate)
                best = []
                break
            if best is None or len(wrong) < len(best):
                best = wrong
        found += best or []
    return found


def _number(where: str, recorded: int, actual: int, mapping: Correspondence) -> list[str]:
    if recorded == actual:
        return []
    follows = recorded in mapping.sent_numbers and not where.endswith(_SERVICE_DATES)
    is_time = recorded in EPOCH and actual in EPOCH and recorded not in mapping.fixed_numbers and not follows
    # A time in milliseconds, or the seconds that a token lives, are as made up as a date is.
    if is_time or where.endswith((".expires_in", ".ext_expires_in")):
        return []
    return [f"{where}: {recorded} -> {actual}"]


def _text(where: str, recorded: str, actual: str, mapping: Correspondence) -> list[str]:
    if recorded == actual:
        mapping.fix(recorded)
        return []
    if recorded.isdecimal() and actual.isdecimal():
        return _number(where, int(recorded), int(actual), mapping)
    if _BLOBS.fullmatch(recorded) or recorded.startswith("FAKE~"):
        mapping.tokens[recorded.lower()] = actual
        return []
    if re.fullmatch(r"REDACTED|Redacted [a-zA-Z]+|aaa@foo\.com", recorded):
        return []  # one word for many things: it says nothing of any of them
    if where.endswith(".hint") and len(recorded) == len(actual):
        return _hint(where, recorded, actual, mapping)
    ours, theirs = TOKEN.split(recorded), TOKEN.split(actual)
    if len(ours) != len(theirs):
        return [f"{where}: {_short(recorded)} -> {_short(actual)}"]
    for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        fits = mapping.same(one, other) if place % 2 else one == other
        if not fits:
            return [f"{where}: {_short(recorded)} -> {_short(actual)}"]
    return []


def _hint(where: str, recorded: str, actual: str, mapping: Correspondence) -> list[str]:
    """The start of a client secret is as made up as the secret, but stays the same wherever it is shown."""
    known = mapping.tokens.setdefault(f"hint {recorded}", actual)
    return [] if known == actual else [f"{where}: {recorded} -> {actual}"]


def _link(where: str, recorded: str, actual: str, mapping: Correspondence) -> list[str]:
    """Addresses of operations and pages: host and path up to the token are equal, the rest is remembered."""
    one, other = urlsplit(recorded), urlsplit(actual)
    mapping.urls[link_key(recorded)] = actual
    if one.netloc.startswith("localhost"):
        one = one._replace(scheme=other.scheme, netloc=other.netloc)  # where a recorder played its answers back
        mapping.urls[link_key(urlunsplit(one))] = actual
    if one.netloc.removesuffix(":443").lower() != other.netloc.removesuffix(":443").lower():
        return [f"{where}: {recorded} -> {actual}"]
    heads = [part.path.rpartition("/")[0] for part in (one, other)]
    return _text(where, heads[0], heads[1], mapping)


def link_key(url: str) -> str:
    """By what the address of an operation or of a page is found again when a later request goes there."""
    parts = urlsplit(url)
    query = sorted(unquote(pair) for pair in parts.query.replace("+", " ").split("&") if "skiptoken" in pair.lower())
    return "?".join((parts.netloc.split(":")[0].lower() + unquote(parts.path).lower(), *query))


def _names(items: list[Any]) -> str:
    names = [
        item.get("name") or item.get("id") or item.get("kid") if isinstance(item, dict) else item for item in items
    ]
    return _short(names)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
