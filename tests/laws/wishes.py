"""Random configurations, and random edits of them, as a team would make in a week of pull requests."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from declarative_kv.emulator.seed import SUBSCRIPTION, TENANT
from tests.laws.lab import Lab
from tests.laws.leaks import secret_value

Tree = dict[str, Any]

PRINCIPALS: Final[dict[str, Tree]] = {
    "deployer": {"current": True},
    "ci": {"object_id": "1b2c0000-0000-4000-8000-0000000000c1", "type": "service_principal"},
    "dev": {"object_id": "1b2c0000-0000-4000-8000-0000000000d1", "type": "group"},
    "ann": {"object_id": "1b2c0000-0000-4000-8000-0000000000a1", "type": "user"},
}
OTHERS: Final = ("ci", "dev", "ann")
ROLES: Final = ("Reader", "Key Vault Reader", "Key Vault Secrets User", "Key Vault Secrets Officer")
NAMES: Final = ("db", "api", "tls", "smtp", "jwt", "s3")
TAGS: Final[tuple[dict[str, str], ...]] = ({"team": "pay"}, {"team": "pay", "env": "t"}, {"env": "p"}, {})
KEYS: Final = ("one", "two", "six")


@dataclass
class Wishes:
    """What the YAML says now; every choice comes from `chance`."""

    chance: random.Random
    lab: Lab
    tree: Tree = field(default_factory=dict)
    made: int = 0

    def begin(self) -> None:
        """A first configuration: a group or two, vaults of both access models, and grants."""
        self.tree = {
            "version": 1,
            "cloud": "emulator",
            "tenant": TENANT,
            "subscription": SUBSCRIPTION,
            "principals": deepcopy(PRINCIPALS),
            "resource_groups": {"rg": {"location": "westeurope", "protect": False}},
            "vaults": {},
            "reader_roles": {},
            "role_assignments": {},
        }
        for key in KEYS[: self.chance.randint(1, 3)]:
            self._vault(key)
        for _ in range(self.chance.randint(0, 3)):
            self._grant()
        self.save()

    def edit(self, times: int) -> None:
        """Some changes, written to the project."""
        for _ in range(times):
            self.chance.choice(EDITS)(self)
        self.save()

    def save(self) -> None:
        """Write the YAML; an entry whose scope has gone goes too, as the author would be told."""
        for collection in ("reader_roles", "role_assignments"):
            grants = self.tree[collection]
            self.tree[collection] = {key: grant for key, grant in grants.items() if self._leads_somewhere(grant)}
        self._drop_twins()
        self.lab.write(self.tree)

    def _vault(self, key: str) -> None:
        access = self.chance.choice(["policies", "policies", "rbac"])
        vault: Tree = {
            "name": f"kv-{key}",
            "access": access,
            "location": "westeurope",
            "resource_group": "rg",
            "protect": False,
            "secrets": {},
        }
        if access == "policies":
            vault["access_policies"] = {"deployer": {"template": "key-and-secret-management"}}
        if self.chance.random() < 0.4:
            vault["retention_days"] = 30
        self.tree["vaults"][key] = vault
        self._settings(vault)
        for _ in range(self.chance.randint(0, 4)):
            self._secret(vault)
        for _ in range(self.chance.randint(0, 2)):
            self._access(vault)

    def _settings(self, vault: Tree) -> None:
        """Settings that can change, each sometimes not written at all."""
        choices: dict[str, Callable[[], Any]] = {
            "sku": lambda: self.chance.choice(["standard", "premium"]),
            "tags": lambda: dict(self.chance.choice(TAGS)),
            "enabled_for": lambda: self.chance.sample(["deployment", "disk_encryption"], self.chance.randint(0, 2)),
            "network": lambda: {
                "default": "allow",
                "ip_rules": self.chance.sample(["203.0.113.7/32", "198.51.100.0/24"], 1),
            },
            "others": lambda: {
                kind: self.chance.choice(["report", "delete", "ignore"])
                for kind in self.chance.sample(["access_policies", "role_assignments", "secrets"], 2)
            },
        }
        if "deployer" not in vault.get("access_policies", {"deployer": {}}):
            del choices["others"]
        for name in self.chance.sample(sorted(choices), 2):
            if self.chance.random() < 0.7:
                vault[name] = choices[name]()
            else:
                vault.pop(name, None)

    def _secret(self, vault: Tree, name: str | None = None) -> None:
        name = name or self.chance.choice(NAMES)
        secret: Tree = {"value_from": self._source()}
        if self.chance.random() < 0.4:
            secret["content_type"] = self.chance.choice(["text/plain", "application/json"])
        if self.chance.random() < 0.3:
            secret["expires"] = f"20{self.chance.randint(30, 40)}-06-30"
        if self.chance.random() < 0.4:
            secret["tags"] = dict(self.chance.choice(TAGS))
        if self.chance.random() < 0.1:
            secret["enabled"] = False
        if vault["access"] == "rbac" and self.chance.random() < 0.2:
            secret["roles"] = {self.chance.choice(OTHERS): ["Key Vault Secrets User"]}
        vault["secrets"][name] = secret
        if vault["access"] == "policies":
            vault["access_policies"]["deployer"] = {"template": "key-and-secret-management"}

    def _source(self) -> Any:
        if self.chance.random() < 0.25:
            return {"generate": {"length": self.chance.randint(16, 40)}}
        self.made += 1
        name = f"value-{self.made}"
        self.lab.source(name, secret_value(str(self.made)))
        return {"file": f"secrets/{name}"}

    def _access(self, vault: Tree) -> None:
        who = self.chance.choice(OTHERS)
        if vault["access"] == "policies":
            permissions = sorted(self.chance.sample(["get", "list", "set", "recover"], self.chance.randint(1, 3)))
            vault["access_policies"][who] = {"secrets": permissions}
        else:
            vault.setdefault("roles", {})[who] = [self.chance.choice(ROLES)]

    def _grant(self) -> None:
        key, scope = self.chance.choice(["a", "b", "c"]), self.chance.choice(self._scopes())
        if self.chance.random() < 0.5:
            self.tree["reader_roles"][key] = {"principal": self.chance.choice(OTHERS), "scope": scope}
            return
        # Now and then the running identity gives itself a role that its work on the vaults rests upon.
        who = self.chance.choice([*OTHERS, "deployer"])
        grant = {"principal": who, "role": self.chance.choice(ROLES), "scope": scope}
        if self.chance.random() < 0.3:
            grant["description"] = self.chance.choice(["for the pipeline", "asked for in review"])
        self.tree["role_assignments"][key] = grant

    def _scopes(self) -> list[str]:
        return ["subscription", "resource_group.rg", *(f"vault.{key}" for key in self.tree["vaults"])]

    def _leads_somewhere(self, grant: Tree) -> bool:
        return grant["scope"] in self._scopes()

    def _drop_twins(self) -> None:
        """One grant stands once: a principal's role at a scope is one object to Azure."""
        seen = {
            (f"vault.{key}", role, who)
            for key, vault in self.tree["vaults"].items()
            for who, roles in (vault.get("roles") or {}).items()
            for role in roles
        }
        for collection in ("reader_roles", "role_assignments"):
            for key, grant in list(self.tree[collection].items()):
                twin = (grant["scope"], grant.get("role", "Reader"), grant["principal"])
                if twin in seen:
                    del self.tree[collection][key]
                seen.add(twin)

    def some_vault(self) -> Tree | None:
        """Any vault of the configuration."""
        return self.chance.choice(list(self.tree["vaults"].values())) if self.tree["vaults"] else None

    def some_secret(self) -> tuple[Tree, str] | None:
        """Any secret: its vault and its key."""
        vault = self.some_vault()
        return (vault, self.chance.choice(list(vault["secrets"]))) if vault and vault["secrets"] else None


def add_secret(wishes: Wishes) -> None:
    if (vault := wishes.some_vault()) is not None:
        wishes._secret(vault)


def remove_secret(wishes: Wishes) -> None:
    if (found := wishes.some_secret()) is not None:
        del found[0]["secrets"][found[1]]


def rename_secret(wishes: Wishes) -> None:
    if (found := wishes.some_secret()) is not None:
        vault, name = found
        vault["secrets"][f"{name[:6]}-{wishes.chance.randint(1, 99)}"] = vault["secrets"].pop(name)


def change_secret(wishes: Wishes) -> None:
    if (found := wishes.some_secret()) is not None:
        vault, name = found
        source = vault["secrets"][name]["value_from"]
        wishes._secret(vault, name)
        if wishes.chance.random() < 0.6:
            vault["secrets"][name]["value_from"] = source


def keep_secret(wishes: Wishes) -> None:
    if (found := wishes.some_secret()) is not None:
        found[0]["secrets"][found[1]]["value_from"] = "kept"


def rotate_source(wishes: Wishes) -> None:
    """The file holds another value now; the YAML says what it said."""
    if (found := wishes.some_secret()) is not None:
        source = found[0]["secrets"][found[1]]["value_from"]
        if isinstance(source, dict) and "file" in source:
            wishes.lab.source(source["file"].partition("/")[2], secret_value("rotated"))


def change_settings(wishes: Wishes) -> None:
    if (vault := wishes.some_vault()) is not None:
        wishes._settings(vault)


def change_access(wishes: Wishes) -> None:
    if (vault := wishes.some_vault()) is not None:
        wishes._access(vault)


def remove_access(wishes: Wishes) -> None:
    if (vault := wishes.some_vault()) is not None:
        grants = vault.get("access_policies") or vault.get("roles") or {}
        who = wishes.chance.choice(OTHERS)
        grants.pop(who, None)


def change_grants(wishes: Wishes) -> None:
    """A new grant, or another under the key of an old one: that is a replacement."""
    wishes._grant()


def remove_grant(wishes: Wishes) -> None:
    grants = wishes.tree[wishes.chance.choice(["reader_roles", "role_assignments"])]
    if grants:
        del grants[wishes.chance.choice(list(grants))]


def tag_group(wishes: Wishes) -> None:
    wishes.tree["resource_groups"]["rg"]["tags"] = dict(wishes.chance.choice(TAGS))


def add_vault(wishes: Wishes) -> None:
    missing = [key for key in KEYS if key not in wishes.tree["vaults"]]
    if missing:
        wishes._vault(wishes.chance.choice(missing))


def remove_vault(wishes: Wishes) -> None:
    if wishes.tree["vaults"]:
        del wishes.tree["vaults"][wishes.chance.choice(list(wishes.tree["vaults"]))]


def leave_vault(wishes: Wishes) -> None:
    """Give up the secrets of a vault, and with them our own right to them."""
    if (vault := wishes.some_vault()) is not None:
        vault["secrets"] = {}
        vault.pop("others", None)  # who wants strangers' secrets deleted must be able to list them
        (vault.get("access_policies") or {}).pop("deployer", None)


def remove_everything(wishes: Wishes) -> None:
    """The group goes too, which is only possible when nothing else is in it."""
    wishes.tree |= {"resource_groups": {}, "vaults": {}, "reader_roles": {}, "role_assignments": {}}


EDITS: Final[tuple[Callable[[Wishes], None], ...]] = (
    *(add_secret, remove_secret, rename_secret, change_secret, change_secret, keep_secret, rotate_source),
    *(rotate_source, change_settings, change_settings, change_access, change_access, remove_access),
    *(change_grants, change_grants, remove_grant, tag_group, add_vault, remove_vault, leave_vault),
)
