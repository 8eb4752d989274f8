"""From names on the command line to the files of a configuration: find the vaults, read them, write them down."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from declarative_kv.azure import ids
from declarative_kv.azure.directory import AzureDirectory
from declarative_kv.azure.inventory import described, vaults_of
from declarative_kv.cli.context import Place, Run, opened
from declarative_kv.cli.documents import loaded, warn
from declarative_kv.cli.flow import place_of
from declarative_kv.cli.options import DEFAULT_FILE, Common, usage
from declarative_kv.cli.output import say, tell
from declarative_kv.cli.writing import check_free, written_to
from declarative_kv.config import cloud_named
from declarative_kv.config.pulled import Head, VaultPart, one_file, several_files
from declarative_kv.engine.naming import People, key_for, principals_of
from declarative_kv.engine.pulled import Naming, Pulled, group_keys
from declarative_kv.engine.pulled import pulled as entries_of
from declarative_kv.engine.survey import Survey, survey
from declarative_kv.model.blob_place import SCHEME
from declarative_kv.model.diagnostic import Diagnostic, Severity
from declarative_kv.model.document import Cloud
from declarative_kv.model.errors import DkvError, Forbidden, NotFound, PlanError
from declarative_kv.model.roles import GUID, builtin_role


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be pulled, as it stands on the command line."""

    vaults: tuple[str, ...]
    group: str | None
    subscription: str | None
    cloud: str | None
    attach: bool = False


@dataclass(frozen=True, slots=True)
class Here:
    """Where to look: the place of the run, and the subscriptions that the configuration names."""

    place: Place
    subscription: str | None
    subscriptions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Everything that the files say, and what could not be read or written down."""

    head: Head
    people: People
    groups: Mapping[str, Any]
    parts: tuple[Pulled, ...]
    unreadable: tuple[Diagnostic, ...]

    @property
    def vaults(self) -> list[VaultPart]:
        """The vaults as they stand in files."""
        return [VaultPart(one.key, one.entry, one.access_policies, one.role_assignments) for one in self.parts]

    @property
    def left_out(self) -> tuple[Diagnostic, ...]:
        """What no entry can say."""
        return tuple(one for part in self.parts for one in part.left_out)

    def text(self) -> str:
        """All in one file."""
        return one_file(self.head, self.people.entries, self.people.missing, self.groups, self.vaults)

    def files(self) -> dict[str, str]:
        """A root file and one for each vault."""
        return several_files(self.head, self.people.entries, self.people.missing, self.groups, self.vaults)


async def pulled(wanted: Wanted, common: Common, out: Path | None, *, force: bool) -> int:
    """Pull, and write to `out` or print; gives the exit code, 4 where a part could not be read."""
    here = _here(wanted, common)
    async with opened(here.place, verbose=common.verbose) as run:
        seen = await run.directory.subscriptions()
        vaults = await _found(run, wanted, _where(wanted, here, [one[0] for one in seen]))
        drawn = await draw(run, vaults, seen, attach=wanted.attach)
    warn([*drawn.unreadable, *drawn.left_out], no_color=common.no_color)
    if out is None:
        say(drawn.text().rstrip("\n"))
    else:
        _write(drawn.files(), out, force=force)
    return 4 if drawn.unreadable else 0


async def draw(run: Run, vaults: Iterable[str], seen: Iterable[tuple[str, str, str]], *, attach: bool) -> Drawn:
    """Read the vaults with these ids and turn them into entries; `seen` are the subscriptions with their names."""
    surveys = await survey(run.kinds, run.session, vaults)
    naming = await _naming(run, surveys)
    names = {identifier.lower(): name for identifier, name, _ in seen}
    parts = tuple(entries_of(one, naming, one.vault.label, attach=attach) for one in surveys)
    head = _head(run.place.cloud, (await run.directory.identity()).tenant, surveys, names)
    unreadable = tuple(one for found in surveys for one in found.unreadable)
    return Drawn(head, naming.people, _groups(surveys, naming, head), parts, unreadable)


def _here(wanted: Wanted, common: Common) -> Here:
    """The root file's words where there is one; else the command line's and the environment's."""
    path = Path(common.file)
    if path.exists() or path != DEFAULT_FILE:
        document = loaded(common)
        if wanted.cloud is not None:
            raise usage(f"--cloud is for where no file says it, and {path} does.")
        return Here(place_of(document), document.subscription.value, document.subscriptions)
    cloud = cloud_named(wanted.cloud)
    if cloud is None:
        raise usage(f"There is no cloud {wanted.cloud!r}.", "The clouds are public, usgov, china and emulator.")
    state = common.state or "state/dkv.json"
    state = state if state.startswith(SCHEME) else os.path.abspath(state)
    place = Place(cloud, os.environ.get("AZURE_TENANT_ID"), state, str(path.absolute()))
    return Here(place, os.environ.get("AZURE_SUBSCRIPTION_ID"), {})


def _where(wanted: Wanted, here: Here, seen: list[str]) -> list[str]:
    """The subscriptions to look in: the one that is named, else the default one, else all that are seen."""
    named = wanted.subscription
    if named is not None:
        found = here.subscriptions.get(named, named)
        if not GUID.fullmatch(found):
            raise usage(f"--subscription {named} is neither an id nor a key of `subscriptions`.")
        return [found.lower()]
    return [here.subscription] if here.subscription else seen


async def _found(run: Run, wanted: Wanted, subscriptions: list[str]) -> list[str]:
    """The ARM ids of the vaults that are meant; raises `PlanError` for a name that nothing has."""
    found: dict[str, str] = {}
    patterns = wanted.vaults or ("*",)
    listed: dict[str, str] = {}
    if any(not text.startswith("/") for text in patterns):
        for subscription in subscriptions:
            listed |= {at.lower(): at for at in (await vaults_of(run.session, subscription)).values()}
    for text in patterns:
        there = await _below(run, text) if text.startswith("/") else _matching(text, listed)
        chosen = {at: each for at, each in there.items() if _in_group(each, wanted.group)}
        if not chosen:
            raise PlanError(_nothing(text if wanted.vaults else wanted.group or "*", subscriptions))
        found |= chosen
    return list(found.values())


def _matching(pattern: str, listed: Mapping[str, str]) -> dict[str, str]:
    return {at: each for at, each in listed.items() if fnmatchcase(ids.parse_vault(at).name, pattern.lower())}


async def _below(run: Run, identifier: str) -> dict[str, str]:
    """The vault with that ARM id, or all that lie in the group or the subscription with that id."""
    subscription = ids.subscription_of(identifier)
    if subscription is None:
        raise usage(f"{identifier} is the id of no vault, group or subscription.")
    listed = (await vaults_of(run.session, subscription)).values()
    inside = f"{identifier.lower().rstrip('/')}/"
    return {at.lower(): at for at in listed if f"{at.lower()}/".startswith(inside)}


def _in_group(vault: str, group: str | None) -> bool:
    return group is None or ids.parse_vault(vault).resource_group.lower() == group.lower()


def _nothing(what: str, subscriptions: Iterable[str]) -> Diagnostic:
    return Diagnostic(
        code="nothing-to-pull",
        summary="There is no such vault",
        detail=f"The signed-in identity sees no vault {what!r} in {', '.join(subscriptions) or 'any subscription'}.",
        hint="Check the name, or say where it is with --subscription.",
    )


async def _naming(run: Run, surveys: Iterable[Survey]) -> Naming:
    """The names of whom and what the vaults' grants mention, as far as Azure tells them."""
    surveys = tuple(surveys)
    people = principals_of(one for found in surveys for one in (*found.policies, *found.assignments))
    readable = True
    try:
        known = await described(run.session, people)
    except Forbidden as error:
        known, readable = {}, False
        warn([_unnamed(error)], no_color=True)
    roles = {one.spec.role for found in surveys for one in found.assignments}
    named = {guid: await _role_name(run, guid) for guid in sorted(roles)}
    met = People({}, known, readable=readable)
    met.meet(people)
    return Naming(met, named, group_keys(surveys))


def _unnamed(error: DkvError) -> Diagnostic:
    detail = f"The directory may not be read, so principals are given by their object ids alone. {error}."
    summary = "Principals are not named"
    return Diagnostic("principals-unnamed", summary, detail, severity=Severity.WARNING)


async def _role_name(run: Run, guid: str) -> str:
    """A role's name where it leads back to this very role, else its GUID."""
    known = builtin_role(guid)
    if known is not None:
        return known.name
    try:
        return (await AzureDirectory(run.session).role_definition(guid)).name
    except (NotFound, Forbidden):
        return guid


def _head(cloud: Cloud, tenant: str, surveys: Iterable[Survey], names: Mapping[str, str]) -> Head:
    """The root file's first lines; subscriptions get keys only where there are several."""
    found = sorted({one.vault.spec.subscription.lower() for one in surveys})
    keys: dict[str, str] = {}
    for identifier in found if len(found) > 1 else ():
        keys[key_for(names.get(identifier, "subscription"), keys, identifier[:8])] = identifier
    return Head(_written(cloud), tenant, next(iter(keys), found[0]), keys)


def _written(cloud: Cloud) -> Any:
    """The cloud as the YAML says it: a name, or endpoints."""
    if cloud.name != "custom":
        return cloud.name
    named = ("authority", "resource_manager", "key_vault_suffix", "graph")
    return {name: text for name in named if (text := getattr(cloud, name))}


def _groups(surveys: Iterable[Survey], naming: Naming, head: Head) -> dict[str, Any]:
    """The groups that the vaults lie in: they must exist, and stay whose they are."""
    keys = {identifier: key for key, identifier in head.subscriptions.items()}
    groups: dict[str, Any] = {}
    for one in surveys:
        spec = one.vault.spec
        key = naming.groups[spec.subscription.lower(), spec.resource_group.lower()]
        named = {} if key == spec.resource_group else {"name": spec.resource_group}
        where = {"subscription": keys[spec.subscription.lower()]} if keys else {}
        groups[key] = {"existing": True, **named, **where}
    return groups


def _write(files: Mapping[str, str], out: Path, *, force: bool) -> None:
    check_free([out / name for name in files], force=force, command="pull")
    for name, text in files.items():
        written_to(out / name, text)
    tell(f"Wrote {len(files)} files below {out}. Nothing in Azure is changed by:\n    dkv plan -f {out} --import-only")
