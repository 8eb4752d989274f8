"""`dkv drift --adopt` on the command line: what it says, how it ends, and what it leaves to people."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from declarative_kv.cli.documents import save
from declarative_kv.model.errors import DkvError
from tests.cli.conftest import Dkv, Project
from tests.scenarios import portal


def by_hand(project: Project, *words: str) -> None:
    asyncio.run(portal.run(project.folder / "state" / ".emulator", list(words)))


@pytest.fixture
def applied(project: Project, dkv: Dkv) -> Project:
    assert dkv("apply", "--auto-approve").code == 0
    return project


def text(project: Project) -> str:
    return (project.folder / "dkv.yaml").read_text(encoding="utf-8")


def test_nothing_is_written_where_nothing_moved(applied: Project, dkv: Dkv) -> None:
    before = text(applied)
    done = dkv("drift", "--adopt")
    assert (done.code, done.out) == (0, "Nothing to adopt: the YAML says what Azure holds.\n")
    assert text(applied) == before


def test_the_live_side_is_written_and_the_plan_is_empty(applied: Project, dkv: Dkv) -> None:
    by_hand(applied, "vault", "update", "kv-cli-tests", "sku=premium")
    by_hand(applied, "policy", "set", "kv-cli-tests", "1b2c0000-0000-0000-0000-000000000000", "secrets=get,list")
    before = text(applied)
    done = dkv("drift", "--adopt")
    assert (done.code, done.out) == (0, "dkv.yaml: access_policy.payments/ci secrets: [list] -> [get, list]\n")
    assert text(applied) == before.replace("ci: {secrets: [list]}", "ci: {secrets: [list, get]}")
    assert dkv("plan", "--detailed-exitcode").code == 0


def test_strangers_are_declared_and_imported_without_a_write(applied: Project, dkv: Dkv) -> None:
    applied.replace("{secrets: alarm}", "{secrets: alarm, access_policies: alarm, role_assignments: delete}")
    who, reader = "9f9f0000-0000-0000-0000-000000000000", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    by_hand(applied, "secret", "set", "kv-cli-tests", "stranger", "throw-away-value")
    by_hand(applied, "policy", "set", "kv-cli-tests", who, "secrets=get")
    by_hand(applied, "role", "create", "kv-cli-tests", "00000000-0000-4000-8000-000000000001", reader, who)
    done = dkv("drift", "--adopt")
    assert done.code == 0, done
    assert "access_policy.payments/service-principal added" in done.out
    planned = dkv("plan", "--import-only")
    assert (planned.code, "Plan: 3 to import, 0 to add, 0 to change, 0 to destroy." in planned.out) == (0, True)


def test_what_was_deleted_outside_is_taken_out_only_when_asked(applied: Project, dkv: Dkv) -> None:
    by_hand(applied, "secret", "delete", "kv-cli-tests", "db")
    kept = dkv("drift", "--adopt")
    assert (kept.code, "      db:\n" in text(applied)) == (2, True)
    assert "dkv drift --adopt --adopt-deleted" in kept.err
    taken = dkv("drift", "--adopt-deleted")
    assert (taken.code, "      db:\n" in text(applied)) == (0, False)


def test_values_change_no_yaml(applied: Project, dkv: Dkv) -> None:
    by_hand(applied, "secret", "set", "kv-cli-tests", "db", "rotated-by-hand")
    before = text(applied)
    done = dkv("drift", "--adopt")
    assert "secret.payments/db has another value in Azure." in done.err
    assert "rotated-by-hand" not in done.err + done.out + text(applied)
    assert done.code == 2
    assert text(applied) == before.replace("\n        content_type: text/plain", "")


def test_what_cannot_be_written_by_itself_is_told(applied: Project, dkv: Dkv) -> None:
    applied.replace("      ci: {secrets: [list]}", "      ci: {secrets: [\n        list  # only that\n      ]}")
    by_hand(applied, "policy", "set", "kv-cli-tests", "1b2c0000-0000-0000-0000-000000000000", "secrets=get")
    done = dkv("drift", "--adopt")
    assert done.code == 2
    assert "this is left as the YAML has it, since there are comments in it." in done.err


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DkvError) as refused:
        save(tmp_path, "a file where a folder is")
    assert [one.code for one in refused.value.diagnostics] == ["not-writable"]
