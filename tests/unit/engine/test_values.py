"""Whether a value changed, as far as it can be known; and the values that an apply is going to write."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from declarative_kv.engine.fingerprint import KeyRing, digest, stamp
from declarative_kv.engine.resolve import Resolved
from declarative_kv.engine.values import collect, compare
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.document import Origin
from declarative_kv.model.errors import AzureError, Forbidden, NotFound, StalePlan, Unavailable, ValueMissing
from declarative_kv.model.identity import Identity
from declarative_kv.model.plan import Action, Change, Reason, Value, Verdict
from declarative_kv.model.resource import Barrier, Condition, Lifecycle, Observed, Reading, Resource
from declarative_kv.model.secret import Key, Sensitive
from declarative_kv.model.source import EnvSource, GenerateSource, Kept, Source
from declarative_kv.model.specs import RoleAssignmentSpec, SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, State, Status
from declarative_kv.values import Sources
from tests.unit.engine.fakes import at
from tests.unit.engine.keys import PLACE, VAULT, MemoryKeys

DB = at("secret.kv/db")
PW = EnvSource("PW")
OURS, THEIRS = "v1", "v2"
NOVEMBER = 1795132800  # 2026-11-20
OPS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/ops"


@dataclass(slots=True)
class Case:
    """One secret: what the source gives, what the entry knows, what Azure holds."""

    source: Source = PW
    environ: dict[str, str] = field(default_factory=lambda: {"PW": "old"})
    entry: Entry | None = None
    live: Observed | None = None
    azure: str = "old"
    version: str = OURS
    refused: AzureError | None = None
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    vault: Condition | None = Condition.LIVE
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    examined: list[str] = field(default_factory=list)
    ring: dict[str, Any] = field(default_factory=dict)
    listed: dict[str, Barrier | None] = field(default_factory=dict)
    beside: tuple[Observed, ...] = ()

    def resource(self) -> Resource:
        spec = SecretSpec(vault=VAULT, name="db", source=self.source)
        return Resource(DB, spec, lifecycle=self.lifecycle, span=Span("dkv.yaml", 7, 1))

    def reading(self) -> Reading:
        spec = VaultSpec(subscription="s", resource_group="g", name="kv")
        rest = (Observed("vault", VAULT, spec, self.vault),) if self.vault else ()
        return Reading({DB: self.live} if self.live else {}, (*rest, *self.beside), listed=self.listed)

    async def examine(self, live: Observed) -> Observed:
        self.examined.append(live.label)
        await asyncio.sleep(0)
        if self.refused is not None:
            raise self.refused
        spec = replace(live.spec, value=Sensitive(self.azure))
        return replace(live, spec=spec, facts={**live.facts, "version": self.version})

    async def verdict(self, *, importing: bool = False, mode: str = "available") -> Verdict:
        resolved = Resolved({DB: self.resource()}, Identity("o", "n", "t", "test"), Origin("s", ""), "t")
        entries = {DB: self.entry} if self.entry else {}
        found = await compare(
            resolved,
            State(entries=entries),
            self.reading(),
            Sources(self.environ),
            KeyRing(self.keys, **self.ring),
            self.examine,
            importing=lambda _: importing,
            mode=mode,
        )
        return found[DB]


def entry(key: Key | None = None, value: str = "old", status: Status = Status.APPLIED, **facts: Any) -> Entry:
    known = {"created": 1, "updated": 1, "version": OURS, **stamp(key, DB, Sensitive(value)), **facts}
    return Entry(DB, f"{VAULT}/secrets/db", SecretSpec(vault=VAULT, name="db"), status=status, facts=known)


def live(created: int = 1, updated: int = 1, condition: Condition = Condition.LIVE) -> Observed:
    facts = {"created": created, "updated": updated}
    spec = SecretSpec(vault=VAULT, name="db")
    return Observed("secret", f"{VAULT}/secrets/db", spec, condition, facts, parent=VAULT, label="db")


def fingerprinted(**fields: Any) -> tuple[Case, Key]:
    """A secret whose value `old` we wrote and fingerprinted, and that stands in Azure as we left it."""
    keys = MemoryKeys()
    key = keys.add()
    plain = Case(entry=entry(key), live=live(), keys=keys)
    for name, value in fields.items():
        setattr(plain, name, value)
    return plain, key


def shown(key: Key | None, value: str, **facts: Any) -> dict[str, Any]:
    """The facts that a verdict refreshes."""
    return {"created": 1, "updated": 1, "version": OURS, **stamp(key, DB, Sensitive(value)), **facts}


# What the list shows as we left it


async def test_an_unchanged_value_is_known_by_its_fingerprint_without_reading_it() -> None:
    case, key = fingerprinted()
    assert await case.verdict() == Verdict(Value.SAME, seen=digest(key, DB, Sensitive("old")), key=key.id)
    assert case.examined == []


async def test_another_value_in_the_source_is_a_change() -> None:
    case, key = fingerprinted(environ={"PW": "new"})
    assert await case.verdict() == Verdict(Value.CHANGED, seen=digest(key, DB, Sensitive("new")), key=key.id)
    assert case.examined == []


@pytest.mark.parametrize(("azure", "value"), [("old", Value.SAME), ("other", Value.CHANGED)])
async def test_without_fingerprints_values_are_read_and_compared(azure: str, value: Value) -> None:
    case = Case(entry=entry(), live=live(), azure=azure, ring={"off": True})
    assert (await case.verdict()).value is value
    assert case.examined == ["db"]
    assert case.keys.asked == []


async def test_a_key_that_is_gone_means_reading_and_a_fingerprint_under_the_new_one() -> None:
    lost = Key(f"{PLACE}/gone", Sensitive("g" * 44))
    case = Case(entry=entry(lost), live=live())
    new = case.keys.add()
    verdict = await case.verdict()
    assert (verdict.value, verdict.facts, verdict.key) == (Value.SAME, shown(new, "old"), new.id)


async def test_a_key_that_is_gone_for_good_leaves_no_fingerprint_behind() -> None:
    lost = Key(f"{PLACE}/gone", Sensitive("g" * 44))
    verdict = await Case(entry=entry(lost), live=live()).verdict()
    assert verdict == Verdict(Value.SAME, facts=shown(None, "old", fingerprint=None, fingerprint_key=None))


async def test_an_entry_without_facts_is_examined() -> None:
    case, key = fingerprinted()
    assert case.entry is not None
    case.entry = replace(case.entry, facts=stamp(key, DB, Sensitive("old")))
    assert (await case.verdict()).value is Value.SAME
    assert case.examined == ["db"]


# What the list shows otherwise than we left it


async def test_moved_attributes_are_no_new_value() -> None:
    case, key = fingerprinted(live=live(updated=5))
    verdict = await case.verdict()
    assert (verdict.value, verdict.facts) == (Value.SAME, shown(key, "old", updated=5))
    assert case.examined == ["db"]


async def test_a_source_that_changed_is_a_change_whatever_the_attributes_did() -> None:
    case, _ = fingerprinted(live=live(updated=5), environ={"PW": "new"})
    assert (await case.verdict()).value is Value.CHANGED


async def test_a_new_version_with_the_sources_value_needs_no_write() -> None:
    case, key = fingerprinted(live=live(5, 5), version=THEIRS, azure="new", environ={"PW": "new"})
    verdict = await case.verdict()
    assert verdict.value is Value.SAME
    assert verdict.facts == shown(key, "new", created=5, updated=5, version=THEIRS)


async def test_a_rotation_in_azure_is_not_written_back_unasked() -> None:
    case, key = fingerprinted(live=live(5, NOVEMBER), version=THEIRS, azure="rotated")
    verdict = await case.verdict()
    assert (verdict.value, verdict.why) == (Value.MOVED_OUTSIDE, "changed in Azure 2026-11-20, source unchanged")
    assert verdict.key == key.id


async def test_when_both_sides_moved_the_source_wins_and_the_reason_says_so() -> None:
    case, _ = fingerprinted(live=live(5, NOVEMBER), version=THEIRS, azure="rotated", environ={"PW": "new"})
    verdict = await case.verdict()
    assert verdict.value is Value.CHANGED
    assert verdict.why == "both sides moved: changed in Azure 2026-11-20, and the source changed"
    assert verdict.version == THEIRS


async def test_without_a_fingerprint_a_rotation_is_not_overwritten_unasked() -> None:
    moved = replace(live(5, 5), facts={"created": 5})
    verdict = await Case(entry=entry(), live=moved, version=THEIRS, azure="rotated", ring={"off": True}).verdict()
    assert verdict.value is Value.MOVED_OUTSIDE
    assert verdict.why.startswith("changed in Azure lately; without a fingerprint")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Forbidden(code="ForbiddenByRbac"), "no right to read values on vault kv"),
        (Forbidden(code="ForbiddenByPolicy"), "no right to read values on vault kv"),
        (Forbidden(code="SecretDisabled"), "the secret is disabled"),
        (Forbidden(code="ForbiddenByFirewall"), "the network rules of vault kv refuse this machine"),
        (NotFound(), "it went while the plan was made"),
    ],
)
async def test_a_value_that_cannot_be_read_is_not_compared(error: AzureError, why: str) -> None:
    case, _ = fingerprinted(live=live(5, 5), refused=error)
    assert await case.verdict() == Verdict(Value.NOT_COMPARED, why)


@pytest.mark.parametrize(
    ("barrier", "why"),
    [
        (Barrier.RULES, "the network rules of vault kv refuse this machine"),
        (Barrier.PRIVATE, "the network rules of vault kv refuse this machine"),
        (Barrier.SILENT, "the host of vault kv cannot be reached"),
    ],
)
async def test_a_vault_that_cannot_be_reached_is_asked_for_no_value_and_no_key(barrier: Barrier, why: str) -> None:
    case, _ = fingerprinted(listed={VAULT.lower(): barrier})
    assert await case.verdict() == Verdict(Value.NOT_COMPARED, why)
    assert (case.examined, case.keys.asked) == ([], [])
    new = Case(listed={VAULT.lower(): barrier})
    assert (await new.verdict(), new.keys.asked) == (Verdict(Value.NEW), [])


async def test_a_key_that_all_vaults_share_tells_of_values_in_a_vault_that_cannot_be_reached() -> None:
    place = f"{OPS}/secrets/key"
    keys = MemoryKeys()
    ours = entry(keys.add(place))
    case = Case(entry=ours, live=live(), keys=keys, ring={"shared": place}, listed={VAULT.lower(): Barrier.RULES})
    case.beside = (Observed("vault", OPS, VaultSpec(subscription="s", resource_group="g", name="ops")),)
    assert (await case.verdict()).value is Value.SAME
    case.environ["PW"] = "new"
    assert (await case.verdict()).value is Value.CHANGED
    assert case.examined == []


POLICIES, ROLES = "ForbiddenByPolicy", "ForbiddenByRbac"


@pytest.mark.parametrize(
    ("code", "role_at", "asked"),
    [
        (POLICIES, None, 1),
        ("AccessDenied", None, 1),
        (ROLES, None, 1),
        (ROLES, f"{VAULT}/secrets/b", 3),
        ("SecretDisabled", None, 3),
    ],
)
async def test_a_refusal_that_is_for_all_secrets_of_a_vault_is_asked_for_once(
    code: str, role_at: str | None, asked: int
) -> None:
    secrets = {name: SecretSpec(vault=VAULT, name=name, source=PW) for name in "abc"}
    desired = {at(f"secret.kv/{name}"): Resource(at(f"secret.kv/{name}"), spec) for name, spec in secrets.items()}
    seen = {where: replace(live(), label=where.key, spec=one.spec) for where, one in desired.items()}
    spec = RoleAssignmentSpec(scope=role_at, role="r", principal="p") if role_at else None
    rest = (Observed("role_assignment", "/r", spec),) if spec else ()
    examined: list[str] = []

    async def examine(one: Observed) -> Observed:
        examined.append(one.label)
        raise Forbidden(Diagnostic("forbidden", "Azure refused the operation"), code=code)

    verdicts = await compare(
        Resolved(desired, Identity("o", "n", "t", "test"), Origin("s", ""), "t"),
        State(entries={where: replace(entry(), address=where) for where in desired}),
        Reading(seen, rest, listed={VAULT.lower(): Barrier.RIGHT}),
        Sources({"PW": "old"}),
        KeyRing(MemoryKeys()),
        examine,
        importing=lambda _: False,
    )
    why = "the secret is disabled" if code == "SecretDisabled" else "no right to read values on vault kv"
    assert {(one.value, one.why) for one in verdicts.values()} == {(Value.NOT_COMPARED, why)}
    assert len(examined) == asked


async def test_azure_out_of_order_is_an_error_and_no_verdict() -> None:
    case, _ = fingerprinted(live=live(5, 5), refused=Unavailable(Diagnostic("unavailable", "Azure did not answer")))
    with pytest.raises(Unavailable):
        await case.verdict()


# Interrupted writes


def interrupted(**fields: Any) -> Case:
    """A run that was writing `new` over `old` when it was killed."""
    case, key = fingerprinted(environ={"PW": "new"}, azure="new", version=THEIRS, live=live(5, 5))
    pending = {"pending_fingerprint": digest(key, DB, Sensitive("new")), "pending_key": key.id, "seen_version": OURS}
    case.entry = entry(key, "old", Status.PENDING, **pending)
    for name, value in fields.items():
        setattr(case, name, value)
    return case


async def test_an_interrupted_write_that_arrived_is_not_repeated() -> None:
    verdict = await interrupted().verdict()
    assert (verdict.value, verdict.facts["version"]) == (Value.SAME, THEIRS)


async def test_an_interrupted_write_that_did_not_arrive_is_made() -> None:
    assert (await interrupted(azure="old", version=OURS, live=live()).verdict()).value is Value.CHANGED


async def test_an_interrupted_write_is_followed_by_the_sources_newer_value() -> None:
    verdict = await interrupted(environ={"PW": "newer"}).verdict()
    assert (verdict.value, verdict.why) == (Value.CHANGED, "an interrupted run wrote an older value")
    assert verdict.version == THEIRS


async def test_a_write_over_a_version_that_was_seen_is_made_though_another_one_was_known_before() -> None:
    assert (await interrupted(azure="rotated", version=THEIRS).verdict()).value is Value.MOVED_OUTSIDE
    case = interrupted(azure="rotated", version=THEIRS)
    assert case.entry is not None
    case.entry = replace(case.entry, facts={**case.entry.facts, "seen_version": THEIRS})
    assert (await case.verdict()).value is Value.CHANGED


async def test_a_rotation_while_a_write_was_interrupted_is_not_overwritten_unasked() -> None:
    assert (await interrupted(azure="rotated").verdict()).value is Value.MOVED_OUTSIDE


async def test_an_interrupted_creation_that_arrived_is_not_repeated() -> None:
    case = interrupted()
    assert case.entry is not None
    facts = {name: case.entry.facts[name] for name in ("pending_fingerprint", "pending_key")}
    case.entry = replace(case.entry, facts={**facts, "seen_version": None})
    assert (await case.verdict()).value is Value.SAME


# Not there, or soft-deleted


async def test_a_secret_that_is_not_there_is_new() -> None:
    assert await Case().verdict() == Verdict(Value.NEW)


async def test_a_new_secret_in_a_vault_with_a_key_is_held_to_the_value_that_the_plan_saw() -> None:
    case = Case()
    key = case.keys.add()
    assert await case.verdict() == Verdict(Value.NEW, seen=digest(key, DB, Sensitive("old")), key=key.id)


@pytest.mark.parametrize("vault", [None, Condition.SOFT_DELETED])
async def test_a_vault_that_is_not_there_is_not_asked_for_its_key(vault: Condition | None) -> None:
    case = Case(vault=vault)
    case.keys.add()
    assert await case.verdict() == Verdict(Value.NEW)
    assert case.keys.asked == []


async def test_a_shared_key_in_a_vault_that_is_not_there_is_not_asked_for() -> None:
    case, _ = fingerprinted(ring={"shared": f"{OPS}/secrets/key"}, environ={"PW": "new"}, azure="old")
    team = Key(f"{OPS}/secrets/key/1", Sensitive("t" * 44))
    case.entry = entry(team)
    assert (await case.verdict()).value is Value.CHANGED
    assert (case.examined, case.keys.asked) == (["db"], [])


@pytest.mark.parametrize(("given", "value"), [("old", Value.SAME), ("new", Value.CHANGED)])
async def test_a_soft_deleted_secret_comes_back_with_the_value_we_know(given: str, value: Value) -> None:
    case, _ = fingerprinted(live=live(condition=Condition.SOFT_DELETED), environ={"PW": given})
    assert (await case.verdict()).value is value
    assert case.examined == []


@pytest.mark.parametrize(("given", "value"), [("old", Value.MOVED_OUTSIDE), ("new", Value.CHANGED)])
async def test_a_secret_that_moved_before_it_was_deleted_may_hold_a_rotation(given: str, value: Value) -> None:
    case, _ = fingerprinted(live=live(5, 5, Condition.SOFT_DELETED), environ={"PW": given})
    assert (await case.verdict()).value is value


@pytest.mark.parametrize("status", [Status.APPLIED, Status.PENDING])
async def test_a_soft_deleted_secret_of_unknown_value_is_written_anew(status: Status) -> None:
    case, key = fingerprinted(live=live(condition=Condition.SOFT_DELETED))
    case.entry = entry(key, status=status) if status is Status.PENDING else entry()
    assert (await case.verdict()).value is Value.NEW


# Imports


async def test_an_import_of_the_sources_value_is_fingerprinted() -> None:
    case = Case(live=live())
    key = case.keys.add()
    assert await case.verdict(importing=True) == Verdict(Value.SAME, facts=shown(key, "old"))


async def test_an_import_never_writes_a_value() -> None:
    case = Case(live=live(), azure="theirs")
    key = case.keys.add()
    verdict = await case.verdict(importing=True)
    assert (verdict.value, verdict.facts) == (Value.NOT_COMPARED, shown(key, "theirs"))
    assert verdict.why == "it differs from the source; importing keeps it, the next plan shows it"


async def test_an_import_without_the_right_to_read_is_not_compared() -> None:
    case = Case(live=live(), refused=Forbidden(code="ForbiddenByRbac"))
    verdict = await case.verdict(importing=True)
    assert verdict == Verdict(Value.NOT_COMPARED, "no right to read values on vault kv")


async def test_a_soft_deleted_secret_that_is_taken_over_is_compared_when_it_is_back() -> None:
    verdict = await Case(live=live(condition=Condition.SOFT_DELETED)).verdict(importing=True)
    assert verdict == Verdict(Value.NOT_COMPARED, "it is soft-deleted; the next plan compares it")


async def test_what_is_not_ours_and_not_imported_is_not_looked_at() -> None:
    case = Case(live=live())
    assert await case.verdict() == Verdict(Value.NOT_COMPARED, "the state does not know it")
    assert case.examined == []


# Generated and kept values


async def test_a_generated_value_is_made_once() -> None:
    assert await Case(source=GenerateSource()).verdict() == Verdict(Value.NEW)
    case, _ = fingerprinted(source=GenerateSource())
    assert await case.verdict() == Verdict(Value.SAME)
    assert case.examined == []


async def test_a_generated_value_that_was_rotated_outside_stays() -> None:
    case, key = fingerprinted(source=GenerateSource(), live=live(5, 5), version=THEIRS, azure="rotated")
    facts = shown(key, "rotated", created=5, updated=5, version=THEIRS)
    assert await case.verdict() == Verdict(Value.SAME, "rotated outside", facts)


async def test_a_generated_value_whose_attributes_moved_stays() -> None:
    case, key = fingerprinted(source=GenerateSource(), live=live(updated=5))
    assert await case.verdict() == Verdict(Value.SAME, facts=shown(key, "old", updated=5))


async def test_an_interrupted_generated_value_that_arrived_is_taken_over() -> None:
    verdict = await interrupted(source=GenerateSource(), azure="generated").verdict()
    assert (verdict.value, verdict.why, verdict.facts["version"]) == (Value.SAME, "", THEIRS)


@pytest.mark.parametrize(
    "fields",
    [
        {"entry": None},
        {"live": live(5, 5, Condition.SOFT_DELETED)},
        {"live": live(5, 5), "refused": Forbidden(code="ForbiddenByRbac")},
    ],
    ids=["imported", "soft-deleted", "unreadable"],
)
async def test_a_generated_value_that_exists_is_never_made_again(fields: dict[str, Any]) -> None:
    case, _ = fingerprinted(source=GenerateSource(), **fields)
    assert await case.verdict() == Verdict(Value.SAME)


async def test_a_kept_value_is_nobodys_business() -> None:
    case, _ = fingerprinted(source=Kept(), live=live(5, 5))
    assert await case.verdict(mode="required") == Verdict(Value.NONE)
    assert (case.examined, case.keys.asked) == ([], [])


# Missing sources, modes and what is left out


async def test_a_missing_source_is_no_change_and_says_why() -> None:
    case, _ = fingerprinted(environ={})
    assert await case.verdict() == Verdict(Value.NOT_COMPARED, "PW is not set")


async def test_values_required_names_every_secret_that_has_none() -> None:
    case, _ = fingerprinted(environ={})
    with pytest.raises(ValueMissing) as caught:
        await case.verdict(mode="required")
    problem = caught.value.diagnostics[0]
    assert problem.detail == "The value of secret.kv/db cannot be had: PW is not set."
    assert (problem.code, problem.address, str(problem.span)) == ("value-missing", DB, "dkv.yaml:7:1")


async def test_values_required_is_content_where_nothing_is_missing() -> None:
    case, _ = fingerprinted()
    assert (await case.verdict(mode="required")).value is Value.SAME


@pytest.mark.parametrize("source", [PW, GenerateSource()])
async def test_values_never_reads_neither_sources_nor_values(source: Source) -> None:
    case, _ = fingerprinted(source=source, live=live(5, 5))
    expected = Verdict(Value.NOT_COMPARED, "--values never") if source is PW else Verdict(Value.SAME)
    assert await case.verdict(mode="never") == expected
    assert (case.examined, case.keys.asked) == ([], [])


async def test_a_secret_that_could_not_be_read_is_not_compared() -> None:
    case, _ = fingerprinted()
    reading = replace(case.reading(), unread={DB: Diagnostic("forbidden", "Azure refused the operation")})
    found = await compared({DB: case.resource()}, reading)
    assert found[DB] == Verdict(Value.NOT_COMPARED, "the secret could not be read")


async def test_what_is_only_checked_holds_no_value_or_was_not_chosen_is_left_out() -> None:
    case = Case(lifecycle=Lifecycle(existing=True))
    other, plain = at("secret.kv/other"), at("vault.kv")
    vault = Resource(plain, VaultSpec(subscription="s", resource_group="g", name="kv"))
    chosen = replace(Case().resource(), address=other)
    desired = {DB: case.resource(), other: chosen, plain: vault}
    assert set(await compared(desired, Reading({}))) == {other}
    assert set(await compared(desired, Reading({}), chosen=[plain])) == set()


async def test_many_secrets_are_compared_side_by_side_in_their_order() -> None:
    addresses = [at(f"secret.kv/s{number:03}") for number in range(200)]
    desired = {place: replace(Case().resource(), address=place) for place in addresses}
    assert list(await compared(desired, Reading({}))) == addresses


async def compared(desired: Mapping[Any, Resource], reading: Reading, **options: Any) -> Mapping[Any, Verdict]:
    case = Case()
    resolved = Resolved(desired, Identity("o", "n", "t", "test"), Origin("s", ""), "t")
    sources, ring = Sources(case.environ), KeyRing(case.keys)
    return await compare(resolved, State(), reading, sources, ring, case.examine, importing=lambda _: False, **options)


# Collecting


def change(source: Source = PW, verdict: Verdict | None = None, name: str = "db", *, writes: bool = True) -> Change:
    place = at(f"secret.kv/{name}")
    desired = Resource(place, SecretSpec(vault=VAULT, name=name, source=source), span=Span("dkv.yaml", 7, 1))
    return Change(place, Action.CREATE, Reason.NEW, desired=desired, verdict=verdict, writes_value=writes)


async def test_values_are_collected_for_what_is_written_and_for_nothing_else() -> None:
    changes = [change(), change(EnvSource("UNSET"), name="other", writes=False)]
    assert await collect(changes, Sources({"PW": "x"}), KeyRing(MemoryKeys())) == {DB: Sensitive("x")}


async def test_a_value_is_generated_when_it_is_written() -> None:
    values = await collect([change(GenerateSource(48))], Sources({}), KeyRing(MemoryKeys()))
    assert values[DB].size == 48


async def test_every_missing_value_is_told_before_the_first_write() -> None:
    changes = [change(EnvSource("ONE")), change(EnvSource("TWO"), name="other"), change(name="fine")]
    with pytest.raises(ValueMissing) as caught:
        await collect(changes, Sources({"PW": "x"}), KeyRing(MemoryKeys()))
    assert [str(one.address) for one in caught.value.diagnostics] == ["secret.kv/db", "secret.kv/other"]


@pytest.mark.parametrize(("now", "stale"), [("seen", False), ("another", True)])
async def test_a_source_must_give_what_the_plan_saw(now: str, stale: bool) -> None:
    keys = MemoryKeys()
    key = keys.add()
    planned = change(verdict=Verdict(Value.NEW, seen=digest(key, DB, Sensitive("seen")), key=key.id))
    if not stale:
        assert await collect([planned], Sources({"PW": now}), KeyRing(keys)) == {DB: Sensitive("seen")}
        return
    with pytest.raises(StalePlan) as caught:
        await collect([planned], Sources({"PW": now}), KeyRing(keys))
    assert [(one.code, one.address) for one in caught.value.diagnostics] == [("stale-plan", DB)]


async def test_a_plan_whose_key_is_gone_is_stale() -> None:
    planned = change(verdict=Verdict(Value.NEW, seen="00", key=f"{PLACE}/1"))
    with pytest.raises(StalePlan):
        await collect([planned], Sources({"PW": "x"}), KeyRing(MemoryKeys()))
