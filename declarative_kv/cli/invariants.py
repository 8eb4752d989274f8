"""The invariants of a configuration, as far as they can be judged without asking anybody."""

from __future__ import annotations

from declarative_kv.engine.access.invariants import Broken, broken
from declarative_kv.engine.access.offline import offline
from declarative_kv.kinds import registry
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import Blocked


def keep(document: Document) -> None:
    """Raise `Blocked` with every invariant that the YAML by itself breaks already."""
    known = offline(document, registry())
    found = tuple(broken(known.estate, document.invariants, known.ids, offline=True))
    if found:
        raise Blocked(*map(_told, found))


def _told(one: Broken) -> Diagnostic:
    return Diagnostic(
        code="invariant",
        summary="An invariant would not hold",
        detail=f"{one.invariant.name} says {one.invariant.claim}, and {one.detail}.",
        hint="Take the grant out, or change the invariant.",
        span=one.invariant.span,
    )
