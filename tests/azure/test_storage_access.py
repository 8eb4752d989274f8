"""Whose key goes where: the operator's variables count for the account that they name."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from declarative_kv.azure.clouds import storage_suffix
from declarative_kv.azure.storage_access import storage_access
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import DkvError

KEY = "c29tZSBrZXk="
USUAL = "https://states.blob.core.windows.net"


def reached(environ: Mapping[str, str], account: str = "states") -> tuple[str, str | None, str | None]:
    access = storage_access(account, "core.windows.net", environ)
    key, sas = access.key, access.sas
    return access.endpoint, key.reveal() if key else None, sas.reveal() if sas else None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (USUAL, None, None)),
        ({"AZURE_STORAGE_KEY": KEY}, (USUAL, None, None)),
        ({"AZURE_STORAGE_ACCOUNT": "states", "AZURE_STORAGE_KEY": KEY}, (USUAL, KEY, None)),
        ({"AZURE_STORAGE_ACCOUNT": "other", "AZURE_STORAGE_KEY": KEY}, (USUAL, None, None)),
        ({"AZURE_STORAGE_ACCOUNT": "states", "AZURE_STORAGE_SAS_TOKEN": "?sv=1&sig=x"}, (USUAL, None, "?sv=1&sig=x")),
        (
            {"AZURE_STORAGE_SERVICE_ENDPOINT": "https://states.private.example/", "AZURE_STORAGE_KEY": KEY},
            ("https://states.private.example", KEY, None),
        ),
        (
            {"AZURE_STORAGE_SERVICE_ENDPOINT": "https://other.private.example", "AZURE_STORAGE_KEY": KEY},
            (USUAL, None, None),
        ),
        (
            {"AZURE_STORAGE_SERVICE_ENDPOINT": "http://127.0.0.1:10000/states"},
            ("http://127.0.0.1:10000/states", None, None),
        ),
        ({"AZURE_STORAGE_SERVICE_ENDPOINT": "https://[", "AZURE_STORAGE_KEY": KEY}, (USUAL, None, None)),
        ({"AZURE_STORAGE_CONNECTION_STRING": f"AccountName=states;AccountKey={KEY}"}, (USUAL, KEY, None)),
        ({"AZURE_STORAGE_CONNECTION_STRING": f"AccountName=other;AccountKey={KEY}"}, (USUAL, None, None)),
        (
            {
                "AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=https;AccountName=states;"
                f"AccountKey={KEY};EndpointSuffix=core.usgovcloudapi.net"
            },
            ("https://states.blob.core.usgovcloudapi.net", KEY, None),
        ),
        (
            {
                "AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://states.blob.core.windows.net/;"
                "SharedAccessSignature=sv=1&sig=a=="
            },
            (USUAL, None, "sv=1&sig=a=="),
        ),
    ],
)
def test_a_key_goes_to_the_account_that_it_is_for(
    environ: Mapping[str, str], expected: tuple[str, str | None, str | None]
) -> None:
    assert reached(environ) == expected


@pytest.mark.parametrize(
    "endpoint", ["ftp://127.0.0.1/states", "https://states.example:0x", "https://states.example?sig=1"]
)
def test_an_endpoint_that_is_none_is_an_error_that_does_not_repeat_it(endpoint: str) -> None:
    environ = {
        "AZURE_STORAGE_ACCOUNT": "states",
        "AZURE_STORAGE_CONNECTION_STRING": f"AccountName=states;BlobEndpoint={endpoint}",
    }
    with pytest.raises(DkvError) as caught:
        reached(environ)
    [problem] = caught.value.diagnostics
    assert problem.code == "network-setting"
    assert endpoint not in problem.detail


def test_the_client_gets_what_the_operator_gave() -> None:
    named = {"AZURE_STORAGE_ACCOUNT": "states"}
    assert storage_access("states", "x", {}).credential() is None
    key = storage_access("states", "x", {**named, "AZURE_STORAGE_KEY": KEY}).credential()
    assert (key.named_key.name, key.named_key.key) == ("states", KEY)
    sas = storage_access("states", "x", {**named, "AZURE_STORAGE_SAS_TOKEN": "?sig=1"}).credential()
    assert sas.signature == "sig=1"
    assert KEY not in repr(storage_access("states", "x", {**named, "AZURE_STORAGE_KEY": KEY}))


@pytest.mark.parametrize(
    ("cloud", "suffix"),
    [
        ("public", "core.windows.net"),
        ("usgov", "core.usgovcloudapi.net"),
        ("china", "core.chinacloudapi.cn"),
        ("emulator", "core.windows.net"),
    ],
)
def test_each_cloud_has_its_own_storage(cloud: str, suffix: str) -> None:
    assert storage_suffix(Cloud(cloud)) == suffix
