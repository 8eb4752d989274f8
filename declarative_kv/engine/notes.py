"""What a plan says besides its changes: settings let go, keys to be made, what goes along unasked."""

from __future__ import annotations

from collections.abc import Iterator

from declarative_kv.engine.changes import Inputs
from declarative_kv.engine.coverage import opening_grants
from declarative_kv.engine.entries import NEW_VALUE, was_being
from declarative_kv.engine.fingerprint import KEY_NAME
from declarative_kv.engine.leaving import left_out
from declarative_kv.engine.others import unlisted_notes
from declarative_kv.engine.shard import others_of
from declarative_kv.model.address import Address
from declarative_kv.model.found import Listing
from declarative_kv.model.plan import Action, Change, Unwritten
from declarative_kv.model.resource import Condition, Observed
from declarative_kv.model.state import Entry, Status

_SHOWN = 5


def notes_of(
    inputs: Inputs, changes: tuple[Change, ...], shared_key: str | None, helpful: frozenset[str]
) -> tuple[str, ...]:
    """Everything worth a line that is no change.

    `shared_key` is the key that all vaults share; grants to `helpful` (object ids, lower case) give us access.
    """
    return (
        *_key_notes(inputs, changes, shared_key),
        *_shared_notes(changes),
        *_taken_notes(inputs, changes),
        *_grant_notes(inputs, changes, helpful),
        *_shard_notes(inputs),
        *outside_notes(inputs),
    )


def listings_of(inputs: Inputs) -> tuple[Listing, ...]:
    """Through which of Azure's two APIs each vault's secrets were listed."""
    listed = inputs.reading.listed
    declared = ((at, inputs.kinds[at.kind].remote_id(one.spec)) for at, one in inputs.desired.items() if not at.key)
    held = ((at, entry.remote_id) for at, entry in inputs.state.entries.items() if not at.key)
    names = {remote_id.lower(): str(at) for at, remote_id in (*held, *declared)}
    named = [Listing(names.get(vault, f"vault {vault.rpartition('/')[2]}"), why) for vault, why in listed.items()]
    return tuple(sorted(named, key=lambda one: one.vault))


def unwritten(inputs: Inputs) -> tuple[Unwritten, ...]:
    """The settings that left the YAML since the last apply; Azure keeps them."""
    found = []
    for at in sorted(inputs.chosen):
        wanted, prior = inputs.wanted(at), inputs.state.entries.get(at)
        if wanted is None or prior is None or wanted.lifecycle.existing or prior.spec == wanted.spec:
            continue
        gone = tuple(left_out(prior.spec, wanted.spec))
        if gone:
            found.append(Unwritten(at, gone))
    return tuple(found)


def outside_notes(inputs: Inputs) -> Iterator[str]:
    """What was found of writes whose end the state does not know, and what could not be listed."""
    for at in sorted(inputs.chosen):
        prior = inputs.state.entries.get(at)
        if prior is not None and prior.status is Status.PENDING and at not in inputs.reading.unread:
            yield f"{at} was in flight when an earlier run ended: it {_found(prior, inputs.reading.live.get(at))}"
    yield from unlisted_notes(inputs)


def _found(prior: Entry, live: Observed | None) -> str:
    """What the run was about to do, and what there is now."""
    doing = was_being(prior)
    return f"was being {doing}, and {_there(prior, live)}" if doing else _there(prior, live)


def _there(prior: Entry, live: Observed | None) -> str:
    if live is None:
        return "is not there"
    if live.condition is not Condition.LIVE:
        return "is soft-deleted"
    if was_being(prior) != NEW_VALUE:
        return "is there"
    return f"has {'no' if live.facts.get('created') == prior.facts.get('created') else 'a'} newer version"


def _shared_notes(changes: tuple[Change, ...]) -> Iterator[str]:
    """Which assignments of somebody else's satisfy ours, where the state does not say so yet."""
    for change in changes:
        if change.facts.get("shared") and (change.prior is None or change.action is Action.REPLACE):
            yield f"{change.address} is there already, under another id: it is shared, and never deleted from here"


def _grant_notes(inputs: Inputs, changes: tuple[Change, ...], helpful: frozenset[str]) -> Iterator[str]:
    """The way out where secrets cannot be read before a grant of this very plan is there."""
    for vault, grant in opening_grants(inputs, changes, helpful):
        yield f"the secrets of {vault} may be readable once this grant is there, so begin with --target {grant}"


def _taken_notes(inputs: Inputs, changes: tuple[Change, ...]) -> Iterator[str]:
    """What a vault that is destroyed takes along although the state does not hold it."""
    unheld = inputs.reading.live.keys() - inputs.state.entries.keys()
    others = [*inputs.reading.rest, *(inputs.reading.live[at] for at in unheld)]
    for change in changes:
        if change.action is not Action.DESTROY or change.live is None:
            continue
        taken = sorted(f"{one.kind} {one.label}" for one in others if _lies_in(one, change.live))
        if taken:
            shown = ", ".join(taken[:_SHOWN]) + (" …" if len(taken) > _SHOWN else "")
            yield f"{change.address} takes along what is not managed here: {shown}"


def _lies_in(one: Observed, vault: Observed) -> bool:
    return not one.system and one.condition is Condition.LIVE and (one.parent or "").lower() == vault.id


def _shard_notes(inputs: Inputs) -> Iterator[str]:
    """What was asked for by name and is another shard's. That is no mistake where all shards get the same options."""
    shard = inputs.options.shard
    if shard is None:
        return
    named = {*inputs.options.targets, *inputs.options.replace} - inputs.chosen
    for at, theirs in sorted(others_of(inputs.desired, named, shard).items()):
        yield f"{at} is of shard {theirs}: it is not in this run"


def _key_notes(inputs: Inputs, changes: tuple[Change, ...], shared: str | None) -> tuple[str, ...]:
    """Where this run will make a fingerprint key: in each vault that it writes a value to, or one for all of them."""
    writing = {
        Address("vault", one.address.container) for one in changes if one.writes_value and one.verdict is not None
    }
    if not inputs.fingerprints or not writing:
        return ()
    known = _known_keys(inputs, shared)
    if shared is not None:
        place, _, name = shared.partition("/secrets/")
        return () if shared.lower() in known else (_key_note(_holder(inputs, place), name),)
    there = {at: live.id for at in writing if (live := inputs.reading.live.get(at)) is not None}
    back = {one.address for one in changes if one.action is Action.RECOVER and one.prior is not None}
    missing = sorted(at for at in writing - back if f"{there.get(at)}/secrets/{KEY_NAME}" not in known)
    return tuple(_key_note(str(at), KEY_NAME) for at in missing)


def _key_note(holder: str, name: str) -> str:
    return f"{holder} gets a fingerprint key (secret {name}), by which later plans see that a value changed"


def _known_keys(inputs: Inputs, shared: str | None) -> frozenset[str]:
    """The keys that are there, by id in lower case; of a shared one, whose vault may not be listed, as recorded."""
    listed = {one.id for one in inputs.reading.rest if one.system and one.condition is Condition.LIVE}
    used = {one.key for one in inputs.verdicts.values() if one.key is not None}
    recorded = {str(facts["id"]) for facts in inputs.state.keys.values() if "id" in facts} if shared else set()
    return frozenset(listed | {one.rpartition("/")[0].lower() for one in used | recorded})


def _holder(inputs: Inputs, vault: str) -> str:
    """The address of the vault with this id, or its name where it is not declared."""
    ours = {inputs.kinds[at.kind].remote_id(one.spec).lower(): at for at, one in inputs.desired.items()}
    return str(ours.get(vault.lower(), f"vault {vault.rpartition('/')[2]}"))
