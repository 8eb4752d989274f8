"""What the environment says about the network and who we are: what cannot work is said before any call."""

from __future__ import annotations

import pytest

from declarative_kv.azure.session import open_session
from declarative_kv.emulator.seed import TENANT
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import DkvError, NotAuthenticated


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"HTTPS_PROXY": "proxy.example:8080"}, "HTTPS_PROXY"),
        ({"https_proxy": "::of-no-use"}, "https_proxy"),
        ({"HTTPS_PROXY": "http://user:hunter2pw@:99999"}, "HTTPS_PROXY"),
        ({"REQUESTS_CA_BUNDLE": "/not/there.pem"}, "REQUESTS_CA_BUNDLE"),
        ({"CURL_CA_BUNDLE": __file__}, "it holds no certificates"),
    ],
)
async def test_network_settings_that_cannot_work_are_an_error_before_any_call(
    variables: dict[str, str], word: str
) -> None:
    with pytest.raises(DkvError) as caught:
        async with open_session(Cloud("public"), None, environ=variables):
            pytest.fail("the session opened")

    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "network-setting"
    assert word in diagnostic.detail
    assert "hunter2pw" not in f"{diagnostic}"


@pytest.mark.parametrize(
    "variables",
    [
        {"AZURE_TENANT_ID": "no/tenant", "AZURE_CLIENT_ID": "a", "AZURE_CLIENT_SECRET": "b"},
        {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": "a", "AZURE_CLIENT_CERTIFICATE_PATH": "/not/there.pem"},
    ],
)
async def test_variables_that_make_no_credential_are_said_to_be_so(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotAuthenticated) as caught:
        async with open_session(Cloud("public"), None, environ={}):
            pytest.fail("the session opened")

    assert "make no credential" in caught.value.diagnostics[0].detail
