"""Pinning principals: look up, write, and say what was done."""

from __future__ import annotations

from collections.abc import Sequence

from declarative_kv.cli.adopting import request_of
from declarative_kv.cli.context import opened
from declarative_kv.cli.documents import loaded, save, warn
from declarative_kv.cli.flow import place_of
from declarative_kv.cli.options import Common, usage
from declarative_kv.cli.output import say
from declarative_kv.config.pinning import pin
from declarative_kv.config.problem import choices
from declarative_kv.engine.pins import UNPINNABLE, object_ids, unpinned
from declarative_kv.model.diagnostic import Diagnostic, Severity
from declarative_kv.model.document import Document
from declarative_kv.render.safe import safe


async def pinned(common: Common, keys: Sequence[str], *, check: bool) -> int:
    """Pin the principals of these keys, or all that are given by a name alone.

    0 where all are pinned; 2 where one would be (`check`) or could not be written.
    """
    document = loaded(common)
    chosen = _chosen(document, keys)
    if not chosen:
        say("Nothing to pin: every principal has its object id.")
        return 0
    async with opened(place_of(document), verbose=common.verbose) as run:
        ids = await object_ids([document.principals[key] for key in chosen], run.directory)
    wanted = {key: ids[key] for key in chosen if document.principals[key].object_id is None}
    for key in chosen:
        if key not in wanted:
            say(safe(f"principals.{key} is {ids[key]}, as it is pinned"))
    if check:
        for key, object_id in wanted.items():
            say(safe(f"principals.{key} is not pinned: {_who(document, key)} is {object_id}"))
        return 2 if wanted else 0
    made = pin(request_of(common), wanted)
    for path, text in made.texts.items():
        save(path, text)
    for key, name in made.done.items():
        say(safe(f"{name}: principals.{key} pinned: {_who(document, key)} is {wanted[key]}"))
    warn([_not_pinned(document, key, reason) for key, reason in made.refused.items()], no_color=common.no_color)
    return 2 if made.refused else 0


def _chosen(document: Document, keys: Sequence[str]) -> tuple[str, ...]:
    """The keys that are asked for; raises `UsageError` for those that mean nobody or cannot be pinned."""
    for key in keys:
        if key not in document.principals:
            raise usage(f"{key} is not under `principals`.", choices(key, document.principals, what="principals"))
        if document.principals[key].selector in UNPINNABLE:
            raise usage(f"principals.{key} is not given by a name, so there is nothing to look up.")
    return tuple(dict.fromkeys(keys)) or unpinned(document.principals)


def _who(document: Document, key: str) -> str:
    principal = document.principals[key]
    return f"{principal.selector.value} {principal.name}"


def _not_pinned(document: Document, key: str, reason: str) -> Diagnostic:
    return Diagnostic(
        "not-pinned",
        "A principal could not be pinned",
        f"The object id of principals.{key} is not written, since {reason}.",
        "Write its `object_id` by hand.",
        document.principals[key].span,
        severity=Severity.WARNING,
    )
