"""What every kind promises, shown over the real clients against the emulator."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from declarative_kv.azure.session import Session
from declarative_kv.emulator.seed import TENANT
from declarative_kv.model.resource import Condition, Observed
from tests.kinds.cases import CASES, PLANTED, Case


async def test_what_was_created_reads_back_without_a_difference(case: Case, azure: Session) -> None:
    created = await case.kind.create(azure, case.spec)
    seen = await case.seen(azure)

    assert seen is not None
    assert created.id == seen.id == case.kind.remote_id(case.spec).lower()
    assert case.kind.diff(case.spec, created.spec) == ()
    assert case.kind.diff(case.spec, seen.spec) == ()
    assert seen.condition is Condition.LIVE


async def test_what_is_made_can_be_told_before(case: Case, azure: Session) -> None:
    spec = replace(case.spec, tenant=TENANT) if case.kind.name == "vault" else case.spec
    told = case.kind.made(spec)
    await case.kind.create(azure, spec)
    seen = await case.seen(azure)

    assert seen is not None
    assert (told.kind, told.id, told.condition) == (seen.kind, seen.id, seen.condition)
    assert (told.label.lower(), str(told.parent).lower()) == (seen.label.lower(), str(seen.parent).lower())
    assert case.kind.diff(told.spec, seen.spec) == case.kind.diff(seen.spec, told.spec) == ()


async def test_creating_twice_is_no_error_and_changes_nothing(case: Case, azure: Session) -> None:
    await case.kind.create(azure, case.spec)
    again = await case.kind.create(azure, case.spec)
    seen = await case.seen(azure)

    assert seen is not None
    assert seen.id == again.id
    assert case.kind.diff(case.spec, seen.spec) == ()


async def test_deleting_twice_is_no_error(case: Case, azure: Session) -> None:
    created = await case.kind.create(azure, case.spec)
    await case.kind.delete(azure, created)
    await case.kind.delete(azure, created)
    seen = await case.seen(azure)

    assert seen is None or (case.kind.soft_deletes and seen.condition is Condition.SOFT_DELETED)


async def test_an_object_that_was_never_there_reads_as_nothing(case: Case, azure: Session) -> None:
    assert await case.seen(azure) is None


@pytest.mark.parametrize(
    ("name", "attribute"), [(name, attribute) for name, case in CASES.items() for attribute in case.changes]
)
async def test_an_update_of_one_attribute_takes_and_leaves_the_rest(name: str, attribute: str, azure: Session) -> None:
    from tests.kinds.conftest import needs_of

    case = replace(CASES[name], needs=await needs_of(CASES[name], azure))
    await case.prepare(azure)
    created = await case.kind.create(azure, case.spec)
    wanted = case.changes[attribute]
    paths = {".".join(found.path) for found in case.kind.diff(wanted, created.spec)}
    updated = await case.kind.update(azure, wanted, created)
    seen = await case.seen(azure)

    assert paths
    assert {path.removesuffix(f".{path.split('.')[-1]}") if "tags" in path else path for path in paths} == {attribute}
    assert seen is not None
    assert case.kind.diff(wanted, updated.spec) == ()
    assert case.kind.diff(wanted, seen.spec) == ()
    untouched = {one.path[0] for one in case.kind.diff(created.spec, seen.spec)} - {attribute.split(".")[0]}
    assert untouched - {"version"} == set()


async def test_what_is_not_written_is_no_difference_and_stays(case: Case, azure: Session) -> None:
    created = await case.kind.create(azure, case.spec)
    before = await case.seen(azure)
    silent = _only_identity(case.spec)

    assert before is not None
    assert [one for one in case.kind.diff(silent, before.spec) if one.after is not None and one.after != ()] == []
    if case.kind.name == "access_policy":
        return
    await case.kind.update(azure, silent, before)
    after = await case.seen(azure)
    assert after is not None
    assert after.spec == before.spec
    assert created.id == after.id


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.kind.soft_deletes])
async def test_a_soft_deleted_object_is_seen_and_comes_back_as_it_was(name: str, azure: Session) -> None:
    from tests.kinds.conftest import needs_of

    case = replace(CASES[name], needs=await needs_of(CASES[name], azure))
    await case.prepare(azure)
    created = await case.kind.create(azure, case.spec)
    await case.kind.delete(azure, created)
    gone = await case.seen(azure)
    assert gone is not None
    assert gone.condition is Condition.SOFT_DELETED
    assert gone.facts["purge"]

    back = await case.kind.recover(azure, gone)
    seen = await case.seen(azure)

    assert seen is not None
    assert back.condition is seen.condition is Condition.LIVE
    assert case.kind.diff(case.spec, back.spec) == case.kind.diff(case.spec, seen.spec) == ()


async def test_no_value_is_returned_outside_its_own_type(case: Case, azure: Session) -> None:
    created = await case.kind.create(azure, case.spec)
    seen = await case.seen(azure)
    assert seen is not None
    examined = await case.kind.examine(azure, seen)

    for observed in (created, seen, examined):
        assert PLANTED not in repr(observed)
        assert PLANTED not in json.dumps(_plain(observed), default=str)
    if case.kind.holds_value:
        assert created.spec.value is None
        assert seen.spec.value is None
        assert examined.spec.value.reveal() == PLANTED
        assert examined.facts["version"] == created.facts["version"]


def _only_identity(spec: Any) -> Any:
    from declarative_kv.model.specs import IDENTITY

    named = {field.name for field in fields(spec) if frozenset(IDENTITY) & frozenset(field.metadata)}
    return type(spec)(**{name: getattr(spec, name) for name in named})


def _plain(value: Any) -> Any:
    """Every field of an observation, the one of type `Sensitive` left as it is."""
    if is_dataclass(value) and isinstance(value, Observed | type(getattr(value, "spec", value))):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name != "_value"}
    return value
