"""Pictures of Azure: taken with credentials, read without."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from declarative_kv.azure import ids
from declarative_kv.azure.surroundings import surroundings
from declarative_kv.cli.context import Place, Run, now, opened, spec_types, store_at
from declarative_kv.cli.documents import loaded
from declarative_kv.cli.flow import place_of
from declarative_kv.cli.options import Common
from declarative_kv.cli.output import tell
from declarative_kv.engine.access.around import questions
from declarative_kv.engine.moves import relocated
from declarative_kv.engine.picture import PicturedDirectory, pictured
from declarative_kv.engine.recording import Film, RecordingDirectory, recording
from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.resolve import resolve
from declarative_kv.kinds import registry
from declarative_kv.kinds.inventory import subscribed
from declarative_kv.model.access import Questions
from declarative_kv.model.codec import Malformed, decode, encode
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import AzureError, DkvError, PlanError, StateError
from declarative_kv.model.picture import Picture
from declarative_kv.model.resource import Desired, Scope
from declarative_kv.model.state import State
from declarative_kv.state.files import save_file
from declarative_kv.state.layout import dump, parse

FORMAT: Final = "dkv-picture/1"


async def taken(common: Common) -> Picture:
    """A picture for the configuration of a command line and its state."""
    document = loaded(common)
    async with opened(place_of(document), verbose=common.verbose) as run:
        return await picture_of(run, document, await run.store.read())


async def picture_of(run: Run, document: Document, state: State) -> Picture:
    """Everything that a plan of this configuration reads, and what one of a changed configuration may ask."""
    film = Film()
    kinds, directory = recording(run.kinds, film), RecordingDirectory(run.directory, film)
    state, _ = relocated(state, document.moved)
    resolved = await resolve(document, directory, kinds)
    await _everybody(document, directory)
    reading = await refresh(kinds, run.session, _looked_into(resolved.desired), state, around=True)
    inside = {}
    for subscription in sorted(_subscriptions(document, resolved.desired, resolved.subscription.value)):
        inside[subscription] = await subscribed(run.session, subscription)
        await _assignments(run, kinds, subscription, film)
    asked = questions(resolved.desired, state, reading, frozenset(), directory=True)
    everybody = frozenset(one.object_id.lower() for one in film.principals.values() if one.object_id)
    custom = {at: asked.roles.get(at, frozenset()) | frozenset(one.roles.values()) for at, one in inside.items()}
    wider = Questions(asked.subscriptions | frozenset(inside), custom, asked.groups, asked.principals | everybody)
    return Picture(
        taken=now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        cloud=document.cloud.name,
        identity=resolved.identity,
        subscriptions=tuple(await run.directory.subscriptions()),
        shots=tuple(shot for _, shot in sorted(film.shots.items())),
        principals=tuple(known for _, known in sorted(film.principals.items(), key=lambda item: str(item[0]))),
        inside=inside,
        versions=film.versions,
        around=await surroundings(run.session, wider),
    )


def _looked_into(desired: Desired) -> Desired:
    """The same with nothing that others have ignored: a changed configuration may want to know of it."""
    seen = {at: replace(one.lifecycle, others={}) for at, one in desired.items() if one.lifecycle.others}
    return {**desired, **{at: replace(desired[at], lifecycle=lifecycle) for at, lifecycle in seen.items()}}


async def _everybody(document: Document, directory: RecordingDirectory) -> None:
    """Look up those principals too that nothing uses yet; whom the directory does not have is remembered so."""
    for principal in document.principals.values():
        try:
            await directory.principal(principal)
        except DkvError:
            continue  # what was answered is in the film


async def _assignments(run: Run, kinds: Any, subscription: str, film: Film) -> None:
    """The role assignments of a whole subscription, unless they were read already; a refusal is remembered."""
    scope = Scope("role_assignment", f"/subscriptions/{subscription}")
    if (scope.kind, scope.at.lower(), False) in film.shots:
        return
    try:
        await kinds[scope.kind].read(run.session, scope)
    except AzureError:
        return  # the refusal is in the film


def _subscriptions(document: Document, desired: Desired, default: str | None) -> Iterable[str]:
    """The subscriptions that the configuration works in."""
    named = {one.lower() for one in document.subscriptions.values()}
    used = {
        found.lower()
        for resource in desired.values()
        for text in (getattr(resource.spec, "subscription", None), getattr(resource.spec, "scope", None))
        if text and (found := ids.subscription_of(str(text)) or ("" if "/" in str(text) else str(text)))
    }
    return named | used | ({default.lower()} if default else set())


def write(path: Path, picture: Picture) -> None:
    """Save a picture, readable by its owner only: it names principals and secrets."""
    content = f"{dump({'format': FORMAT, 'picture': encode(picture)})}\n".encode()
    try:
        save_file(path, content)
    except StateError as error:
        detail = f"{path} cannot be written: {getattr(error.__cause__, 'strerror', error.__cause__)}."
        raise DkvError(Diagnostic("not-writable", "The file cannot be written", detail)) from error
    tell(f"Wrote {path}. It holds no value of a secret. To plan with it:\n    dkv plan --live {path}")


def read(path: Path) -> Picture:
    """A saved picture; `PlanError` where the file holds none."""
    try:
        data = parse(path.read_bytes())
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise Malformed("it is no picture that this version knows")
        picture: Picture = decode(Picture, data.get("picture"), spec_types(registry()))
    except OSError as error:
        raise _unreadable(f"{path}: {error.strerror}.") from error
    except Malformed as error:
        raise _unreadable(f"{path} cannot be used: {error}.") from error
    return picture


def offline(place: Place, picture: Picture) -> Run:
    """A run that reads the picture in the place of Azure, and can do nothing else."""
    nothing: Any = None
    kinds = pictured(registry(), picture)
    return Run(place, nothing, PicturedDirectory(picture), store_at(place.state), kinds, picture.around)


def _unreadable(detail: str) -> PlanError:
    hint = "Take a new one:\n    dkv snapshot --out FILE"
    return PlanError(Diagnostic("picture-unreadable", "The picture cannot be read", detail, hint))
