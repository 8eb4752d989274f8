"""A run under Azure's limits: against an emulator that has them, whose time passes while the run waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.azure import ids
from declarative_kv.azure.patience import Patience
from declarative_kv.azure.session import RESOURCES, Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.http import Request, Response
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import OutOfTime, Throttled
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import SecretSpec, VaultSpec
from tests.conftest import login_of
from tests.counts import count
from tests.kinds.cases import GROUP, KINDS, VAULT

OTHER = "33333333-3333-4333-8333-333333333333"
Answer = tuple[int, Mapping[str, str], bytes]


class Ageing(InProcessTransport):
    """Carries requests to the emulator, whose clock moves on by what is waited; `scripted` answers come first."""

    def __init__(self, application: Any, world: World) -> None:
        super().__init__(self, recorder=lambda entry: self.seen.append(dict(entry)))
        self.seen: list[dict[str, object]] = []
        self.sent: list[tuple[str, float]] = []
        self.slept: list[float] = []
        self.scripted: list[Answer] = []
        self._application_behind = application
        self._world = world

    async def answer(self, request: Request) -> Response:
        """The next scripted answer for Resource Manager or a vault, else the emulator's."""
        self.sent.append((f"{request.method} {request.path}", self._world.clock.offset()))
        if self.scripted and not request.host.startswith("login."):
            return Response(*self.scripted.pop(0))
        response: Response = await self._application_behind.answer(request)
        return response

    async def sleep(self, duration: float) -> None:
        self.slept.append(duration)
        self._world.clock.shift(duration)
        await asyncio.sleep(0)

    def statuses(self, method: str = "") -> Counter[object]:
        """How often each status was answered."""
        return Counter(one["status"] for one in self.seen if str(one["method"]).startswith(method))


@asynccontextmanager
async def paced(world: World, **options: Any) -> AsyncIterator[tuple[Session, Ageing]]:
    transport = Ageing(Application(world), world)
    async with open_session(
        Cloud("emulator"), TENANT, transport=transport, credential=login_of(world), **options
    ) as session:
        yield session, transport


async def make_vault(session: Session, name: str) -> str:
    await KINDS["resource_group"].create(session, GROUP)
    spec: VaultSpec = replace(VAULT, name=name, network=None, access="rbac")
    await KINDS["vault"].create(session, spec)
    return KINDS["vault"].remote_id(spec)


async def set_secrets(session: Session, vault: str, number: int) -> None:
    specs = [SecretSpec(vault=vault, name=f"s-{one}", value=Sensitive(f"value {one}")) for one in range(number)]
    async with asyncio.TaskGroup() as group:
        for spec in specs:
            group.create_task(KINDS["secret"].create(session, spec))


async def test_a_thousand_new_secrets_meet_no_429(world: World) -> None:
    number = count(650, 1000)
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-paced")
        world.settings.throttle = True
        await set_secrets(session, vault, number)

    assert transport.statuses("PUT") == {200: number + 1, 201: 1, 401: 1}
    windows = -(-number // 300) - 1
    assert sum(transport.slept) <= 10.5 * windows, "no longer than Azure's windows ask for"


async def test_six_vaults_together_keep_to_what_their_subscription_may(world: World) -> None:
    each = 270
    async with paced(world) as (session, transport):
        vaults = [await make_vault(session, f"kv-paced-{number}") for number in range(6)]
        world.settings.throttle = True
        await asyncio.gather(*(set_secrets(session, vault, each) for vault in vaults))

    assert transport.statuses("PUT") == {200: 6 * each + 6, 201: 1, 401: 6}


async def test_resource_manager_is_asked_as_fast_as_its_bucket_fills(world: World) -> None:
    world.settings.throttle = True
    group = ids.group_id(SUBSCRIPTION, "rg")
    async with paced(world) as (session, transport):
        for _ in range(230):
            await session.arm("PUT", group, version=RESOURCES, operation="Tagging", body={"location": "westeurope"})

    assert transport.statuses("PUT") == {201: 1, 200: 229}
    assert sum(transport.slept) <= 3.5, "30 more than are in it, and ten come back in a second"


async def test_without_limits_of_its_own_the_run_learns_them_from_429s(world: World) -> None:
    async with paced(world, limited=False) as (session, transport):
        vault = await make_vault(session, "kv-learned")
        world.settings.throttle = True
        await set_secrets(session, vault, 330)

    found = transport.statuses("PUT")
    assert found[200] == 331
    assert 0 < found[429] <= 32 * 10


async def test_a_429_keeps_everybody_back_who_wants_the_same(world: World) -> None:
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-gate")
        await set_secrets(session, vault, 1)
        world.fail("GET", "/secrets/s-0", status=429, times=1)
        before = len(transport.sent)
        await asyncio.gather(
            *(session.vault(vault, "GET", f"/secrets/s-{one}", operation="Reading") for one in (0, 0, 0)),
            session.vault(vault, "PUT", "/secrets/other", operation="Setting", body={"value": "v"}),
            session.arm("GET", vault, version="2026-02-01", operation="Reading"),
        )

    offsets = Counter(when for _, when in transport.sent[before:])
    assert sorted(offsets.values()) == [1, 5], "everything else goes at once, or after the one wait"
    assert sum(transport.slept) == pytest.approx(transport.slept[-1])
    assert 1.0 <= transport.slept[-1] <= 1.25


async def test_key_vault_is_given_more_time_after_every_refusal(world: World) -> None:
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-patient")
        await set_secrets(session, vault, 1)
        world.fail("GET", "/secrets/s-0", status=429, times=6)
        await session.vault(vault, "GET", "/secrets/s-0", operation="Reading")
        first = list(transport.slept)
        world.fail("GET", "/secrets/s-0", status=429, times=1)
        await session.vault(vault, "GET", "/secrets/s-0", operation="Reading")

    for seconds, least in zip(first, (1, 2, 4, 8, 16, 16), strict=True):
        assert least <= seconds <= 1.25 * least
    assert 1 <= transport.slept[-1] <= 1.25, "an answer ends the row"


THROTTLED = b'{"error": {"code": "SubscriptionRequestsThrottled", "message": "%s"}}'


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (429, {"retry-after": "7"}, b"{}", 7.0),
        (429, {}, THROTTLED % b"Please try again after '9' seconds.", 9.0),
        (429, {"Retry-After-Ms": "2500"}, b"{}", 2.5),
        (503, {"retry-after": "21"}, b"{}", 21.0),
    ],
)
async def test_what_azure_asks_for_is_waited(
    status: int, headers: dict[str, str], body: bytes, seconds: float, world: World
) -> None:
    async with paced(world) as (session, transport):
        await make_vault(session, "kv-asked")
        transport.scripted.append((status, headers, body))
        await session.arm("GET", ids.group_id(SUBSCRIPTION, GROUP.name), version=RESOURCES, operation="Reading")

    (waited,) = transport.slept
    assert seconds <= waited <= 1.25 * seconds


async def test_typed_calls_read_the_words_of_a_429_too(world: World) -> None:
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-typed")
        said = THROTTLED % b"Please try again after '9' seconds."
        transport.scripted += [(429, {}, said)]
        where = ids.parse_vault(vault)
        poller: Any = await session.resources(SUBSCRIPTION).resource_groups.begin_delete(
            where.resource_group, polling_interval=1
        )
        await poller.result()

    assert 9.0 <= transport.slept[0] <= 1.25 * 9


async def test_who_asks_for_an_hour_is_not_waited_for_and_nobody_else_asks_again(world: World) -> None:
    async with paced(world) as (session, transport):
        await make_vault(session, "kv-hour")
        before = len(transport.sent)
        transport.scripted.append((429, {"retry-after": "3600"}, b"{}"))
        with pytest.raises(Throttled):
            await session.arm("GET", ids.group_id(SUBSCRIPTION, "rg"), version=RESOURCES, operation="Reading")
        with pytest.raises(Throttled) as caught:
            await session.arm("GET", ids.group_id(SUBSCRIPTION, "rg"), version=RESOURCES, operation="Reading")

    assert len(transport.sent) - before == 1
    assert transport.slept == []
    assert "ask again after" in caught.value.diagnostics[0].detail


@pytest.mark.parametrize("failing", [{"status": 503}, {"status": 429}, {"drop": True}])
async def test_a_request_that_goes_wrong_is_given_up_in_time(failing: dict[str, Any], world: World) -> None:
    patience = Patience(request=40.0)
    async with paced(world, patience=patience) as (session, transport):
        vault = await make_vault(session, "kv-given-up")
        await set_secrets(session, vault, 1)
        transport.slept.clear()
        world.fail("GET", "/secrets/s-0", **failing)
        with pytest.raises((Throttled, Exception)):
            await session.vault(vault, "GET", "/secrets/s-0", operation="Reading")

    assert 5.0 < sum(transport.slept) <= 40.0


async def test_the_requests_of_one_change_share_its_time(world: World) -> None:
    patience = Patience(request=40.0, change=50.0)
    async with paced(world, patience=patience) as (session, transport):
        vault = await make_vault(session, "kv-change")
        transport.slept.clear()
        world.fail("GET", "/secrets/*", status=503)

        async def change() -> None:
            session.begin_change()
            for _ in range(5):
                with pytest.raises(Exception, match="unavailable"):
                    await session.vault(vault, "GET", "/secrets/s-0", operation="Reading")

        await asyncio.create_task(change())
        assert 25.0 < sum(transport.slept) <= 50.0
        await asyncio.create_task(change())  # the next one has time of its own

    assert 50.0 < sum(transport.slept) <= 100.0


async def test_nobody_waits_any_longer_once_the_run_is_stopped(world: World) -> None:
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-stopped")
        world.settings.throttle = True
        await set_secrets(session, vault, 298)
        session.stop.set()
        await set_secrets(session, vault, 1)  # there is room for it, if the challenge is counted too
        transport.slept.clear()
        with pytest.raises(ExceptionGroup) as caught:
            await set_secrets(session, vault, 2)

    assert transport.slept == []
    errors = [error for error in caught.value.exceptions if isinstance(error, OutOfTime)]
    assert [error.diagnostics[0].code for error in errors] == ["out-of-time"] * len(caught.value.exceptions)


async def test_a_stopped_run_tries_nothing_again(world: World) -> None:
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-once-more")
        await set_secrets(session, vault, 1)
        session.stop.set()
        world.fail("GET", "/secrets/s-0", status=503)
        before = len(transport.sent)
        with pytest.raises(Exception, match="unavailable"):
            await session.vault(vault, "GET", "/secrets/s-0", operation="Reading")

    assert len(transport.sent) - before == 1


async def test_429s_to_what_was_under_way_together_are_one_refusal(world: World) -> None:
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-together")
        await set_secrets(session, vault, 1)
        transport.slept.clear()
        world.fail("GET", "/secrets/s-0", status=429, times=20)
        await asyncio.gather(*(session.vault(vault, "GET", "/secrets/s-0", operation="Reading") for _ in range(20)))

    assert sum(transport.slept) <= 1.25


async def test_what_azure_refused_takes_no_place_among_what_it_counts(world: World) -> None:
    async with paced(world) as (session, transport):
        vault = await make_vault(session, "kv-uncounted")
        await set_secrets(session, vault, 1)
        world.fail("PUT", "/secrets/*", status=429, times=20)
        await set_secrets(session, vault, 285)

    assert sum(transport.slept) <= 1.25, "306 were sent, and 286 are counted"


@pytest.mark.parametrize("failing", [{"status": 429}, {"status": 503}, {"drop": True}])
async def test_a_sign_in_that_goes_wrong_is_tried_again(failing: dict[str, Any], world: World) -> None:
    world.fail("POST", "*/oauth2/v2.0/token", times=6, **failing)
    async with paced(world) as (session, transport):
        assert (await session.identity()).object_id == world.identity()["object_id"]

    assert [one["method"] for one in transport.seen] == ["POST"] * 7
