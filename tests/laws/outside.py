"""A second writer: somebody with the portal, az or another pipeline, here with Microsoft's own clients."""

from __future__ import annotations

import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from azure.core.exceptions import HttpResponseError

from declarative_kv.azure import ids
from declarative_kv.azure.session import Session
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from tests.laws.lab import Lab
from tests.laws.leaks import secret_value
from tests.laws.wishes import PRINCIPALS

STRANGER: Final = "1b2c0000-0000-4000-8000-0000000000e1"
CI, DEV, ANN = (str(PRINCIPALS[key]["object_id"]) for key in ("ci", "dev", "ann"))
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
KEY: Final = "dkv-fingerprint-key"
Edit = Callable[[Lab, random.Random, Session], Awaitable[None]]


async def meddle(lab: Lab, chance: random.Random, times: int, edits: Sequence[Edit] | None = None) -> list[str]:
    """Some edits by hand; gives their names. What Azure refuses the second writer has not happened."""
    done, edits = [], edits or EDITS
    async with lab.session() as session:
        for _ in range(times):
            edit = chance.choice(edits)
            try:
                await edit(lab, chance, session)
            except HttpResponseError as refused:
                done.append(f"{edit.__name__} (refused: {refused.status_code})")
            else:
                done.append(edit.__name__)
    return done


def _vault_client(session: Session) -> Any:
    """The operations on vaults; they take plain dictionaries, which their types do not say."""
    return session.vaults(SUBSCRIPTION).vaults


def _grant_client(session: Session) -> Any:
    return session.authorization(SUBSCRIPTION).role_assignments


def _vaults(lab: Lab) -> list[dict[str, Any]]:
    return list(lab.world.store.table("vaults").values())


def _some_vault(lab: Lab, chance: random.Random) -> str | None:
    vaults = _vaults(lab)
    return str(chance.choice(vaults)["id"]) if vaults else None


def _some_secret(lab: Lab, chance: random.Random, table: str = "secrets") -> tuple[str, str] | None:
    """The id of a vault and the name of a secret in it."""
    homes = {vault["uid"]: vault["id"] for vault in _vaults(lab)}
    found = [(homes[uid], key.partition("/")[2]) for key in lab.world.store.table(table) if (uid := key[:32]) in homes]
    return chance.choice(found) if found else None


async def set_value(lab: Lab, chance: random.Random, session: Session) -> None:
    if (found := _some_secret(lab, chance)) is not None and found[1] != KEY:
        await session.secrets(found[0]).set_secret(found[1], secret_value("by-hand"))


async def change_attributes(lab: Lab, chance: random.Random, session: Session) -> None:
    if (found := _some_secret(lab, chance)) is not None and found[1] != KEY:
        settings: list[dict[str, Any]] = [{"tags": {"by": "hand"}}, {"enabled": False}, {"content_type": "by/hand"}]
        await session.secrets(found[0]).update_secret_properties(found[1], **chance.choice(settings))


async def delete_secret(lab: Lab, chance: random.Random, session: Session) -> None:
    if (found := _some_secret(lab, chance)) is not None:
        await session.secrets(found[0]).delete_secret(found[1])


async def purge_secret(lab: Lab, chance: random.Random, session: Session) -> None:
    """Only the vault's policies allow it, which the templates do not; an rbac vault lets an administrator."""
    if (found := _some_secret(lab, chance, "deleted_secrets")) is not None:
        await session.secrets(found[0]).purge_deleted_secret(found[1])


async def recover_secret(lab: Lab, chance: random.Random, session: Session) -> None:
    if (found := _some_secret(lab, chance, "deleted_secrets")) is not None:
        await session.secrets(found[0]).recover_deleted_secret(found[1])


async def add_secret(lab: Lab, chance: random.Random, session: Session) -> None:
    if (vault := _some_vault(lab, chance)) is not None:
        await session.secrets(vault).set_secret(f"theirs-{chance.randint(1, 3)}", secret_value("theirs"))


async def change_policy(lab: Lab, chance: random.Random, session: Session) -> None:
    """Somebody else's entry, or one of ours, our own included, written the way that the portal writes it."""
    if (vault := _some_vault(lab, chance)) is None:
        return
    mine = lab.world.identity()["object_id"]
    who = chance.choice([STRANGER, CI, DEV, mine])
    operation = chance.choice(["add", "add", "replace", "remove"])
    entry = {"tenantId": TENANT, "objectId": who, "permissions": {"secrets": chance.choice([["Get"], ["Get", "List"]])}}
    where = ids.parse_vault(vault)
    await _vault_client(session).update_access_policy(
        where.resource_group,
        where.name,
        operation,
        {"properties": {"accessPolicies": [entry]}},
    )


async def widen_policy(lab: Lab, chance: random.Random, session: Session) -> None:
    """One kind of permissions more for somebody who has several; the others stay as they are."""
    several = [
        (vault["id"], entry["objectId"])
        for vault in _vaults(lab)
        for entry in vault["properties"]["accessPolicies"]
        if sum(map(bool, entry["permissions"].values())) > 1
    ]
    if several:
        vault, who = chance.choice(several)
        where, more = ids.parse_vault(vault), chance.choice([{"keys": ["Verify"]}, {"secrets": ["Backup"]}])
        entry = {"tenantId": TENANT, "objectId": who, "permissions": more}
        await _vault_client(session).update_access_policy(
            where.resource_group, where.name, "add", {"properties": {"accessPolicies": [entry]}}
        )


async def change_vault(lab: Lab, chance: random.Random, session: Session) -> None:
    if (vault := _some_vault(lab, chance)) is not None:
        where = ids.parse_vault(vault)
        changes: list[dict[str, Any]] = [
            {"tags": {"by": "hand"}},
            {"properties": {"sku": {"family": "A", "name": chance.choice(["standard", "premium"])}}},
            {"properties": {"enabledForDeployment": chance.choice([True, False])}},
        ]
        await _vault_client(session).update(where.resource_group, where.name, chance.choice(changes))


async def add_assignment(lab: Lab, chance: random.Random, session: Session) -> None:
    """A grant of a stranger's, or the very grant that the YAML may ask for, under another id."""
    vault = _some_vault(lab, chance)
    scope = vault if vault and chance.random() < 0.6 else f"/subscriptions/{SUBSCRIPTION}"
    who = chance.choice([STRANGER, CI, ANN])
    properties = {
        "roleDefinitionId": ids.definition_id(scope, READER),
        "principalId": who,
        "principalType": "User" if who == ANN else "ServicePrincipal",
    }
    name = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    await _grant_client(session).create(scope, name, {"properties": properties})


async def remove_assignment(lab: Lab, chance: random.Random, session: Session) -> None:
    """Any but the two that the running identity itself stands on."""
    me = lab.world.identity()["object_id"]
    records = [r for r in lab.world.store.table("role_assignments").values() if r["principalId"] != me]
    if records:
        await _grant_client(session).delete_by_id(chance.choice(records)["id"].lstrip("/"))


async def delete_vault(lab: Lab, chance: random.Random, session: Session) -> None:
    if (vault := _some_vault(lab, chance)) is not None:
        where = ids.parse_vault(vault)
        await _vault_client(session).delete(where.resource_group, where.name)


async def purge_vault(lab: Lab, chance: random.Random, session: Session) -> None:
    gone = list(lab.world.store.table("deleted_vaults").values())
    if gone and chance.random() < 0.5:
        poller = await _vault_client(session).begin_purge_deleted(chance.choice(gone)["name"], "westeurope")
        await poller.result()


EDITS: Final[tuple[Edit, ...]] = (
    *(set_value, set_value, change_attributes, delete_secret, delete_secret, purge_secret, recover_secret),
    *(add_secret, change_policy, change_policy, change_vault, add_assignment, remove_assignment),
    *(delete_vault, purge_vault),
)
