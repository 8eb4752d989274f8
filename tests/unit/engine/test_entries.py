"""What an entry keeps of a secret when it is written: the newest facts, and no fingerprint of an older value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from declarative_kv.engine.entries import applied_entry
from declarative_kv.kinds.secret import SecretKind
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Observed, Resource
from declarative_kv.model.specs import SecretSpec
from declarative_kv.model.state import Entry
from tests.unit.engine.fakes import at

SPEC = SecretSpec(vault="/v", name="db")
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
