"""Recorded scenarios: one file each, one entry a line, as the recordings' README describes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

# When what is quoted or undated was true: the era of the commit it was taken from. A day of the year that the newest
# api-version or text in that commit's recordings belongs to.
_COMMITS = {"19e9581947736f89f90d6b7e73596e8175557279": "2024-06-01"}
_QUOTED = "2024-06-01"
_CLOCKS_DIFFER = 2.0
_VAULT_VERSIONS = (
    ("2020-01-01", "7.0"),
    ("2021-04-01", "7.1"),
    ("2022-05-01", "7.2"),
    ("2023-03-01", "7.3"),
    ("2024-10-01", "7.4"),
    ("2025-06-01", "7.5"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded exchange. `body` and `answer` are JSON values; `is_quote` means that the request is a stand-in."""

    id: str
    service: str
    endpoint: str
    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    status: int
    answer_headers: Mapping[str, str]
    answer: Any
    date: float
    is_quote: bool
    meta: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The error code of the answer, empty where there is none."""
        error = self.answer.get("error") if isinstance(self.answer, dict) else None
        if isinstance(error, dict):
            return str(error.get("code") or "")
        return str(self.answer.get("code") or error or "") if isinstance(self.answer, dict) else ""

    @property
    def message(self) -> str:
        """The error message of the answer, empty where there is none."""
        error = self.answer.get("error") if isinstance(self.answer, dict) else None
        if isinstance(error, dict):
            return str(error.get("message") or "")
        return str(self.answer.get("message") or "") if isinstance(self.answer, dict) else ""

    @property
    def lost_its_query(self) -> bool:
        """Whether the recorder kept no query string."""
        return "query string" in str(self.meta.get("not_recorded", ""))

    @property
    def is_vault(self) -> bool:
        """Whether the request went to a vault's own host."""
        return ".vault." in self.host

    @property
    def is_write(self) -> bool:
        """Whether the request was one that changes something."""
        return self.method not in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One recorded test: its entries in the order in which they happened."""

    name: str
    entries: tuple[Entry, ...]


def scenarios(folder: Path) -> Iterator[Scenario]:
    """The scenarios of a folder, by name; nothing but `*.jsonl` is read."""
    for path in sorted(folder.glob("*.jsonl")):
        yield scenario(path)


def scenario(path: Path) -> Scenario:
    """The scenario of one file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    raw = [json.loads(line) for line in lines if line.strip()]
    first = next((_dated(item) for item in raw if _dated(item) is not None), None)
    entries: list[Entry] = []
    last = first
    for item in raw:
        last = _dated(item) or last
        entries.append(_entry(item, last))
    # The clocks of Azure's servers differ by a second or two, which tells nothing.
    is_shuffled = any(one.date > other.date + _CLOCKS_DIFFER for one, other in pairwise(entries))
    is_shuffled = is_shuffled or _is_filed(entries)
    return Scenario(path.stem, tuple(_in_order(entries) if is_shuffled else entries))


def _is_filed(entries: list[Entry]) -> bool:
    """Whether a recorder filed its exchanges by address, and no date contradicts an order by date."""
    if entries[0].date == entries[-1].date or any(one.date > other.date for one, other in pairwise(entries)):
        return False
    seen = [address for address, _ in groupby((entry.method, entry.path, str(entry.query)) for entry in entries)]
    return len(seen) == len(set(seen)) < len(entries)


def _in_order(entries: list[Entry]) -> list[Entry]:
    """The entries as they happened: some recorders file them by address, but the dates tell.

    Within one second the answers tell: a reading that shows what a write answered comes after that write, one that
    shows something else before it.
    """
    ordered: list[Entry] = []
    for _, group in groupby(sorted(entries, key=lambda entry: entry.date), key=lambda entry: entry.date):
        ordered += _within_a_second(list(group))
    return ordered


def _within_a_second(moment: list[Entry]) -> list[Entry]:
    moment = _creations_first(moment)
    last: dict[str, Entry] = {}  # by the write it follows
    for reading in [entry for entry in moment if not entry.is_write and not entry.is_vault]:
        path = reading.path.lower()
        writes = [entry for entry in moment if entry.is_write and f"{entry.path.lower()}/".startswith(f"{path}/")]
        if not writes:
            continue
        shown = [entry for entry in writes if _shows(entry, reading)]
        if not shown and reading.status < 400 and writes[0].status == 201 and writes[0].path.lower() == path:
            shown = writes[:1]
        moment.remove(reading)
        place = moment.index(last.get(shown[-1].id, shown[-1])) + 1 if shown else moment.index(writes[0])
        moment.insert(place, reading)
        if shown:
            last[shown[-1].id] = reading
    return moment


def _creations_first(moment: list[Entry]) -> list[Entry]:
    """Of the writes to one address the one that made the object (201) in the first of their places."""
    ordered = list(moment)
    for path in {entry.path for entry in moment if entry.is_write}:
        places = [place for place, entry in enumerate(ordered) if entry.is_write and entry.path == path]
        writes = sorted((ordered[place] for place in places), key=lambda entry: entry.status != 201)
        for place, entry in zip(places, writes, strict=True):
            ordered[place] = entry
    return ordered


def _shows(write: Entry, reading: Entry) -> bool:
    if write.path.lower() != reading.path.lower():
        is_listed = write.path.rpartition("/")[2].lower() in json.dumps(reading.answer).lower()
        return is_listed == (write.method != "DELETE")
    if write.method == "DELETE":
        return reading.status == 404
    return isinstance(write.answer, dict) and _lasting(write.answer) == _lasting(reading.answer)


_PASSING = ("createdOn", "updatedOn", "createdBy", "updatedBy", "provisioningState", "vaultUri", "systemData")


def _lasting(answer: Any) -> Any:
    """An answer without what differs between a write's and a reading's."""
    if not isinstance(answer, dict):
        return answer
    return {name: _lasting(value) for name, value in answer.items() if name not in _PASSING}


def vault_version(date: float) -> str:
    """The data-plane api-version that the clients of a day sent, for recordings without their query."""
    day = _day(date)
    return next((version for until, version in _VAULT_VERSIONS if day < until), "2025-07-01")


def _entry(raw: Mapping[str, Any], date: float | None) -> Entry:
    request, response, source = raw["request"], raw["response"], raw["source"]
    host, path = request["host"].lower().split(":")[0], request["path"]
    if "." not in host and raw["service"].startswith("arm-"):
        host, path = "management.azure.com", f"/{host}{path}"  # sent as `//subscriptions/…` and taken apart as a host
    kind = str(source.get("kind") or "")
    is_quote = kind.startswith("issue-quote")
    era = _COMMITS.get(source.get("commit", ""), _QUOTED)
    return Entry(
        id=raw["id"],
        service=raw["service"],
        endpoint=raw["endpoint"],
        method=request["method"],
        host=host,
        path=path,
        query=request.get("query") or {},
        headers=request.get("headers") or {},
        body=request.get("body"),
        status=response["status"],
        answer_headers=response.get("headers") or {},
        answer=_of_host(host, _unmarked(response.get("body"))),
        date=date if date is not None else _seconds(era),
        is_quote=is_quote,
        meta=raw.get("meta") or {},
    )


def _of_host(host: str, answer: Any) -> Any:
    """The answer with one name for its vault: some sanitisers gave the address another one than the bodies."""
    text = json.dumps(answer)
    others = set(re.findall(r"https://([\w.-]+\.vault\.[a-z.]+)", text, re.IGNORECASE))
    others = {other for other in others if other.lower() != host}
    if ".vault." not in host or len(others) != 1:
        return answer
    return json.loads(text.replace(f"https://{others.pop()}", f"https://{host}"))


def _unmarked(value: Any) -> Any:
    """A body without the marks of those who cut its lists, which tell how long the lists were."""
    if isinstance(value, dict):
        return {name: _unmarked(item) for name, item in value.items() if name != "x-truncated"}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value


def _dated(raw: Mapping[str, Any]) -> float | None:
    text = (raw.get("meta") or {}).get("date")
    return None if text is None else parsedate_to_datetime(text).timestamp()


def _seconds(day: str) -> float:
    from datetime import UTC, datetime

    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def _day(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
