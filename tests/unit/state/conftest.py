"""A state in a temporary folder, and entries to put into it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.source import EnvSource
from declarative_kv.model.specs import SecretSpec, VaultSpec
from declarative_kv.model.state import Entry, Status
from declarative_kv.state import LocalStore

NOW = datetime(2026, 11, 22, 9, 14, 7, tzinfo=UTC)
VAULT = "/subscriptions/2/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
MakeEntry = Callable[..., Entry]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "dkv.json"


@pytest.fixture
def store(file: Path) -> LocalStore:
    return LocalStore(file, {"secret": SecretSpec, "vault": VaultSpec}, lambda: NOW)


@pytest.fixture
def entry() -> MakeEntry:
    def make(name: str, status: Status = Status.APPLIED, **facts: object) -> Entry:
        return Entry(
            Address("secret", f"kv/{name}"),
            f"{VAULT}/secrets/{name}",
            SecretSpec(vault=VAULT, name=name, tags={"team": "a"}, source=EnvSource("DB")),
            frozenset({Address("vault", "kv")}),
            status,
            facts,
        )

    return make
