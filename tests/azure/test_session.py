"""A session asks Azure for no more than it needs, and gets through what goes wrong on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import ServiceRequestError

from declarative_kv.azure import ids
from declarative_kv.azure.credentials import ClientSecret
from declarative_kv.azure.session import KEY_VAULT, Session, open_session
from declarative_kv.emulator.app import Application
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.emulator.transport import InProcessTransport
from declarative_kv.emulator.world import World
from declarative_kv.kinds import registry
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import AzureError, Forbidden, NotAuthenticated, NotFound, Unavailable
from declarative_kv.model.resource import Scope
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import AccessPolicySpec, SecretSpec, VaultSpec
from tests.conftest import login_of
from tests.kinds.cases import GROUP, VAULT

KINDS = registry()
Seen = list[dict[str, object]]


async def make_vault(azure: Session, name: str, secrets: int) -> str:
    """A vault of that name (a challenge is remembered by host, for the whole process) with that many secrets."""
    await KINDS["resource_group"].create(azure, GROUP)
    spec: VaultSpec = replace(VAULT, name=name, network=None)
    vault = KINDS["vault"].remote_id(spec)
    await KINDS["vault"].create(azure, spec)
    me = (await azure.identity()).object_id
    policy = AccessPolicySpec(vault=vault, principal=me, secrets=("get", "list", "set", "recover", "delete"))
    await KINDS["access_policy"].create(azure, policy)
    for number in range(secrets):
        secret = SecretSpec(vault=vault, name=f"s-{number:03}", value=Sensitive(f"value {number}"))
        await KINDS["secret"].create(azure, secret)
    return vault


def asked(seen: Seen, host: str) -> list[tuple[object, object]]:
    return [(entry["method"], entry["status"]) for entry in seen if str(entry["host"]).startswith(host)]


async def test_a_plan_of_unchanged_secrets_costs_a_page_for_25_and_a_handful(
    azure: Session, application: Application, world: World, requests_seen: Seen
) -> None:
    vault = await make_vault(azure, "kv-economy", 60)
    fresh: Seen = []
    login = login_of(world)
    transport = InProcessTransport(application, recorder=fresh.append)
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        wanted = frozenset(ids.secret_id(vault, f"s-{number:03}") for number in range(60))
        group = KINDS["resource_group"].scope(GROUP)
        await asyncio.gather(
            session.identity(),
            KINDS["resource_group"].read(session, group),
            KINDS["vault"].read(session, Scope("vault", vault)),
        )
        found = list(await KINDS["secret"].read(session, Scope("secret", vault, wanted)))

    assert len(found) == 60
    assert asked(fresh, "login.") == [("POST", 200), ("POST", 200)]
    assert asked(fresh, "management.") == [("GET", 200), ("GET", 200)]
    # The challenge of this host is known to the process already; one 401 at most otherwise.
    assert asked(fresh, "kv-economy.") == [("GET", 200)] * 3


async def test_many_requests_to_a_new_vault_cost_one_challenge(azure: Session, requests_seen: Seen) -> None:
    vault = await make_vault(azure, "kv-one-challenge", 0)
    secrets = [SecretSpec(vault=vault, name=f"s-{n}", value=Sensitive(str(n))) for n in range(40)]
    await asyncio.gather(*(KINDS["secret"].create(azure, secret) for secret in secrets))

    statuses = [status for _, status in asked(requests_seen, "kv-one-challenge.")]
    assert sorted(statuses, key=str) == [*[200] * 40, 401]


async def test_the_identity_is_read_from_the_token_alone(azure: Session, world: World, requests_seen: Seen) -> None:
    me = await azure.identity()

    assert me.object_id == world.identity()["object_id"]
    assert (me.tenant, me.source, me.user) == (TENANT, "emulator", False)
    assert [entry["host"] for entry in requests_seen] == ["login.microsoftonline.com"]


async def test_a_wrong_client_secret_is_not_authenticated_and_not_repeated(
    application: Application, world: World
) -> None:
    login = ClientSecret(TENANT, world.identity()["client_id"], Sensitive("wrong-secret"))
    transport = InProcessTransport(application)
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        with pytest.raises(NotAuthenticated) as caught:
            await session.identity()

    (diagnostic,) = caught.value.diagnostics
    assert "AADSTS7000215" in diagnostic.detail
    assert "wrong-secret" not in diagnostic.detail


async def test_an_identity_without_rights_is_told_which_role_is_missing(
    application: Application, world: World, azure: Session
) -> None:
    vault = await make_vault(azure, "kv-norights", 1)
    login = login_of(world, "norights")
    transport = InProcessTransport(application)
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        with pytest.raises(Forbidden) as control:
            await KINDS["vault"].read(session, Scope("vault", vault))
        with pytest.raises(Forbidden) as data:
            await KINDS["secret"].read(session, Scope("secret", vault))

    assert "`Reader`" in control.value.diagnostics[0].hint
    assert "Microsoft.KeyVault/vaults/read" in control.value.diagnostics[0].hint
    assert "access policy" in data.value.diagnostics[0].hint
    assert control.value.status == data.value.status == 403


async def test_what_is_missing_is_not_found(azure: Session) -> None:
    with pytest.raises(NotFound) as caught:
        await azure.arm("GET", ids.group_id(SUBSCRIPTION, "rg-none"), version=KEY_VAULT, operation="Reading it")

    assert caught.value.code == "ResourceGroupNotFound"
    assert caught.value.diagnostics[0].detail.startswith("Reading it failed (status 404, ResourceGroupNotFound).")


@pytest.mark.parametrize(("method", "status"), [("GET", 429), ("PATCH", 429), ("POST", 429), ("DELETE", 500)])
async def test_a_busy_azure_is_asked_again(
    method: str, status: int, azure: Session, world: World, requests_seen: Seen
) -> None:
    vault = await make_vault(azure, "kv-busy", 1)
    path = {"POST": "/deletedsecrets/s-000/recover"}.get(method, "/secrets/s-000")
    if method == "POST":
        await azure.vault(vault, "DELETE", "/secrets/s-000", operation="Deleting")
    world.fail(method, path, status=status, times=6)
    body: Any = {"contentType": "text/plain"} if method == "PATCH" else None
    before = len(requests_seen)
    await azure.vault(vault, method, path, operation="Trying", body=body)

    assert [entry["status"] for entry in requests_seen[before:]] == [*[status] * 6, 200]


async def test_an_azure_that_stays_away_is_unavailable_in_the_end(azure: Session, world: World) -> None:
    world.fail("GET", "*/resourcegroups/*", status=503)
    with pytest.raises(Unavailable) as caught:
        await KINDS["resource_group"].read(azure, KINDS["resource_group"].scope(GROUP))

    assert caught.value.retryable


async def test_a_list_goes_on_after_an_empty_page(world: World, application: Application) -> None:
    pages = {"": ([{"id": 1}], "two"), "two": ([], "three"), "three": ([{"id": 2}], None)}

    class Pages(InProcessTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            response = await super().send(request, **options)
            if "/things" not in request.url:
                return response
            marker = request.url.partition("marker=")[2]
            value, following = pages[marker]
            base = "https://management.azure.com:443/things?marker="
            return _Canned(response, {"value": value, "nextLink": following and base + following})

    login = login_of(world)
    async with open_session(Cloud("emulator"), TENANT, transport=Pages(application), credential=login) as session:
        got = [page async for page in session.arm_pages("/things", version="1", operation="Listing")]

    assert got == [[{"id": 1}], [], [{"id": 2}]]


async def test_a_list_that_goes_on_elsewhere_is_not_followed(world: World, application: Application) -> None:
    class Elsewhere(InProcessTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            assert "evil" not in request.url
            response = await super().send(request, **options)
            if "/things" not in request.url:
                return response
            return _Canned(response, {"value": [], "nextLink": "https://evil.example/things"})

    login = login_of(world)
    async with open_session(Cloud("emulator"), TENANT, transport=Elsewhere(application), credential=login) as session:
        with pytest.raises(AzureError, match="azure-error"):
            _ = [page async for page in session.arm_pages("/things", version="1", operation="Listing")]


class _Canned:
    """An answer with another body than the emulator's."""

    status_code = 200
    content = b"{}"

    def __init__(self, response: Any, body: Any) -> None:
        self._response = response
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def json(self) -> Any:
        return self._body


class Lossy(InProcessTransport):
    """Carries every request out, and loses the answers to the first that set a secret's value."""

    def __init__(self, application: Application, lose: int) -> None:
        super().__init__(application)
        self._lose = lose
        self.sent = 0

    async def send(self, request: Any, **options: Any) -> Any:
        response = await super().send(request, **options)
        if request.method == "PUT" and "/secrets/" in request.url and response.status_code == 200:
            self.sent += 1
            if self.sent <= self._lose:
                raise ServiceRequestError("Server disconnected")
        return response


async def test_a_value_whose_answer_was_lost_is_not_set_again(
    azure: Session, application: Application, world: World
) -> None:
    vault = await make_vault(azure, "kv-lossy", 0)
    transport = Lossy(application, lose=1)
    login = login_of(world)
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        secret = SecretSpec(vault=vault, name="db", value=Sensitive("the value"))
        made = await KINDS["secret"].create(session, secret)
        versions = [page async for page in session.vault_pages(vault, "/secrets/db/versions", operation="Listing")]

    assert transport.sent == 1
    assert [len(page) for page in versions] == [1]
    assert made.facts["version"] == str(versions[0][0]["id"]).rsplit("/", 1)[-1]
    assert made.spec.value is None


async def test_a_value_that_did_not_arrive_is_set_once_the_way_is_free(azure: Session, world: World) -> None:
    vault = await make_vault(azure, "kv-dropped", 0)
    world.fail("PUT", "/secrets/db", drop=True, times=1)
    secret = SecretSpec(vault=vault, name="db", value=Sensitive("first"))
    first = await KINDS["secret"].create(azure, secret)
    world.fail("PUT", "/secrets/db", status=500, times=1)
    again = await KINDS["secret"].update(azure, replace(secret, value=Sensitive("second")), first)
    versions = [item async for page in azure.vault_pages(vault, "/secrets/db/versions", operation="x") for item in page]

    assert len(versions) == 2
    assert (await KINDS["secret"].examine(azure, again)).spec.value.reveal() == "second"


async def test_a_lost_answer_stays_an_error_where_the_value_may_not_be_read(
    azure: Session, application: Application, world: World
) -> None:
    vault = await make_vault(azure, "kv-write-only", 0)
    policy = AccessPolicySpec(vault=vault, principal=(await azure.identity()).object_id, secrets=("set",))
    (live,) = await KINDS["access_policy"].read(azure, Scope("vault", vault))
    await KINDS["access_policy"].update(azure, policy, live)
    transport, login = Lossy(application, lose=1), login_of(world)
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=login) as session:
        with pytest.raises(Unavailable):
            await KINDS["secret"].create(session, SecretSpec(vault=vault, name="db", value=Sensitive("x")))

    assert transport.sent == 1


async def test_a_token_that_names_nobody_is_not_authenticated(application: Application) -> None:
    class Opaque:
        async def get_token_info(self, *_: str, **__: Any) -> AccessTokenInfo:
            return AccessTokenInfo("opaque", 4102444800)

    odd: Any = Opaque()
    transport = InProcessTransport(application)
    async with open_session(Cloud("emulator"), TENANT, transport=transport, credential=odd) as session:
        with pytest.raises(NotAuthenticated) as caught:
            await session.identity()

    assert "not a JWT" in caught.value.diagnostics[0].detail


async def test_an_answer_that_is_no_json_is_azures_error(application: Application, world: World) -> None:
    class Html(InProcessTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            response = await super().send(request, **options)
            if "/things" not in request.url:
                return response
            canned = _Canned(response, None)
            canned.json = _no_json  # type: ignore[method-assign]
            return canned

    login = login_of(world)
    async with open_session(Cloud("emulator"), TENANT, transport=Html(application), credential=login) as session:
        with pytest.raises(AzureError) as caught:
            await session.arm("GET", "/things", version="1", operation="Asking")

    assert caught.value.diagnostics[0].detail == "Asking: the answer is no JSON."


def _no_json() -> Any:
    raise ValueError("no JSON")


async def test_an_id_cannot_leave_its_place_in_a_url(azure: Session, requests_seen: Seen) -> None:
    with pytest.raises(AzureError):
        await azure.arm("GET", "/subscriptions/x/../y?api-version=1#z", version="2", operation="Asking")

    assert (requests_seen[-1]["path"], requests_seen[-1]["query"]) == (
        "/subscriptions/x/y%3Fapi-version%3D1%23z",
        "api-version=2",
    )
