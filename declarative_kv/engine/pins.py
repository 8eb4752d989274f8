"""The object ids of principals that are given by name: looked up to be written down, or to be checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from declarative_kv.engine.resolve import Directory, ask_all, stop_on
from declarative_kv.model.document import Principal, Selector
from declarative_kv.model.errors import DkvError

UNPINNABLE = frozenset((Selector.CURRENT, Selector.OBJECT_ID))
"""Who is another one from run to run, and who has no name that could be looked up."""


def unpinned(principals: Mapping[str, Principal]) -> tuple[str, ...]:
    """The keys of those whose id is looked up in every run."""
    return tuple(key for key, one in principals.items() if one.object_id is None and one.selector not in UNPINNABLE)


async def object_ids(principals: Iterable[Principal], directory: Directory) -> Mapping[str, str]:
    """The object id of each by its key; of one that is pinned its name is checked.

    Raises one error with everybody that no principal, or several, have the name of, or whose pin is somebody else's.
    """
    asked = {one.key: one for one in principals}
    problems: list[DkvError] = []
    told = await ask_all(
        {key: partial(directory.principal, one) for key, one in asked.items()},
        problems,
        lambda key: (asked[key].span, None),
    )
    stop_on(problems)
    return {key: object_id.lower() for key, (object_id, _, _) in told.items()}
