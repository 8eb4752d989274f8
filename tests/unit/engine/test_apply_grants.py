"""The applier and grants: the new one is there before the old one goes, and a fresh one has time to take effect."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from declarative_kv.engine.steps import PROPAGATION
from declarative_kv.model.errors import Forbidden, Unavailable
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Observed, Resource
from declarative_kv.model.state import Entry, Status
from tests.unit.engine.cloud import Cloud, applied, refusal
from tests.unit.engine.doing import destroy, statuses, writing
from tests.unit.engine.fakes import Thing, at, entry, live, thing


def replacing(prior: Entry, there: Observed | None, wanted: str, reason: Reason = Reason.CONFIG_MOVED) -> Change:
    grant = Resource(prior.address, Thing(name=wanted, colour="red"))
    return Change(prior.address, Action.REPLACE, reason, desired=grant, prior=prior, live=there)


async def test_the_new_grant_is_there_before_the_old_one_goes() -> None:
    cloud = Cloud(live("grant.old"))
    over = await applied(cloud, [replacing(entry("grant.old"), live("grant.old"), "new")])
    assert cloud.calls[:4] == ["read grant", "create new", "read grant", "delete old"]
    assert over.journal.written[0].facts["replaces"] == "/v/grant/old"
    assert over.journal.entries[at("grant.old")].remote_id == "/v/grant/new"


async def test_an_equal_grant_that_is_asked_to_be_replaced_goes_first() -> None:
    cloud = Cloud(live("grant.g"))
    await applied(cloud, [replacing(entry("grant.g"), live("grant.g"), "g", Reason.REQUESTED)])
    assert cloud.writes() == ["delete g", "create g"]


@pytest.mark.parametrize(
    ("prior", "reason"),
    [
        (entry("grant.old", facts={"shared": True}), Reason.CONFIG_MOVED),
        (entry("grant.old"), Reason.HANDED_OVER),
    ],
)
async def test_a_grant_that_is_not_only_ours_stays_where_it_is(prior: Entry, reason: Reason) -> None:
    cloud = Cloud(live("grant.old"))
    await applied(cloud, [replacing(prior, live("grant.old"), "new", reason)])
    assert cloud.writes() == ["create new"]


@pytest.mark.parametrize(("facts", "shared"), [({"shared": True}, True), ({}, True), ({"shared": False}, False)])
async def test_the_equal_grant_that_a_replacement_meets_is_ours_only_where_it_is_taken_over(
    facts: dict[str, bool], shared: bool
) -> None:
    theirs = replace(live("grant.new", "red" if shared else "blue"), remote_id="/v/grant/theirs")
    cloud = Cloud(live("grant.old"), theirs)
    change = replace(replacing(entry("grant.old"), live("grant.old"), "new"), facts=facts)
    over = await applied(cloud, [change])
    assert not over.outcome.failed
    assert cloud.writes() == ["create new", "delete old", *([] if shared else ["update new"])]
    done = over.journal.entries[at("grant.old")]
    assert (done.remote_id, bool(done.facts.get("shared"))) == ("/v/grant/theirs", shared)


async def test_a_change_of_a_shared_grant_does_not_make_it_ours() -> None:
    theirs, prior = live("grant.g", "blue"), entry("grant.g", facts={"shared": True})
    change = Change(prior.address, Action.UPDATE, Reason.CONFIG_MOVED, desired=thing("grant.g"), prior=prior)
    over = await applied(Cloud(theirs), [replace(change, live=theirs)])
    assert over.journal.entries[at("grant.g")].facts["shared"]


async def test_an_interrupted_replacement_removes_the_grant_that_it_remembers() -> None:
    cloud = Cloud(live("grant.older"))
    remembering = entry("grant.new", status=Status.PENDING, facts={"replaces": "/v/grant/older"})
    await applied(cloud, [replacing(remembering, None, "new")])
    assert "/v/grant/older" not in cloud.objects


async def test_a_grant_that_the_state_does_not_know_is_not_removed() -> None:
    cloud = Cloud(live("grant.old"))
    await applied(cloud, [replace(replacing(entry("grant.old"), live("grant.old"), "new"), prior=None)])
    assert cloud.writes() == ["create new"]


async def test_the_old_grant_stays_when_the_new_one_cannot_be_seen() -> None:
    cloud = Cloud(live("grant.old"))
    cloud.old = [(live("grant.old"),)] * 20
    over = await applied(cloud, [replacing(entry("grant.old"), live("grant.old"), "new")])
    assert cloud.writes() == ["create new"]
    assert over.codes == ["write-not-taken"]
    assert over.journal.entries[at("grant.old")].status is Status.PENDING


async def test_a_grant_goes_with_the_one_that_it_was_to_take_the_place_of() -> None:
    prior = entry("grant.g", status=Status.PENDING, facts={"replaces": "/v/grant/old"})
    cloud = Cloud(live("grant.g"), live("grant.old"))
    over = await applied(cloud, [destroy(prior, live("grant.g"))])
    assert (over.codes, over.journal.entries) == ([], {})
    assert [one for one in cloud.objects if "grant" in one] == []


async def test_a_replacement_that_was_begun_is_finished_and_not_begun_again() -> None:
    prior = entry("grant.g", status=Status.PENDING, facts={"replaces": "/v/grant/old"})
    cloud = Cloud(live("grant.g"), live("grant.old"))
    begun = Change(at("grant.g"), Action.REPLACE, Reason.INTERRUPTED, desired=thing("grant.g"), prior=prior)
    over = await applied(cloud, [replace(begun, live=live("grant.g"))])
    assert (over.codes, [one for one in cloud.objects if "grant" in one]) == ([], ["/v/grant/g"])
    assert over.journal.entries[at("grant.g")].facts == {}


async def test_a_grant_that_is_deleted_first_is_pending_in_the_state_before() -> None:
    cloud = Cloud(live("grant.g"))
    cloud.refusals["delete g"] = [refusal(Unavailable, 503)]
    same = Change(
        at("grant.g"),
        Action.REPLACE,
        Reason.REQUESTED,
        desired=thing("grant.g"),
        prior=entry("grant.g"),
        live=live("grant.g"),
    )
    over = await applied(cloud, [same])
    assert statuses(over) == [Status.PENDING]


NOT_YET = "ForbiddenByRbac"


def granting(to: str) -> Change:
    return Change(at("grant.g"), Action.CREATE, Reason.NEW, desired=thing("grant.g", to))


async def test_a_fresh_grant_is_given_time_to_take_effect() -> None:
    cloud = Cloud()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, NOT_YET)] * 2
    changes = [granting("Me"), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}))
    assert (over.codes, over.pauses) == ([], [1.0, 2.0])


async def test_a_grant_that_never_takes_effect_is_waited_for_as_long_as_azure_may_need() -> None:
    cloud = Cloud()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, NOT_YET)] * 1000
    changes = [granting("me"), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}))
    assert over.codes == [NOT_YET.lower()]
    assert PROPAGATION <= sum(over.pauses) < PROPAGATION + 30


async def test_a_grant_is_not_waited_for_once_the_run_is_stopped() -> None:
    stop = asyncio.Event()

    class Late(Cloud):
        """The time is up when it is asked for the item."""

        def called(self, verb: str, name: str) -> None:
            if name == "x":
                stop.set()
            super().called(verb, name)

    cloud = Late()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, NOT_YET)] * 1000
    changes = [granting("me"), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}), stop=stop)
    assert (over.codes, over.pauses) == ([NOT_YET.lower()], [1.0])


@pytest.mark.parametrize(("grantee", "code"), [("somebody else", NOT_YET), ("me", "ForbiddenByFirewall")])
async def test_nobody_waits_for_a_grant_that_would_not_help(grantee: str, code: str) -> None:
    cloud = Cloud()
    cloud.refusals["create x"] = [refusal(Forbidden, 403, code)]
    changes = [granting(grantee), writing("item.x", "grant.g")]
    over = await applied(cloud, changes, values={"item.x": "some value"}, helpful=frozenset({"me"}))
    assert (over.codes, over.pauses) == ([code.lower()], [])
