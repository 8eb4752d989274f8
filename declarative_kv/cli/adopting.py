"""`dkv drift --adopt`: Azure's side of what drifted, written into the YAML; the state and Azure are left alone."""

from __future__ import annotations

import os
from pathlib import Path

from declarative_kv.azure.inventory import described
from declarative_kv.cli.context import Run
from declarative_kv.cli.documents import save, warn
from declarative_kv.cli.flow import head_of, inspected
from declarative_kv.cli.options import Common, variables
from declarative_kv.cli.output import say
from declarative_kv.config.adopting import Adopted, adopt
from declarative_kv.config.loading import Request
from declarative_kv.engine.adopt import Outside, outside, strangers
from declarative_kv.engine.naming import People, principals_of
from declarative_kv.engine.plan import only_drift
from declarative_kv.model.adoption import Come, Gone, Item, Moved
from declarative_kv.model.diagnostic import Diagnostic, Severity
from declarative_kv.model.document import Document
from declarative_kv.model.errors import Forbidden
from declarative_kv.model.plan import Plan
from declarative_kv.model.roles import builtin_roles
from declarative_kv.model.shard import Shard
from declarative_kv.model.state import State
from declarative_kv.render.safe import safe
from declarative_kv.render.values import shown


def request_of(common: Common) -> Request:
    """What the configuration of a command line is loaded with."""
    given = variables(common.variables)
    return Request(Path(common.file), common.environment, given, common.state, os.environ, Path.cwd())


async def found_outside(run: Run, document: Document, state: State, shard: Shard | None = None) -> tuple[Plan, Outside]:
    """What `dkv drift` finds, and what of it the YAML could say."""
    inputs, resolved = await inspected(run, document, state, shard)
    found = only_drift(inputs, head_of(document, resolved, state))
    grants = strangers(found)
    kinds = principals_of(grants)
    unknown = [who for who in kinds if who not in resolved.principals]
    known, readable = {}, True
    try:
        known = dict(await described(run.session, unknown)) if unknown else {}
    except Forbidden:
        readable = False
    people = People(resolved.principals, known, frozenset(document.principals), readable)
    people.meet(kinds)
    names = {guid: role.name for guid, role in builtin_roles().items()}
    return found, outside(inputs, found, people, names)


def adopted(request: Request, there: Outside, *, deleted: bool) -> Adopted:
    """Write into the files what can be written there; entries that are gone are taken out only where it is asked."""
    items: tuple[Item, ...] = (*there.items, *(there.gone if deleted else ()))
    made = adopt(request, items)
    for path, text in made.texts.items():
        save(path, text)
    return made


def report(made: Adopted, there: Outside, *, deleted: bool, no_color: bool) -> int:
    """Say what was written and what was not; 0 where the YAML says all that Azure holds, else 2."""
    for item, file in made.done:
        say(f"{file}: {words(item)}")
    left = [_not_adopted(item, reason) for item, reason in made.refused]
    left += [_kept(item) for item in there.gone if not deleted]
    left += [_unsaid(f"{one.live.kind} {one.live.label} on {one.vault}") for one in there.unsaid]
    left += [_value(str(at)) for at in there.values]
    warn(left, no_color=no_color)
    if not made.done and not left:
        say("Nothing to adopt: the YAML says what Azure holds.")
    return 2 if left else 0


def words(item: Item) -> str:
    """What was done for an item."""
    match item:
        case Moved(address=at, path=(), before=before, value=value):
            kinds = [kind for kind in value if set(before[kind]) != set(value[kind])]
            changes = (f"{kind}: {_shown(before[kind])} -> {_shown(value[kind])}" for kind in kinds)
            return safe(f"{at} {', '.join(changes)}")
        case Moved(address=at, path=path, before=before, value=value):
            return safe(f"{at} {'.'.join(path)}: {_shown(before)} -> {_shown(value)}")
        case Gone(address=at):
            return safe(f"{at} taken out")
        case Come(address=at):
            return safe(f"{at} added")


def _shown(value: object) -> str:
    return "nothing" if value is None else shown(value)


def _not_adopted(item: Item, reason: str) -> Diagnostic:
    detail = f"{words(item)}: this is left as the YAML has it, since {reason}."
    hint = "Change it by hand, or apply to have it as the YAML says."
    return Diagnostic("not-adopted", _SUMMARY, detail, hint, address=item.address, severity=Severity.WARNING)


def _kept(item: Gone) -> Diagnostic:
    detail = f"{item.address} was deleted outside and stays in the YAML; an apply makes it again, or recovers it."
    hint = "To take such entries out of the YAML:\n    dkv drift --adopt --adopt-deleted"
    return Diagnostic("not-adopted", _SUMMARY, detail, hint, address=item.address, severity=Severity.WARNING)


def _unsaid(what: str) -> Diagnostic:
    detail = f"No entry of the YAML can say what the {what} is."
    return Diagnostic("not-adopted", _SUMMARY, detail, severity=Severity.WARNING)


def _value(what: str) -> Diagnostic:
    detail = f"{what} has another value in Azure. The YAML names where values come from, and holds none."
    hint = "Bring the source up to date, or write `value_from: kept`."
    return Diagnostic("not-adopted", _SUMMARY, detail, hint, severity=Severity.WARNING)


_SUMMARY = "Something in Azure is not in the YAML"
