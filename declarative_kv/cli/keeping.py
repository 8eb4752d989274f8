"""Write the value of one kept secret: the only place where such a value passes through."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from getpass import getpass

from declarative_kv.cli.context import Run, held
from declarative_kv.cli.documents import loaded
from declarative_kv.cli.flow import key_ring
from declarative_kv.cli.options import Common
from declarative_kv.cli.output import tell
from declarative_kv.cli.sharding import checked as checked_state
from declarative_kv.cli.sharding import mark, place_in
from declarative_kv.engine.entries import begun_value, kept_facts
from declarative_kv.engine.pending import undone_when_refused
from declarative_kv.engine.refresh import refresh
from declarative_kv.engine.resolve import resolve
from declarative_kv.engine.shard import check_members
from declarative_kv.engine.steps import Tools, carry_out
from declarative_kv.engine.under import under_version
from declarative_kv.engine.verify import read_back
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import AppliedInPart, DkvError, UnmanagedExists
from declarative_kv.model.plan import Action, Change, Reason
from declarative_kv.model.resource import Condition, Desired, Observed, Resource
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.shard import Shard
from declarative_kv.model.source import Kept
from declarative_kv.model.specs import SecretSpec
from declarative_kv.model.state import Entry, Status
from declarative_kv.state import Journal
from declarative_kv.values.check import checked, decoded


@dataclass(frozen=True, slots=True)
class _Found:
    """One secret as it is: wanted, applied, and in Azure."""

    resource: Resource
    prior: Entry | None
    live: Observed | None


async def kept_set(common: Common, at: Address, *, wait: float = 0, shard: Shard | None = None) -> None:
    """Ask for the value and write it, creating the secret if need be; the state learns of the new version."""
    document = loaded(common)
    _check_kept(document, at)
    check_members(document.resources, [at], shard)
    value = _asked(at)
    place = place_in(document, shard)
    async with held(place, "secret set", wait=wait, verbose=common.verbose) as (run, journal):
        await checked_state(journal.state, document, shard, run.store)
        mark(journal, shard)
        is_new = await write_value(run, journal, document, at, value)
    tell(f"{at}: the value is set{', the secret is new' if is_new else ''}.")


async def write_value(run: Run, journal: Journal, document: Document, at: Address, value: Sensitive) -> bool:
    """Look, write, and look again; gives whether the secret is new.

    Raises `AppliedInPart` where the write cannot be seen, or another writer was there at the same time.
    """
    resolved = await resolve(document, run.directory, run.kinds)
    found = await _look(run, resolved.desired, journal, at)
    tools = _tools(run, journal, at, value)
    change = await (_create if found.live is None else _replace)(tools, found)
    await _check_written(tools, change)
    return found.live is None


def _check_kept(document: Document, at: Address) -> None:
    resource = document.resources.get(at)
    if resource is None:
        raise _refusal("unknown-address", "No such address", f"{at} is not declared.", "List all:\n    dkv graph", at)
    source = getattr(resource.spec, "source", None)
    if isinstance(source, Kept) and not resource.lifecycle.existing:
        return
    detail = f"The value of {at} comes from {source}." if source else f"{at} has no value that is ours to write."
    hint = "Only secrets with `value_from: kept` get their values this way."
    raise _refusal("not-kept", "The value is not kept in Azure", detail, hint, at)


def _asked(at: Address) -> Sensitive:
    """The value, typed twice at a terminal, else all of standard input without its last line end."""
    if not sys.stdin.isatty():
        return decoded(sys.stdin.buffer.read(), "standard input")
    first = getpass(f"Value of {at}: ", stream=sys.stderr)
    if getpass("Once more: ", stream=sys.stderr) != first:
        raise _refusal("values-differ", "The two values differ", "Nothing was changed.", "Try again.", at)
    return checked(first, "the value")


async def _look(run: Run, desired: Desired, journal: Journal, at: Address) -> _Found:
    """Read the secret and its vault; raises where the value cannot be written."""
    vault = Address("vault", at.container)
    reading = await refresh(run.kinds, run.session, desired, journal.state, [at, vault])
    if at in reading.unread:
        raise DkvError(reading.unread[at])
    holder, live, prior = reading.live.get(vault), reading.live.get(at), journal.get(at)
    if holder is None or holder.condition is not Condition.LIVE:
        detail = f"{vault} does not exist yet, or is soft-deleted."
        raise _refusal("no-vault", "There is no vault to write to", detail, "Make it first:\n    dkv apply", at)
    if live is not None and live.condition is not Condition.LIVE:
        detail = f"{at} is soft-deleted, and its name is not free while it is."
        raise _refusal("soft-deleted", "The secret is soft-deleted", detail, "Recover it first:\n    dkv apply", at)
    if live is not None and prior is None:
        detail = f"{at} exists in Azure but is not in the state, so it may belong to someone else."
        hint = f"To manage it from here, run:\n    dkv import {at}"
        raise UnmanagedExists(Diagnostic("unmanaged-exists", "The object already exists", detail, hint, address=at))
    return _Found(desired[at], prior, live)


def _tools(run: Run, journal: Journal, at: Address, value: Sensitive) -> Tools:
    return Tools(
        kinds=run.kinds,
        azure=run.session,
        journal=journal,
        values={at: value},
        ring=key_ring(run, journal.state, shared=None, off=True),
        pause=run.session.pause,
        rest=run.session.rest,
        begins=run.session.begin_change,
    )


async def _create(tools: Tools, found: _Found) -> Change:
    """A first version, with the settings that the YAML has for it."""
    wanted = found.resource
    change = Change(
        wanted.address,
        Action.CREATE,
        Reason.NEW,
        desired=wanted,
        prior=found.prior,
        writes_value=True,
        span=wanted.span,
    )
    await carry_out(tools, change)
    return change


async def _replace(tools: Tools, found: _Found) -> Change:
    """A new version with the settings that the latest one has: only the value is ours to change here."""
    assert found.prior is not None
    assert found.live is not None
    at, spec, kind = found.resource.address, found.resource.spec, tools.kinds[found.resource.address.kind]
    wanted = replace(found.resource, spec=SecretSpec(vault=spec.vault, name=spec.name))
    change = Change(
        at,
        Action.UPDATE,
        Reason.REQUESTED,
        desired=wanted,
        prior=found.prior,
        live=found.live,
        writes_value=True,
        span=wanted.span,
    )
    await tools.journal.put(begun_value(found.prior))
    async with undone_when_refused(tools.journal, change):
        written = await kind.update(tools.azure, replace(wanted.spec, value=tools.values[at]), found.live)
    facts = {**kept_facts(found.prior), **written.facts}
    await tools.journal.put(replace(found.prior, status=Status.APPLIED, facts=facts))
    problem = await under_version(kind, tools.azure, tools.pause, change, found.live, written)
    if problem is not None:
        tools.lost[at] = replace(problem, span=wanted.span)
    return change


async def _check_written(tools: Tools, change: Change) -> None:
    """Raise where what was written cannot be seen, was written over, or went over what somebody else wrote."""
    problems = {**await read_back(tools, [change]), **tools.lost}
    if problems:
        raise AppliedInPart(*problems.values())


def _refusal(code: str, summary: str, detail: str, hint: str, at: Address) -> DkvError:
    return DkvError(Diagnostic(code, summary, detail, hint, address=at))
