"""The case that a contract test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from declarative_kv.azure.session import Session
from declarative_kv.model.specs import AccessPolicySpec
from tests.kinds.cases import CASES, VAULT_ID, Case


@pytest.fixture(params=sorted(CASES))
async def case(request: pytest.FixtureRequest, azure: Session) -> Case:
    """Each kind in turn, with what it needs in place."""
    chosen = replace(CASES[request.param], needs=await needs_of(CASES[request.param], azure))
    await chosen.prepare(azure)
    return chosen


async def needs_of(chosen: Case, azure: Session) -> tuple[tuple[str, Any], ...]:
    """The case's needs, with the running identity's own access policy where one stands open."""
    own = AccessPolicySpec(
        vault=VAULT_ID,
        principal=(await azure.identity()).object_id,
        secrets=("delete", "get", "list", "recover", "set"),
    )
    return tuple((name, own if spec is None else spec) for name, spec in chosen.needs)
