"""Secrets: what is carried over, what is never read, and what is not reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from declarative_kv.azure.session import Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import AzureError, Conflict, Forbidden, Unavailable
from declarative_kv.model.resource import Condition, Scope
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import SecretSpec
from tests.conftest import login_of
from tests.kinds.cases import CASES, PLANTED, SECRET, VAULT_ID
from tests.kinds.conftest import needs_of

KIND = CASES["secret"].kind
Seen = list[dict[str, object]]


@pytest.fixture(autouse=True)
async def vault(azure: Session) -> None:
    await replace(CASES["secret"], needs=await needs_of(CASES["secret"], azure)).prepare(azure)


async def test_a_new_version_keeps_what_is_not_managed(azure: Session) -> None:
    await KIND.create(azure, SECRET)
    (before,) = await KIND.read(azure, KIND.scope(SECRET))
    wanted = SecretSpec(vault=VAULT_ID, name="db-Password", tags={"new": "yes"}, value=Sensitive("second"))
    await KIND.update(azure, wanted, before)
    (after,) = await KIND.read(azure, KIND.scope(SECRET))

    assert after.spec == replace(before.spec, tags={"owner": "payments", "new": "yes"})
    assert (await KIND.examine(azure, after)).spec.value.reveal() == "second"


async def test_without_a_value_no_version_is_made(azure: Session) -> None:
    created = await KIND.create(azure, SECRET)
    wanted = replace(SECRET, expires=datetime(2033, 1, 1, tzinfo=UTC), value=None)
    updated = await KIND.update(azure, wanted, created)

    assert updated.facts["version"] == created.facts["version"]


async def test_deleted_secrets_are_listed_only_where_a_wanted_one_is_not_live(
    azure: Session, requests_seen: Seen
) -> None:
    created = await KIND.create(azure, SECRET)
    before = len(requests_seen)
    await KIND.read(azure, KIND.scope(SECRET))
    assert [entry["path"] for entry in requests_seen[before:]] == ["/secrets"]

    await KIND.delete(azure, created)
    (gone,) = await KIND.read(azure, KIND.scope(SECRET))
    assert gone.condition is Condition.SOFT_DELETED
    assert list(await KIND.read(azure, Scope("secret", VAULT_ID))) == []


async def test_recovering_never_reads_a_value(azure: Session, requests_seen: Seen) -> None:
    created = await KIND.create(azure, SECRET)
    await KIND.delete(azure, created)
    before = len(requests_seen)
    back = await KIND.recover(azure, created)

    asked = [(entry["method"], entry["path"]) for entry in requests_seen[before:]]
    assert asked == [("POST", "/deletedsecrets/db-Password/recover"), ("GET", "/secrets/db-Password/versions")]
    assert back.facts["version"] == created.facts["version"]


class Waiting(InProcessTransport):
    """Lets emulated time pass where a client waits."""

    def __init__(self, application: Application, world: World) -> None:
        super().__init__(application)
        self._world = world
        self.waited = 0.0

    async def sleep(self, duration: float) -> None:
        self.waited += duration
        self._world.clock.shift(duration)


async def test_recovering_waits_until_azure_is_done(application: Application, azure: Session, world: World) -> None:
    transport = Waiting(application, world)
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login_of(world)) as session:
        world.settings.time_scale = 1.0
        created = await KIND.create(session, SECRET)
        await KIND.delete(session, created)
        back = await KIND.recover(session, created)
        await KIND.update(session, replace(SECRET, tags={"back": "yes"}, value=None), back)

    assert back.condition is Condition.LIVE
    assert 2 <= transport.waited <= 180


async def test_recovering_what_is_live_is_no_error(azure: Session) -> None:
    created = await KIND.create(azure, SECRET)

    assert (await KIND.recover(azure, created)).facts["version"] == created.facts["version"]


async def test_setting_a_soft_deleted_name_is_a_conflict_that_says_so(azure: Session) -> None:
    await KIND.delete(azure, await KIND.create(azure, SECRET))
    with pytest.raises(Conflict) as caught:
        await KIND.create(azure, SECRET)

    assert caught.value.code == "ObjectIsDeletedButRecoverable"
    assert "Recover the secret" in caught.value.diagnostics[0].hint


async def test_the_value_of_a_disabled_secret_cannot_be_read(azure: Session) -> None:
    created = await KIND.create(azure, replace(SECRET, enabled=False))
    with pytest.raises(Forbidden) as caught:
        await KIND.examine(azure, created)

    assert caught.value.code == "SecretDisabled"


async def test_our_fingerprint_key_and_secrets_of_certificates_are_the_systems(azure: Session, world: World) -> None:
    await KIND.create(azure, replace(SECRET, name="dkv-fingerprint-key", tags={"dkv": "fingerprint"}))
    await KIND.create(azure, replace(SECRET, name="of-a-certificate"))
    table = world.store.table("secrets")
    key = next(key for key in table if key.endswith("/of-a-certificate"))
    versions = [{**version, "managed": True} for version in table[key]["versions"]]
    world.store.put("secrets", key, {**table[key], "managed": True, "versions": versions})
    await KIND.create(azure, SECRET)
    found = {one.label: one.system for one in await KIND.read(azure, Scope("secret", VAULT_ID))}

    assert found == {"db-Password": False, "dkv-fingerprint-key": True, "of-a-certificate": True}


async def test_an_error_about_a_value_does_not_repeat_it(azure: Session) -> None:
    too_long = PLANTED * 2000
    with pytest.raises(AzureError) as caught:
        await KIND.create(azure, replace(SECRET, value=Sensitive(too_long)))

    assert caught.value.status == 400
    assert PLANTED not in repr(caught.value.diagnostics)


async def test_a_secret_on_its_way_out_is_left_to_go(azure: Session, world: World) -> None:
    world.settings.time_scale = 1.0
    created = await KIND.create(azure, SECRET)
    await KIND.delete(azure, created)
    await KIND.delete(azure, created)


async def test_who_may_recover_but_not_list_gets_back_what_is_known(azure: Session) -> None:
    created = await KIND.create(azure, SECRET)
    await KIND.delete(azure, created)
    (gone,) = await KIND.read(azure, KIND.scope(SECRET))
    policies = CASES["access_policy"].kind
    (live,) = await policies.read(azure, Scope("vault", VAULT_ID))
    await policies.update(azure, replace(live.spec, secrets=("recover",)), live)

    assert await KIND.recover(azure, gone) == replace(gone, condition=Condition.LIVE)


async def test_a_secret_that_does_not_come_back_is_unavailable(azure: Session, world: World) -> None:
    created = await KIND.create(azure, SECRET)
    await KIND.delete(azure, created)
    world.fail("GET", "/secrets/db-Password/versions", status=404)
    with pytest.raises(Unavailable) as caught:
        await KIND.recover(azure, created)

    assert "has not come back" in caught.value.diagnostics[0].detail


async def test_only_a_missing_right_to_recover_is_an_error(azure: Session, world: World) -> None:
    created = await KIND.create(azure, SECRET)
    await KIND.delete(azure, created)
    world.fail("POST", "/deletedsecrets/*", status=403, times=1)
    with pytest.raises(Forbidden):
        await KIND.recover(azure, created)


async def test_a_value_must_be_there_to_be_set(azure: Session) -> None:
    with pytest.raises(ValueError, match="no value"):
        await KIND.create(azure, replace(SECRET, value=None))


async def test_nothing_to_change_asks_nothing(azure: Session, requests_seen: Seen) -> None:
    created = await KIND.create(azure, SECRET)
    before = len(requests_seen)

    assert await KIND.update(azure, replace(SECRET, value=None), created) == created
    assert len(requests_seen) == before
