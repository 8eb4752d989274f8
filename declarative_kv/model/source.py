"""Where a secret's value comes from: declarations only; `declarative_kv.values` reads them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FORBIDDEN_PREFIXES = ("AZURE_", "ARM_", "VAULT_", "GITHUB_", "SYSTEM_")
"""Variables that sign in to something: never a secret's value, so that YAML cannot carry them away."""

ALPHABETS: Mapping[str, str] = MappingProxyType(
    {
        "letters-digits": string.ascii_letters + string.digits,
        "letters-digits-symbols": string.ascii_letters + string.digits + "!#$%()*+,-./:;<=>?@[]^_{|}~",
        "letters": string.ascii_letters,
        "digits": string.digits,
        "hex": string.digits + "abcdef",
    }
)
"""What generated values may be made of, by the name that YAML uses."""


@dataclass(frozen=True, slots=True)
class EnvSource:
    """The value of an environment variable."""

    name: str

    def __str__(self) -> str:
        return f"env {self.name}"


@dataclass(frozen=True, slots=True)
class FileSource:
    """The text of a file; `path` is absolute, `written` is what the YAML says; one trailing newline is dropped."""

    path: str
    written: str

    def __str__(self) -> str:
        return f"file {self.written}"


@dataclass(frozen=True, slots=True)
class CommandSource:
    """The standard output of a command, run without a shell, in `folder`; needs DKV_ALLOW=command."""

    argv: tuple[str, ...]
    folder: str

    def __str__(self) -> str:
        return f"command {self.argv[0]}"


@dataclass(frozen=True, slots=True)
class GenerateSource:
    """A random value, made when the secret is created or replaced.

    `length` counts characters, `alphabet` is a key of ALPHABETS.
    """

    length: int = 32
    alphabet: str = "letters-digits"

    def __str__(self) -> str:
        return "generated"


@dataclass(frozen=True, slots=True)
class Kept:
    """The value lives in Azure: never read or written by plan and apply."""

    def __str__(self) -> str:
        return "kept"


Source = EnvSource | FileSource | CommandSource | GenerateSource | Kept
