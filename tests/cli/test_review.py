"""`dkv review` of git repositories and folders, made by the test."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from declarative_kv.cli.app import main
from declarative_kv.cli.revisions import TOP, Revision, repository
from declarative_kv.config.reading import NotRegular, TooLarge
from declarative_kv.model.errors import DkvError

HEAD = """\
version: 1
tenant: 11111111-1111-1111-1111-111111111111
subscription: 22222222-2222-2222-2222-222222222222
principals: {ci: {object_id: 1b2c0000-0000-4000-8000-0000000000c1, type: service_principal}}
resource_groups: {rg: {location: westeurope}}
"""
VAULT = """\
vaults:
  pay:
    name: kv-pay
    access: policies
    location: westeurope
    resource_group: rg
    secrets: {db: {value_from: {env: NEVER_READ}, expires: 2030-01-01, content_type: text}}
"""
MORE = VAULT.replace("    secrets:", "    access_policies: {ci: {secrets: [get]}}\n    secrets:")
Dkv = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dkv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dkv:
    """The command line in this process, in the test's folder; gives code, output and what is no data."""
    monkeypatch.chdir(tmp_path)
    for name in ("AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["review", *arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err, told.err
        return code, told.out, told.err

    return run


def git(folder: Path, *arguments: str) -> None:
    names = {f"GIT_{who}_{what}": f"{who}@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True, capture_output=True)


def commit(folder: Path, text: str, name: str = "dkv.yaml") -> None:
    """A commit of the folder with this root file; the repository is made first where there is none."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder / name, text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "x")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_two_revisions_and_the_files_as_they_are(dkv: Dkv, tmp_path: Path) -> None:
    commit(tmp_path, HEAD + VAULT)
    commit(tmp_path, HEAD + MORE)
    code, out, err = dkv("HEAD~1", "HEAD", "--detailed-exitcode")
    assert (code, err) == (2, "")
    assert out.startswith("HEAD~1 -> HEAD\nAccess        + ci  reads secret values   vault.pay   (secrets: get)\n")
    assert "access_policy.pay/ci" in out
    assert dkv("HEAD~1", "HEAD")[0] == 0
    assert dkv("HEAD~1", "HEAD~1", "--detailed-exitcode")[:2] == (
        0,
        "HEAD~1 -> HEAD~1\n\nNo changes. Both mean the same.\n",
    )
    write(tmp_path / "dkv.yaml", HEAD + VAULT)
    assert "Access        - ci" in dkv("main")[1]


def test_nothing_of_the_repository_is_touched_and_no_hook_runs(dkv: Dkv, tmp_path: Path) -> None:
    commit(tmp_path, HEAD + VAULT)
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        path = tmp_path / ".git" / "hooks" / hook
        write(path, f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        path.chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(tmp_path / ".git/hooks/fsmonitor-watchman"))
    write(tmp_path / ".gitattributes", "*.yaml filter=evil\n")
    git(tmp_path, "config", "filter.evil.smudge", f"touch {tmp_path}/ran")
    write(tmp_path / "dkv.yaml", HEAD + MORE)
    before = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}
    assert dkv("HEAD", "--detailed-exitcode")[0] == 2
    assert {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))} == before


def test_the_root_file_lies_anywhere_in_the_repository(
    dkv: Dkv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "infra" / "teams" / "a.yaml", VAULT)
    commit(tmp_path, HEAD + "include: [teams/*.yaml]\n", "infra/dkv.yaml")
    write(tmp_path / "infra" / "teams" / "a.yaml", MORE)
    for arguments in (("-f", "infra"), ("-f", "infra/dkv.yaml"), ("-f", str(tmp_path / "infra"))):
        assert "infra/teams/a.yaml:7" in dkv("HEAD", *arguments)[1]
    monkeypatch.chdir(tmp_path / "infra" / "teams")
    assert "infra/teams/a.yaml:7" in dkv("HEAD", "-f", "..")[1]
    assert "infra/teams/a.yaml:7" in dkv("HEAD", "-f", "../dkv.yaml")[1]
    assert dkv("HEAD", "-f", "/nowhere/dkv.yaml")[0] == 64


def test_a_root_file_that_comes_or_goes_brings_or_takes_everything(dkv: Dkv, tmp_path: Path) -> None:
    commit(tmp_path, "nothing", "README")
    write(tmp_path / "dkv.yaml", HEAD + VAULT)
    assert "Review: 3 to add, 0 to change, 0 to destroy." in dkv("HEAD")[1]
    commit(tmp_path, HEAD + VAULT)
    code, out, _ = dkv("HEAD", "HEAD~1")
    assert (code, "Review: 0 to add, 0 to change, 3 to destroy." in out) == (3, True)
    assert "recoverable until " in out
    assert "HEAD:dkv.yaml:" in out
    code, _, err = dkv("HEAD~1", "HEAD~1")
    assert (code, "error[file-missing]" in err) == (1, True)


def test_the_first_commit_is_all_new(dkv: Dkv, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    write(tmp_path / "dkv.yaml", HEAD + VAULT)
    assert "Review: 3 to add" in dkv("HEAD")[1]
    assert "review-unknown" in dkv("main~3")[2]


def test_two_folders_or_files_need_no_git(dkv: Dkv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    write(tmp_path / "old" / "dkv.yaml", HEAD + VAULT.replace("{env: NEVER_READ}", "{file: values/a}"))
    write(tmp_path / "new" / "dkv.yaml", HEAD + MORE.replace("{env: NEVER_READ}", "{file: values/a}"))
    write(tmp_path / "dkv.yaml", HEAD + VAULT)
    code, out, _ = dkv("old", "new")
    assert (code, "new/dkv.yaml:" in out, "value not compared" in out) == (0, True, False)
    assert dkv("old/dkv.yaml", "./new/dkv.yaml")[1].splitlines()[1:] == out.splitlines()[1:]
    assert dkv("old", "new", "-f", "/dkv.yaml")[0] == 64
    assert "its source changes" in dkv("old")[1], "held against the folder that we are in"
    assert dkv(".", "--detailed-exitcode")[:2] == (0, ". -> working tree\n\nNo changes. Both mean the same.\n")
    code, _, err = dkv("main")
    assert (code, "error[review-unknown]" in err, "git repository" in err) == (1, True, True)


def test_a_revision_wins_over_a_folder_of_its_name(dkv: Dkv, tmp_path: Path) -> None:
    commit(tmp_path, HEAD + MORE)
    write(tmp_path / "main" / "dkv.yaml", HEAD + VAULT)
    assert "No changes" in dkv("main")[1]
    assert "Access        + ci" in dkv("./main")[1]
    code, _, err = dkv("nope")
    assert (code, "neither a revision of this repository, a folder nor a file" in err) == (1, True)


def test_mistakes_are_told_apart(dkv: Dkv, tmp_path: Path) -> None:
    commit(tmp_path, HEAD + VAULT.replace("policies", "both"))
    write(tmp_path / "dkv.yaml", HEAD + VAULT)
    code, _, err = dkv("HEAD")
    assert (code, "error[review-base-invalid]" in err, "--> HEAD:dkv.yaml:9:" in err) == (1, True, True)
    assert "HEAD has 1 mistake of its own" in err
    commit(tmp_path, HEAD + VAULT)
    write(tmp_path / "dkv.yaml", HEAD + VAULT.replace("policies", "both"))
    code, _, err = dkv("HEAD")
    assert (code, "review-base-invalid" in err, "--> dkv.yaml:9:" in err) == (1, False, True)


ENVIRONMENTS = (
    "environments: {a: {vars: {n: '1'}}, b: {vars: {n: '2'}}, c: {vars: {n: '3'}}}\nstate: state/$(env).json\n"
)


def test_environments_are_all_reviewed_and_equal_ones_said_once(dkv: Dkv, tmp_path: Path) -> None:
    named = VAULT.replace("kv-pay", "kv-pay-$(n)")
    commit(tmp_path, HEAD + ENVIRONMENTS + named)
    changed = ENVIRONMENTS.replace("c: {", "c: {vaults: {pay: {sku: premium}}, ")
    changed = changed.replace("b: {", "d: {vars: {n: '4'}}, b: {").replace("a: {vars: {n: '1'}}, ", "")
    write(tmp_path / "dkv.yaml", HEAD + changed + named)
    code, out, err = dkv("HEAD", "--json")
    assert (code, err) == (3, "")
    found = {tuple(one["environments"]): one for one in json.loads(out)["reviews"]}
    assert {names: [change["action"] for change in one["changes"]] for names, one in found.items()} == {
        ("a",): ["destroy"] * 3,
        ("b",): [],
        ("c",): ["update"],
        ("d",): ["create"] * 3,
    }
    assert [one["environments"] for one in json.loads(dkv("HEAD", "HEAD", "--json")[1])["reviews"]] == [["a", "b", "c"]]
    assert "env c" in dkv("HEAD", "-e", "c")[1]
    assert "### dkv review: b\n" in dkv("HEAD", "--markdown", "--allow", "protected")[1]
    code, _, err = dkv("HEAD", "-e", "nope")
    assert (code, "unknown-environment" in err) == (1, True)


def test_a_file_that_gets_environments_is_held_against_what_it_was(dkv: Dkv, tmp_path: Path) -> None:
    commit(tmp_path, HEAD + VAULT)
    write(tmp_path / "dkv.yaml", HEAD + "environments: {a: {}, b: {}}\nstate: state/$(env).json\n" + MORE)
    code, out, _ = dkv("HEAD", "--detailed-exitcode")
    assert (code, "env a, b" in out, "Review: 1 to add" in out) == (2, True, True)
    assert "Review: 0 to add, 0 to change, 1 to destroy." in dkv("./dkv.yaml", "HEAD")[1]


def test_guards_are_lifted_by_name(dkv: Dkv, tmp_path: Path) -> None:
    commit(tmp_path, HEAD + VAULT)
    write(tmp_path / "dkv.yaml", HEAD)
    assert dkv("HEAD")[0] == 3
    code, out, _ = dkv("HEAD", "--allow", "protected=vault.pay", "--var", "unused=1")
    assert (code, "Allowed       ! protected  vault.pay" in out) == (0, True)
    assert dkv("HEAD", "--allow", "nonsense")[0] == 64
    assert dkv("HEAD", "--json", "--markdown")[0] == 64


def test_a_repository_that_git_refuses_is_an_error(dkv: Dkv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(tmp_path, HEAD + VAULT)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    write(tmp_path / ".git" / "config", "[core\n")
    code, _, err = dkv("HEAD")
    assert (code, "error[git-failed]" in err) == (1, True)


LINKS = {
    "conf/dkv.yaml": "root",
    "conf/teams/a.yaml": "a",
    "conf/teams/deep/b.yaml": "b",
    "conf/other.txt": "t",
    "shared/c.yaml": "c",
}


@pytest.fixture
def revision(tmp_path: Path) -> Iterator[Revision]:
    for name, text in LINKS.items():
        write(tmp_path / name, text)
    for name, target in {
        "conf/link.yaml": "teams/a.yaml",
        "conf/up.yaml": "../shared/c.yaml",
        "conf/folder": "teams",
        "conf/out.yaml": "/etc/passwd",
        "conf/above.yaml": "../../../etc/passwd",
        "conf/loop.yaml": "loop.yaml",
        "conf/long.yaml": "x/" * 2000 + "../" * 100,
    }.items():
        (tmp_path / name).symlink_to(target[:4000])
    commit(tmp_path, "x", "README")
    found = repository(tmp_path)
    assert found is not None
    tree = found.tree("HEAD")
    assert tree is not None
    with closing(found.files(tree)) as files:
        yield files


def test_a_revision_shows_what_a_checkout_would(revision: Revision) -> None:
    assert revision.read(TOP / "conf/dkv.yaml", 10) == b"root"
    assert revision.read(TOP / "conf/link.yaml", 10) == b"a"
    assert revision.read(TOP / "conf/folder/deep/b.yaml", 10) == b"b"
    assert revision.read(TOP / "conf/up.yaml", 10) == b"c"
    assert revision.is_folder(TOP / "conf/folder")
    assert revision.is_folder(TOP)
    assert not revision.is_file(TOP / "conf")
    assert revision.real(TOP / "conf/up.yaml") == TOP / "shared/c.yaml"
    assert not revision.is_file(TOP / "conf/long.yaml")
    for name in ("out", "above", "loop"):
        assert not revision.is_file(TOP / f"conf/{name}.yaml"), name
        assert not revision.real(TOP / f"conf/{name}.yaml").is_relative_to(TOP / "conf")
    revision.close()
    assert revision.read(TOP / "conf/dkv.yaml", 10) == b"root", "closing ends what reads, and not what can be read"


@pytest.mark.parametrize(
    "pattern", ["*.yaml", "teams/*.yaml", "**/*.yaml", "folder/*", "*/deep/?.yaml", "o[rt]*", "x*"]
)
def test_a_pattern_matches_what_it_matches_on_the_disk(revision: Revision, tmp_path: Path, pattern: str) -> None:
    inside = {path for path in (tmp_path / "conf").glob(pattern) if path.is_file()}
    outside = {TOP / "conf/out.yaml", TOP / "conf/above.yaml"}
    expected = {TOP / path.relative_to(tmp_path) for path in inside} - outside
    assert set(revision.matching(TOP / "conf", pattern)) == expected


def test_what_cannot_be_read_of_a_revision_is_said_as_of_a_disk(revision: Revision) -> None:
    with pytest.raises(TooLarge) as large:
        revision.read(TOP / "conf/dkv.yaml", 3)
    assert large.value.size == 4
    assert revision.read(TOP / "conf/teams/a.yaml", 1) == b"a", "the next answer is whole again"
    with pytest.raises(NotRegular):
        revision.read(TOP / "conf", 10)
    with pytest.raises(FileNotFoundError):
        revision.read(TOP / "conf/none.yaml", 10)
    with pytest.raises(ValueError, match="a\\*\\*b"):
        revision.matching(TOP, "a**b")
    gone = Revision(revision.folder, {"a": ("100644", "0" * 40), "b": ("160000", "0" * 40), "c": ("120000", "0" * 40)})
    with pytest.raises(OSError, match="Input/output"):
        gone.read(TOP / "a", 10)
    with pytest.raises(NotRegular):
        gone.read(TOP / "b", 10)
    assert not gone.is_file(TOP / "c")
    gone.close()


def test_a_tree_that_cannot_be_listed_is_an_error(revision: Revision, tmp_path: Path) -> None:
    found = repository(tmp_path)
    assert found is not None
    with pytest.raises(DkvError, match="git-failed"):
        found.files("0" * 40)
