"""Read everything that a vault holds and that an entry of the YAML could declare, whoever made it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import AzureError
from declarative_kv.model.kind import Kinds
from declarative_kv.model.resource import Condition, Observed, Scope


@dataclass(frozen=True, slots=True)
class Survey:
    """One vault with what lies in it, each in order of its label; what belongs to the system is left out.

    `assignments` are those at the vault and below it, none that it inherits. `unreadable` says what is missing.
    """

    vault: Observed
    policies: tuple[Observed, ...] = ()
    assignments: tuple[Observed, ...] = ()
    secrets: tuple[Observed, ...] = ()
    unreadable: tuple[Diagnostic, ...] = ()


async def survey(kinds: Kinds, azure: Any, vault_ids: Iterable[str]) -> tuple[Survey, ...]:
    """A survey of each vault that is there, side by side, in order of their names.

    Raises `AzureError` where a vault itself cannot be read.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_survey(kinds, azure, at)) for at in vault_ids]
    found = [one for task in tasks if (one := task.result()) is not None]
    return tuple(sorted(found, key=lambda one: (one.vault.label.lower(), one.vault.id)))


async def _survey(kinds: Kinds, azure: Any, at: str) -> Survey | None:
    everything = await kinds["vault"].read(azure, Scope("vault", at, frozenset({at})))
    live = [one for one in everything if one.condition is Condition.LIVE]
    vault = next((one for one in live if one.kind == "vault"), None)
    if vault is None:
        return None
    problems: list[Diagnostic] = []
    secrets, assignments = await asyncio.gather(
        _inside(kinds, azure, "secret", vault, problems), _inside(kinds, azure, "role_assignment", vault, problems)
    )
    return Survey(
        vault=vault,
        policies=_sorted(one for one in live if one.kind == "access_policy"),
        assignments=_sorted(assignments),
        secrets=_sorted(secrets),
        unreadable=tuple(problems),
    )


async def _inside(
    kinds: Kinds, azure: Any, kind: str, vault: Observed, problems: list[Diagnostic]
) -> Iterable[Observed]:
    """What of a kind lies in a vault; what Azure refuses is a problem."""
    scope = kinds[kind].inside(vault.remote_id)
    assert scope is not None, "only kinds that vaults hold are asked for"
    try:
        found = await kinds[kind].read(azure, scope)
    except AzureError as error:
        problems.extend(error.diagnostics)
        return ()
    inside = (one for one in found if (one.parent or "").lower() == vault.id and one.condition is Condition.LIVE)
    return [one for one in inside if not one.system]


def _sorted(found: Iterable[Observed]) -> tuple[Observed, ...]:
    return tuple(sorted(found, key=lambda one: (one.label.lower(), one.id)))
