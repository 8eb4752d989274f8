"""A second writer in the middle of a run: one realistic deed with Microsoft's own clients, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from azure.core.exceptions import HttpResponseError

from declarative_kv.azure import ids
from declarative_kv.azure.session import Session
from declarative_kv.emulator.http import Request
from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from declarative_kv.model.errors import AzureError
from declarative_kv.model.resource import Observed, Scope
from tests.laws.lab import KINDS, Lab
from tests.laws.leaks import secret_value
from tests.laws.wishes import PRINCIPALS

STRANGER: Final = "1b2c0000-0000-4000-8000-0000000000e1"
CI, DEV, ANN = (str(PRINCIPALS[key]["object_id"]) for key in ("ci", "dev", "ann"))
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
GROUP, DOOMED_GROUP = (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}" for name in ("rg", "rg-old"))
ONE, NEW, GONE = (ids.vault_id(SUBSCRIPTION, "rg", f"kv-{name}") for name in ("one", "new", "gone"))

View = Mapping[str, Any]
"""The settings and values of everything in Azure, by remote id in lower case."""
Then = Callable[[Session], Awaitable[None]]
"""The second half of a deed, done when the run's next request has been served."""
Act = Callable[[Lab, Session], Awaitable[Then | None]]


def view(lab: Lab) -> View:
    """What Azure holds now."""
    dump = lab.dump()
    seen: dict[str, Any] = {key: row["tags"] for key, row in dump.get("resource_groups", {}).items()}
    homes = {}
    for vault in dump.get("vaults", {}).values():
        homes[vault["uid"]] = vault["id"]
        properties = dict(vault["properties"])
        for entry in properties.pop("accessPolicies"):
            granted = {kind: sorted(item.lower() for item in items) for kind, items in entry["permissions"].items()}
            seen[ids.policy_id(vault["id"], entry["objectId"], None).lower()] = granted
        seen[vault["id"].lower()] = (vault["tags"], properties)
    for key, record in dump.get("secrets", {}).items():
        if (home := homes.get(key[:32])) is not None:
            seen[ids.secret_id(home, record["name"]).lower()] = record["versions"][-1]
    for key, record in dump.get("role_assignments", {}).items():
        seen[key.lower()] = {name: record[name] for name in ("principalId", "roleDefinitionId", "scope", "description")}
    return seen


async def shown(session: Session) -> dict[str, Observed]:
    """The same as the product's kinds read it: what a plan made now would be made of."""
    scopes = [Scope("resource_group", GROUP), Scope("resource_group", DOOMED_GROUP)]
    scopes += [Scope("vault", vault) for vault in (ONE, NEW, GONE)]
    scopes += [Scope("role_assignment", f"/subscriptions/{SUBSCRIPTION}", frozenset({GROUP}))]
    found = {one.id: one for scope in scopes for one in await KINDS[scope.kind].read(session, scope)}
    for vault in (ONE, NEW, GONE):
        if vault.lower() in found:
            wanted = frozenset({f"{vault}/secrets/none"})
            with suppress(AzureError):  # A vault that is soft-deleted, or one that nobody may list yet.
                found |= {one.id: one for one in await KINDS["secret"].read(session, Scope("secret", vault, wanted))}
    return found


@dataclass
class Rival:
    """Acts once, before the request of that number is served. `written` is what it changed, with its settings after.

    `served` are the requests of the run so far, each with whether the plan was made; `seen` is what a plan made right
    after the deed would see. `refused` tells that Azure did not let the deed happen.
    """

    lab: Lab
    at: int
    act: Act
    served: list[tuple[str, str, bool]] = field(default_factory=list)
    written: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Observed] = field(default_factory=dict)
    refused: bool = False
    _then: Then | None = None

    async def before_each(self, request: Request, applying: bool) -> None:
        """Let the request be served, after the deed where it is time for that."""
        number = len(self.served)
        self.served.append((request.method, request.path.lower(), applying))
        if number == self.at:
            await self._do(lambda session: self.act(self.lab, session))
        elif self._then is not None:
            then, self._then = self._then, None
            await self._do(then)

    async def _do(self, deed: Callable[[Session], Awaitable[Then | None]]) -> None:
        """Do it in seconds of its own, since Key Vault's clock tells no less."""
        before = view(self.lab)
        self.lab.world.clock.shift(2)
        async with self.lab.session() as session:
            try:
                self._then = await deed(session)
            except (HttpResponseError, AzureError):
                self.refused = True
            after = view(self.lab)
            moved = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            self.written |= {key: after.get(key) for key in moved}
            self.seen = await shown(session)
        self.lab.world.clock.shift(2)

    @property
    def request(self) -> tuple[str, str]:
        """The request before which the deed was done."""
        return self.served[self.at][:2]


def set_value(name: str, *, same: bool = False) -> Act:
    """Set a secret: another value, or the one that it has."""

    async def act(lab: Lab, session: Session) -> None:
        client = session.secrets(ONE)
        value = (await client.get_secret(name)).value if same else secret_value("theirs")
        await client.set_secret(name, str(value))

    return act


def set_attributes(name: str, **settings: Any) -> Act:
    async def act(lab: Lab, session: Session) -> None:
        await session.secrets(ONE).update_secret_properties(name, **settings)

    return act


def delete_secret(name: str) -> Act:
    async def act(lab: Lab, session: Session) -> None:
        await session.secrets(ONE).delete_secret(name)

    return act


def recover_secret(name: str) -> Act:
    async def act(lab: Lab, session: Session) -> None:
        await session.secrets(ONE).recover_deleted_secret(name)

    return act


async def set_value_in_doomed_vault(lab: Lab, session: Session) -> None:
    await session.secrets(GONE).set_secret("lost", secret_value("theirs"))


def write_policy(operation: str, principal: str, *permissions: str) -> Act:
    async def act(lab: Lab, session: Session) -> None:
        entry = {"tenantId": TENANT, "objectId": principal, "permissions": {"secrets": list(permissions)}}
        body: Any = {"properties": {"accessPolicies": [entry]}}
        await session.vaults(SUBSCRIPTION).vaults.update_access_policy("rg", "kv-one", operation, body)  # type: ignore[arg-type]

    return act


def set_policy(*, slowly: bool) -> Act:
    """`az keyvault set-policy` reads a whole vault and writes it; `slowly` lets the run get in between."""

    async def act(lab: Lab, session: Session) -> Then | None:
        vault = await session.arm("GET", ONE, version="2026-02-01", operation="az")
        entry = {"tenantId": TENANT, "objectId": STRANGER, "permissions": {"secrets": ["get"]}}
        vault["properties"]["accessPolicies"].append(entry)
        body = {name: vault[name] for name in ("location", "tags", "properties")}

        async def write(session: Session) -> None:
            await session.arm("PUT", ONE, version="2026-02-01", operation="az", body=body)

        if slowly:
            return write
        await write(session)
        return None

    return act


def change_vault(vault: str, **body: Any) -> Act:
    async def act(lab: Lab, session: Session) -> None:
        where = ids.parse_vault(vault)
        await session.vaults(SUBSCRIPTION).vaults.update(where.resource_group, where.name, body)  # type: ignore[arg-type]

    return act


def delete_vault(vault: str) -> Act:
    async def act(lab: Lab, session: Session) -> None:
        where = ids.parse_vault(vault)
        await session.vaults(SUBSCRIPTION).vaults.delete(where.resource_group, where.name)

    return act


async def fill_group(lab: Lab, session: Session) -> None:
    """A stranger's vault in a group that is to go."""
    properties = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}
    body = {"location": "westeurope", "properties": properties}
    where = f"{DOOMED_GROUP}/providers/Microsoft.KeyVault/vaults/kv-theirs"
    await session.arm("PUT", where, version="2026-02-01", operation="theirs", body=body)


def tag_group(group: str) -> Act:
    async def act(lab: Lab, session: Session) -> None:
        await session.arm("PATCH", group, version="2025-04-01", operation="theirs", body={"tags": {"by": "hand"}})

    return act


def grant(name: str, principal: str, *, scope: str = GROUP, description: str | None = None) -> Act:
    """A role assignment under an id of theirs, or of ours where `name` is one."""

    async def act(lab: Lab, session: Session) -> None:
        properties = {
            "roleDefinitionId": ids.definition_id(scope, READER),
            "principalId": principal,
            "principalType": "User" if principal == ANN else "Group" if principal == DEV else "ServicePrincipal",
            "description": description,
        }
        body: Any = {"properties": properties}
        await session.authorization(SUBSCRIPTION).role_assignments.create(scope, name, body)

    return act


def revoke(principal: str) -> Act:
    """Remove the grants of somebody on the group."""

    async def act(lab: Lab, session: Session) -> None:
        for record in list(lab.world.store.table("role_assignments").values()):
            if record["principalId"] == principal:
                await session.authorization(SUBSCRIPTION).role_assignments.delete_by_id(record["id"].lstrip("/"))

    return act


THEIRS: Final = "0e0e0000-0000-4000-8000-0000000000e1"
SECRETS: Final = ("fresh", "value", "tags", "old", "back", "taken", "same")
ACTS: Final[Mapping[str, Act]] = {
    **{f"set another value of {name}": set_value(name) for name in SECRETS},
    **{f"set the same value of {name}": set_value(name, same=True) for name in ("value", "tags", "old", "same")},
    **{f"tag {name}": set_attributes(name, tags={"by": "hand"}) for name in ("value", "tags", "old", "taken", "same")},
    **{f"disable {name}": set_attributes(name, enabled=False) for name in ("value", "tags", "old")},
    **{f"delete {name}": delete_secret(name) for name in SECRETS},
    "recover back": recover_secret("back"),
    "set a value in the vault that goes": set_value_in_doomed_vault,
    "set a secret of their own": set_value("theirs"),
    **{
        f"{operation} the policy of {who}": write_policy(operation, object_id, "Get", "Set", "Purge")
        for operation in ("add", "replace", "remove")
        for who, object_id in (("ci", CI), ("dev", DEV), ("ann", ANN), ("a stranger", STRANGER))
    },
    "az keyvault set-policy": set_policy(slowly=False),
    "az keyvault set-policy, slowly": set_policy(slowly=True),
    "tag the vault": change_vault(ONE, tags={"by": "hand"}),
    "change the vault's sku": change_vault(ONE, properties={"sku": {"family": "A", "name": "premium"}}),
    "tag the vault that goes": change_vault(GONE, tags={"by": "hand"}),
    **{f"delete {vault.rpartition('/')[2]}": delete_vault(vault) for vault in (ONE, NEW, GONE)},
    "put a vault into the group that goes": fill_group,
    "tag the group": tag_group(GROUP),
    "grant a stranger": grant(THEIRS, STRANGER),
    "grant what the plan grants": grant(THEIRS, CI),
    "grant what the plan grants, under our id": grant(
        ids.guid_of(ids.assignment_id(GROUP, READER, CI)), CI, description="hand"
    ),
    "describe a grant": grant(ids.guid_of(ids.assignment_id(GROUP, READER, DEV)), DEV, description="by hand"),
    **{f"revoke {who}": revoke(one) for who, one in (("ci", CI), ("dev", DEV), ("ann", ANN))},
}
"""Everything that somebody else may do in the middle of a run."""
