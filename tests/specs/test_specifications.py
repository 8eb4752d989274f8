"""The specifications themselves: which file describes a request, and that a broken answer is found."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.emulator.app import Application
from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.options import Options
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.seed import SUBSCRIPTION
from tests.emulator.reach import Client
from tests.specs.check import available, violations
from tests.specs.index import FOLDER, SHARED, operations, operations_for, version_key
from tests.specs.remote import count, watched

pytestmark = pytest.mark.skipif(not available(), reason="no specifications in $DKV_SHARED/specs")
VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
BROKEN = """
import sys
from declarative_kv.emulator.app import ANSWERED
from declarative_kv.emulator.http import Request, Response

def test_it():
    asked = Request("GET", "kv.vault.azure.net", "/secrets/s/1", (("api-version", "7.5"),))
    sys.audit(ANSWERED, asked, Response(200, {}, b'{"value": 1}'))
"""


def asked(method: str, path: str, version: str, host: str = "management.azure.com") -> Request:
    return Request(method, host, path, (("api-version", version),))


def secret(**changes: Any) -> dict[str, Any]:
    return {"value": "v", "id": "https://kv.vault.azure.net/secrets/s/1", "attributes": {"enabled": True}, **changes}


def files_for(request: Request) -> list[str]:
    return [str(found.file.relative_to(FOLDER).name) for found in operations_for(request)]


@pytest.mark.parametrize(
    ("version", "file"),
    [("2015-06-01", "keyvault.json"), ("2025-05-01", "keyvault.json"), ("2026-04-01", "arm-keyvault-2026-02-01.json")],
)
def test_the_nearest_file_that_is_not_newer_describes_a_request(version: str, file: str) -> None:
    assert set(files_for(asked("GET", VAULT, version))) == {file}


def test_paths_are_matched_in_any_letter_case() -> None:
    assert files_for(asked("GET", VAULT.upper(), "2023-07-01")) == ["keyvault.json"]


@pytest.mark.parametrize(
    "path", ["/secrets/s", "/secrets/s/", "/secrets/s/0123", "/keys/k/sign", "/keys/k/0123/sign", "/keys/k/versions"]
)
def test_a_version_may_be_left_out_of_the_path(path: str) -> None:
    method = "POST" if path.endswith("sign") else "GET"
    assert operations_for(asked(method, path, "7.6", "kv.vault.azure.net"))


def test_versions_are_in_the_order_of_their_release() -> None:
    ordered = ["2016-10-01", "7.4-preview.1", "7.4", "7.10", "2022-04-01", "2022-05-01-preview", "2022-05-01"]
    assert sorted(ordered[1:], key=version_key)[-3:] == ordered[-3:]
    assert version_key("7.4-preview.1") < version_key("7.4") < version_key("2025-07-01")


@pytest.mark.parametrize(
    ("status", "body", "place"),
    [
        (200, secret(value=1), "$.value: int breaks type 'string'"),
        (200, secret(value=None), "$.value: NoneType breaks type 'string'"),
        (200, secret(attributes={"created": "now"}), "$.attributes.created"),
        (200, secret(attributes={"recoveryLevel": "Never"}), "$.attributes.recoveryLevel"),
        (200, secret(tags={"a": 1}), "$.tags.a"),
        (202, secret(), "the status is none of"),
        (404, {"error": {"code": 404}}, "$.error.code"),
    ],
)
def test_an_answer_that_breaks_its_schema_is_found(status: int, body: dict[str, Any], place: str) -> None:
    request = asked("GET", "/secrets/s/0123", "7.5", "kv.vault.azure.net")
    found = violations(request, json_response(status, body))
    assert len(found) == 1
    assert place in found[0]


def test_what_is_required_must_be_there() -> None:
    found = violations(asked("GET", VAULT, "2023-07-01"), json_response(200, {"name": "kv"}))
    assert any("lacks properties" in line for line in found)


def test_nothing_may_follow_where_no_body_is_declared() -> None:
    request = asked("DELETE", "/deletedsecrets/s", "7.5", "kv.vault.azure.net")
    assert violations(request, Response(204)) == []
    assert len(violations(request, json_response(204, {}))) == 1


def test_what_real_azure_breaks_is_let_pass() -> None:
    request = asked("GET", "/secrets", "7.5", "kv.vault.azure.net")
    assert violations(request, json_response(200, {"value": [], "nextLink": None})) == []


async def test_the_answers_of_a_test_are_checked(request: pytest.FixtureRequest, application: Application) -> None:
    listener = request.config.pluginmanager.get_plugin("specifications")
    assert listener is not None
    before = listener.checked
    await application.answer(asked("GET", VAULT, "2023-07-01"))
    assert listener.checked == before + 1


def test_a_test_with_a_broken_answer_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ("tests.spec_plugin",)\n')
    (tmp_path / "test_broken.py").write_text(BROKEN)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "DKV_SHARED": str(SHARED)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "The emulator broke a specification" in done.stdout
    assert "$.value: int breaks type 'string'" in done.stdout


def test_every_file_can_be_read() -> None:
    counted = {plane: len(operations(plane)) for plane in ("vault", "arm")}
    assert all(count > 50 for count in counted.values()), counted
    assert all(replace(found, method="get").template for plane in counted for found in operations(plane))


def test_the_answers_of_a_running_emulator_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(tmp_path / "specifications") as variables:
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        process.start(tmp_path / "emulator", Options())
        try:
            with Client(tmp_path / "emulator") as client:
                client.make_vault("kv-watched")
        finally:
            process.stop(tmp_path / "emulator")
    assert count(tmp_path / "specifications") > 1


def test_what_a_running_emulator_breaks_is_told(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text(".")
    (tmp_path / "problems").write_text("GET /secrets: wrong\n")
    with pytest.raises(AssertionError, match="broke a specification"), watched(tmp_path):
        pass


def test_a_check_that_saw_nothing_is_none(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no answer"), watched(tmp_path):
        pass
