"""Object ids written beside the names of principals, comments and layout kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from declarative_kv.config.adopting import rest
from declarative_kv.config.edits import Untouchable, set_value
from declarative_kv.config.loading import Request, examine
from declarative_kv.config.origins import Origins
from declarative_kv.model.document import Document, Principal
from declarative_kv.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Pinned:
    """The new texts by file; the files' names by principal; and who is not pinned, each with its reason."""

    texts: Mapping[FilePath, str]
    done: Mapping[str, str]
    refused: Mapping[str, str]


def pin(request: Request, ids: Mapping[str, str]) -> Pinned:
    """Write each object id where the principal is declared; for one of several environments always in that one.

    Nothing is saved. What would change anything else is refused.
    """
    loaded = examine(request)
    origins = Origins(loaded, request.environment)
    before = {one.source.path: one.source.text for one in loaded.files}
    names = {one.source.path: one.source.name for one in loaded.files}
    together = _written(origins, before, ids)
    if not _says(request, together.texts, loaded.document, {key: ids[key] for key in together.done}):
        together = _one_by_one(request, loaded.document, origins, before, ids, together.refused)
    changed = {path: text for path, text in together.texts.items() if text != before[path]}
    return Pinned(changed, {key: names[FilePath(file)] for key, file in together.done.items()}, together.refused)


def _written(origins: Origins, texts: Mapping[FilePath, str], ids: Mapping[str, str]) -> Pinned:
    """All that can be written, not checked yet."""
    made, done, refused = dict(texts), dict[str, str](), dict[str, str]()
    for key, object_id in ids.items():
        try:
            place = origins.place(("principals", key, "object_id"))
            made[place.file] = set_value(made[place.file], place.path, object_id)
            done[key] = str(place.file)
        except Untouchable as reason:
            refused[key] = str(reason)
    return Pinned(made, done, refused)


def _one_by_one(
    request: Request,
    document: Document,
    origins: Origins,
    texts: Mapping[FilePath, str],
    ids: Mapping[str, str],
    refused: Mapping[str, str],
) -> Pinned:
    """The same where the ids together cannot stand: each is tried on top of those that could."""
    made = Pinned(texts, {}, refused)
    for key in [key for key in ids if key not in refused]:
        tried = _written(origins, made.texts, {key: ids[key]})
        if _says(request, tried.texts, document, {one: ids[one] for one in (*made.done, key)}):
            made = Pinned(tried.texts, {**made.done, **tried.done}, made.refused)
        else:
            reason = "something else would change, or the file would not load"
            made = replace(made, refused={**made.refused, key: reason})
    return made


def _says(request: Request, texts: Mapping[FilePath, str], before: Document, ids: Mapping[str, str]) -> bool:
    """Whether the texts say these ids, and nothing else that they did not say before."""
    try:
        after = examine(replace(request, texts=texts)).document
    except ConfigError:
        return False
    wanted = {key: replace(one, object_id=ids.get(key, one.object_id)) for key, one in before.principals.items()}
    return _people(wanted) == _people(after.principals) and rest(before, frozenset()) == rest(after, frozenset())


def _people(principals: Mapping[str, Principal]) -> dict[str, Any]:
    return {key: replace(one, span=None) for key, one in principals.items()}
