"""Which operation of which OpenAPI file describes a request: by method, path template and the nearest api-version."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from declarative_kv.emulator.hostnames import RESOURCE_MANAGER, vault_suffix
from declarative_kv.emulator.http import Request

SHARED: Final = Path(os.environ.get("DKV_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
FOLDER: Final = SHARED / "specs"
_METHODS: Final = ("get", "put", "post", "patch", "delete", "head")
# A template's place for anything: what it describes has an address of its own in the same file, or is not emulated.
_WHOLE: Final = re.compile(r"/\{[^/]+\}(\?.*)?")
_PARAMETER: Final = re.compile(r"(/?)\{([^}]+)\}")
_MANY_SEGMENTS: Final = frozenset({"scope", "parentResourcePath"})
_PROVIDER: Final = re.compile(r"/providers/(Microsoft\.\w+)/", re.IGNORECASE)
_VERSIONLESS: Final = re.compile(r"(/(?:secrets|keys)/[^/]+)(/(?!versions$|backup$)[a-z]+)?/?")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one file. `version` sorts; `literals` says how exact the path template is."""

    file: Path
    method: str
    template: str
    version: tuple[float, ...]
    literals: int
    pattern: re.Pattern[str]
    content: Mapping[str, Any]


def operations_for(request: Request) -> tuple[Operation, ...]:
    """What describes this request: the nearest version not newer than the request's, else the oldest; () if none.

    Several files may hold that version: official ones, and those derived from other sources.
    """
    if vault_suffix(request.host) is not None:
        plane = "vault"
    elif request.host in RESOURCE_MANAGER:
        plane = "arm"
    else:
        return ()
    path = request.path.rstrip("/") or "/"
    found = _matching(plane, request.method, path)
    if not found and plane == "vault":
        # Clients leave the version out; the files only know the operation with one (azure.md 7).
        found = _matching(plane, request.method, _VERSIONLESS.sub(r"\1/latest\2", path, count=1))
    return _nearest(found, version_key(request.parameter("api-version") or ""))


def version_key(version: str) -> tuple[float, ...]:
    """A sort key: Key Vault's numbers come before dates, a preview before the release of its day."""
    number, _, rest = version.partition("-")
    try:
        if len(number) == 4 and number.isdigit():
            year, month, day, *preview = version.split("-")
            return (float(year), float(month), float(day), 0.0 if preview else 1.0)
        return (float(number), 0.0 if rest else 1.0)
    except ValueError:
        return (0.0,)


@cache
def operations(plane: str) -> tuple[Operation, ...]:
    """Every operation of the files for one plane: `vault` or `arm`."""
    return tuple(found for file in _files() if (_plane(file) == plane) for found in _read(file))


@cache
def document(file: Path) -> Any:
    """A file of the specifications, parsed."""
    return json.loads(file.read_text("utf-8"))


def _files() -> Iterator[Path]:
    for folder in ("official", "patched", "derived"):
        for file in sorted((FOLDER / folder).rglob("*.json")):
            if "examples" not in file.parts:
                yield file


def _plane(file: Path) -> str:
    return "vault" if "data-plane" in file.parts or file.name.startswith("kv-") else "arm"


def _read(file: Path) -> Iterator[Operation]:
    content = document(file)
    version = version_key(content.get("info", {}).get("version", ""))
    own = _own_provider(file)
    for template, item in content.get("paths", {}).items():
        if _WHOLE.fullmatch(template) or (own is not None and _provider(template) != own):
            continue
        for method in _METHODS:
            if method in item:
                literals = sum(1 for segment in template.split("/") if segment and "{" not in segment)
                yield Operation(file, method, template, version, literals, _pattern(template), item[method])


def _own_provider(file: Path) -> str | None:
    """The resource provider that a file is about; some repeat operations of others."""
    if _plane(file) == "vault":
        return None
    for part in file.parts:
        if part.startswith("Microsoft."):
            return part.lower()
    for name in ("keyvault", "authorization"):
        if name in file.name:
            return f"microsoft.{name}"
    return "microsoft.resources"


def _provider(template: str) -> str:
    named = _PROVIDER.findall(template)
    return named[-1].lower() if named else "microsoft.resources"


def _pattern(template: str) -> re.Pattern[str]:
    parts, end = [], 0
    for match in _PARAMETER.finditer(template):
        parts.append(re.escape(template[end : match.start()]))
        # Case may differ in a parameter's name only by accident; a scope may be empty, and has any number of segments.
        parts.append(r"(?:/.*)?" if match[2] in _MANY_SEGMENTS else match[1] + "[^/]+")
        end = match.end()
    return re.compile("".join((*parts, re.escape(template[end:]))), re.IGNORECASE)


@cache
def _by_method(plane: str, method: str) -> tuple[Operation, ...]:
    return tuple(found for found in operations(plane) if found.method == method.lower())


def _matching(plane: str, method: str, path: str) -> tuple[Operation, ...]:
    found = [operation for operation in _by_method(plane, method) if operation.pattern.fullmatch(path)]
    exact = max((operation.literals for operation in found), default=0)
    return tuple(operation for operation in found if operation.literals == exact)


def _nearest(found: tuple[Operation, ...], version: tuple[float, ...]) -> tuple[Operation, ...]:
    versions = sorted({operation.version for operation in found})
    if not versions:
        return ()
    nearest = max((known for known in versions if known <= version), default=versions[0])
    return tuple(operation for operation in found if operation.version == nearest)
