"""Reports of plan and drift: in which forms, into which files, and what a CI is told."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .conftest import VALUE, Dkv, Project, lines

CI_VARIABLES = (
    "GITHUB_ACTIONS",
    "GITHUB_OUTPUT",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
    "TF_BUILD",
    "AGENT_TEMPDIRECTORY",
    "BUILD_SOURCESDIRECTORY",
    "CI_PROJECT_DIR",
)


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """No runner's variables but those of the test."""
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the files that GitHub's runner gives a step."""
    folder = tmp_path / "runner"
    folder.mkdir()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_OUTPUT", str(folder / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    return folder


@pytest.fixture
def azure_pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of an Azure Pipelines agent."""
    folder = tmp_path / "agent"
    folder.mkdir()
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("BUILD_SOURCESDIRECTORY", str(tmp_path))
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(folder))
    return folder


def outputs(file: Path) -> dict[str, str]:
    """What a step's output file sets, read as the runner reads it."""
    found, rows = {}, iter(file.read_text().splitlines())
    for row in rows:
        name, _, end = row.partition("<<")
        values = []
        while (value := next(rows)) != end:
            values.append(value)
        found[name] = "\n".join(values)
    return found


def drifted(project: Project) -> None:
    async def move(client: object) -> None:
        await client.update_secret_properties("db", content_type="text/html")  # type: ignore[attr-defined]
        await client.set_secret("stranger", VALUE)  # type: ignore[attr-defined]

    project.in_azure(move)


def test_drift_writes_as_many_reports_as_are_wanted_in_one_run(applied: Project, dkv: Dkv) -> None:
    drifted(applied)
    names = ["d.txt", "d.json", "d.md", "d.sarif", "d.xml", "d.html"]
    result = dkv("drift", *(word for name in names for word in ("--out", name)))
    assert result.code == 2
    assert result.out.endswith("Drift: 1 changed outside, 1 unmanaged.\n")
    found = {name: (applied.folder / name).read_text() for name in names}
    assert found["d.txt"] == result.out
    assert json.loads(found["d.json"])["exit_code"] == 2
    assert found["d.md"].startswith("### dkv drift")
    assert [one["ruleId"] for one in json.loads(found["d.sarif"])["runs"][0]["results"]][:2] == [
        "changed-outside",
        "unmanaged-alarm",
    ]
    assert ElementTree.fromstring(found["d.xml"]).attrib["failures"] == "2"
    assert found["d.html"].startswith("<!doctype html>")
    assert VALUE not in "".join(found.values())


@pytest.mark.parametrize(
    ("form", "begins"),
    [("sarif", '{\n  "$schema"'), ("junit", "<?xml"), ("html", "<!doctype html>"), ("auto", "subscription")],
)
def test_drift_prints_each_form(applied: Project, dkv: Dkv, form: str, begins: str) -> None:
    result = dkv("drift", "--format", form)
    assert result.code == 0
    assert result.out.startswith(begins)


def test_a_grant_to_somebody_who_is_gone_is_told_and_alarms_nobody(applied: Project, dkv: Dkv) -> None:
    result = dkv("drift")
    assert result.code == 0
    assert "? orphaned access_policy.payments/ci  ci (1b2c…) is not in the directory" in result.out
    (orphan,) = json.loads(dkv("drift", "--format", "json").out)["orphaned"]
    assert (orphan["address"], orphan["file"], orphan["line"]) == ("access_policy.payments/ci", "dkv.yaml", 18)


def test_a_plan_writes_reports_beside_its_text(project: Project, dkv: Dkv) -> None:
    result = dkv(
        "plan", "--report", "p.html", "--report", "p.md", "--report", "p.json", "--report", "p.txt", "--out", "p"
    )
    assert result.code == 0
    assert (project.folder / "p.txt").read_text() == result.out
    assert json.loads((project.folder / "p.json").read_text())["format_version"] == "1.2"
    assert (project.folder / "p.md").read_text().startswith("### dkv")
    page = (project.folder / "p.html").read_text()
    assert "access_policy.payments/ci" in page
    assert VALUE not in page
    shown = dkv("show", "p", "--format", "html", "--report", "again.html")
    assert shown.code == 0
    assert (project.folder / "again.html").read_text() == shown.out == page


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--report", "p.sarif"),
        ("plan", "--report", "p"),
        ("drift", "--out", "d.pdf"),
        ("plan", "--json", "--format", "html"),
        ("plan", "--json", "--markdown"),
        ("plan", "--format", "sarif"),
    ],
)
def test_a_form_that_there_is_not_is_wrong_usage_before_anything_is_read(
    project: Project, dkv: Dkv, words: tuple[str, ...]
) -> None:
    assert dkv(*words).code == 64
    assert not (project.folder / "state").exists()


def test_the_same_form_may_be_asked_for_twice(project: Project, dkv: Dkv) -> None:
    assert dkv("plan", "--json", "--format", "json").out.startswith("{")


def test_a_report_that_cannot_be_written_is_an_error(project: Project, dkv: Dkv) -> None:
    result = dkv("plan", "--report", "nowhere/p.html")
    assert result.code == 1
    assert "error[not-writable]" in result.err
    assert "nowhere/p.html cannot be written: No such file or directory." in result.err


def test_github_sees_a_blocked_plan_at_its_line(applied: Project, dkv: Dkv, github: Path) -> None:
    applied.replace("protect: false\n    access_policies", "protect: true\n    access_policies")
    assert dkv("apply", "--auto-approve").code == 0
    applied.replace("    access_policies:\n", "    purge_protection: true\n    access_policies:\n")
    result = dkv("plan", "--format", "auto")
    assert result.code == 3
    (error,) = lines(result.out, "::error ")
    assert re.fullmatch(
        r"::error file=dkv.yaml,line=\d+,col=\d+,title=Blocked%3A irreversible::vault.payments: .+", error
    )
    found = outputs(github / "output")
    assert (found["exitcode"], found["blocked"], found["changes"], found["changed"]) == ("3", "true", "true", "1")
    assert (github / "summary.md").read_text().startswith("### dkv")


def test_github_sees_drift_at_its_line(applied: Project, dkv: Dkv, github: Path) -> None:
    drifted(applied)
    result = dkv("drift", "--format", "auto")
    assert result.code == 2
    assert [line.split("::")[1].split(",")[0] for line in lines(result.out, "::")] == [
        "error file=dkv.yaml",
        "error file=dkv.yaml",
        "warning file=dkv.yaml",
    ]
    assert outputs(github / "output") == {
        "exitcode": "2",
        "drifted": "true",
        "complete": "true",
        "summary": "Drift: 1 changed outside, 1 unmanaged.",
    }


def test_github_sees_a_mistake_in_the_yaml(project: Project, dkv: Dkv, github: Path) -> None:
    project.replace("access: policies", "access: nonsense")
    result = dkv("plan", "--format", "auto")
    assert result.code == 1
    (error,) = lines(result.out, "::error ")
    assert error.startswith("::error file=dkv.yaml,line=14,col=13,")
    assert outputs(github / "output") == {"exitcode": "1"}
    assert not lines(dkv("plan").out, "::")


def test_github_hears_how_an_apply_ended(project: Project, dkv: Dkv, github: Path) -> None:
    result = dkv("apply", "--auto-approve", "--format", "auto")
    assert result.code == 0
    found = outputs(github / "output")
    assert (found["exitcode"], found["added"]) == ("0", "5")
    assert found["summary"] == "Apply complete! Resources: 5 added, 0 changed, 0 destroyed."
    assert "Apply complete! Resources: 5 added" in (github / "summary.md").read_text()


def test_azure_pipelines_sees_drift_a_summary_and_variables(applied: Project, dkv: Dkv, azure_pipelines: Path) -> None:
    drifted(applied)
    result = dkv("drift", "--format", "auto")
    found = lines(result.out, "##vso[")
    assert found[0].startswith("##vso[task.logissue type=error;sourcepath=dkv.yaml;linenumber=")
    assert f"##vso[task.uploadsummary]{azure_pipelines / 'dkv-drift.md'}" in found
    assert "##vso[task.setvariable variable=dkv_exitcode;isOutput=true]2" in found
    assert (azure_pipelines / "dkv-drift.md").read_text().startswith("### dkv drift")


def test_elsewhere_auto_is_the_text(applied: Project, dkv: Dkv) -> None:
    text, auto = dkv("plan").out, dkv("plan", "--format", "auto").out
    assert re.sub(r"read \S+", "", text) == re.sub(r"read \S+", "", auto)


def test_a_place_is_named_from_the_repositorys_folder(
    applied: Project, dkv: Dkv, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifted(applied)
    (applied.folder / ".git").mkdir()
    inner = applied.folder / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    found = json.loads(dkv("drift", "-f", "../dkv.yaml", "--state", "../state/dkv.json", "--format", "sarif").out)
    first = found["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert first["artifactLocation"]["uri"] == "dkv.yaml"
    assert os.sep not in first["artifactLocation"]["uri"]
