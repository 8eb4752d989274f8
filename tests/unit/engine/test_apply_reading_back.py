"""The applier reads back what it wrote: lists that lag are asked again, and a write that did not take is an error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declarative_kv.engine.lag import PAUSES
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Observed
from tests.unit.engine.cloud import Cloud, MemoryJournal, applied, kept, lying, refusal
from tests.unit.engine.doing import TO_BLUE, A, create, destroy, writing
from tests.unit.engine.fakes import at, entry, live, thing


async def test_lists_that_lag_behind_a_write_are_asked_again() -> None:
    cloud = Cloud()
    cloud.old = [(), ()]
    over = await applied(cloud, [create()])
    assert (over.codes, over.pauses) == ([], list(PAUSES[:2]))


@pytest.mark.parametrize(
    ("change", "shown", "found"),
    [
        (create(), (), "it is not there"),
        (create(), (live(A, "blue"),), "colour is blue, not red"),
        (destroy(entry(A), live(A)), (live(A),), "it is still there"),
        (
            Change(at(A), Action.IMPORT, Reason.IMPORTING, TO_BLUE, desired=thing(A, "blue"), live=live(A)),
            (live(A),),
            "colour is red, not blue",
        ),
    ],
)
async def test_a_write_that_did_not_take_is_an_error(change: Change, shown: tuple[Observed, ...], found: str) -> None:
    cloud = Cloud(*([change.live] if change.live else []))
    cloud.old = [shown] * (len(PAUSES) + 1)
    over = await applied(cloud, [change])
    assert over.codes == ["write-not-taken"]
    assert found in over.outcome.failed[0].detail
    assert over.outcome.done == ()


async def test_what_may_not_be_read_is_believed_to_be_written() -> None:
    cloud = Cloud()
    cloud.refusals["read thing"] = [None, refusal(Forbidden, 403)]
    assert (await applied(cloud, [create()])).codes == []


async def test_a_list_with_an_older_version_is_not_the_write() -> None:
    cloud = Cloud()
    cloud.old = [(lying("item.x", created=5),)] * (len(PAUSES) + 1)
    journal = MemoryJournal(kept("item.x", facts={"created": 9}))
    change = replace(writing(), prior=journal.entries[at("item.x")])
    over = await applied(cloud, [change], journal, values={"item.x": "some value"})
    assert "an older version in the list" in over.outcome.failed[0].detail
