"""The estate of a configuration without asking anybody: ids that only Azure knows are stood in for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from declarative_kv.engine.access.estate import Estate
from declarative_kv.engine.access.picture import wanted
from declarative_kv.engine.nobody import Nobody, resolved
from declarative_kv.model.document import Document
from declarative_kv.model.kind import Kinds


@dataclass(frozen=True, slots=True)
class Offline:
    """An estate of the YAML alone, and the id that stands for each principal by its key."""

    estate: Estate
    ids: Mapping[str, str]


def offline(document: Document, kinds: Kinds) -> Offline:
    """What the YAML by itself gives to whom. No credential, no network; custom roles are not known.

    Raises `ConfigError` where two entries come out as one object.
    """
    known = resolved(document, Nobody(), kinds)
    return Offline(wanted(known.desired, names=known.principals), known.ids)
