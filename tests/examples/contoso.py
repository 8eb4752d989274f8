"""Make `emulator.json` of the examples anew: `python -m tests.examples.contoso`.

All five examples live in one company, so all five carry the same snapshot: whichever is applied first to a shared
emulator brings what the others need. It is made by Azure's own clients and then given ids that stay the same.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import uuid
from pathlib import Path
from typing import Any

from azure.core import AsyncPipelineClient
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from declarative_kv.emulator.host.private import Private, open_private
from declarative_kv.emulator.host.snapshots import snapshot
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT

EXAMPLES = Path(__file__).parents[2] / "examples"
GROUPS = (
    "Orders Developers",
    "Payments Developers",
    "Logistics Developers",
    "Webshop Developers",
    "SRE On-Call",
    "HR Systems",
)
PROGRAMS = (
    "orders-api",
    "payments-api",
    "parcel-tracker",
    "webshop",
    "contoso-ci",
    "contoso-release",
    "ledger-api",
    "ledger-report",
    "hr-portal",
)
USERS = {"alice@contoso.example": "Alice Auditor"}
FORMER_COLLEAGUE = "0ddba11e-0000-4000-8000-000000000001"
SECRETS = {
    "kv-contoso-hr": {
        "payroll-api-key": "throw-away: set by hand in the portal",
        "smtp-password": "throw-away: set by hand in the portal, too",
        "legacy-token": "throw-away: nobody knows who reads this",
    },
    "kv-contoso-data": {"warehouse-dsn": "throw-away: written by Terraform"},
}
_GRAPH = "https://graph.microsoft.com"
_LONG_AGO = 1767600000.0
"""5 January 2026: what a snapshot holds must not be younger than the clock of whoever loads it."""
_OWN = ("role_assignments", "tenants", "subscriptions")
"""Tables that a load fills by itself: the emulator's identity owns the subscription."""
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b")


def main() -> None:
    """Write the snapshot into the folder of every example."""
    text = asyncio.run(made())
    for folder in sorted(EXAMPLES.iterdir()):
        if (folder / "dkv.yaml").exists():
            (folder / "emulator.json").write_text(text)


def _readable(content: dict[str, Any]) -> str:
    """As JSON with one line for each person, program and group, so that a diff touches one."""
    text = json.dumps({**content, "tables": {**content["tables"], "directory": {}}}, indent=1)
    rows = content["tables"]["directory"].items()
    lines = ",\n".join(f"   {json.dumps(key)}: {json.dumps(record)}" for key, record in rows)
    return text.replace('"directory": {}', f'"directory": {{\n{lines}\n  }}') + "\n"


async def made() -> str:
    """The snapshot's text, the same every time."""
    with tempfile.TemporaryDirectory() as folder, open_private(Path(folder)) as emulator:
        emulator.world.clock.shift(_LONG_AGO - emulator.world.clock.now())
        transport, identity = emulator.transport(), emulator.identity()
        async with ClientSecretCredential(
            TENANT, identity["client_id"], identity["client_secret"], transport=transport
        ) as credential:
            ids = await _directory(emulator, credential)
            await _vaults(emulator, credential, ids)
        return _readable(_stable(snapshot(emulator.world), ids))


async def _directory(emulator: Private, credential: Any) -> dict[str, str]:
    """Make who works here; object ids by name."""
    signed = AsyncBearerTokenCredentialPolicy(credential, f"{_GRAPH}/.default")
    ids: dict[str, str] = {}
    async with AsyncPipelineClient[Any, Any](_GRAPH, policies=[signed], transport=emulator.transport()) as graph:

        async def post(collection: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await graph.send_request(HttpRequest("POST", f"{_GRAPH}/v1.0/{collection}", json=body))
            answer.raise_for_status()
            made: dict[str, Any] = answer.json()
            return made

        for name in GROUPS:
            nickname = name.lower().replace(" ", "-")
            body = {"displayName": name, "mailEnabled": False, "mailNickname": nickname, "securityEnabled": True}
            ids[name] = (await post("groups", body))["id"]
        for name in PROGRAMS:
            application = await post("applications", {"displayName": name})
            ids[f"application {name}"], ids[f"client {name}"] = application["id"], application["appId"]
            ids[name] = (await post("servicePrincipals", {"appId": application["appId"]}))["id"]
        for name, shown in USERS.items():
            profile = {"password": "throw-away-1A"}
            ids[name] = (
                await post(
                    "users",
                    {
                        "accountEnabled": True,
                        "displayName": shown,
                        "mailNickname": name.partition("@")[0],
                        "passwordProfile": profile,
                        "userPrincipalName": name,
                    },
                )
            )["id"]
    return ids


async def _vaults(emulator: Private, credential: Any, ids: dict[str, str]) -> None:
    """A vault as the portal makes them, with access policies, and one as Terraform makes them, with roles."""
    transport = emulator.transport()
    portal = {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": TENANT,
        "enableRbacAuthorization": False,
        "accessPolicies": [
            _policy(emulator.identity()["object_id"], "Get List Set Delete Recover Backup Restore"),
            _policy(ids["hr-portal"], "Get List"),
            _policy(FORMER_COLLEAGUE, "Get List Set"),
        ],
    }
    terraform = {"sku": {"family": "A", "name": "standard"}, "tenantId": TENANT, "enableRbacAuthorization": True}
    made = {
        "kv-contoso-hr": ("rg-contoso-hr", portal, {"created-by": "portal"}),
        "kv-contoso-data": ("rg-contoso-data", terraform, {"managed-by": "terraform"}),
    }
    async with (
        ResourceManagementClient(credential, SUBSCRIPTION, transport=transport) as resources,
        KeyVaultManagementClient(credential, SUBSCRIPTION, transport=transport) as keyvault,
    ):
        for vault, (group, properties, tags) in made.items():
            await resources.resource_groups.create_or_update(group, {"location": "westeurope"})
            parameters: Any = {"location": "westeurope", "properties": properties, "tags": tags}
            await (await keyvault.vaults.begin_create_or_update(group, vault, parameters)).result()
            async with SecretClient(f"https://{vault}.vault.azure.net", credential, transport=transport) as secrets:
                for name, value in SECRETS[vault].items():
                    await secrets.set_secret(name, value)


def _policy(object_id: str, permissions: str) -> dict[str, Any]:
    return {"tenantId": TENANT, "objectId": object_id, "permissions": {"secrets": permissions.split()}}


def _stable(content: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """The snapshot without what a load adds by itself, its random ids replaced by ones that names give.

    Registrations without credentials are of no use to anybody, and left out.
    """
    content["tables"] = {name: rows for name, rows in content["tables"].items() if name not in _OWN}
    directory = content["tables"]["directory"]
    content["tables"]["directory"] = {key: row for key, row in directory.items() if row["kind"] != "application"}
    names = {object_id: name for name, object_id in ids.items()} | {
        identity[field]: f"{name} {field}"
        for name, identity in content["identities"].items()
        for field in ("client_id", "object_id")
    }
    known = {TENANT, SUBSCRIPTION, FORMER_COLLEAGUE}
    seen: dict[str, str] = {}

    def stable(found: re.Match[str]) -> str:
        text = found.group()
        if text in known:
            return text
        name = names.get(text) or f"number {len(seen)}"
        new = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.contoso.example"))
        return seen.setdefault(text, new if "-" in text else new.replace("-", ""))

    text = _ID.sub(stable, json.dumps(content))
    text = re.sub(r"\b17676000\d\d(\.\d+)?", "1767600000", text)
    text = re.sub(r"2026-01-05T08:00:\d\d(\.\d+)?Z", "2026-01-05T08:00:00Z", text)
    stable_content: dict[str, Any] = json.loads(text)
    return stable_content


if __name__ == "__main__":
    main()
