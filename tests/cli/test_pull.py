"""`dkv pull` on the command line: where it looks, what it prints, and what it never overwrites."""

from __future__ import annotations

import pytest
import yaml

from tests.cli.conftest import Dkv, Project

ODD = """
    tags: {"na: me #": "$$(HOME) is \\u202e not", n: "no", "x'y": "line\\nbreak"}
"""


@pytest.fixture
def made(project: Project, dkv: Dkv) -> Project:
    """A vault that is there already, its tags chosen by somebody who wishes us ill."""
    project.replace("    access: policies\n", f"    access: policies{ODD}")
    assert dkv("apply", "--auto-approve").code == 0
    return project


def test_one_vault_is_printed_and_names_from_azure_stay_names(made: Project, dkv: Dkv) -> None:
    printed = dkv("pull", "KV-cli-tests")
    assert printed.code == 0
    vault = yaml.safe_load(printed.out)["vaults"]["kv-cli-tests"]
    assert vault["tags"] == {"na: me #": "$$(HOME) is \u202e not", "n": "no", "x'y": "line\nbreak"}
    assert vault["access_policies"]["dkv-emulator"] == {"template": "secret-management"}
    assert vault["secrets"]["db"] == {"value_from": "kept", "content_type": "text/plain"}
    assert "dkv-fingerprint-key" not in vault["secrets"]
    assert "\u202e" not in printed.out


def test_what_was_pulled_is_imported_as_it_is(made: Project, dkv: Dkv) -> None:
    pulled = dkv("pull", "--group", "rg-test", "--out", "new")
    assert (pulled.code, pulled.out) == (0, "")
    there = ("-f", "new", "--state", "state/new.json")

    planned = dkv("plan", "--import-only", *there)
    assert planned.code == 0
    assert "Plan: 4 to import, 0 to add, 0 to change, 0 to destroy." in planned.out
    assert dkv("apply", "--import-only", "--auto-approve", *there).code == 0
    assert dkv("plan", "--detailed-exitcode", *there).code == 0


def test_files_that_are_there_are_overwritten_only_when_asked(made: Project, dkv: Dkv) -> None:
    assert dkv("pull", "kv-*", "--out", "new").code == 0
    (made.folder / "new" / "vaults" / "kv-cli-tests.yaml").write_text("mine\n", encoding="utf-8")
    refused = dkv("pull", "kv-*", "--out", "new")
    assert refused.code == 1
    assert "error[already-there]" in refused.err
    assert (made.folder / "new" / "vaults" / "kv-cli-tests.yaml").read_text(encoding="utf-8") == "mine\n"
    assert dkv("pull", "kv-*", "--out", "new", "--force").code == 0
    assert "import: all" in (made.folder / "new" / "vaults" / "kv-cli-tests.yaml").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_named(made: Project, dkv: Dkv) -> None:
    (made.folder / "new").write_text("a file where a folder should be\n", encoding="utf-8")
    refused = dkv("pull", "kv-*", "--out", "new")
    assert (refused.code, "error[not-writable]" in refused.err) == (1, True)


def test_vaults_are_named_in_many_ways(made: Project, dkv: Dkv) -> None:
    subscription = "/subscriptions/22222222-2222-2222-2222-222222222222"
    group = f"{subscription}/resourceGroups/rg-test"
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/kv-cli-tests"
    ways = (
        ("kv-cli-tests",),
        ("kv-?li-*", "kv-cli-tests"),
        (vault,),
        (group,),
        (subscription,),
        ("--group", "RG-TEST"),
        ("--subscription", subscription.rpartition("/")[2]),
    )
    first, *others = [dkv("pull", *way) for way in ways]
    assert first.code == 0
    assert all((one.code, one.out) == (0, first.out) for one in others)


def test_without_a_file_the_command_line_says_where_azure_is(made: Project, dkv: Dkv) -> None:
    with_file = dkv("pull", "kv-cli-tests")
    (made.folder / "dkv.yaml").unlink()
    assert dkv("pull", "kv-cli-tests", "--cloud", "emulator").out == with_file.out


def test_what_is_there_is_attached_to_without_being_managed(made: Project, dkv: Dkv) -> None:
    vault = yaml.safe_load(dkv("pull", "kv-cli-tests", "--attach").out)["vaults"]["kv-cli-tests"]
    assert vault["existing"] is True
    assert set(vault) == {"existing", "import", "resource_group", "access", "access_policies", "secrets"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 64, "Nothing says what is to be pulled."),
        (("kv-nowhere",), 1, "error[nothing-to-pull]"),
        (("/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-none",), 1, "error[nothing-to-pull]"),
        (("--group", "rg-none"), 1, "error[nothing-to-pull]"),
        (("/providers/x",), 64, "is the id of no vault"),
        (("x", "--cloud", "public"), 64, "--cloud is for where no file says it"),
        (("x", "--subscription", "nobody"), 64, "neither an id nor a key"),
    ],
)
def test_what_makes_no_sense_is_told(
    project: Project, dkv: Dkv, arguments: tuple[str, ...], code: int, words: str
) -> None:
    refused = dkv("pull", *arguments)
    assert (refused.code, words in refused.err) == (code, True)


def test_an_unknown_cloud_is_told(project: Project, dkv: Dkv) -> None:
    (project.folder / "dkv.yaml").unlink()
    refused = dkv("pull", "x", "--cloud", "mars")
    assert (refused.code, "There is no cloud 'mars'." in refused.err) == (64, True)
