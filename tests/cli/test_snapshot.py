"""`dkv snapshot` and `dkv plan --live`: a plan for whoever may have neither credential nor network."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from declarative_kv.emulator.host.private import open_private
from declarative_kv.emulator.seed import TENANT
from tests.cli.conftest import VALUE, Dkv, Project

NOWHERE = ("unshare", "--map-root-user", "--net")
OFFLINE = ("--live", "live.json", "--state", "elsewhere/state.json")


@pytest.fixture
def pictured(project: Project, dkv: Dkv) -> Project:
    """A project that was applied, its picture, and its state without an emulator beside it."""
    assert dkv("apply", "--auto-approve").code == 0
    taken = dkv("snapshot", "--out", "live.json")
    assert (taken.code, taken.out) == (0, "")
    (project.folder / "elsewhere").mkdir()
    shutil.copy(project.folder / "state" / "dkv.json", project.folder / "elsewhere" / "state.json")
    return project


def without_head(text: str) -> Any:
    plan = json.loads(text)
    plan.pop("timestamp")
    head = plan["dkv"].pop("head")
    return plan, head


def test_a_picture_holds_no_value_and_is_its_owners_alone(pictured: Project) -> None:
    path = pictured.folder / "live.json"
    assert VALUE not in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0


def test_the_plan_is_the_one_that_is_made_online_and_says_of_when_it_is(pictured: Project, dkv: Dkv) -> None:
    pictured.replace("ci: {secrets: [list]}", "ci: {secrets: [list, get]}")
    pictured.replace("      kept:", "      fresh: {value_from: {env: NOT_SET}}\n      kept:")
    online, _ = without_head(dkv("plan", "--values", "never", "--json").out)
    offline, head = without_head(dkv("plan", *OFFLINE, "--json").out)
    assert offline == online
    text = dkv("plan", *OFFLINE).out
    assert f"as of {head['as_of']}" in text.splitlines()[0]
    assert not (pictured.folder / "elsewhere" / ".emulator").exists()


def test_what_was_ignored_when_the_picture_was_taken_may_be_looked_at_later(project: Project, dkv: Dkv) -> None:
    """The vault has no secret of ours, and those of others are ignored: only the picture asks for them."""
    text = (project.folder / "dkv.yaml").read_text(encoding="utf-8")
    bare = text.partition("    secrets:\n")[0] + "    secrets: {}\n"
    project.write(f"{bare}    others: {{secrets: ignore}}\n")
    assert dkv("apply", "--auto-approve").code == 0
    assert dkv("snapshot", "--out", "live.json").code == 0
    project.write(bare)
    online, _ = without_head(dkv("plan", "--values", "never", "--json").out)
    offline, _ = without_head(dkv("plan", "--live", "live.json", "--json").out)
    assert offline == online


def test_a_plan_needs_no_network_at_all(pictured: Project) -> None:
    if subprocess.run([*NOWHERE, "true"], capture_output=True).returncode != 0:
        pytest.skip("NOT RUN: this machine lets nobody make a network namespace")
    program = [sys.executable, "-m", "declarative_kv", "plan", *OFFLINE, "--detailed-exitcode"]
    done = subprocess.run(
        [*NOWHERE, *program], cwd=pictured.folder, env={"PATH": os.environ["PATH"], "HOME": str(pictured.folder)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "No changes." in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            "principals:\n",
            "principals:\n  bob: {user: bob@c.example}\n",
            "the principal bob (user bob@c.example)",
        ),
        ("principals:", "subscription: 99999999-2222-2222-2222-222222222222\nprincipals:", "the subscription around"),
    ],
)
def test_what_the_picture_does_not_show_is_an_error_that_says_so(
    pictured: Project, dkv: Dkv, old: str, new: str, what: str
) -> None:
    pictured.replace(old, new)
    if "bob" in new:
        pictured.replace("      ci: {secrets: [list]}", "      bob: {secrets: [list]}")
    refused = dkv("plan", *OFFLINE)
    assert refused.code == 1
    assert "error[not-in-picture]" in refused.err
    assert what in refused.err


def test_a_role_and_a_vault_that_are_not_in_the_picture_are_told(pictured: Project, dkv: Dkv) -> None:
    entry = "role_assignments: {r: {principal: ci, role: Chief Keeper of Keys, scope: subscription}}\n"
    pictured.replace("principals:", f"{entry}principals:")
    assert "does not show the role Chief Keeper of Keys" in dkv("plan", *OFFLINE).err


def test_a_picture_goes_neither_with_values_nor_with_a_saved_plan(pictured: Project, dkv: Dkv) -> None:
    assert dkv("plan", *OFFLINE, "--values", "required").code == 64
    assert dkv("plan", *OFFLINE, "--out", "saved.plan").code == 64


@pytest.mark.parametrize("content", [None, "{}", "no JSON", '{"format": "dkv-picture/9", "picture": {}}'])
def test_what_is_no_picture_is_told(pictured: Project, dkv: Dkv, content: str | None) -> None:
    path: Path = pictured.folder / "live.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    refused = dkv("plan", *OFFLINE)
    assert (refused.code, "error[picture-unreadable]" in refused.err) == (1, True)


def test_a_picture_that_cannot_be_written_is_told(project: Project, dkv: Dkv) -> None:
    (project.folder / "file").write_text("", encoding="utf-8")
    refused = dkv("snapshot", "--out", "file/live.json")
    assert (refused.code, "error[not-writable]" in refused.err) == (1, True)


def test_a_rehearsal_applies_the_plan_to_a_copy_and_leaves_nothing_to_do(
    pictured: Project, dkv: Dkv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DB_PASSWORD")
    pictured.replace("ci: {secrets: [list]}", "ci: {secrets: [list, get]}")
    pictured.replace("      kept:", "      fresh: {value_from: {env: NOT_SET}}\n      kept:")
    state = (pictured.folder / "elsewhere" / "state.json").read_bytes()
    done = dkv("rehearse", *OFFLINE)
    assert done.code == 0, done
    assert "Plan: 1 to add, 1 to change, 0 to destroy." in done.out
    assert "Apply complete! Resources: 1 added, 1 changed, 0 destroyed." in done.out
    assert "No changes." in done.out.rpartition("A plan after that rehearsal")[2]
    assert (pictured.folder / "elsewhere" / "state.json").read_bytes() == state
    assert "Plan: 1 to add, 1 to change, 0 to destroy." in dkv("plan", "--values", "never").out


def test_a_rehearsal_stops_where_the_plan_is_blocked(pictured: Project, dkv: Dkv) -> None:
    pictured.replace("ci: {secrets: [list]}", "ci: {secrets: [list]}\n    purge_protection: true")
    assert dkv("rehearse", *OFFLINE).code == 3
    assert dkv("rehearse", *OFFLINE, "--allow", "irreversible").code == 0


def test_people_and_what_lies_deleted_are_staged_too(project: Project, dkv: Dkv) -> None:
    api = "8f0f0c52-0000-0000-0000-000000000000"
    people = f"  ann: {{user: ann@contoso.example}}\n  ops: {{group: Ops}}\n  api: {{app_id: {api}}}\n"
    project.replace("principals:\n", f"principals:\n{people}")
    assert dkv("apply", "--auto-approve").code == 0
    asyncio.run(_with_people(project.folder / "state" / ".emulator"))
    assert dkv("snapshot", "--out", "live.json").code == 0
    entries = "".join(f"      {who}: {{secrets: [get]}}\n" for who in ("ann", "ops", "api"))
    project.replace("      ci: {", f"{entries}      ci: {{")
    done = dkv("rehearse", "--live", "live.json")
    assert "Apply complete! Resources: 3 added" in done.out, done


async def _with_people(folder: Path) -> None:
    with open_private(folder) as emulator:
        for record in (
            {"kind": "user", "userPrincipalName": "ann@contoso.example", "displayName": "Ann"},
            {"kind": "group", "displayName": "Ops", "members": [], "owners": []},
            {"kind": "servicePrincipal", "appId": "8f0f0c52-0000-0000-0000-000000000000", "displayName": "API"},
        ):
            identifier = str(uuid.uuid4())
            emulator.world.store.put("directory", identifier, {"id": identifier, "tenant": TENANT, **record})
