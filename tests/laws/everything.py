"""One project with a change of every kind before it: what was applied, what was done by hand, what is wanted now."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.model.plan import Options
from tests.laws.lab import Lab
from tests.laws.leaks import secret_value
from tests.laws.wishes import PRINCIPALS

Tree = dict[str, Any]

SHARED_ID: Final = "55550000-0000-4000-8000-000000000001"
ONE: Final = ids.vault_id(SUBSCRIPTION, "rg", "kv-one")
LATER: Final = 60.0
"""Seconds between what was applied, what was done by hand, and what is wanted now: Key Vault counts in seconds."""
OPTIONS: Final = (
    *("--replace", "role_assignment.same"),
    *("--allow", "protected", "--allow", "irreversible", "--allow", "many-destroys"),
)
"""What the apply of `wanted` is called with."""
FILES: Final = ("db", "rotated", "tagged", "deleted", "rewritten", "dropped", "vanished", "x", "y", "z", "hr", "n")
FULL: Final = {"template": "key-and-secret-management"}


def _file(name: str, **settings: Any) -> Tree:
    return {"value_from": {"file": f"secrets/{name}"}, **settings}


def _vault(name: str, access: str, group: str, **settings: Any) -> Tree:
    return {"name": name, "access": access, "location": "westeurope", "resource_group": group, **settings}


def _grant(principal: str, role: str, scope: str = "vault.one", **settings: Any) -> Tree:
    return {"principal": principal, "role": role, "scope": scope, **settings}


def applied() -> Tree:
    """What the state holds."""
    return {
        "version": 1,
        "cloud": "emulator",
        "tenant": TENANT,
        "subscription": SUBSCRIPTION,
        "principals": deepcopy(PRINCIPALS),
        "resource_groups": {
            "rg": {"location": "westeurope", "tags": {"team": "pay"}},
            "rg-old": {"location": "westeurope"},
        },
        "vaults": {
            "one": _vault(
                "kv-one",
                "policies",
                "rg",
                tags={"team": "pay"},
                access_policies={"deployer": FULL, "ci": {"secrets": ["get"]}, "dev": {"secrets": ["list"]}},
                secrets={
                    **{name: _file(name) for name in ("db", "rotated", "deleted", "rewritten", "dropped", "vanished")},
                    "tagged": _file("tagged", tags={"owner": "a"}),
                    "generated": {"value_from": {"generate": {"length": 24}}},
                    "kept": {"value_from": "kept", "tags": {"owner": "a"}, "import": True},
                },
            ),
            "back": _vault(
                "kv-back",
                "policies",
                "rg",
                access_policies={"deployer": FULL, "ci": {"secrets": ["get"]}},
                secrets={"x": _file("x", tags={"owner": "a"})},
            ),
            "gone": _vault(
                "kv-gone", "policies", "rg-old", access_policies={"deployer": FULL}, secrets={"y": _file("y")}
            ),
            "rbac": _vault(
                "kv-rbac",
                "rbac",
                "rg",
                roles={"ci": ["Key Vault Reader"], "dev": ["Key Vault Secrets User"]},
                secrets={"z": _file("z", roles={"ci": ["Key Vault Secrets User"]})},
            ),
            "hr": {
                "existing": True,
                "name": "kv-hr",
                "resource_group": "rg-hr",
                "access": "rbac",
                "secrets": {"hr": _file("hr")},
            },
        },
        "reader_roles": {"reads": {"principal": "ci", "scope": "resource_group.rg"}},
        "role_assignments": {
            "swapped": _grant("ci", "Reader"),
            "same": _grant("ann", "Reader"),
            "leaving": _grant("dev", "Reader"),
            "described": _grant("ci", "Key Vault Secrets User", "vault.rbac", description="for the pipeline"),
            "named": _grant("ann", "Key Vault Reader", "vault.rbac"),
            "left": _grant("ci", "Reader", "vault.rbac"),
            "right": _grant("dev", "Reader", "vault.rbac"),
        },
    }


def wanted() -> Tree:
    """What the YAML says now."""
    tree = applied()
    groups, vaults, grants = tree["resource_groups"], tree["vaults"], tree["role_assignments"]
    groups |= {"rg": {"location": "westeurope", "tags": {"team": "ops"}}, "rg-new": {"location": "westeurope"}}
    del groups["rg-old"], vaults["gone"], tree["reader_roles"]["reads"]
    one = vaults["one"]
    one |= {"tags": {"team": "ops"}, "others": {"secrets": "delete"}}
    one["access_policies"] |= {"ci": {"secrets": ["get", "list"]}, "ann": {"secrets": ["get"], "import": True}}
    del one["access_policies"]["dev"], one["secrets"]["dropped"], one["secrets"]["vanished"]
    one["secrets"]["tagged"]["tags"] = {"owner": "b"}
    one["secrets"]["kept"]["tags"] = {"owner": "b"}
    one["secrets"] |= {
        "n": _file("n"),
        "another": {"value_from": {"generate": {"length": 24}}},
        "theirs": _file("theirs", **{"import": True}),
        "retagged": _file("retagged", tags={"owner": "us"}, **{"import": True}),
        "watched": {"existing": True},
    }
    one["roles"] = {"dev": ["Key Vault Reader"]}
    vaults["back"]["secrets"]["x"]["tags"] = {"owner": "b"}
    vaults["rbac"]["roles"] = {"ci": ["Key Vault Reader"], "ann": ["Key Vault Secrets User"]}
    vaults["new"] = _vault(
        "kv-new",
        "policies",
        "rg-new",
        access_policies={"deployer": FULL, "dev": {"secrets": ["list"]}},
        roles={"ci": ["Key Vault Reader"]},
        secrets={"n": _file("n"), "waiting": {"value_from": "kept"}},
    )
    grants["swapped"]["role"] = "Key Vault Reader"
    grants["left"]["principal"], grants["right"]["principal"] = "dev", "ci"
    grants["described"]["description"] = "for the new pipeline"
    grants["renamed"] = grants.pop("named")
    del grants["leaving"]
    return tree


async def prepare(lab: Lab) -> None:
    """Bring it about: apply, do things by hand, and write what is wanted now."""
    for name in FILES:
        lab.source(name, secret_value(name))
    lab.write(_theirs())
    await _succeed(lab)
    (lab.folder / "state" / "dkv.json").unlink()
    lab.write(applied())
    lab.world.clock.shift(LATER)
    async with lab.session() as session:
        await _succeed(lab)
        await session.secrets(ONE).set_secret("kept", secret_value("kept"), tags={"owner": "a"})
        lab.world.clock.shift(LATER)
        await _succeed(lab)
        lab.world.clock.shift(LATER)
        await _by_hand(lab, session)
    lab.world.clock.shift(LATER)
    lab.source("rotated", secret_value("rotated"))
    lab.source("rewritten", secret_value("rewritten"))
    lab.write(wanted())


def _theirs() -> Tree:
    """Somebody else's vault, which is attached to."""
    tree = applied()
    vaults = {"hr": _vault("kv-hr", "rbac", "rg-hr")}
    return {
        **{name: tree[name] for name in ("version", "cloud", "tenant", "subscription", "principals")},
        "resource_groups": {"rg-hr": {"location": "westeurope"}},
        "vaults": vaults,
    }


async def _succeed(lab: Lab) -> None:
    done = await lab.apply(Options())
    assert done.succeeded, str(done)


async def _by_hand(lab: Lab, session: Any) -> None:
    secrets = session.secrets(ONE)
    for name in ("theirs", "retagged"):
        value = secret_value(name)
        lab.source(name, value)
        await secrets.set_secret(name, value)
    for name in ("watched", "stranger"):
        await secrets.set_secret(name, secret_value(name), tags={"owner": "a"})
    for name in ("deleted", "rewritten", "vanished"):
        await secrets.delete_secret(name)
    for key in [key for key in lab.world.store.table("deleted_secrets") if key.endswith("/vanished")]:
        lab.world.store.delete("deleted_secrets", key)
    entry = {"tenantId": TENANT, "objectId": PRINCIPALS["ann"]["object_id"], "permissions": {"secrets": ["get"]}}
    vaults = session.vaults(SUBSCRIPTION).vaults
    await vaults.update_access_policy("rg", "kv-one", "add", {"properties": {"accessPolicies": [entry]}})
    await vaults.delete("rg", "kv-back")
    await _shared(session)


async def _shared(session: Any) -> None:
    """An assignment that the YAML will want, under another id than ours would have."""
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    body: Mapping[str, Any] = {
        "properties": {
            "roleDefinitionId": f"{role}/21090545-7ca7-4776-b22c-e363652d74d2",
            "principalId": PRINCIPALS["dev"]["object_id"],
            "principalType": "Group",
        }
    }
    grants = session.authorization(SUBSCRIPTION).role_assignments
    await grants.create(ONE.lstrip("/"), str(uuid.UUID(SHARED_ID)), body)
