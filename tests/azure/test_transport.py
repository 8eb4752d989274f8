"""Over sockets: the running emulator's proxy, given outright or found in the environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from declarative_kv.azure.credentials import ClientSecret
from declarative_kv.azure.session import Session, open_session
from declarative_kv.azure.transport import Endpoint
from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.options import Options
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import Unavailable
from declarative_kv.model.resource import Scope
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import SecretSpec
from tests.kinds.cases import GROUP, KINDS, VAULT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running emulator's data folder; its request log is `log` in it."""
    place = tmp_path_factory.mktemp("emulator")
    process.start(place, Options(request_log=str(place / "log")))
    yield place
    process.stop(place)


@pytest.fixture
def variables(folder: Path) -> Mapping[str, str]:
    return process.exported(folder)


async def write_and_list(session: Session, name: str) -> list[str]:
    """Make a vault with two secrets; their names, as the list shows them."""
    await KINDS["resource_group"].create(session, GROUP)
    spec = replace(VAULT, name=name, access="rbac", network=None)
    vault = KINDS["vault"].remote_id(spec)
    await KINDS["vault"].create(session, spec)
    for secret in ("one", "two"):
        await KINDS["secret"].create(session, SecretSpec(vault=vault, name=secret, value=Sensitive("x")))
    return [found.label for found in await KINDS["secret"].read(session, Scope("secret", vault))]


async def test_a_running_emulator_is_reached_through_its_proxy(folder: Path, variables: Mapping[str, str]) -> None:
    login = ClientSecret(
        variables["AZURE_TENANT_ID"], variables["AZURE_CLIENT_ID"], Sensitive(variables["AZURE_CLIENT_SECRET"])
    )
    proxy = Endpoint(variables["HTTPS_PROXY"], variables["SSL_CERT_FILE"])
    async with open_session(Cloud("emulator"), None, proxy=proxy, credential=login) as session:
        names = await write_and_list(session, "kv-proxied")

    hosts = {json.loads(line)["host"] for line in (folder / "log").read_text().splitlines()}
    assert names == ["one", "two"]
    assert hosts == {"login.microsoftonline.com", "management.azure.com", "kv-proxied.vault.azure.net"}


@pytest.mark.parametrize("bundle", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
async def test_the_environment_alone_is_enough(
    bundle: str, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {name: text for name, text in variables.items() if not name.endswith(("_FILE", "_BUNDLE", "_CERTS"))}
    for name, text in {**kept, bundle: variables[bundle]}.items():
        monkeypatch.setenv(name, text)
    async with open_session(Cloud("public"), variables["AZURE_TENANT_ID"]) as session:
        me = await session.identity()
        names = await write_and_list(session, f"kv-{bundle[:3].lower()}")

    assert (me.source, me.object_id) == ("environment variables", variables["DKV_EMULATOR_OBJECT_ID"])
    assert names == ["one", "two"]


async def test_a_proxy_that_is_not_there_is_unavailable(variables: Mapping[str, str]) -> None:
    nowhere = Endpoint("http://127.0.0.1:9", variables["SSL_CERT_FILE"])
    login = ClientSecret(variables["AZURE_TENANT_ID"], "somebody", Sensitive("unused"))
    async with open_session(Cloud("emulator"), None, proxy=nowhere, credential=login) as session:
        with pytest.raises(Unavailable):
            await session.identity()
