"""Requests that schemathesis makes of the specifications, valid and invalid ones, never make the emulator fail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from declarative_kv.emulator.seed import SUBSCRIPTION
from tests.counts import count
from tests.fuzz.target import ARM, ASSIGNMENT, GROUP, ROLE, VAULT, VAULT_ID, Target
from tests.specs.check import available
from tests.specs.index import FOLDER

pytestmark = pytest.mark.skipif(not available(), reason="no specifications in $DKV_SHARED/specs")

# (file, the version that is asked for, cases of the usual run, cases of a full one); every case is sent twice.
FILES: Final = (
    ("patched/kv-secrets-2025-07-01.json", VAULT, "2025-07-01", 75, 3000),
    ("derived/kv-keys-2025-07-01.json", VAULT, "2025-07-01", 100, 3000),
    ("derived/arm-keyvault-2026-02-01.json", ARM, "2026-02-01", 100, 3000),
    ("derived/arm-authorization-2022-04-01.json", ARM, "2022-04-01", 60, 2000),
    ("derived/arm-resourcegroups-2025-04-01.json", ARM, "2025-04-01", 50, 1000),
)
KNOWN: Final = {
    "subscriptionid": SUBSCRIPTION,
    "resourcegroupname": "rg",
    "vaultname": "kv-one",
    "scope": VAULT_ID.removeprefix("/"),
    "roleassignmentname": ASSIGNMENT,
    "roledefinitionid": ROLE,
    "location": "westeurope",
    "operationkind": "add",
    "secretname": "one",
    "keyname": "one",
    "deletedsecretname": "gone",
    "deletedkeyname": "gone",
}
_PARAMETER: Final = re.compile(r"\{([^}]+)\}")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    shared = Target()
    yield shared
    shared.world.close()


def cases_of(file: str) -> st.SearchStrategy[Any]:
    """Cases of any operation of a file, that keep to it or break it."""
    schema = schemathesis.openapi.from_path(FOLDER / file)
    return st.one_of(
        [
            _read(found).as_strategy(generation_mode=mode)
            for found in schema.get_all_operations()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        ]
    )


def _read(found: Any) -> Any:
    """The operation; one that schemathesis cannot read fails the test."""
    return found.ok()


def pointed(template: str, target: Target) -> str:
    """The path of the case's operation on what really is there."""

    def value(match: re.Match[str]) -> str:
        name = match[1].lower().replace("-", "")
        if name.endswith("version"):
            return target.versions["keys" if "/keys" in template else "secrets"]
        if name == "secretname" and template.startswith("/deleted"):
            return "gone"
        return KNOWN.get(name, "other")

    return _PARAMETER.sub(value, template)


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def body_of(case: Any) -> bytes:
    """What the case sends: JSON, bytes as they are, or nothing."""
    if isinstance(case.body, bytes):
        return case.body
    try:
        return json.dumps(case.body).encode()
    except TypeError:  # schemathesis' mark for no body
        return b""


@pytest.mark.parametrize(("file", "host", "version", "some", "everything"), FILES, ids=[row[0] for row in FILES])
def test_no_request_makes_it_fail(
    target: Target, file: str, host: str, version: str, some: int, everything: int
) -> None:
    @settings(
        max_examples=count(some, everything),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases_of(file))
    def send(case: Any) -> None:
        target.reset()
        query = {str(name): text_of(value) for name, value in (case.query or {}).items()}
        headers = {name.lower(): str(value) for name, value in (case.headers or {}).items()}
        headers.pop("authorization", None)
        target.shoot(case.method, host, case.formatted_path, query, body_of(case), **headers)
        # The same, pointed at what is there, so that it gets as far as its query and body carry it.
        query["api-version"] = version
        target.shoot(case.method, host, pointed(case.path, target), query, body_of(case))
        for path in (GROUP, VAULT_ID, f"{GROUP}/resources"):
            target.shoot("GET", ARM, path, {"api-version": "2023-07-01"})

    before = target.sent
    send()
    assert target.sent - before >= 2 * count(some, everything) * 0.9
