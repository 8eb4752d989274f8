"""One case for every kind: what to create, what must be there first, and each attribute's change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from declarative_kv.azure import ids
from declarative_kv.azure.session import Session
from declarative_kv.emulator.seed import SUBSCRIPTION
from declarative_kv.kinds import registry
from declarative_kv.model.kind import ResourceKind
from declarative_kv.model.resource import Observed
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.specs import (
    AccessPolicySpec,
    NetworkSpec,
    ResourceGroupSpec,
    RoleAssignmentSpec,
    SecretSpec,
    VaultSpec,
)

KINDS = registry()
GROUP = ResourceGroupSpec(subscription=SUBSCRIPTION, name="rg-Payments", location="westeurope", tags={"team": "pay"})
SUBNET = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-net/providers/microsoft.network/virtualnetworks/hub/subnets/apps"
)
VAULT = VaultSpec(
    subscription=SUBSCRIPTION,
    resource_group="rg-Payments",
    name="kv-payments",
    location="westeurope",
    access="policies",
    sku="standard",
    retention_days=30,
    network=NetworkSpec(public=True, default="deny", ip_rules=("203.0.113.0/24",)),
    enabled_for=("deployment",),
    tags={"team": "payments"},
)
VAULT_ID = ids.vault_id(SUBSCRIPTION, "rg-Payments", "kv-payments")
SOMEBODY = "1b2c0000-0000-4000-8000-00000000c1c1"
POLICY = AccessPolicySpec(
    vault=VAULT_ID, principal=SOMEBODY, secrets=("get", "list"), keys=("get", "unwrapkey", "wrapkey")
)
PLANTED = "s3cr3t-\N{GREEK SMALL LETTER PI}-value"
SECRET = SecretSpec(
    vault=VAULT_ID,
    name="db-Password",
    content_type="text/plain",
    enabled=True,
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    expires=datetime(2031, 6, 30, tzinfo=UTC),
    tags={"owner": "payments"},
    value=Sensitive(PLANTED),
)
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
CONDITION = "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})))"
GRANT = RoleAssignmentSpec(
    scope=VAULT_ID, role=SECRETS_USER, principal=SOMEBODY, principal_type="ServicePrincipal", description="reads"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A kind with something to create; `needs` come first; `changes` maps an attribute to the spec that changes it."""

    kind: ResourceKind
    spec: Any
    needs: tuple[tuple[str, Any], ...]
    changes: Mapping[str, Any]

    async def prepare(self, azure: Session) -> None:
        """Make what the object needs."""
        for name, spec in self.needs:
            await KINDS[name].create(azure, spec)

    async def seen(self, azure: Session) -> Observed | None:
        """What a read shows of the object."""
        found = await self.kind_of_read().read(azure, self.kind.scope(self.spec))
        wanted = self.kind.remote_id(self.spec).lower()
        return next((one for one in found if one.id == wanted), None)

    def kind_of_read(self) -> ResourceKind:
        """The kind that serves the object's scope."""
        return KINDS[self.kind.scope(self.spec).kind]


_PLACE = (("resource_group", GROUP),)
_INSIDE = (*_PLACE, ("vault", replace(VAULT, network=None)))
CASES = {
    "resource_group": Case(
        KINDS["resource_group"], GROUP, (), {"tags": replace(GROUP, tags={"team": "new", "cost": "7"})}
    ),
    "vault": Case(
        KINDS["vault"],
        VAULT,
        _PLACE,
        {
            "access": replace(VAULT, access="rbac"),
            "sku": replace(VAULT, sku="premium"),
            "purge_protection": replace(VAULT, purge_protection=True),
            "network.public": replace(VAULT, network=NetworkSpec(public=False)),
            "network.default": replace(VAULT, network=NetworkSpec(default="allow")),
            "network.bypass": replace(VAULT, network=NetworkSpec(bypass=())),
            "network.ip_rules": replace(VAULT, network=NetworkSpec(ip_rules=("198.51.100.7/32", "10.1.0.0/16"))),
            "network.subnets": replace(VAULT, network=NetworkSpec(subnets=(SUBNET,))),
            "enabled_for": replace(VAULT, enabled_for=("template_deployment", "disk_encryption")),
            "tags": replace(VAULT, tags={"owner": "sre"}),
        },
    ),
    "access_policy": Case(
        KINDS["access_policy"],
        POLICY,
        _INSIDE,
        {
            "secrets": replace(POLICY, secrets=("list",)),
            "keys": replace(POLICY, keys=()),
            "certificates": replace(POLICY, certificates=("get", "managecontacts")),
            "storage": replace(POLICY, storage=("get",)),
        },
    ),
    "secret": Case(
        KINDS["secret"],
        SECRET,
        (*_INSIDE, ("access_policy", None)),
        {
            "content_type": replace(SECRET, content_type="application/json", value=None),
            "enabled": replace(SECRET, enabled=False, value=None),
            "not_before": replace(SECRET, not_before=datetime(2026, 2, 2, tzinfo=UTC), value=None),
            "expires": replace(SECRET, expires=datetime(2032, 1, 1, tzinfo=UTC), value=None),
            "tags": replace(SECRET, tags={"owner": "sre", "new": "yes"}, value=None),
        },
    ),
    "role_assignment": Case(
        KINDS["role_assignment"],
        GRANT,
        _INSIDE,
        {
            "description": replace(GRANT, description="reads and no more"),
            "condition": replace(GRANT, condition=CONDITION),
        },
    ),
    "reader_role": Case(
        KINDS["reader_role"],
        replace(GRANT, scope=f"/subscriptions/{SUBSCRIPTION}", role=READER),
        (),
        {"description": replace(GRANT, scope=f"/subscriptions/{SUBSCRIPTION}", role=READER, description="sees all")},
    ),
}
