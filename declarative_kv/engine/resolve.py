"""Turn the names of a document into ids: the last step before specs can be compared with Azure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

from declarative_kv.engine.references import (
    GUID,
    Answers,
    check_duplicates,
    fingerprint_at,
    guid_of,
    known_offline,
    lookup_scope,
    names_of,
    resource_at,
    tenant_of,
    value_of,
)
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Span
from declarative_kv.model.document import Document, Origin, Principal
from declarative_kv.model.errors import ConfigError, DkvError, PlanError
from declarative_kv.model.identity import Identity
from declarative_kv.model.kind import Kinds
from declarative_kv.model.refs import (
    PrincipalRef,
    PrincipalTypeRef,
    RoleRef,
    ScopeRef,
    SubscriptionRef,
    references,
)
from declarative_kv.model.resource import Desired, Resource
from declarative_kv.model.specs import VaultSpec

_NOWHERE = "/subscriptions/-/resourceGroups/-"

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Directory(Protocol):
    """What only Azure can tell about names. Raises `DkvError`, with the candidates when none or several match."""

    async def identity(self) -> Identity:
        """The identity that runs us, from its own token."""
        ...

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        """Object id, Azure's word for the type where known, and display name; never asked about a bare object id."""
        ...

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        """Id, name and tenant of every subscription that the identity sees."""
        ...

    async def find_vault(self, subscription: str, name: str) -> str | None:
        """The ARM id of the live vault with that name, or None."""
        ...

    async def role(self, scope: str, name: str) -> str:
        """The GUID of the one role of that name, whatever its case, assignable at `scope`.

        `scope` is `/subscriptions/{id}`, a management group's ARM id, or `/`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Resolved:
    """A document without names: every spec is complete and every remote id computable.

    `principals` gives the YAML's key for an object id (lower case). `fingerprint` is the remote id of the one secret
    that holds the fingerprint key of all vaults, where the YAML names one. `ids` has the object id of each
    principal by key.
    """

    desired: Desired
    identity: Identity
    subscription: Origin
    tenant: str
    principals: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


async def resolve(document: Document, directory: Directory, kinds: Kinds) -> Resolved:
    """Replace every reference by an id, asking each distinct question once and side by side.

    Raises one error with every name that could not be resolved: `ConfigError` where only the YAML is at fault, else
    `PlanError`. Graph is asked about principals that resources use and that are not given by object id.
    """
    subscription, identity = await _whoami(document, directory)
    answers = Answers(document, kinds, identity, subscription)
    _check_tenant(answers)
    await asyncio.gather(_ask_principals(answers, directory), _ask_vaults_and_roles(answers, directory))
    stop_on(answers.problems)
    desired = {at: resource_at(answers, at) for at in document.resources}
    check_duplicates(desired, kinds)
    return Resolved(
        desired=desired,
        identity=identity,
        subscription=subscription,
        tenant=tenant_of(answers),
        principals=names_of(answers),
        fingerprint=fingerprint_at(answers),
        ids={key: object_id for key, (object_id, _) in answers.principals.items()},
    )


async def _whoami(document: Document, directory: Directory) -> tuple[Origin, Identity]:
    """The default subscription, asked for only where something needs it and nobody said it, and the identity."""
    if document.subscription.value is not None or not _needs_subscription(document):
        return document.subscription, await directory.identity()
    identity = await directory.identity()
    return _only(await directory.subscriptions()), identity


def _needs_subscription(document: Document) -> bool:
    refs = [ref for resource in document.resources.values() for ref in references(resource.spec)]
    return any(
        ref == SubscriptionRef(None) or (isinstance(ref, ScopeRef) and ref.text == "subscription") for ref in refs
    )


def _only(seen: Sequence[tuple[str, str, str]]) -> Origin:
    """The one subscription there is to see."""
    if len(seen) == 1:
        return Origin(seen[0][0], "the only one seen")
    listed = "".join(f"\n    {identifier}  {name}" for identifier, name, _ in sorted(seen, key=lambda one: one[1]))
    raise PlanError(
        Diagnostic(
            code="no-subscription",
            summary="It is not clear which subscription is meant",
            detail="Neither the YAML nor AZURE_SUBSCRIPTION_ID names one, and the signed-in identity sees "
            + (f"{len(seen)}:{listed}" if seen else "none."),
            hint="Write `subscription: ID` in the YAML, or set AZURE_SUBSCRIPTION_ID.",
        )
    )


def _check_tenant(answers: Answers) -> None:
    """Nothing is planned for one tenant with the token of another."""
    wanted, actual = answers.document.tenant.value, answers.identity.tenant
    if wanted is None or not actual or wanted.lower() == actual.lower() or not GUID.fullmatch(wanted):
        return
    raise PlanError(
        Diagnostic(
            code="wrong-tenant",
            summary="The signed-in identity belongs to another tenant",
            detail=f"The tenant of this configuration is {wanted}; {answers.identity.name} signed in to {actual}.",
            hint=f"Sign in to the other tenant, for example:\n    az login --tenant {wanted}",
        )
    )


async def ask_all(
    questions: Mapping[K, Callable[[], Awaitable[V]]],
    problems: list[DkvError],
    place: Callable[[K], tuple[Span | None, Address | None]],
) -> dict[K, V]:
    """Ask side by side; what fails goes to `problems` with its place, the rest comes back."""
    results = await asyncio.gather(*(ask() for ask in questions.values()), return_exceptions=True)
    answers: dict[K, V] = {}
    for key, result in zip(questions, results, strict=True):
        if isinstance(result, DkvError):
            problems.append(_placed(result, *place(key)))
        elif isinstance(result, BaseException):
            raise result
        else:
            answers[key] = result
    return answers


def _placed(error: DkvError, span: Span | None, address: Address | None) -> DkvError:
    """The same error, each diagnostic with a place."""
    error.diagnostics = tuple(
        replace(one, span=one.span or span, address=one.address or address) for one in error.diagnostics
    )
    return error


async def _ask_principals(answers: Answers, directory: Directory) -> None:
    used = sorted(
        {
            ref.key
            for resource in answers.document.resources.values()
            for ref in references(resource.spec)
            if isinstance(ref, PrincipalRef | PrincipalTypeRef)
        }
        | {who.key for one in answers.document.invariants for who in one.who if who.key is not None}
    )
    declared = {key: answers.document.principals[key] for key in used}
    offline = {key: known_offline(principal, answers.identity) for key, principal in declared.items()}
    asked = {key: declared[key] for key, known in offline.items() if known is None}
    told = await ask_all(
        {key: partial(directory.principal, principal) for key, principal in asked.items()},
        answers.problems,
        lambda key: (declared[key].span, None),
    )
    answers.principals = {key: known for key, known in offline.items() if known is not None}
    for key, (object_id, kind, _) in told.items():
        answers.principals[key] = (object_id.lower(), declared[key].type or kind)


async def _ask_vaults_and_roles(answers: Answers, directory: Directory) -> None:
    """Find the resource group of every vault that does not say it, then the roles, whose scopes may be such vaults."""
    lost = {
        at: resource
        for at, resource in answers.document.resources.items()
        if isinstance(resource.spec, VaultSpec) and resource.spec.resource_group is None
    }
    subscriptions = {at: value_of(answers, one.spec.subscription, one.spec) for at, one in lost.items()}
    found = await ask_all(
        {at: partial(directory.find_vault, subscriptions[at], one.spec.name) for at, one in lost.items()},
        answers.problems,
        lambda at: (lost[at].span, at),
    )
    answers.problems.extend(
        _not_found(lost[at], subscriptions[at]) for at, remote_id in found.items() if remote_id is None
    )
    # A vault that was not found ends the run, but only after the roles were looked up too, so that all is told at once.
    answers.groups = {at: (found.get(at) or _NOWHERE).split("/")[4] for at in lost}
    await _ask_roles(answers, directory)


def _not_found(resource: Resource, subscription: str) -> DkvError:
    return PlanError(
        Diagnostic(
            code="existing-missing",
            summary="Something declared as existing does not exist",
            detail=f"{resource.address} says that {resource.spec.name} exists, and the signed-in identity sees no such "
            f"vault in subscription {subscription}.",
            hint="Check the name and the subscription, or take `existing: true` out to have it created.",
            span=resource.spans.get("existing") or resource.span,
            address=resource.address,
        )
    )


async def _ask_roles(answers: Answers, directory: Directory) -> None:
    """Look up role names, once for each name and subscription (or management group)."""
    users: dict[tuple[str, str], Resource] = {}
    for resource in answers.document.resources.values():
        role = getattr(resource.spec, "role", None)
        if isinstance(role, RoleRef) and guid_of(role.name) is None:
            scope = value_of(answers, resource.spec.scope, resource.spec)
            users.setdefault((lookup_scope(scope), role.name.lower()), resource)
    names = {question: resource.spec.role.name for question, resource in users.items()}
    answers.roles = await ask_all(
        {question: partial(directory.role, question[0], names[question]) for question in users},
        answers.problems,
        lambda question: (users[question].spans.get("role") or users[question].span, users[question].address),
    )


def stop_on(problems: Sequence[DkvError]) -> None:
    """Raise all problems as one error, if there are any."""
    if not problems:
        return
    diagnostics = [one for error in problems for one in error.diagnostics]
    if len(problems) == 1:
        raise problems[0]
    config_only = all(isinstance(error, ConfigError) for error in problems)
    raise (ConfigError if config_only else PlanError)(*diagnostics)
