"""What each example must leave in Azure, in Azure's words, written down by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
VAULT_READER = "21090545-7ca7-4776-b22c-e363652d74d2"
SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
MANAGE = frozenset(["get", "list", "set", "delete", "recover", "backup", "restore"])
READ = frozenset({"get", "list"})
GET = frozenset({"get"})
LIST = frozenset({"list"})


@dataclass(frozen=True)
class Secret:
    """A secret; `value` is a variable's name in `.env.example`, a text that Azure held before, or a length."""

    value: str | int
    content_type: str | None = None
    expires: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Vault:
    """A vault in Azure: `policies` by principal, None where it uses roles; `roles` as (below, role, principal)."""

    group: str
    location: str = "westeurope"
    sku: str = "standard"
    retention: int | None = 7
    tags: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, frozenset[str]] | None = None
    roles: frozenset[tuple[str, str, str]] = frozenset()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """One environment of one example. `roles` beside the vaults are (scope below the subscription, role, principal)."""

    vaults: Mapping[str, Vault]
    roles: frozenset[tuple[str, str, str]] = frozenset()


ORDERS_TEST = Expected(
    {
        "kv-contoso-orders-test": Vault(
            "rg-contoso-orders-test",
            tags={"team": "orders", "environment": "test"},
            policies={"deployer": MANAGE, "orders-api": GET, "Orders Developers": READ},
            secrets={
                "db-password": Secret("ORDERS_DB_PASSWORD", "text/plain", tags={"rotated-by": "database team"}),
                "session-key": Secret(64),
            },
        )
    }
)
ORDERS_PROD = Expected(
    {
        "kv-contoso-orders-prod": Vault(
            "rg-contoso-orders-prod",
            sku="premium",
            retention=90,
            tags={"team": "orders", "environment": "prod"},
            policies={"deployer": MANAGE, "orders-api": GET},
            secrets={
                "db-password": Secret("ORDERS_DB_PASSWORD", "text/plain", tags={"rotated-by": "database team"}),
                "session-key": Secret(64),
                "webhook-secret": Secret("ORDERS_WEBHOOK_SECRET", expires="2027-12-31T00:00:00+00:00"),
            },
            more={"enable_purge_protection": True},
        )
    }
)
PLATFORM = Expected(
    {
        "kv-contoso-payments": Vault(
            "rg-contoso-payments",
            retention=30,
            tags={"team": "payments", "cost-centre": "4711"},
            policies={
                "deployer": MANAGE,
                "SRE On-Call": READ,
                "payments-api": READ,
                "Payments Developers": LIST,
            },
            secrets={
                "card-processor-key": Secret("PAYMENTS_CARD_PROCESSOR_KEY", expires="2027-06-30T00:00:00+00:00"),
                "ledger-db-password": Secret("PAYMENTS_LEDGER_DB_PASSWORD", "text/plain"),
            },
        ),
        "kv-contoso-logistics": Vault(
            "rg-contoso-logistics",
            location="northeurope",
            tags={"team": "logistics"},
            policies={
                "deployer": MANAGE,
                "SRE On-Call": READ,
                "parcel-tracker": GET,
                "Logistics Developers": MANAGE,
            },
            secrets={"carrier-api-key": Secret("LOGISTICS_CARRIER_API_KEY", tags={"carrier": "parcel-express"})},
        ),
        "kv-contoso-webshop": Vault(
            "rg-contoso-webshop",
            tags={"team": "webshop"},
            roles=frozenset(
                {
                    ("", SECRETS_USER, "webshop"),
                    ("", VAULT_READER, "Webshop Developers"),
                    ("", SECRETS_USER, "SRE On-Call"),
                    ("", SECRETS_OFFICER, "deployer"),
                }
            ),
            secrets={"cookie-signing-key": Secret(64), "newsletter-token": Secret("WEBSHOP_NEWSLETTER_TOKEN")},
        ),
    },
    roles=frozenset({("", READER, "alice@contoso.example")}),
)
CI = Expected(
    {
        "kv-contoso-ci": Vault(
            "rg-contoso-ci",
            policies={"contoso-ci": MANAGE, "contoso-release": READ},
            more={"enabled_for_template_deployment": True},
        ),
        "kv-contoso-release": Vault(
            "rg-contoso-ci",
            retention=30,
            policies={"deployer": MANAGE, "contoso-release": READ},
            secrets={
                "registry-password": Secret("RELEASE_REGISTRY_PASSWORD", "text/plain", "2027-09-30T00:00:00+00:00"),
                "signing-passphrase": Secret("RELEASE_SIGNING_PASSPHRASE"),
            },
        ),
    },
    roles=frozenset({("", READER, "contoso-ci")}),
)
LEDGER = Expected(
    {
        "kv-contoso-ledger": Vault(
            "rg-contoso-ledger",
            retention=14,
            roles=frozenset(
                {
                    ("", SECRETS_OFFICER, "deployer"),
                    ("", VAULT_READER, "SRE On-Call"),
                    ("/secrets/database-url", SECRETS_USER, "ledger-api"),
                    ("/secrets/database-url", SECRETS_USER, "ledger-report"),
                    ("/secrets/signing-key", SECRETS_USER, "ledger-api"),
                    ("/secrets/bank-client-secret", SECRETS_USER, "alice@contoso.example"),
                }
            ),
            secrets={
                "database-url": Secret("LEDGER_DATABASE_URL", "text/uri"),
                "signing-key": Secret(64),
                "bank-client-secret": Secret(
                    "LEDGER_BANK_CLIENT_SECRET", expires="2027-03-31T12:00:00+00:00", tags={"owner": "treasury"}
                ),
            },
        )
    },
    roles=frozenset({("/resourceGroups/rg-contoso-ledger", READER, "alice@contoso.example")}),
)
ATTACHED = Expected(
    {
        "kv-contoso-hr": Vault(
            "rg-contoso-hr",
            retention=None,
            tags={"created-by": "portal", "owner": "hr-systems"},
            policies={
                "deployer": MANAGE,
                "hr-portal": READ,
                "HR Systems": LIST,
                "0ddba11e-0000-4000-8000-000000000001": READ | {"set"},
            },
            secrets={
                "payroll-api-key": Secret(
                    "throw-away: set by hand in the portal",
                    expires="2027-12-31T00:00:00+00:00",
                    tags={"owner": "payroll"},
                ),
                "smtp-password": Secret("throw-away: set by hand in the portal, too", "text/plain"),
                "legacy-token": Secret("throw-away: nobody knows who reads this"),
            },
        ),
        "kv-contoso-data": Vault(
            "rg-contoso-data",
            retention=None,
            tags={"managed-by": "terraform"},
            roles=frozenset(
                {("", SECRETS_OFFICER, "deployer"), ("/secrets/report-api-key", SECRETS_USER, "ledger-report")}
            ),
            secrets={
                "report-api-key": Secret("REPORT_API_KEY"),
                "warehouse-dsn": Secret("throw-away: written by Terraform"),
            },
        ),
    }
)

CASES: Mapping[tuple[str, str | None], Expected] = {
    ("one-service", "test"): ORDERS_TEST,
    ("one-service", "prod"): ORDERS_PROD,
    ("platform", None): PLATFORM,
    ("ci-product", None): CI,
    ("rbac-vault", None): LEDGER,
    ("attach", None): ATTACHED,
}
"""Every environment of every example."""
