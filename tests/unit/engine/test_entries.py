"""What an entry keeps of a secret when it is written: the newest facts, and no fingerprint of an older value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.entries import (
    accepted_entry,
    announced_entry,
    applied_entry,
    begun_value,
    pending_entry,
    quiet_entry,
    value_open,
)
from declarative_kv.engine.verdict import unmoved, version_moved
from declarative_kv.kinds.secret import SecretKind
from declarative_kv.kinds.vault import VaultKind
from declarative_kv.model.plan import Action, Change, Reason, Value, Verdict
from declarative_kv.model.resource import Observed, Resource
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import NetworkSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, Status
from tests.unit.engine.fakes import KINDS, at, entry, live, thing

SPEC = SecretSpec(vault="/v", name="db")
UNREAD = Verdict(Value.NOT_COMPARED, "it could not be read")
PRINTED = {"fingerprint": "f1", "fingerprint_key": "k/1"}


def change(**fields: Any) -> Change:
    prior = Entry(at("secret.kv/db"), "/v/secrets/db", SPEC, facts={"updated": 1, "version": "v1", **PRINTED})
    plain = Change(
        prior.address, Action.UPDATE, Reason.CONFIG_MOVED, desired=Resource(prior.address, SPEC), prior=prior
    )
    return replace(plain, **fields)


def facts(made: Change, live: dict[str, Any], **fingerprint: str) -> dict[str, Any]:
    observed = Observed("secret", "/v/secrets/db", SPEC, facts=live)
    return dict(applied_entry(SecretKind(), made, observed, fingerprint=fingerprint).facts)


def test_what_a_write_answers_is_newer_than_what_the_plan_read() -> None:
    made = change(facts={"updated": 5, "version": "v2"})
    assert facts(made, {"updated": 9}) == {"updated": 9, "version": "v2", **PRINTED}


def test_a_value_written_without_a_key_leaves_no_fingerprint_of_the_old_one() -> None:
    made = change(writes_value=True, facts=PRINTED)
    assert facts(made, {"updated": 9, "version": "v2"}) == {"updated": 9, "version": "v2"}


def test_a_value_written_with_a_key_has_its_own_fingerprint() -> None:
    assert facts(change(writes_value=True), {}, fingerprint="f2", fingerprint_key="k/2")["fingerprint"] == "f2"


def test_an_entry_that_is_about_to_be_written_knows_the_version_that_it_saw() -> None:
    facts = pending_entry(SecretKind(), change(), fingerprint={"fingerprint": "f2", "fingerprint_key": "k/2"}).facts
    assert (facts["seen_version"], facts["pending_fingerprint"], facts["pending_key"]) == ("v1", "f2", "k/2")


def pending(made: Change, back: Observed | None = None) -> Entry:
    printed = {"fingerprint": "f2", "fingerprint_key": "k/2"}
    return pending_entry(SecretKind(), replace(made, writes_value=True), fingerprint=printed, live=back)


@pytest.mark.parametrize("action", [Action.RECOVER, Action.UPDATE])
def test_a_value_that_is_written_after_something_else_was_interrupted_is_in_flight(action: Action) -> None:
    prior = change().prior
    assert prior is not None
    left = announced_entry(prior, action)
    assert [value_open(one) for one in (left, pending(change(prior=left)), begun_value(left))] == [False, True, True]


def test_nothing_of_an_earlier_write_stays_where_another_begins() -> None:
    again = pending(replace(change(), prior=pending(change(action=Action.RECOVER))))
    assert again == pending(change())
    unprinted = pending_entry(SecretKind(), replace(change(), prior=again, writes_value=True), fingerprint={})
    assert unprinted.facts.keys() & {"pending_fingerprint", "pending_key"} == set()


@pytest.mark.parametrize(
    ("verdict", "back", "seen"),
    [
        (Verdict(Value.CHANGED, version="v2"), {}, "v2"),
        (Verdict(Value.CHANGED), {"version": "v2"}, "v2"),
        (Verdict(Value.CHANGED), {}, "v1"),
        (Verdict(Value.MOVED_OUTSIDE, version="v2"), {"version": "v2"}, "v1"),
        (None, {"version": "v2"}, "v1"),
    ],
)
def test_the_version_that_is_written_over_unasked_is_the_one_that_was_seen(
    verdict: Verdict | None, back: dict[str, str], seen: str
) -> None:
    there = Observed("secret", "/v/secrets/db", SPEC, facts=back)
    assert pending(change(verdict=verdict), there).facts["seen_version"] == seen


def quiet(made: Change) -> Entry | None:
    return quiet_entry(KINDS[made.address.kind], made)


def noop(**fields: Any) -> Change:
    plain = Change(at("thing.a"), Action.NOOP, Reason.EQUAL, desired=thing("thing.a"), live=live("thing.a"))
    return replace(plain, **fields)


def test_what_is_equal_and_known_needs_no_new_entry() -> None:
    assert quiet(noop(prior=entry("thing.a"))) is None


@pytest.mark.parametrize("made", [noop(), noop(prior=entry("thing.a"), live=None), noop(facts={"x": 1}, desired=None)])
def test_what_is_not_there_or_not_ours_gets_no_entry(made: Change) -> None:
    assert quiet(made) is None


def test_a_shared_grant_gets_an_entry_and_stays_shared() -> None:
    first = quiet(noop(facts={"shared": True}))
    assert first is not None
    assert first.facts == {"shared": True}
    assert quiet(noop(prior=first)) is None


def test_a_new_protection_is_saved_although_nothing_is_written() -> None:
    kept = quiet(noop(prior=entry("thing.a"), desired=thing("thing.a", protect=True)))
    assert kept is not None
    assert kept.protect


def test_a_new_source_is_saved_although_the_value_is_the_same() -> None:
    made = change(action=Action.NOOP, reason=Reason.EQUAL, live=Observed("secret", "/v/secrets/db", SPEC))
    assert quiet_entry(SecretKind(), made) is None
    assert made.desired is not None
    moved = replace(made.desired, spec=replace(SPEC, source=EnvSource("DB_PASSWORD")))
    kept = quiet_entry(SecretKind(), replace(made, desired=moved))
    assert kept is not None
    assert kept.spec.source == EnvSource("DB_PASSWORD")


def accepted(prior: Entry, there: Observed | None, **fields: Any) -> Entry | None:
    made = Change(prior.address, Action.NOOP, Reason.AZURE_MOVED, prior=prior, live=there, **fields)
    return accepted_entry(SecretKind(), made)


def secret(content_type: str, tags: dict[str, str], **facts: Any) -> tuple[SecretSpec, dict[str, Any]]:
    return replace(SPEC, content_type=content_type, tags=tags), facts


def test_a_refresh_takes_over_the_settings_that_we_write_and_no_others() -> None:
    spec, facts = secret("text", {"team": "a"}, created=1, version="v1")
    prior = Entry(at("secret.kv/db"), "/v/secrets/db", spec, facts=facts)
    theirs, _ = secret("json", {"team": "b", "cost": "7"})
    taken = accepted(prior, Observed("secret", "/v/secrets/db", replace(theirs, enabled=False), facts={"created": 1}))
    assert taken is not None
    assert (taken.spec.content_type, taken.spec.tags, taken.spec.enabled) == ("json", {"team": "b"}, None)
    assert taken.facts["version"] == "v1"


def test_a_refresh_forgets_the_version_that_somebody_replaced() -> None:
    spec, facts = secret("text", {}, created=1, version="v1")
    prior = Entry(at("secret.kv/db"), "/v/secrets/db", spec, facts=facts)
    taken = accepted(prior, Observed("secret", "/v/secrets/db", spec, facts={"created": 2}), facts={"fingerprint": "f"})
    assert taken is not None
    assert taken.facts == {"created": 2, "fingerprint": "f"}


def test_a_refresh_leaves_an_entry_alone_where_nothing_moved_or_nothing_is() -> None:
    prior = Entry(at("secret.kv/db"), "/v/secrets/db", SPEC, facts={"created": 1})
    assert accepted(prior, Observed("secret", "/v/secrets/db", SPEC, facts={"created": 1})) is None
    assert accepted(prior, None) is None


def test_a_refresh_looks_into_settings_that_have_settings() -> None:
    ours = VaultSpec(subscription="s", resource_group="g", name="kv", network=NetworkSpec(default="allow"))
    theirs = replace(ours, network=NetworkSpec(default="deny", bypass=()))
    prior = Entry(at("vault.kv"), "/v", ours)
    made = Change(prior.address, Action.NOOP, Reason.AZURE_MOVED, prior=prior, live=Observed("vault", "/v", theirs))
    taken = accepted_entry(VaultKind(), made)
    assert taken is not None
    assert taken.spec.network == NetworkSpec(default="deny")


def test_a_change_of_attributes_that_was_interrupted_leaves_no_doubt_about_the_value() -> None:
    prior = Entry(at("secret.kv/db"), "/v/secrets/db", SPEC, facts={"created": 1, "updated": 1, "version": "v1"})
    there = Observed("secret", "/v/secrets/db", SPEC, facts=prior.facts)
    left = announced_entry(prior, Action.UPDATE)
    assert (left.status, left.facts["pending"]) == (Status.PENDING, "update")
    assert (value_open(left), unmoved(left, there), version_moved(left, there)) == (False, True, False)
    writing = replace(left, facts={**prior.facts, "seen_version": "v1"})
    assert (value_open(writing), unmoved(writing, there)) == (True, False)
    assert (value_open(prior), unmoved(prior, there)) == (False, True)


def test_a_change_of_attributes_that_was_interrupted_is_settled_where_nothing_is_left_to_do() -> None:
    prior = announced_entry(entry("item.a"), Action.UPDATE)
    made = noop(address=prior.address, desired=thing("item.a"), prior=prior, live=live("item.a"), verdict=UNREAD)
    settled = quiet(made)
    assert settled is not None
    assert (settled.status, settled.facts) == (Status.APPLIED, {})
