"""Where a state in Azure Blob Storage lies: `azblob://ACCOUNT/CONTAINER/KEY`, held to Azure's rules for names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SCHEME: Final = "azblob://"
LONGEST: Final = 1000
"""Characters of a key: a blob's name may have 1,024, and what lies beside the state has a longer one."""
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER: Final = re.compile(r"[a-z0-9](?:-?[a-z0-9])+")
_KEY: Final = re.compile(r"[A-Za-z0-9!$'()*+,.=@_~ -]+(?:/[A-Za-z0-9!$'()*+,.=@_~ -]+)*")


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """A storage account, a container in it, and the snapshot's blob, whose name may have slashes."""

    account: str
    container: str
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.account}/{self.container}/{self.key}"


def parse_blob_place(text: str) -> BlobPlace:
    """The place that a text names; `ValueError` says in a sentence what is wrong with it."""
    account, _, rest = text.removeprefix(SCHEME).partition("/")
    container, _, key = rest.partition("/")
    if not text.startswith(SCHEME) or not (account and container and key):
        raise ValueError("It names no account, container and key.")
    # The account becomes a part of a host's name, so nothing but what Azure allows may ever get there.
    if _ACCOUNT.fullmatch(account) is None:
        raise ValueError("A storage account's name has 3 to 24 lower-case letters and digits.")
    if _CONTAINER.fullmatch(container) is None or not 3 <= len(container) <= 63:
        raise ValueError("A container's name has 3 to 63 lower-case letters, digits and single hyphens.")
    if _KEY.fullmatch(key) is None or len(key) > LONGEST:
        raise ValueError(f"A key has up to {LONGEST} letters, digits and plain signs, in parts between single slashes.")
    if any(part.endswith(".") or part != part.strip() for part in key.split("/")):
        raise ValueError("No part of a key may end in a dot, or begin or end in a space.")
    return BlobPlace(account, container, key)
