"""What lint looks for: each rule with why it matters, how it is mended, and what other tools call the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Span


class Tool(StrEnum):
    """Whose rule a twin is."""

    CHECKOV = "Checkov"
    TRIVY = "Trivy"
    POLICY = "Azure Policy"


@dataclass(frozen=True, slots=True)
class Twin:
    """The rule of another tool that asks for the same, by the id and the title that it has there."""

    tool: Tool
    id: str
    title: str


class Weight(StrEnum):
    """How much a finding matters: only what blocks ends a run with 3."""

    BLOCK = "block"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that is better otherwise. The id never changes its meaning; `weight` is what it counts by default."""

    id: str
    title: str
    why: str
    fix: str
    weight: Weight = Weight.WARNING
    twins: tuple[Twin, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is not kept. `ignored` is the reason that the YAML gives for leaving it so."""

    rule: Rule
    weight: Weight
    address: Address
    text: str
    span: Span | None = None
    ignored: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """What tells it from every other, whatever moves in the file."""
        return self.rule.id, str(self.address)

    def weighing(self, weight: Weight) -> Finding:
        """The same with another weight."""
        return replace(self, weight=weight)

    def ignoring(self, reason: str) -> Finding:
        """The same with a reason to leave it so, or none."""
        return replace(self, ignored=reason) if reason else self


@dataclass(frozen=True, slots=True)
class Lint:
    """What the YAML says about lint: the rules that block, and reasons for ignoring some, by rule.

    They are for all entries (None), or for that of an address and everything below it.
    """

    block: frozenset[str] = frozenset()
    ignored: Mapping[Address | None, Mapping[str, str]] = field(default_factory=dict)


def _checkov(identifier: str, title: str) -> Twin:
    return Twin(Tool.CHECKOV, identifier, title)


def _trivy(identifier: str, title: str) -> Twin:
    return Twin(Tool.TRIVY, identifier, title)


def _policy(identifier: str, title: str) -> Twin:
    return Twin(Tool.POLICY, identifier, title)


_RULES: Final = (
    Rule(
        "secret-expiry",
        "A secret never expires",
        "A secret without an end is rotated by nobody, and whoever got hold of it once can use it for good.",
        "Write `expires: 2027-06-30`, say, and rotate it before then.",
        twins=(
            _checkov("CKV_AZURE_41", "Ensure that the expiration date is set on all secrets"),
            _trivy("AVD-AZU-0017", "Key Vault Secret should have an expiration date set"),
            _policy("98728c90-32c7-4049-8429-847dc0f4fe37", "Key Vault secrets should have an expiration date"),
        ),
    ),
    Rule(
        "secret-content-type",
        "A secret does not say what it is",
        "Whoever rotates it or looks for it later cannot tell a password from a connection string or a certificate.",
        "Write `content_type: text/plain`, or a word of yours such as `password`.",
        Weight.NOTE,
        (
            _checkov("CKV_AZURE_114", 'Ensure that key vault secrets have "content_type" set'),
            _trivy("AVD-AZU-0015", "Key vault Secret should have a content type set"),
            _policy("75262d3e-ba4a-4f43-85f8-9f72c090e5e3", "Secrets should have content type set"),
        ),
    ),
    Rule(
        "purge-protection",
        "A vault can be purged",
        "Without purge protection whoever may purge can destroy the vault and all in it for good, at once.",
        "Write `purge_protection: true`. It cannot be switched off again.",
        twins=(
            _checkov("CKV_AZURE_110", "Ensure that key vault enables purge protection"),
            _checkov("CKV_AZURE_42", "Ensure the key vault is recoverable"),
            _trivy("AVD-AZU-0016", "Key vault should have purge protection enabled"),
            _policy("0b60c0b2-2dc2-4e1c-b5c9-abbed971de53", "Key vaults should have deletion protection enabled"),
        ),
    ),
    Rule(
        "network-open",
        "A vault takes requests from every network",
        "Whoever has a stolen credential can use it from anywhere.",
        "Write `network: {default: deny}`, with the `ip_rules` and `subnets` that need the vault.",
        twins=(
            _checkov("CKV_AZURE_109", "Ensure that key vault allows firewall rules settings"),
            _trivy("AVD-AZU-0013", "Key vault should have the network acl block specified"),
            _policy("55615ac9-af46-4a59-874e-391cc3dfb490", "Azure Key Vault should have firewall enabled"),
        ),
    ),
    Rule(
        "network-public",
        "A vault has a public address and no rule for it",
        "Where every client comes through a private endpoint, or no rule lets one in, the public address only invites "
        "attempts.",
        "Write `network: {public: false}`, or the `ip_rules` or `subnets` of those who need the vault.",
        Weight.NOTE,
        (
            _checkov("CKV_AZURE_189", "Ensure that Azure Key Vault disables public network access"),
            _policy("405c5871-3e91-4644-8a63-58e19d68ff5b", "Azure Key Vault should disable public network access"),
        ),
    ),
    Rule(
        "network-range",
        "A firewall rule lets a large part of the Internet in",
        "A range of more than 65,536 addresses belongs to many people, so the rule is hardly one.",
        "Write the ranges that your own clients come from.",
    ),
    Rule(
        "access-model",
        "A vault uses access policies",
        "Whoever may write the vault may give every right in it to anybody, and no right is for one secret alone.",
        "Write `access: rbac` and `roles`, when nothing depends on the policies any more.",
        Weight.NOTE,
        (_policy("12d4fa5e-1f9f-4c21-97a9-b99b3c6611b5", "Azure Key Vault should use RBAC permission model"),),
    ),
    Rule(
        "policy-all",
        "An access policy grants everything",
        "Every permission means that of purging too, and what Azure adds to the list one day.",
        "Write the permissions that are needed, such as `secrets: [get, list]`, or a `template`.",
    ),
    Rule(
        "policy-purge",
        "An access policy lets somebody purge",
        "What is purged is gone for good; nothing that runs every day needs that.",
        "Take `purge` out; whoever must purge can be given it for that hour.",
    ),
    Rule(
        "role-wildcard",
        "A role may do everything with what it is given on",
        "It includes changing the vault, its firewall and its access policies, none of which needs a role so wide.",
        "Write a role for the work itself, such as `Key Vault Contributor` or `Key Vault Secrets Officer`.",
    ),
    Rule(
        "role-scope",
        "A role counts for every vault of a subscription or a management group",
        "It holds for vaults that nobody has thought of yet, also those of other teams.",
        "Write the role under `roles` of a vault, or with `scope: resource_group.KEY`.",
    ),
)
RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.id: rule for rule in _RULES})
