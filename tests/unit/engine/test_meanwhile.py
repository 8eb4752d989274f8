"""Another writer between the plan and the write, over an Azure of a few lines: nothing of theirs is written over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.engine.events import Failed, Skipped
from declarative_kv.engine.lag import BEFORE, PAUSES
from declarative_kv.model.errors import AzureError, Forbidden, Moved
from declarative_kv.model.plan import Action, AttrDiff, Block, Change, Reason
from declarative_kv.model.resource import Condition, Observed, Resource, Scope
from declarative_kv.model.state import Entry
from tests.unit.engine.cloud import BOX, LIVING, Cloud, LivingThings, MemoryJournal, applied, item, kept, lying, refusal
from tests.unit.engine.fakes import Thing, at, entry, live, thing

A, B, X, Y = "thing.a", "thing.b", "item.x", "item.y"
TO_BLUE = (AttrDiff(("colour",), "red", "blue"),)
VALUE = {X: "some value"}


def create(address: str = A, **fields: Any) -> Change:
    return Change(at(address), Action.CREATE, Reason.NEW, desired=thing(address), **fields)


def update(address: str = A, **fields: Any) -> Change:
    wanted = thing(address, "blue")
    prior, there = entry(address), live(address)
    return Change(
        at(address), Action.UPDATE, Reason.CONFIG_MOVED, TO_BLUE, desired=wanted, prior=prior, live=there, **fields
    )


def destroy(prior: Entry, there: Observed, reason: Reason = Reason.UNDECLARED, *after: str) -> Change:
    return Change(prior.address, Action.DESTROY, reason, after=frozenset(map(at, after)), prior=prior, live=there)


def rotate(there: Observed, action: Action = Action.UPDATE) -> Change:
    prior = kept(X) if action is Action.UPDATE else None
    diff = TO_BLUE if action is Action.IMPORT else ()
    wanted = item(X, "blue" if diff else "red")
    return Change(at(X), action, Reason.CONFIG_MOVED, diff, desired=wanted, prior=prior, live=there, writes_value=True)


@pytest.mark.parametrize(
    ("change", "there"),
    [
        (create(), [live(A)]),
        (update(), [live(A, "green")]),
        (update(), []),
        (destroy(entry(A), live(A)), [live(A, "green")]),
        (
            Change(at(A), Action.IMPORT, Reason.IMPORTING, TO_BLUE, desired=thing(A, "blue"), live=live(A)),
            [live(A, "green")],
        ),
        (rotate(lying(X, created=1)), [lying(X, created=2)]),
        (
            Change(
                at(X),
                Action.RECOVER,
                Reason.SOFT_DELETED,
                desired=item(X),
                live=lying(X, condition=Condition.SOFT_DELETED),
            ),
            [lying(X)],
        ),
    ],
    ids=["appeared", "changed", "gone", "to go, and changed", "to be imported", "another version", "back already"],
)
async def test_what_moved_after_the_plan_is_not_written_over(change: Change, there: list[Observed]) -> None:
    cloud = Cloud(*there)
    after = create(B, after=frozenset({change.address}))
    over = await applied(cloud, [change, after, create("thing.c")], values=VALUE)
    assert cloud.writes() == ["create c"]
    assert over.codes == ["moved-meanwhile"]
    assert [event.change.address for event in over.events if isinstance(event, Failed)] == [change.address]
    assert [event.change.address for event in over.events if isinstance(event, Skipped)] == [at(B)]
    assert over.journal.get(change.address) == change.prior


async def test_what_somebody_else_has_deleted_already_is_gone() -> None:
    cloud = Cloud()
    over = await applied(cloud, [destroy(entry(A), live(A))])
    assert (over.codes, over.pauses, over.journal.entries) == ([], [], {})


async def test_a_grant_that_somebody_else_has_made_meanwhile_is_not_ours() -> None:
    theirs = replace(live("grant.g"), remote_id="/v/grant/another-id")
    wanted = Resource(at("grant.g"), Thing(name="g", colour="red"))
    cloud = Cloud(theirs, live(A))
    over = await applied(cloud, [Change(at("grant.g"), Action.CREATE, Reason.NEW, desired=wanted)])
    assert (cloud.writes(), over.codes) == ([], ["moved-meanwhile"])


async def test_a_grant_that_azure_finds_made_at_the_very_moment_is_remembered_as_shared() -> None:
    class Late(Cloud):
        def called(self, verb: str, name: str) -> None:
            super().called(verb, name)
            if verb == "create":
                self.objects["/v/grant/theirs"] = replace(live("grant.g"), remote_id="/v/grant/theirs")

    cloud = Late()
    wanted = Resource(at("grant.g"), Thing(name="g", colour="red"))
    change = Change(at("grant.g"), Action.CREATE, Reason.NEW, desired=wanted)
    over = await applied(cloud, [change])
    assert over.journal.entries[at("grant.g")].facts["shared"] is True


@pytest.mark.parametrize("action", [Action.CREATE, Action.RECOVER])
async def test_what_lies_in_a_vault_that_this_run_makes_or_brings_back_needs_no_look(action: Action) -> None:
    cloud = Cloud()
    gone = Observed("vault", BOX, Thing(name="kv"), Condition.SOFT_DELETED)
    cloud.objects = {BOX: gone} if action is Action.RECOVER else {}
    vault = Change(at("vault.kv"), action, Reason.NEW, desired=thing("vault.kv"), live=cloud.objects.get(BOX))
    await applied(cloud, [vault, create(A, after=frozenset({at("vault.kv")}))])
    assert cloud.calls.index("create a") < cloud.calls.index("read thing")


async def test_one_look_serves_all_of_a_scope_whatever_its_letter_case() -> None:
    shouting = Change(at(Y), Action.CREATE, Reason.NEW, desired=replace(thing(Y), spec=Thing(name="y", vault="/V")))
    cloud = Cloud()
    over = await applied(cloud, [create(), create(B), create(X), shouting])
    reads = cloud.calls[: cloud.calls.index("create a")]
    assert (over.codes, reads.count("read thing")) == ([], 1)
    assert cloud.calls.count("read item") == 2, cloud.calls


async def test_nothing_is_looked_at_for_a_change_that_writes_nothing() -> None:
    known = Change(at(A), Action.IMPORT, Reason.IMPORTING, desired=thing(A), live=live(A))
    gone = Change(at(B), Action.FORGET, Reason.GONE, prior=entry(B))
    cloud = Cloud(live(A))
    await applied(cloud, [known, gone])
    assert cloud.calls == []


class Lagging(Cloud):
    """Shows an old list first, before anything was written."""

    def __init__(self, *lists: Iterable[Observed], then: Iterable[Observed]) -> None:
        super().__init__(*then)
        self.old = [tuple(one) for one in lists]

    def writes(self) -> list[str]:
        return ["lagging"]


async def test_a_list_that_lags_behind_what_the_plan_saw_is_asked_again() -> None:
    cloud = Lagging([], [lying(X, created=1)], then=[lying(X, created=2)])
    over = await applied(cloud, [rotate(lying(X, created=2))], values=VALUE)
    assert over.codes == []
    assert over.pauses[:2] == list(BEFORE[:2])


async def test_a_list_that_shows_a_later_second_is_believed_at_once() -> None:
    cloud = Cloud(lying(X, created=3))
    over = await applied(cloud, [rotate(lying(X, created=2))], values=VALUE)
    assert (over.codes, over.pauses) == (["moved-meanwhile"], [])


async def test_a_vault_that_is_gone_is_not_asked_for_its_secrets() -> None:
    cloud = Cloud()
    cloud.objects.clear()
    over = await applied(cloud, [rotate(lying(X))], values=VALUE)
    assert over.codes == ["moved-meanwhile"]
    assert "read item" not in cloud.calls


@pytest.mark.parametrize(("code", "codes"), [("ForbiddenByRbac", []), ("ForbiddenByFirewall", ["forbiddenbyfirewall"])])
async def test_who_may_not_list_yet_looks_in_the_other_way(code: str, codes: list[str]) -> None:
    cloud = Cloud(lying(X))
    cloud.refusals["read item"] = [refusal(Forbidden, 403, code)]
    assert (await applied(cloud, [rotate(lying(X))], values=VALUE)).codes == codes


def contained(there: Observed) -> tuple[Change, Change]:
    vault = Entry(at("vault.kv"), BOX, Thing(name="kv"))
    goes = destroy(vault, Observed("vault", BOX, Thing(name="kv")))
    return goes, destroy(kept("item.kv/x"), there, Reason.CONTAINED, "vault.kv")


@pytest.mark.parametrize(("colour", "writes"), [("red", ["delete kv"]), ("green", [])])
async def test_a_vault_does_not_take_along_what_somebody_has_changed_in_it(colour: str, writes: list[str]) -> None:
    seen = lying("item.kv/x")
    cloud = Cloud(lying("item.kv/x", colour))
    over = await applied(cloud, contained(seen))
    assert cloud.writes() == writes
    assert [str(one.address) for one in over.outcome.failed] == ([] if writes else ["item.kv/x"])


class Full(LivingThings):
    """Things that hold something."""

    async def contents(self, azure: Any, live: Observed) -> tuple[str, ...]:
        return ("/v/Thing/b", "/v/thing/theirs") if live.spec.name == "a" else ()


@pytest.mark.parametrize(
    ("blocks", "writes"),
    [
        ((), ["delete b"]),
        ((Block("group-not-empty", at(A), "holds more", allowed=True),), ["delete b", "delete a"]),
        ((Block("protected", at(A), "is protected", allowed=True),), ["delete b"]),
    ],
    ids=["nothing was in it", "allowed", "something else was allowed"],
)
async def test_a_group_does_not_take_along_what_came_into_it(blocks: tuple[Block, ...], writes: list[str]) -> None:
    cloud = Cloud(live(A), live(B))
    changes = [destroy(entry(A), live(A), Reason.UNDECLARED, B), destroy(entry(B), live(B))]
    over = await applied(cloud, changes, kinds={**LIVING, "thing": Full()}, blocks=blocks)
    assert cloud.writes() == writes
    assert over.codes == ([] if "delete a" in writes else ["moved-meanwhile"])


@pytest.mark.parametrize("now", [live(A, "green"), None])
async def test_a_look_right_before_the_write_leaves_the_state_as_it_was(now: Observed | None) -> None:
    cloud = Cloud(live(A))
    cloud.refusals["update a"] = [Moved(now)]
    over = await applied(cloud, [update()])
    assert over.codes == ["moved-meanwhile"]
    assert over.journal.entries == {at(A): entry(A)}


@pytest.mark.parametrize(
    ("now", "codes"),
    [(lying(X, created=1), []), (lying(X, created=2, version="v2"), ["overwritten-meanwhile"])],
    ids=["what was seen", "a newer one"],
)
async def test_what_was_deleted_is_compared_with_what_was_seen(now: Observed, codes: list[str]) -> None:
    class Sudden(Cloud):
        def called(self, verb: str, name: str) -> None:
            super().called(verb, name)
            if verb == "delete":
                self.objects[now.id] = now

    cloud = Sudden(lying(X, created=1))
    over = await applied(cloud, [destroy(kept(X), lying(X, created=1))])
    assert (over.codes, over.journal.entries) == (codes, {})


THEIRS = lying(X, created=30, version="theirs")
OURS = lying(X, created=40, version="ours")


@pytest.mark.parametrize(
    ("history", "codes", "pauses"),
    [
        ([lying(X, created=20, version="seen"), OURS], [], []),
        ([lying(X, created=20, version="seen"), THEIRS, OURS], ["overwritten-meanwhile"], []),
        ([lying(X, created=20, version="seen"), THEIRS], ["overwritten-meanwhile"], list(PAUSES)),
        ([], [], []),
    ],
    ids=["nobody", "somebody", "a list that lags", "no versions"],
)
@pytest.mark.parametrize("action", [Action.UPDATE, Action.IMPORT])
async def test_a_version_of_somebody_else_below_ours_is_told(
    action: Action, history: list[Observed], codes: list[str], pauses: list[float]
) -> None:
    cloud = Cloud(lying(X, created=20))
    cloud.history["x"], cloud.stamps = history, {"created": 40, "version": "ours"}
    over = await applied(cloud, [rotate(lying(X, created=20), action)], values=VALUE)
    assert (over.codes, over.pauses) == (codes, pauses)
    assert over.journal.entries[at(X)].facts["version"] == "ours"


@pytest.mark.parametrize(
    ("error", "codes"), [(refusal(Forbidden, 403, "ForbiddenByRbac"), []), (refusal(AzureError, 500), ["refused"])]
)
async def test_who_may_not_list_versions_believes_the_write(error: AzureError, codes: list[str]) -> None:
    cloud = Cloud(lying(X, created=20))
    cloud.refusals["versions x"] = [error]
    over = await applied(cloud, [rotate(lying(X, created=20))], values=VALUE)
    assert over.codes == codes


async def test_a_secret_is_looked_for_among_the_soft_deleted_only_where_the_plan_saw_one() -> None:
    asked: list[Scope] = []

    class Watching(type(LIVING["item"])):  # type: ignore[misc]
        async def read(self, azure: Any, scope: Scope) -> Iterable[Observed]:
            asked.append(scope)
            found: Iterable[Observed] = await super().read(azure, scope)
            return found

    kinds = {**LIVING, "item": Watching()}
    await applied(Cloud(lying(X)), [rotate(lying(X))], values=VALUE, kinds=kinds)
    deleted = lying(X, condition=Condition.SOFT_DELETED)
    back = Change(at(X), Action.RECOVER, Reason.SOFT_DELETED, desired=item(X), live=deleted)
    await applied(Cloud(deleted), [back], MemoryJournal(), kinds=kinds)
    await applied(Cloud(lying(X)), [destroy(kept(X), lying(X))], kinds=kinds)
    assert [bool(scope.wanted) for scope in asked] == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            None,
            "The plan saw version v1, made 1970-01-01T00:00:20Z; now there is version v2, made 1970-01-01T00:00:30Z.",
        ),
        (refusal(Forbidden, 403), "now there is made 1970-01-01T00:00:30Z."),
    ],
)
async def test_what_moved_is_told_with_its_version(error: AzureError | None, words: str) -> None:
    cloud = Cloud(lying(X, created=30))
    cloud.history["x"] = [lying(X, created=20, version="v1"), lying(X, created=30, version="v2")]
    cloud.refusals["versions x"] = [error]
    change = replace(rotate(lying(X, created=20)), prior=kept(X, facts={"created": 20, "version": "v1"}))
    over = await applied(cloud, [change], values=VALUE)
    assert words in over.outcome.failed[0].detail


async def test_one_change_may_meet_others_on_both_sides() -> None:
    cloud = Cloud(lying(X, created=20))
    cloud.history["x"], cloud.stamps = [THEIRS, OURS], {"created": 40, "version": "ours"}
    cloud.old = [(lying(X, created=50),)]
    over = await applied(cloud, [rotate(lying(X, created=20))], values=VALUE)
    assert over.codes == ["overwritten-meanwhile"] * 2
    assert (over.outcome.broken, over.outcome.done, over.outcome.saved) == ((at(X),), (), True)


async def test_what_nobody_saw_is_destroyed_without_a_look() -> None:
    unseen = Change(at(A), Action.DESTROY, Reason.UNDECLARED, prior=entry(A))
    cloud = Cloud()
    over = await applied(cloud, [unseen])
    assert (over.codes, over.journal.entries) == ([], {})


async def test_a_vault_itself_is_looked_at_last_before_it_goes() -> None:
    vault, secret = contained(lying("item.kv/x"))
    policy = Change(
        at("thing.kv/p"), Action.DESTROY, Reason.CONTAINED, prior=entry("thing.kv/p"), live=live("thing.kv/p")
    )

    class Around(type(LIVING["thing"])):  # type: ignore[misc]
        def scope(self, spec: Any) -> Scope:
            return Scope("vault", BOX)

    cloud = Cloud(lying("item.kv/x"))
    cloud.objects["/v/thing/kv/p"] = live("thing.kv/p")
    await applied(cloud, [vault, policy, secret], kinds={**LIVING, "thing": Around()})
    before = cloud.calls[: cloud.calls.index("delete kv")]
    assert before == ["read vault", "read item", "read vault"]
