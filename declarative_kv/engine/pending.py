"""What stands in the state while a change is under way, and what stands there again where Azure refuses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from declarative_kv.engine.entries import announced_entry
from declarative_kv.engine.journal import Journal
from declarative_kv.model.errors import AzureError, Moved
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.state import Status


def is_gone(change: Change) -> bool:
    """Whether nothing of the object is left in Azure, or will be of use."""
    return change.action is Action.DESTROY or (change.action is Action.FORGET and change.reason is Reason.GONE)


async def announce(journal: Journal, change: Change) -> None:
    """Save that what the state has is about to be changed or deleted, for the next plan to say after a killed run.

    Where an earlier run was ended at the same entry, what that one saved stays. Where nothing is saved, nothing would
    show that the lock was taken from this run, so its place is asked.
    """
    if change.prior is not None and change.prior.status is Status.APPLIED:
        await journal.put(announced_entry(change.prior, change.action))
    else:
        await journal.prove()


@asynccontextmanager
async def undone_when_refused(journal: Journal, change: Change) -> AsyncIterator[None]:
    """Where Azure refuses for good nothing was created or changed: the entry goes back to what it was."""
    try:
        yield
    except AzureError as error:
        if isinstance(error, Moved) or (error.status is not None and 400 <= error.status < 500):
            await _put_back(journal, change)
        raise


async def _put_back(journal: Journal, change: Change) -> None:
    if change.prior is not None:
        await journal.put(change.prior)
    elif journal.get(change.address) is not None:
        await journal.drop(change.address)
