"""What others have around a project's vaults, and YAML that meets it: a role of theirs, grants above, a lost vault."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.azure.session import AUTHORIZATION, KEY_VAULT, Session
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from tests.laws.lab import Lab
from tests.laws.outside import ANN, CI, DEV, READER
from tests.laws.wishes import Wishes

WHOLE: Final = f"/subscriptions/{SUBSCRIPTION}"
GROUP: Final = f"{WHOLE}/resourceGroups/rg"
OWN_ROLE: Final = "Reads What Is Written"
OWN_GUID: Final = "5a5a0000-0000-4000-8000-00000000c0de"
SECRETS_USER: Final = "4633458b-17de-408a-b874-0445c86b69e6"
LOST: Final = "kv-lost"
"""The name of a vault that others had, and deleted."""
_VAULT: Final = "/providers/Microsoft.KeyVault/vaults/"
_TYPES: Final = {DEV: "Group", ANN: "User"}


async def surround(lab: Lab, chance: random.Random) -> None:
    """Let others have a role of their own, grants above the vaults, and a vault that they deleted."""
    async with lab.session() as session:
        await _role(session)
        await _lost_vault(lab, session)
    for who in (CI, DEV, ANN):
        for role in chance.sample([READER, SECRETS_USER, OWN_GUID], 2):
            scope = chance.choice([WHOLE, GROUP])
            if scope == WHOLE or "rg" in _groups(lab):
                await grant_by_hand(lab, scope, role, who)


async def grant_by_hand(lab: Lab, scope: str, role: str, who: str, **more: str) -> None:
    """A role assignment of somebody else's, unless just that one is there."""
    there = lab.world.store.table("role_assignments").values()
    made = {(one["scope"], ids.guid_of(one["roleDefinitionId"]), one["principalId"]) for one in there}
    if (scope, role, who) in made:
        return
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{scope} {role} {who}")
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    kind = _TYPES.get(who, "ServicePrincipal")
    properties = {"roleDefinitionId": ids.definition_id(scope, role), "principalId": who, "principalType": kind, **more}
    async with lab.session() as session:
        await session.arm("PUT", path, version=AUTHORIZATION, operation="a grant", body={"properties": properties})


def without_roles(wishes: Wishes) -> None:
    """Take every role out of the YAML, so that only what lies in a vault makes anybody look at grants."""
    wishes.tree |= {"role_assignments": {}, "reader_roles": {}}
    for vault in wishes.tree["vaults"].values():
        vault.pop("roles", None)
        for secret in vault["secrets"].values():
            secret.pop("roles", None)
    wishes.save()


def meet(wishes: Wishes) -> None:
    """Let the YAML ask for some of it: their role by its name, what is given above already, the vault's name."""
    for meeting in wishes.chance.choice(MEETINGS):
        meeting(wishes)
    wishes.save()


async def _role(session: Session) -> None:
    path = f"{WHOLE}/providers/Microsoft.Authorization/roleDefinitions/{OWN_GUID}"
    reads = ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]
    properties = {
        "roleName": OWN_ROLE,
        "type": "CustomRole",
        "assignableScopes": [WHOLE],
        "permissions": [{"actions": [], "notActions": [], "dataActions": reads, "notDataActions": []}],
    }
    await session.arm("PUT", path, version=AUTHORIZATION, operation="a role", body={"properties": properties})


async def _lost_vault(lab: Lab, session: Session) -> None:
    if "rg" not in _groups(lab):
        return
    settings = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}
    body = {"location": "westeurope", "properties": {**settings, "enableRbacAuthorization": False}}
    path = f"{GROUP}{_VAULT}{LOST}"
    await session.arm("PUT", path, version=KEY_VAULT, operation="a vault", body=body)
    lab.world.clock.shift(60.0)
    await session.arm("DELETE", path, version=KEY_VAULT, operation="no vault", body=None)


def _groups(lab: Lab) -> set[str]:
    return {str(one["name"]) for one in lab.world.store.table("resource_groups").values()}


def _own_role(wishes: Wishes) -> None:
    """Their role, by its name."""
    scope = wishes.chance.choice(wishes._scopes())
    entry = {"principal": wishes.chance.choice(["ci", "dev"]), "role": OWN_ROLE, "scope": scope}
    wishes.tree["role_assignments"]["own"] = entry


def _only_vault(wishes: Wishes) -> None:
    """One new vault of roles, and no grants of ours: who reads what is in it was decided above it."""
    without_roles(wishes)
    wishes.tree["vaults"] = {"fresh": _vault_named("kv-fresh", "rbac")}


def _switched(wishes: Wishes) -> None:
    """The vaults that were there, of roles now, and no grants of ours: who reads them is decided above them."""
    without_roles(wishes)
    known = {key: vault["name"] for key, vault in wishes.tree["vaults"].items() if vault["name"] != LOST}
    wishes.tree["vaults"] = {key: _vault_named(name, "rbac") for key, name in known.items() if key != "fresh"}


def _lost_name(wishes: Wishes) -> None:
    """A vault under the name of the one that they deleted."""
    wishes.tree["vaults"]["lost"] = {**_vault_named(LOST, "policies"), "access_policies": {}}


def _vault_named(name: str, access: str) -> dict[str, Any]:
    where = {"location": "westeurope", "resource_group": "rg"}
    return {"name": name, "access": access, **where, "protect": False, "secrets": {}}


MEETINGS: Final[tuple[tuple[Callable[[Wishes], None], ...], ...]] = (
    (_own_role, _lost_name),
    (_only_vault, _lost_name),
    (_only_vault,),
    (_switched,),
)
