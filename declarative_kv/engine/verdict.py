"""Judge a secret's value from what is known about it: its source, the entry in the state, and Azure. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from declarative_kv.engine.entries import value_open
from declarative_kv.engine.fingerprint import digest, same_print, same_value, stamp
from declarative_kv.model.address import Address
from declarative_kv.model.alike import NOTHING
from declarative_kv.model.plan import Value, Verdict
from declarative_kv.model.resource import Observed
from declarative_kv.model.secret import Key, Sensitive
from declarative_kv.model.source import Kept
from declarative_kv.model.state import Entry

_LISTED = ("created", "updated")
_SHOWN = (*_LISTED, "version")
_PRINTED = ("fingerprint", "fingerprint_key")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about one secret that has an entry.

    `live` is what Azure holds: examined, with version and value, or as the list shows it. `value` is what the source
    gives. `key` is the key that the entry's fingerprint was made with, where it is still there; `fresh` the one that
    serves the vault now.
    """

    address: Address
    entry: Entry
    live: Observed
    value: Sensitive
    key: Key | None = None
    fresh: Key | None = None

    def verdict(self, value: Value, why: str = "", facts: Mapping[str, Any] | None = None) -> Verdict:
        """A verdict that holds an apply to the value that the source gives now, where there is a key to tell it by."""
        key = self.key or self.fresh
        if key is None:
            return Verdict(value, why, facts or NOTHING)
        seen, held = digest(key, self.address, self.value), self.entry.facts.get("fingerprint")
        return Verdict(value, why, facts or NOTHING, seen=held if held == seen else seen, key=key.id)

    @property
    def source_still(self) -> bool:
        """Whether the source gives what we wrote last, or were about to write when a run was interrupted."""
        if self.key is None:
            return False
        mine = self.entry.facts.get("pending_fingerprint") or self.entry.facts.get("fingerprint")
        return same_print(digest(self.key, self.address, self.value), mine)


def key_id(entry: Entry) -> str | None:
    """The id of the key that the entry's value, or the one about to be written, was fingerprinted with."""
    found: str | None = entry.facts.get("pending_key") or entry.facts.get("fingerprint_key")
    return found


def unmoved(entry: Entry, live: Observed) -> bool:
    """Whether the list shows the secret as we left it: then its version is ours, and nobody need fetch it."""
    if value_open(entry):
        return False
    return all(name in entry.facts and live.facts.get(name, entry.facts[name]) == entry.facts[name] for name in _LISTED)


def shown(at: Address, live: Observed, key: Key | None) -> dict[str, Any]:
    """The facts of an examined secret to keep with its entry, and its value's fingerprint where there is a key."""
    return {name: live.facts[name] for name in _SHOWN if name in live.facts} | stamp(key, at, live.spec.value)


def judge_by_print(evidence: Evidence) -> Verdict:
    """Judge without the value in Azure, which is as we left it."""
    return evidence.verdict(Value.SAME if evidence.source_still else Value.CHANGED)


def judge_unread(evidence: Evidence, why: str) -> Verdict:
    """Judge where the value must not be read, `why` saying so.

    While the list shows the version that we made last, whatever became of its attributes, its value is the one that was
    fingerprinted; a write that was interrupted since has not arrived.
    """
    facts, key = evidence.entry.facts, evidence.key
    made = facts.get("created")
    if (
        made is None
        or evidence.live.facts.get("created") != made
        or key is None
        or key.id != facts.get("fingerprint_key")
    ):
        return Verdict(Value.NOT_COMPARED, why)
    still = same_print(digest(key, evidence.address, evidence.value), facts.get("fingerprint"))
    return evidence.verdict(Value.SAME if still else Value.CHANGED)


def judge_deleted(evidence: Evidence) -> Verdict:
    """Judge a soft-deleted secret, whose value comes back with it but cannot be read before."""
    if not fingerprinted(evidence.entry) or evidence.key is None or value_open(evidence.entry):
        return evidence.verdict(Value.NEW)
    if unmoved(evidence.entry, evidence.live):
        return judge_by_print(evidence)
    return _moved_outside(evidence)


def judge_examined(evidence: Evidence) -> Verdict:
    """Judge with the value in Azure at hand."""
    at, entry, theirs = evidence.address, evidence.entry, evidence.live.spec.value
    if same_value(theirs, evidence.value):
        key = evidence.fresh or evidence.key
        # Without a key, what is recorded of an older value must not be taken for this one's later.
        outdated = dict.fromkeys(_PRINTED) if key is None and fingerprinted(entry) else {}
        return evidence.verdict(Value.SAME, facts=shown(at, evidence.live, key) | outdated)
    if not version_moved(entry, evidence.live):
        verdict = evidence.verdict(Value.CHANGED)
    elif evidence.key is not None and _arrived(entry, theirs, at, evidence.key):
        verdict = evidence.verdict(Value.CHANGED, "an interrupted run wrote an older value")
    else:
        verdict = _moved_outside(evidence)
    return replace(verdict, version=evidence.live.facts.get("version"))


def judge_imported(at: Address, live: Observed, value: Sensitive, fresh: Key | None) -> Verdict:
    """Judge a secret that is taken over: its value stays, and is fingerprinted so that the next plan can tell."""
    facts = shown(at, live, fresh)
    if same_value(live.spec.value, value):
        return Verdict(Value.SAME, facts=facts)
    why = "it differs from the source; importing keeps it, the next plan shows it"
    return Verdict(Value.NOT_COMPARED, why, facts)


def judge_generated(at: Address, entry: Entry, live: Observed, fresh: Key | None) -> Verdict:
    """Judge a generated secret that moved: there is no source to hold it against, so whatever it is stays."""
    outside = not value_open(entry) and version_moved(entry, live)
    return Verdict(Value.SAME, "rotated outside" if outside else "", shown(at, live, fresh))


def fingerprinted(entry: Entry) -> bool:
    """Whether the entry knows its value's fingerprint."""
    return entry.facts.get("fingerprint") is not None


def version_moved(entry: Entry, live: Observed) -> bool:
    """Whether the latest version is not the one that the entry knows (of a pending one: that it saw before writing)."""
    if value_open(entry):
        return bool(live.facts.get("version") != entry.facts.get("seen_version"))
    known = entry.facts.get("version")
    return known is not None and bool(live.facts.get("version") != known)


def value_moved(entry: Entry, live: Observed) -> bool:
    """Whether a secret got a new version outside; its creation time (in seconds) tells, which the list shows.

    A `kept` value is meant to move.
    """
    if isinstance(getattr(entry.spec, "source", None), Kept) or "created" not in entry.facts:
        return False
    return bool(live.facts.get("created") != entry.facts["created"])


def _arrived(entry: Entry, theirs: Sensitive, at: Address, key: Key) -> bool:
    """Whether the value in Azure is the one that an interrupted run was writing."""
    return same_print(digest(key, at, theirs), entry.facts.get("pending_fingerprint"))


def _moved_outside(evidence: Evidence) -> Verdict:
    """Somebody wrote another value in Azure; what the source did tells whether to ask before it is overwritten."""
    when = _date(evidence.live.facts)
    if evidence.source_still:
        return evidence.verdict(Value.MOVED_OUTSIDE, f"changed in Azure {when}, source unchanged")
    if evidence.key is None:
        why = f"changed in Azure {when}; without a fingerprint it is not known whether the source changed too"
        return evidence.verdict(Value.MOVED_OUTSIDE, why)
    return evidence.verdict(Value.CHANGED, f"both sides moved: changed in Azure {when}, and the source changed")


def _date(facts: Mapping[str, Any]) -> str:
    moment = facts.get("updated")
    return datetime.fromtimestamp(moment, UTC).date().isoformat() if isinstance(moment, int | float) else "lately"
