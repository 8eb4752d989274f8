"""Who gains or loses what between two pictures of an estate, as the lines that stand first in every plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from declarative_kv.engine.access.direct import assigned, direct, may, role_name, role_path, scope_name
from declarative_kv.engine.access.estate import ROOT, Assignment, Estate, Policy, Vault, is_management_group, lies_in
from declarative_kv.engine.access.indirect import indirect
from declarative_kv.engine.access.view import Held, Spot, StepKind, View, upwards
from declarative_kv.model.address import Address
from declarative_kv.model.capabilities import CAPABILITIES, KEYS_WRITE, SECRETS_WRITE, Capability, Place
from declarative_kv.model.plan import AccessLine

_WAYS_AROUND: Final = tuple(
    Capability(name, phrase, category, action=action, place=Place.OBJECT)
    for name, phrase, category, action in (
        ("around-secrets", "writes secrets through Resource Manager", "secrets", SECRETS_WRITE),
        ("around-keys", "creates keys through Resource Manager", "keys", KEYS_WRITE),
    )
)
_SELF: Final = Capability("give-itself", "can give itself every right", "vault", place=Place.VAULT)
_WHOLE: Final[Mapping[str, str]] = {
    "secrets": "secrets",
    "keys": "keys",
    "certificates": "certificates",
    "storage": "storage accounts",
}
_SIZES: Final = {
    (category, roles): sum(
        1 for one in CAPABILITIES if one.category == category and (one.data_action if roles else one.word)
    )
    for category in _WHOLE
    for roles in (True, False)
}


@dataclass(frozen=True, slots=True)
class _Line:
    """Something gained or lost, and the grant that it comes from."""

    gained: bool
    who: str
    place: str
    held: Held


def access_lines(before: Estate, after: Estate) -> tuple[AccessLine, ...]:
    """Every phrase gained or lost, gains and losses of one principal side by side.

    Who was given something counts, not who is in a group that was. What somebody keeps through another grant is neither
    gained nor lost, and what is said of a scope is not repeated for everything below it. A new vault opens its contents
    to those who hold roles above it; over the vault itself they have no more power than over all others there.
    """
    old, new = View(replace(before, groups={})), View(replace(after, groups={}))
    changed = _changed_grants(before, after)
    lines = [*_of_scopes(old, new, changed), *_of_vaults(old, new, changed)]
    said = {(line.gained, line.who, line.held.capability.name, line.place) for line in lines}
    kept = [line for line in lines if not _said_above(line, said)]
    shown = [*_folded(kept, old, new), *_idle(old, new, changed)]
    return tuple(sorted(set(shown), key=lambda line: (line.who, line.resource, line.gained, line.phrase, line.via)))


@dataclass(frozen=True, slots=True)
class _Changed:
    """The grants that come, go or change, each with its scope; `high` are the scopes above subscriptions."""

    grants: Mapping[tuple[object, ...], tuple[str, Assignment | Policy]]
    by_scope: Mapping[str, frozenset[str]]
    high: tuple[str, ...]

    def holders(self, view: View, place: str) -> frozenset[str]:
        """Whose grants that reach a place change."""
        near = [scope for scope in upwards(place) if scope in self.by_scope]
        return frozenset(
            who for scope in (*near, *self.high) if view.covers(scope, place) for who in self.by_scope[scope]
        )

    def includes(self, grant: Assignment | Policy, place: str) -> bool:
        """Whether a grant that counts at a place is among them."""
        return _key(place if isinstance(grant, Policy) else grant.scope, grant) in self.grants


def _changed_grants(before: Estate, after: Estate) -> _Changed:
    old, new = _grants(before), _grants(after)
    everything = old | new
    grants = {key: everything[key] for key in sorted(old.keys() ^ new.keys(), key=repr)}
    by_scope: dict[str, set[str]] = defaultdict(set)
    for scope, grant in grants.values():
        by_scope[scope].add(grant.principal)
    high = tuple(scope for scope in by_scope if scope == ROOT or is_management_group(scope))
    return _Changed(grants, {scope: frozenset(who) for scope, who in by_scope.items()}, high)


def _grants(estate: Estate) -> dict[tuple[object, ...], tuple[str, Assignment | Policy]]:
    found: dict[tuple[object, ...], tuple[str, Assignment | Policy]] = {}
    for one in estate.assignments:
        found[_key(one.scope, one)] = (one.scope, one)
    for vault in estate.vaults:
        for policy in vault.policies:
            found[_key(vault.id, policy)] = (vault.id, policy)
    return found


def _key(scope: str, grant: Assignment | Policy) -> tuple[object, ...]:
    """What a grant says; where it is declared makes no difference."""
    if isinstance(grant, Assignment):
        return scope, grant.principal, grant.role, grant.condition
    granted = tuple((kind, *sorted(words)) for kind, words in sorted(grant.granted.items()))
    return scope, grant.principal, grant.application, granted


def _of_scopes(old: View, new: View, changed: _Changed) -> Iterator[_Line]:
    """What is gained or lost over whole scopes above vaults."""
    vaults = {vault.id for vault in (*old.estate.vaults, *new.estate.vaults)}
    for place in sorted({scope for scope, _ in changed.grants.values()}):
        if not any(lies_in(place, vault) for vault in vaults):
            for who in sorted(changed.holders(new, place)):
                yield from _compared(who, Spot(place), Spot(place), old, new, changed)


def _of_vaults(old: View, new: View, changed: _Changed) -> Iterator[_Line]:
    was = {vault.id: vault for vault in old.estate.vaults}
    will = {vault.id: vault for vault in new.estate.vaults}
    for identifier in sorted(was.keys() | will.keys()):
        one, other = was.get(identifier), will.get(identifier)
        switched = one is not None and other is not None and one.rbac is not other.rbac
        for place in (identifier, *_objects(old, new, identifier, changed, every=switched)):
            holders = changed.holders(new, place)
            if switched or one is None:
                holders = holders | _reaching(old, place, one) | _reaching(new, place, other)
            for who in sorted(holders):
                spots = (Spot(place, one) if one else None, Spot(place, other) if other else None)
                yield from _of_vault(who, *spots, old, new, changed, switched=switched)


def _objects(old: View, new: View, vault: str, changed: _Changed, *, every: bool) -> list[str]:
    """The objects of a vault at which a grant changes; with `every` those at which any stands."""
    scopes = {scope for scope, _ in changed.grants.values()}
    if every:
        scopes |= old.by_scope.keys() | new.by_scope.keys()
    return sorted(scope for scope in scopes if scope != vault and lies_in(scope, vault))


def _reaching(view: View, place: str, vault: Vault | None) -> frozenset[str]:
    """Everybody with a grant that reaches a place."""
    policies = vault.policies if vault is not None else ()
    return frozenset({*view.reaching(place), *(policy.principal for policy in policies)})


def _of_vault(
    who: str, was: Spot | None, will: Spot | None, old: View, new: View, changed: _Changed, *, switched: bool
) -> Iterator[_Line]:
    """What somebody gains or loses at a vault or an object; of one that comes or goes only what is more than before."""
    for line in _compared(who, was, will, old, new, changed):
        own = changed.includes(line.held.grant, line.place)
        opened = line.held.direct and line.held.capability.on_contents
        if own or (opened and (switched or line.gained)):
            yield line
    if switched and was is not None and will is not None and not was.on_object:
        yield from _self(who, was, will, old, new)


def _compared(
    who: str, was: Spot | None, will: Spot | None, old: View, new: View, changed: _Changed
) -> Iterator[_Line]:
    had = _best(old, who, was, changed) if was is not None else {}
    has = _best(new, who, will, changed) if will is not None else {}
    place = (will or was or Spot("")).id
    yield from (_Line(True, who, place, has[name]) for name in has if name not in had)
    yield from (_Line(False, who, place, had[name]) for name in had if name not in has)


def _best(view: View, who: str, spot: Spot, changed: _Changed) -> dict[str, Held]:
    """What somebody holds at a spot, each by the grant to tell of: one that changes, else the nearest."""
    found: dict[str, Held] = {}
    for one in (*direct(view, who, spot), *_around(view, who, spot)):
        name = one.capability.name
        if name not in found or (
            changed.includes(one.grant, spot.id) and not changed.includes(found[name].grant, spot.id)
        ):
            found[name] = one
    for capability, plain in zip(_WAYS_AROUND, ("write-value", "create-key"), strict=True):
        if plain in found:
            found.pop(capability.name, None)
    return found


def _around(view: View, who: str, spot: Spot) -> Iterator[Held]:
    """What somebody writes through Resource Manager."""
    for chain, assignment in assigned(view, who, spot.id):
        for capability in _WAYS_AROUND:
            operation = (capability.action, False)
            blocks = view.given(assignment.role).get(operation, ())
            if not spot.shows(capability) or not blocks or view.permits(assignment, operation, blocks) is False:
                continue
            if may(view, who, assignment, operation, spot.asked_at(capability)):
                path = role_path(view, who, chain, assignment)
                yield Held(capability, capability.action, path, assignment, direct=False)


def _self(who: str, was: Spot, will: Spot, old: View, new: View) -> Iterator[_Line]:
    """Whether a switch of the access model lets somebody give itself the contents, or no longer does."""
    had = next((one for one in indirect(old, who, was) if one.capability.name == "read-value"), None)
    has = next((one for one in indirect(new, who, will) if one.capability.name == "read-value"), None)
    if (had is None) is not (has is None):
        one = has or had
        assert one is not None, "one of the two is there"
        yield _Line(has is not None, who, was.id, replace(one, capability=_SELF))


def _said_above(line: _Line, said: set[tuple[bool, str, str, str]]) -> bool:
    """Whether the same is said of something that the place lies in."""
    parts = line.place.split("/")
    above = ("/".join(parts[:length]) for length in range(3, len(parts)))
    return any((line.gained, line.who, line.held.capability.name, place) in said for place in above)


def _folded(lines: Iterable[_Line], old: View, new: View) -> Iterator[AccessLine]:
    """The lines in words: a whole collection in one line, and nothing that goes without saying."""
    grouped: dict[tuple[bool, str, str, str], list[_Line]] = defaultdict(list)
    for line in lines:
        view = new if line.gained else old
        grouped[line.gained, line.who, line.place, _via(view, line)].append(line)
    for (gained, _, _, via), many in grouped.items():
        view = new if gained else old
        by_role = isinstance(many[0].held.grant, Assignment)
        telling = [line for line in many if not (by_role and line.held.capability.minor)] or _least(many)
        for category, noun in _WHOLE.items():
            of_it = [line for line in many if line.held.capability.category == category]
            whole = len(of_it) == _SIZES[category, by_role] and (not by_role or category != "secrets")
            if whole and of_it and (by_role or via.endswith(": all")):
                telling = [line for line in telling if line.held.capability.category != category]
                yield _told(view, of_it[0], f"does everything with {noun}", via, _everything(of_it[0]))
        for line in telling:
            yield _told(view, line, line.held.capability.phrase, via, line.held.permission)


def _least(lines: list[_Line]) -> list[_Line]:
    """Of what goes without saying what says the most, where nothing else is told."""
    return [line for line in lines if line.held.capability.name in ("read-key", "read-certificate")] or lines


def _everything(line: _Line) -> str:
    """What Azure calls all of a collection: `policy:keys/all`, or `Microsoft.KeyVault/vaults/keys/*`."""
    permission = line.held.permission
    if permission.startswith("policy:"):
        return f"{permission.rpartition('/')[0]}/all"
    return "/".join((*permission.split("/")[:3], "*"))


def _told(view: View, line: _Line, phrase: str, via: str, permission: str) -> AccessLine:
    grant = line.held.grant
    vault = "/".join(line.place.split("/")[:9])
    address = grant.address or view.estate.addresses.get(line.place) or view.estate.addresses.get(vault)
    return AccessLine(
        line.gained,
        view.estate.name(line.who),
        line.who,
        phrase,
        str(view.estate.addresses.get(line.place, view.estate.spelled(line.place))),
        via,
        address or Address("vault", line.place.rpartition("/")[2]),
        permission,
    )


def _via(view: View, line: _Line) -> str:
    """What gives it in Azure's words; of a role that stands elsewhere also where."""
    grant = line.held.grant
    if isinstance(grant, Policy):
        return next(step.name for step in line.held.path if step.kind is StepKind.POLICY)
    name = role_name(view, grant.role)
    return name if grant.scope == line.place else f"{name} at {scope_name(view, grant.scope)}"


def _idle(old: View, new: View, changed: _Changed) -> Iterator[AccessLine]:
    """Roles that come or go and give nothing that is told here where they stand, and roles that nobody knows."""
    there = _grants(new.estate)
    for key, (place, grant) in changed.grants.items():
        gained = key in there
        view = new if gained else old
        if isinstance(grant, Policy) or _tells(view, grant, place):
            continue
        known = grant.role in view.estate.roles
        name = role_name(view, grant.role)
        held = Held(_SELF, "", (), grant)
        phrase, via = (f"holds {name}", name) if known else ("holds a custom role", f"role {name}")
        yield _told(view, _Line(gained, grant.principal, place, held), phrase, via, "")


def _tells(view: View, grant: Assignment, place: str) -> bool:
    """Whether a grant gives anything that lines tell of, to itself or beside others."""
    vault = next((one for one in view.estate.vaults if lies_in(place, one.id)), None)
    spot = Spot(place, vault)
    found = (*direct(view, grant.principal, spot), *_around(view, grant.principal, spot))
    return any(one.grant == grant for one in found)
