"""Somebody else writes while the question is still on the screen: theirs stays, and both sides are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Dkv, Project
from .test_terminal import at_terminal

COLLEAGUE = """\
version: 1
cloud: emulator
state: ../state/colleague.json
principals:
  ci: {object_id: 1b2c0000-0000-0000-0000-000000000000, type: service_principal}
resource_groups: {rg-test: {existing: true}}
vaults:
  payments:
    existing: true
    name: kv-cli-tests
    resource_group: rg-test
    access: policies
    access_policies: {ci: {secrets: [list, set], import: true}}
    secrets:
      db: {value_from: kept, tags: {by: colleague}, import: true}
"""


@pytest.fixture
def applied(project: Project, dkv: Dkv) -> Iterator[Project]:
    """The project applied to a running emulator, with changes to come, and a colleague with a state of their own."""
    assert dkv("emulator", "start").code == 0
    assert dkv("apply", "--auto-approve").code == 0
    project.replace("ci: {secrets: [list]}", "ci: {secrets: [get, list]}")
    project.replace("content_type: text/plain", "content_type: text/html")
    project.replace("    access: policies\n", "    access: policies\n    tags: {team: payments}\n")
    (project.folder / "colleague").mkdir()
    project.write(COLLEAGUE, "colleague/dkv.yaml")
    yield project
    assert dkv("emulator", "stop").code == 0


def test_what_a_colleague_writes_while_nobody_has_said_yes_yet_is_left_alone(applied: Project, dkv: Dkv) -> None:
    def colleague() -> str:
        assert dkv("apply", "-f", "colleague", "--auto-approve").code == 0
        return "yes\n"

    code, screen = at_terminal("apply", "--no-color", answers={"Enter a value:": colleague})

    text = " ".join(screen.split())
    assert code == 5, screen
    assert "Applied in part: 0 added, 1 changed, 0 destroyed, 2 failed." in text
    assert "access_policy.payments/ci was left as it is. Since the plan: secrets: [list] -> [list, set]." in text
    assert "secret.payments/db was left as it is. The plan saw version " in text
    assert "To go on, run the same command again: dkv apply --no-color" in text
    assert dkv("plan", "-f", "colleague", "--detailed-exitcode").code == 0
