"""What can be done with a vault and its contents: each capability with Azure's own permissions and a plain phrase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_VAULTS: Final = "Microsoft.KeyVault/vaults"


class Place(StrEnum):
    """At which scope Azure asks for the right: LISTED at the vault for all objects, at one for its versions."""

    SUBSCRIPTION = "subscription"
    VAULT = "vault"
    LISTED = "listed"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that can be done.

    `category` is a collection of a vault or `vault` itself; `word` the permission of an access policy there. On a vault
    with roles it needs `data_action`, on Resource Manager `action`; `place` is where that is asked for. A `minor` one
    goes without saying where the same grant gives more.
    """

    name: str
    phrase: str
    category: str
    word: str = ""
    data_action: str = ""
    action: str = ""
    place: Place = Place.OBJECT
    minor: bool = False

    @property
    def on_contents(self) -> bool:
        """Whether it is about what lies in a vault, not the vault itself."""
        return self.category != "vault"

    @property
    def policy(self) -> str:
        """The permission of an access policy, such as `policy:secrets/get`; empty where policies cannot give it."""
        return f"policy:{self.category}/{self.word}" if self.word else ""

    @property
    def permissions(self) -> tuple[str, ...]:
        """Everything that Azure calls it."""
        return tuple(name for name in (self.policy, self.data_action, self.action) if name)


def _of(category: str, rows: str) -> Iterator[Capability]:
    """Capabilities on contents, a line each: name | word | data action below vaults | phrase | marks."""
    for row in rows.strip().splitlines():
        name, word, action, phrase, marks = (cell.strip() for cell in row.split("|"))
        place = next((Place(mark) for mark in marks.split() if mark != "minor"), Place.OBJECT)
        data_action = f"{_VAULTS}/{action}" if action else ""
        yield Capability(name, phrase, category, word, data_action, "", place, "minor" in marks)


def _secrets() -> Iterator[Capability]:
    return _of(
        "secrets",
        """
        read-value      | get     | secrets/getSecret/action    | reads secret values      |
        list-secrets    | list    | secrets/readMetadata/action | lists secrets            | listed
        write-value     | set     | secrets/setSecret/action    | writes secret values     |
        update-secret   |         | secrets/update/action       | updates secrets          | minor
        delete-secret   | delete  | secrets/delete              | deletes secrets          |
        recover-secret  | recover | secrets/recover/action      | recovers secrets         |
        backup-secret   | backup  | secrets/backup/action       | backs up secrets         |
        restore-secret  | restore | secrets/restore/action      | restores secrets         | vault
        purge-secret    | purge   | secrets/purge/action        | purges secrets           |
        """,
    )


def _keys() -> Iterator[Capability]:
    return _of(
        "keys",
        """
        read-key        | get       | keys/read            | reads public keys            | minor
        list-keys       | list      | keys/read            | lists keys                   | listed minor
        encrypt         | encrypt   | keys/encrypt/action  | encrypts with keys           |
        decrypt         | decrypt   | keys/decrypt/action  | decrypts with keys           |
        wrap            | wrapkey   | keys/wrap/action     | wraps with keys              |
        unwrap          | unwrapkey | keys/unwrap/action   | unwraps with keys            |
        sign            | sign      | keys/sign/action     | signs with keys              |
        verify          | verify    | keys/verify/action   | verifies with keys           |
        create-key      | create    | keys/create/action   | creates keys                 |
        import-key      | import    | keys/import/action   | imports keys                 |
        update-key      | update    | keys/update/action   | updates keys                 |
        delete-key      | delete    | keys/delete          | deletes keys                 |
        recover-key     | recover   | keys/recover/action  | recovers keys                |
        backup-key      | backup    | keys/backup/action   | backs up keys                |
        restore-key     | restore   | keys/restore/action  | restores keys                | vault
        purge-key       | purge     | keys/purge/action    | purges keys                  |
        rotate-key      | rotate    | keys/rotate/action   | rotates keys                 |
        release-key     | release   | keys/release/action  | releases keys                |
        read-rotation   | getrotationpolicy | keyrotationpolicies/read  | reads key rotation policies | minor
        set-rotation    | setrotationpolicy | keyrotationpolicies/write | sets key rotation policies  |
        """,
    )


def _certificates() -> Iterator[Capability]:
    return _of(
        "certificates",
        """
        read-certificate    | get     | certificates/read           | reads certificates    | minor
        list-certificates   | list    | certificates/read           | lists certificates    | listed minor
        create-certificate  | create  | certificates/create/action  | creates certificates  |
        import-certificate  | import  | certificates/import/action  | imports certificates  |
        update-certificate  | update  | certificates/update/action  | updates certificates  |
        delete-certificate  | delete  | certificates/delete         | deletes certificates  |
        recover-certificate | recover | certificates/recover/action | recovers certificates |
        backup-certificate  | backup  | certificates/backup/action  | backs up certificates |
        restore-certificate | restore | certificates/restore/action | restores certificates | vault
        purge-certificate   | purge   | certificates/purge/action   | purges certificates   |
        set-contacts        | managecontacts | certificatecontacts/write | manages certificate contacts | vault
        read-issuers        | getissuers     | certificatecas/read       | reads certificate issuers   | vault minor
        list-issuers        | listissuers    | certificatecas/read       | lists certificate issuers   | vault minor
        set-issuers         | setissuers     | certificatecas/write      | sets certificate issuers    | vault
        manage-issuers      | manageissuers  | certificatecas/write      | manages certificate issuers | vault
        delete-issuers      | deleteissuers  | certificatecas/delete     | deletes certificate issuers | vault
        """,
    )


def _storage() -> Iterator[Capability]:
    """Managed storage accounts, which Azure has given up: only policies still show them."""
    return _of(
        "storage",
        """
        read-storage       | get           | | reads storage accounts         | vault
        list-storage       | list          | | lists storage accounts         | vault
        write-storage      | set           | | writes storage accounts        | vault
        update-storage     | update        | | updates storage accounts       | vault
        delete-storage     | delete        | | deletes storage accounts       | vault
        recover-storage    | recover       | | recovers storage accounts      | vault
        backup-storage     | backup        | | backs up storage accounts      | vault
        restore-storage    | restore       | | restores storage accounts      | vault
        purge-storage      | purge         | | purges storage accounts        | vault
        regenerate-storage | regeneratekey | | regenerates storage keys       | vault
        read-sas           | getsas        | | reads shared access signatures | vault
        list-sas           | listsas       | | lists shared access signatures | vault
        set-sas            | setsas        | | sets shared access signatures  | vault
        delete-sas         | deletesas     | | deletes shared access signatures| vault
        """,
    )


VAULTS_WRITE: Final = f"{_VAULTS}/write"
POLICIES_WRITE: Final = f"{_VAULTS}/accessPolicies/write"
ASSIGNMENTS_WRITE: Final = "Microsoft.Authorization/roleAssignments/write"
SECRETS_WRITE: Final = f"{_VAULTS}/secrets/write"
SECRETS_READ: Final = f"{_VAULTS}/secrets/read"
KEYS_WRITE: Final = f"{_VAULTS}/keys/write"
KEYS_READ: Final = f"{_VAULTS}/keys/read"


def _vault() -> Iterator[Capability]:
    rows = (
        ("read-vault", "reads vaults, not their contents", f"{_VAULTS}/read", Place.VAULT, False),
        ("change-vault", "changes vaults and their access policies", VAULTS_WRITE, Place.VAULT, False),
        ("change-policies", "changes access policies", POLICIES_WRITE, Place.VAULT, True),
        ("delete-vault", "deletes vaults", f"{_VAULTS}/delete", Place.VAULT, False),
        (
            "purge-vault",
            "purges deleted vaults",
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            Place.SUBSCRIPTION,
            False,
        ),
        ("give-roles", "gives roles to others", ASSIGNMENTS_WRITE, Place.OBJECT, False),
        ("take-roles", "takes roles from others", "Microsoft.Authorization/roleAssignments/delete", Place.OBJECT, True),
    )
    for name, phrase, action, place, minor in rows:
        yield Capability(name, phrase, "vault", action=action, place=place, minor=minor)


CAPABILITIES: Final[tuple[Capability, ...]] = (*_secrets(), *_keys(), *_certificates(), *_storage(), *_vault())
BY_NAME: Final[Mapping[str, Capability]] = MappingProxyType({one.name: one for one in CAPABILITIES})
CONTENTS: Final = tuple(one for one in CAPABILITIES if one.on_contents)
ACTIONS: Final = tuple(one for one in CAPABILITIES if not one.on_contents)

AROUND: Final[Mapping[str, tuple[Capability, ...]]] = MappingProxyType(
    {
        SECRETS_WRITE: (BY_NAME["write-value"],),
        KEYS_WRITE: (BY_NAME["create-key"],),
        SECRETS_READ: (BY_NAME["list-secrets"],),
        KEYS_READ: (BY_NAME["read-key"], BY_NAME["list-keys"]),
    }
)
"""What Resource Manager does with a vault's contents for who holds an action there."""

_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "list": ("list-secrets", "list-keys", "list-certificates"),
        "write": ("write-value", "create-key", "import-key", "create-certificate", "import-certificate"),
        "delete": ("delete-secret", "delete-key", "delete-certificate", "delete-vault"),
        "recover": ("recover-secret", "recover-key", "recover-certificate"),
        "purge": ("purge-secret", "purge-key", "purge-certificate", "purge-vault"),
        "backup": ("backup-secret", "backup-key", "backup-certificate"),
        "restore": ("restore-secret", "restore-key", "restore-certificate"),
        "use-key": ("encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"),
        "administer-access": ("give-roles", "change-vault", "change-policies"),
    }
)
WORDS: Final = (*BY_NAME, *_FAMILIES)
"""The names of ours that say what can be done: capabilities, and families of them."""


def named(text: str) -> tuple[Capability, ...]:
    """The capabilities that a text means, in any letter case; `()` where it is none's.

    It may be a name or a family of ours, a phrase, or a permission of Azure's (`policy:secrets/get`, a data action, an
    action). Resource Manager's own ways to the contents are what they do.
    """
    wanted = text.strip().lower()
    if wanted in _FAMILIES:
        return tuple(BY_NAME[name] for name in _FAMILIES[wanted])
    return tuple(one for one in CAPABILITIES if wanted in _texts(one))


def _texts(one: Capability) -> Iterable[str]:
    around = (action for action, reached in AROUND.items() if one in reached)
    return {text.lower() for text in (one.name, one.phrase, *one.permissions, *around)}
