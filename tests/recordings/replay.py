"""Plays a recorded scenario to the emulator, one request after the other, and says what came out differently."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.world import Settings, new_world
from tests.loop import awaited
from tests.recordings import cast, stage
from tests.recordings.compare import Correspondence, differences, link_key
from tests.recordings.load import Entry, Scenario, vault_version

# Azure takes as long as it takes. A recorded answer may be that of the moment, or that of a moment when everything
# that was under way has ended; no operation of the emulator takes longer than this.
SETTLED = 600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the emulator answered, decoded."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one entry came out: `equal`, `differs` or `unsupported`, and what differs."""

    entry: Entry
    verdict: str
    reasons: tuple[str, ...]
    answer: Answer


class Replay:
    """One scenario under way. The staging modules read and prepare its `world` before each request."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.entries = scenario.entries
        self.place = 0
        self.mapping = Correspondence()
        self.world = new_world(None, Settings(time_scale=1.0), seed_identity=False)
        self.application = Application(self.world)
        self.touched: set[str] = set()
        self.links: dict[str, Entry] = {}
        self.props: set[str] = set()
        self._tokens: dict[tuple[str, str, float], str] = {}
        self.set_clock(self.entries[0].date)
        self.people = cast.find(self)

    @property
    def later(self) -> tuple[Entry, ...]:
        """The entries after the present one."""
        return self.entries[self.place + 1 :]

    def set_clock(self, moment: float) -> None:
        """Set the emulated time to an epoch second."""
        self.world.clock.shift(moment - time.time() - self.world.clock.offset())

    def run(self) -> list[Outcome]:
        """Play every entry."""
        stage.open_stage(self)
        outcomes = []
        for place, entry in enumerate(self.entries):
            self.place = place
            outcomes.append(self._play(entry))
            _remember(self, entry)
        return outcomes

    def _play(self, entry: Entry) -> Outcome:
        self.world.settings.as_of = time.strftime("%Y-%m-%d", time.gmtime(entry.date))
        stage.prepare(self, entry)
        request = self._request(entry)
        self.mapping.fix([entry.path, dict(entry.query), entry.body], sent=True)
        before, mapping = self.world.store.dump(), self.mapping
        first = self._attempt(entry, request, mapping.copy())
        if first[0].verdict == "equal" or entry.is_quote:
            self.mapping = first[1]
            return first[0]
        after = self.world.store.dump()
        self._restore(before)
        self.world.clock.shift(SETTLED)
        second = self._attempt(entry, request, mapping.copy())
        better = second[0].verdict == "equal" or (
            second[0].answer.status == entry.status and first[0].answer.status != entry.status
        )
        if better:
            self.mapping = second[1]
            return second[0]
        self._restore(after)
        self.mapping = first[1]
        return first[0]

    def _attempt(self, entry: Entry, request: Request, mapping: Correspondence) -> tuple[Outcome, Correspondence]:
        request = replace(request, headers={**request.headers, **self._authorisation(entry)})
        answer = self._without_props(_decoded(awaited(self.application.answer(request))))
        if answer.status in (0, 501) and entry.status != answer.status:
            verdict, reasons = "unsupported", [f"{answer.status}: {answer.body}"]
        else:
            reasons = differences(entry, answer, mapping)
            verdict = "differs" if reasons else "equal"
        return Outcome(entry, verdict, tuple(reasons), answer), mapping

    def _without_props(self, answer: Answer) -> Answer:
        """The answer without what only the stage needs: the assignment that the caller's rights come from."""
        body = answer.body
        if isinstance(body, dict) and isinstance(body.get("value"), list):
            kept = [item for item in body["value"] if not (isinstance(item, dict) and item.get("name") in self.props)]
            return replace(answer, body={**body, "value": kept})
        return answer

    def _authorisation(self, entry: Entry) -> dict[str, str]:
        found = cast.token_for(self, entry)
        if found is None:
            return {}
        key = (*found, self.world.clock.offset())
        if key not in self._tokens:
            self._tokens[key] = cast.issue_token(self, *found)
        return {"authorization": f"Bearer {self._tokens[key]}"}

    def _restore(self, tables: dict[str, dict[str, dict[str, Any]]]) -> None:
        store = self.world.store
        now = store.dump()
        with store.transaction():
            for table in {*now, *tables}:
                for key in now.get(table, {}):
                    if key not in tables.get(table, {}):
                        store.delete(table, key)
                for key, record in tables.get(table, {}).items():
                    if now.get(table, {}).get(key) is not record:
                        store.put(table, key, record)

    def _request(self, entry: Entry) -> Request:
        path, query = stage.path_of(self, entry), dict(entry.query)
        follows = self.links.get(self._address(entry))
        if entry.lost_its_query:
            query, follows = self._filled_in(entry)
        url = None if follows is None else self.mapping.urls.get(self._link_of(follows))
        if url is not None:
            parts = urlsplit(url)
            raw_path, raw_query = parts.path, parts.query
        else:
            path = "/".join(self.mapping.translate(part) for part in path.split("/"))
            raw_path = quote(path, safe="/%:@!$&'()*+,;=~-._#")
            raw_query = urlencode(self.mapping.translate(query))
        headers = dict(entry.headers)
        body = stage.body_of(self, entry, self.mapping.translate(entry.body))
        content = b""
        if isinstance(body, dict | list):
            form = entry.service == "entra"
            content = (urlencode(body) if form else json.dumps(body)).encode()
            headers.setdefault("content-type", "application/x-www-form-urlencoded" if form else "application/json")
        elif body is not None:
            content = str(body).encode()
        return Request.from_target(entry.method, entry.host, raw_path, raw_query, headers, content)

    def _address(self, entry: Entry) -> str:
        return link_key(f"https://{entry.host}{entry.path}?{urlencode(dict(entry.query), safe='$')}")

    def _link_of(self, follows: Entry) -> str:
        return link_key(link_in(follows) or "")

    def _filled_in(self, entry: Entry) -> tuple[dict[str, str], Entry | None]:
        """The query that a recorder dropped: the day's api-version, the size of the page, the page before."""
        before = self.entries[self.place - 1] if self.place else None
        query = stage.query_of(entry)
        if entry.is_vault:
            query["api-version"] = vault_version(entry.date)
        size = _parameter(link_in(entry), "maxresults")
        if size:
            query["maxresults"] = size
        link = None if before is None else link_in(before)
        if before is not None and link is not None and before.path == entry.path and entry.method == "GET":
            return query, before
        return query, None


def link_in(entry: Entry) -> str | None:
    """The recorded address that an answer points to: the next page or the operation."""
    if isinstance(entry.answer, dict):
        link = entry.answer.get("nextLink") or entry.answer.get("@odata.nextLink")
        if link:
            return str(link)
    return entry.answer_headers.get("location") or entry.answer_headers.get("azure-asyncoperation")


def _parameter(url: str | None, name: str) -> str | None:
    pairs = [] if url is None else urlsplit(url).query.split("&")
    return next((pair.partition("=")[2] for pair in pairs if pair.startswith(f"{name}=")), None)


def _remember(replay: Replay, entry: Entry) -> None:
    link = link_in(entry)
    if link is not None:
        # One recorder wrote its own address where Azure's had been.
        replay.links[link_key(re.sub(r"^https?://localhost:\d+", f"https://{entry.host}", link))] = entry
    if entry.is_write and entry.status < 400:
        replay.touched.add(stage.identity_of(entry))


def _decoded(response: Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body: Any = None
    if response.body:
        try:
            body = json.loads(response.body)
        except ValueError:
            body = response.body.decode(errors="replace")
    return Answer(0 if response.dropped else response.status, headers, body)
