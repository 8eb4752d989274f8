"""A picture answers as Azure answered when it was taken, and says where it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from declarative_kv.engine.picture import PicturedDirectory, answered, pictured
from declarative_kv.engine.recording import Film, RecordingDirectory, recording
from declarative_kv.model.access import Questions, Surroundings
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Principal, Selector
from declarative_kv.model.errors import Forbidden, PlanError
from declarative_kv.model.identity import Identity
from declarative_kv.model.picture import Picture, Subscribed
from declarative_kv.model.resource import Condition, Observed, Scope
from declarative_kv.model.specs import RoleAssignmentSpec
from tests.unit.engine.cloud import BOX, LIVING, Cloud, lying, refusal

from .fakes import FakeKind, Thing

SUBSCRIPTION = "/subscriptions/s"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ME = Identity("me-id", "me", "t", "test")
BOB = Principal("bob", Selector.USER, "Bob@example.com")
EVE = Principal("eve", Selector.USER, "eve@example.com")


def run(what: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(what)


class Named(FakeKind):
    """A kind that does nothing but be called something."""

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]


class Versionless(Named):
    """A kind whose objects have no version."""

    async def examine(self, azure: Any, live: Observed) -> Observed:
        return live


class People:
    """A directory of one person."""

    async def identity(self) -> Identity:
        return ME

    async def principal(self, principal: Principal) -> tuple[str, str | None, str]:
        if principal.key == "bob":
            return "bob-id", "User", "Bob"
        raise PlanError(Diagnostic("principal-not-found", "Nobody is called that"))

    async def subscriptions(self) -> Sequence[tuple[str, str, str]]:
        return (("s", "Sub", "t"),)

    async def find_vault(self, subscription: str, name: str) -> str | None:
        return VAULT if name == "kv" else None

    async def role(self, scope: str, name: str) -> str:
        return READER


def taken(film: Film, **inside: Any) -> Picture:
    """The picture that a film makes."""
    return Picture(
        "2026-11-22T09:00:00Z",
        "public",
        ME,
        (("s", "Sub", "t"),),
        tuple(film.shots.values()),
        tuple(film.principals.values()),
        {"s": Subscribed(**inside)},
        film.versions,
    )


def grant(scope: str) -> Observed:
    spec = RoleAssignmentSpec(scope=scope, role=READER, principal="bob-id", principal_type="User")
    return Observed("role_assignment", f"{scope}/assignments/{len(scope)}", spec)


def test_each_read_and_each_refusal_is_answered_again() -> None:
    cloud, film = Cloud(lying("item.one"), lying("item.two")), Film()
    cloud.refusals["read grant"] = [refusal(Forbidden, 403, "ForbiddenByRbac")]
    kinds = recording(LIVING, film)
    here = Scope("item", BOX, frozenset({f"{BOX}/item/one"}))
    before = run(kinds["item"].read(cloud, here))
    with pytest.raises(Forbidden):
        run(kinds["grant"].read(cloud, Scope("grant", BOX)))
    offline = pictured(LIVING, taken(film))
    assert tuple(run(offline["item"].read(None, here))) == tuple(before)
    with pytest.raises(Forbidden) as again:
        run(offline["grant"].read(None, Scope("grant", BOX)))
    assert again.value.code == "ForbiddenByRbac"
    assert (kinds["item"].plane, offline["item"].plane) == (LIVING["item"].plane, LIVING["item"].plane)


def test_a_version_that_was_asked_for_is_known_and_another_is_not() -> None:
    one, two = lying("item.one", version="v1"), lying("item.two")
    cloud, film = Cloud(one, two), Film()
    kinds = recording(LIVING, film)
    assert run(kinds["item"].examine(cloud, one)).facts["version"] == "v1"
    run(recording({"item": Versionless("item")}, film)["item"].examine(cloud, two))  # type: ignore[dict-item]
    offline = pictured(LIVING, taken(film))
    assert run(offline["item"].examine(None, one)).facts["version"] == "v1"
    with pytest.raises(PlanError, match="not-in-picture"):
        run(offline["item"].examine(None, two))


def test_soft_deleted_secrets_show_where_a_wanted_one_is_not_live() -> None:
    def secret(name: str, condition: Condition) -> Observed:
        return Observed("secret", f"{VAULT}/secrets/{name}", Thing(name=name), condition)

    class Secrets(FakeKind):
        name = "secret"
        holds_value = True

        async def read(self, azure: Any, scope: Scope) -> tuple[Observed, ...]:
            return secret("a", Condition.LIVE), secret("b", Condition.SOFT_DELETED)

    film = Film()
    kinds = recording({"secret": Secrets()}, film)  # type: ignore[dict-item]
    wanted = {name: Scope("secret", VAULT, frozenset({f"{VAULT}/secrets/{name}".lower()})) for name in "ab"}
    seen = [one.remote_id[-1] for one in run(kinds["secret"].read(None, wanted["a"]))]
    both = [one.remote_id[-1] for one in run(kinds["secret"].read(None, wanted["b"]))]
    assert (seen, both) == (["a"], ["a", "b"])


def test_what_was_not_read_follows_from_the_lists_of_the_subscription() -> None:
    gone = Observed("vault", VAULT, Thing(name="kv"), Condition.SOFT_DELETED)
    group = Observed("resource_group", GROUP.lower(), Thing(name="rg"))
    names = ("vault", "resource_group", "role_assignment", "item")
    kinds: Any = {name: Named(name) for name in names}
    film = Film()

    class Grants(Named):
        async def read(self, azure: Any, scope: Scope) -> tuple[Observed, ...]:
            return grant(SUBSCRIPTION), grant(VAULT), grant(f"{SUBSCRIPTION}/resourceGroups/other")

    run(recording({"g": Grants("g")}, film)["g"].read(None, Scope("role_assignment", SUBSCRIPTION)))  # type: ignore[dict-item]
    picture = taken(film, deleted=(gone,), groups=(group,), vaults={"kv-two": VAULT}, resources=(f"{GROUP}/x/y", "/z"))
    offline = pictured(kinds, picture)

    def read(kind: str, at: str) -> list[str]:
        return [one.remote_id for one in run(offline[kind].read(None, Scope(kind, at)))]

    assert read("vault", VAULT) == [VAULT]
    assert read("resource_group", GROUP) == [GROUP.lower()]
    assert read("role_assignment", f"{VAULT}/secrets/a") == [grant(SUBSCRIPTION).remote_id, grant(VAULT).remote_id]
    assert run(offline["resource_group"].contents(None, group)) == (f"{GROUP}/x/y",)
    assert run(offline["vault"].contents(None, gone)) == ()
    for kind, at in (("vault", f"{VAULT}-two"), ("item", VAULT), ("vault", "/subscriptions/other/x"), ("vault", "/")):
        with pytest.raises(PlanError, match="not-in-picture"):
            read(kind, at)
    with pytest.raises(PlanError, match="not-in-picture"):
        run(pictured(kinds, taken(Film()))["role_assignment"].read(None, Scope("role_assignment", VAULT)))


def test_names_are_known_as_they_were_looked_up() -> None:
    film = Film()
    asked = RecordingDirectory(People(), film)
    assert run(asked.principal(BOB)) == ("bob-id", "User", "Bob")
    with pytest.raises(PlanError, match="principal-not-found"):
        run(asked.principal(EVE))
    assert run(asked.identity()) == ME
    assert run(asked.subscriptions()) == (("s", "Sub", "t"),)
    assert run(asked.find_vault("s", "kv")) == VAULT
    assert run(asked.role(SUBSCRIPTION, "Reader")) == READER
    known = PicturedDirectory(taken(film, vaults={"kv": VAULT}, roles={"ours": "r1"}))
    assert run(known.principal(BOB)) == ("bob-id", "User", "Bob")
    with pytest.raises(PlanError, match="principal-not-found"):
        run(known.principal(EVE))
    with pytest.raises(PlanError, match="not-in-picture"):
        run(known.principal(Principal("ann", Selector.USER, "ann@example.com")))
    assert (run(known.identity()), run(known.subscriptions())) == (ME, (("s", "Sub", "t"),))
    assert (run(known.find_vault("s", "KV")), run(known.find_vault("s", "other"))) == (VAULT, None)
    assert run(known.role(SUBSCRIPTION, "reader")) == READER
    assert run(known.role(SUBSCRIPTION, READER.upper())) == READER
    assert run(known.role(SUBSCRIPTION, "Ours")) == "r1"
    with pytest.raises(PlanError, match="not-in-picture"):
        run(known.role(SUBSCRIPTION, "nobody's"))


def test_a_smaller_question_has_a_smaller_answer() -> None:
    around = Surroundings(
        definitions={},
        denials=(),
        members={"g": frozenset({"bob-id"}), "h": frozenset({"eve-id"})},
        names={"bob-id": "Bob", "eve-id": "Eve", "g": "Group"},
        types={"g": "Group", "bob-id": "User", "eve-id": "User"},
        unknown=("deny assignments of subscription s cannot be read", "members of group h cannot be read"),
    )
    asked = Questions(subscriptions=frozenset({"s"}), roles={}, groups=frozenset(), principals=frozenset({"g"}))
    found = answered(around, asked)
    assert dict(found.members) == {"g": frozenset({"bob-id"})}
    assert dict(found.names) == {"bob-id": "Bob", "g": "Group"}
    assert found.unknown == ("deny assignments of subscription s cannot be read",)
