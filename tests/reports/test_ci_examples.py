"""What stands in `examples/ci` is what the platforms take, and its shell parts really run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .programs import LINTERS, ROOT, needs_linters, ran
from .test_policy_tools import CHANGES

CI = ROOT / "examples" / "ci"
YAML = """\
version: 1
cloud: emulator
resource_groups: {rg: {location: westeurope, protect: false}}
vaults:
  app:
    name: kv-ci
    resource_group: rg
    location: westeurope
    access: policies
    protect: false
    tags: {team: app}
"""
SYSTEMD = shutil.which("systemd-analyze")


def read(name: str) -> Any:
    return yaml.safe_load((CI / name).read_text())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a configuration and the folder of examples, and `dkv` on the PATH."""
    (tmp_path / "dkv.yaml").write_text(YAML)
    shutil.copytree(CI, tmp_path / "examples" / "ci")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "dkv"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m declarative_kv "$@"\n')
    command.chmod(0o755)
    return tmp_path


def sh(project: Path, script: str, code: int = 0, shell: str = "sh", **variables: str) -> str:
    """Run a piece of shell as a runner would, from the repository's folder; gives both streams."""
    environ = {
        "PATH": f"{project / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(project),
        "DKV_EMULATOR": str(project / "none"),
        "CI": "true",
        **variables,
    }
    done = subprocess.run(
        [shell, "-e", "-c", script],
        cwd=project,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def drift_away(project: Path) -> None:
    """Let the applied state differ from Azure, by forgetting an apply: the state of before comes back."""
    state = project / "state" / "dkv.json"
    before = state.read_text()
    (project / "dkv.yaml").write_text(YAML.replace("team: app", "team: other"))
    sh(project, "dkv apply --auto-approve")
    state.write_text(before)
    (project / "dkv.yaml").write_text(YAML)


SCHEMAS = {
    "github-actions": ["github/action.yml"],
    "github-workflows": ["github/workflow.yml"],
    "azure-pipelines": ["azure-pipelines/azure-pipelines.yml", "azure-pipelines/dkv.yml"],
    "gitlab-ci": ["gitlab/.gitlab-ci.yml"],
}
"""The platform's own schema for each file that has one."""
OTHERWISE = {
    "kubernetes/cronjob.yaml": "kubernetes-validate",
    "systemd/dkv-drift.service": "systemd-analyze",
    "systemd/dkv-drift.timer": "systemd-analyze",
    "atlantis/atlantis.yaml": "the names of Atlantis's documentation, as no package has a schema",
    "atlantis/repos.yaml": "the names of Atlantis's documentation, as no package has a schema",
    "check.sh": "run",
    "plan.sh": "run",
    "apply.sh": "run",
    "drift.sh": "run",
    "README.md": "read by people",
}
"""How the tests below hold the others."""


def test_every_file_is_held_to_something() -> None:
    held = [*(file for files in SCHEMAS.values() for file in files), *OTHERWISE]
    assert sorted(held) == sorted(str(path.relative_to(CI)) for path in CI.rglob("*") if path.is_file())


@needs_linters
@pytest.mark.parametrize(("schema", "files"), SCHEMAS.items())
def test_the_platforms_schema_takes_it(schema: str, files: list[str], tmp_path: Path) -> None:
    # The transforms read what the platforms add to YAML; Azure's schema has expressions of older JavaScript.
    more = {
        "azure-pipelines": ("--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"),
        "gitlab-ci": ("--data-transform", "gitlab-ci"),
    }.get(schema, ())
    words = (LINTERS / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *more)
    for file in files:
        ran(*words, CI / file)
        wrong = tmp_path / Path(file).name
        wrong.write_text((CI / file).read_text().replace("steps:", "stepz:").replace("script:", "skript:"))
        ran(*words, wrong, code=1)


@needs_linters
def test_kubernetes_takes_the_cron_job(tmp_path: Path) -> None:
    file = CI / "kubernetes" / "cronjob.yaml"
    ran(LINTERS / "kubernetes-validate", "--strict", file)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(file.read_text().replace("concurrencyPolicy", "concurrency"))
    ran(LINTERS / "kubernetes-validate", "--strict", wrong, code=1)


@pytest.mark.skipif(SYSTEMD is None, reason="not run: systemd-analyze is not on the PATH")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in ("dkv-drift.service", "dkv-drift.timer"):
        shutil.copy(CI / "systemd" / unit, tmp_path)
    assert _complaints(tmp_path) == []
    service = tmp_path / "dkv-drift.service"
    service.write_text(service.read_text().replace("ProtectHome", "ProtectHouse"))
    assert any("ProtectHouse" in complaint for complaint in _complaints(tmp_path))


def _complaints(folder: Path) -> list[str]:
    """What `systemd-analyze verify` says of our units; what it says of the machine's own is not ours."""
    files = [str(path) for path in sorted(folder.glob("dkv-drift.*"))]
    done = subprocess.run(
        [str(SYSTEMD), "verify", "--man=no", *files], capture_output=True, text=True, timeout=60, check=False
    )
    return [line for line in done.stderr.splitlines() if "dkv-drift" in line]


@needs_linters
def test_the_hook_is_one_that_pre_commit_knows() -> None:
    manifest = ROOT / ".pre-commit-hooks.yaml"
    ran(LINTERS / "pre-commit", "validate-manifest", manifest)
    for hook in yaml.safe_load(manifest.read_text()):
        words = shlex.split(hook["entry"])
        assert words[0] == "dkv"
        done = ran(sys.executable, "-m", "declarative_kv", words[1], "--help")
        assert done.startswith(f"Usage: dkv {words[1]}")
        assert re.search(hook["files"], "teams/payments.yaml")


def test_the_hook_refuses_a_mistake(project: Path) -> None:
    (hook, *_) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    sh(project, hook["entry"])
    (project / "dkv.yaml").write_text(YAML.replace("access: policies", "access: all"))
    assert "error[not-one-of]" in sh(project, hook["entry"], code=1)


def test_the_githubs_action_plans_applies_and_finds_drift(project: Path) -> None:
    steps = {
        step.get("id") or step["name"]: step for step in read("github/action.yml")["runs"]["steps"] if "run" in step
    }
    runner = {
        "ACTION": str(project / "examples/ci/github"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(project),
        "GITHUB_OUTPUT": str(project / "output"),
        "GITHUB_STEP_SUMMARY": str(project / "summary.md"),
        "DKV_FILE": "dkv.yaml",
        "DKV_ENV": "",
        "DKV_OUT": "dkv-out",
    }
    script = steps["dkv"]["run"]
    assert "Plan: 2 to add" in sh(project, script, shell="bash", COMMAND="plan", **runner)
    assert "changes<<" in (project / "output").read_text()
    assert {path.name for path in (project / "dkv-out").iterdir()} == {"plan", "plan.md", "plan.html", "plan.json"}
    assert "Apply complete! Resources: 2 added" in sh(project, script, shell="bash", COMMAND="apply", **runner)
    assert "No drift." in sh(project, script, shell="bash", COMMAND="drift", **runner)
    drift_away(project)
    assert "::error file=dkv.yaml,line=" in sh(project, script, 2, "bash", COMMAND="drift", **runner)
    assert json.loads((project / "dkv-out/drift.sarif").read_text())["version"] == "2.1.0"
    assert "::error::command is" in sh(project, script, 64, "bash", COMMAND="; rm -rf /", **runner)


def test_the_comment_is_made_of_the_plans_markdown(project: Path) -> None:
    (step,) = [step for step in read("github/action.yml")["runs"]["steps"] if "Comment" in step.get("name", "")]
    (project / "bin/gh").write_text('#!/bin/sh\necho "gh $*"\n')
    (project / "bin/gh").chmod(0o755)
    assert sh(project, step["run"], shell="bash", DKV_OUT="out", NUMBER="7") == ""
    (project / "out").mkdir()
    (project / "out/plan.md").write_text("a plan")
    told = sh(project, step["run"], shell="bash", DKV_OUT="out", NUMBER="7")
    assert told == "gh pr comment 7 --edit-last --create-if-none --body-file out/plan.md\n"


def test_no_input_of_the_action_is_part_of_a_script() -> None:
    for file in ("github/action.yml", "github/workflow.yml"):
        for script in re.findall(r"run: \|?(.*?)\n\s+(?:env|- )", (CI / file).read_text(), re.DOTALL):
            assert "${{" not in script


def test_azure_pipelines_runs_the_scripts_and_hears_from_them(project: Path) -> None:
    steps = read("azure-pipelines/dkv.yml")["steps"]
    (path,) = [step["inputs"]["scriptPath"] for step in steps if step.get("task") == "AzureCLI@2"]
    agent = {"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(project), "BUILD_SOURCESDIRECTORY": str(project)}
    scripts = {name: path.replace("${{ parameters.command }}", name) for name in ("plan", "apply", "drift")}
    told = sh(project, scripts["plan"], DKV_OUT="out", **agent)
    assert "##vso[task.setvariable variable=dkv_changes;isOutput=true]true" in told
    assert f"##vso[task.uploadsummary]{project}/dkv-plan.md" in told
    assert "Apply complete!" in sh(project, scripts["apply"], DKV_OUT="out", **agent)
    drift_away(project)
    assert "##vso[task.logissue type=error;sourcepath=dkv.yaml;" in sh(
        project, scripts["drift"], 2, DKV_OUT="out", **agent
    )
    assert (project / "out/drift.xml").read_text().startswith("<?xml")


def test_gitlab_gets_its_terraform_report(project: Path) -> None:
    jobs = read("gitlab/.gitlab-ci.yml")
    variables = {**jobs["variables"], "DKV_ENV": "", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(project)}
    sh(project, "\n".join(jobs["plan"]["script"]), **variables)
    report = project / jobs["plan"]["artifacts"]["reports"]["terraform"]
    assert json.loads(report.read_text()) == {"create": 2, "update": 0, "delete": 0}
    assert "Apply complete!" in sh(project, "\n".join(jobs["apply"]["script"]), **variables)
    sh(project, "\n".join(jobs["drift"]["script"]), **variables)
    assert (project / jobs["drift"]["artifacts"]["reports"]["junit"]).exists()


def test_atlantis_reads_the_numbers_and_applies_that_plan(project: Path) -> None:
    # Atlantis has published no schema in a package: its documentation's names are held here.
    flow = read("atlantis/repos.yaml")["workflows"]["dkv"]
    assert set(flow) <= {"plan", "apply", "policy_check", "import", "state_rm"}
    (repository,) = read("atlantis/atlantis.yaml")["projects"]
    assert repository["workflow"] in read("atlantis/repos.yaml")["workflows"]
    files = {"PLANFILE": str(project / "default.tfplan"), "SHOWFILE": str(project / "default.json")}
    plan = flow["plan"]["steps"][0]["run"]
    found = CHANGES.search(sh(project, plan["command"], **files))
    assert found is not None
    assert found.groups() == (None, "2", "0", "0")
    sh(project, flow["policy_check"]["steps"][0]["run"], **files)
    assert json.loads((project / "default.json").read_text())["format_version"] == "1.2"
    assert "Apply complete! Resources: 2 added" in sh(project, flow["apply"]["steps"][0]["run"], **files)


def test_the_scheduled_jobs_run_commands_that_there_are(project: Path) -> None:
    sh(project, "dkv apply --auto-approve")
    drift_away(project)
    (job,) = [
        part for part in yaml.safe_load_all((CI / "kubernetes/cronjob.yaml").read_text()) if part["kind"] == "CronJob"
    ]
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (unit,) = re.findall(r"^ExecStart=/usr/bin/env (.*)$", (CI / "systemd/dkv-drift.service").read_text(), re.MULTILINE)
    for command in (shlex.join(container["command"]), unit):
        here = command.replace("/etc/dkv/", "").replace("/var/lib/dkv/", "").replace("/tmp/", "")
        assert "Drift: 1 changed outside." in sh(project, here, code=2)
    assert (project / "drift.md").exists()
    assert (project / "drift.html").exists()


@pytest.mark.parametrize("name", ["plan.sh", "apply.sh", "drift.sh"])
def test_a_script_passes_an_environment_on_only_where_there_is_one(project: Path, name: str) -> None:
    (project / "bin/dkv").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    assert "--env" not in sh(project, f"examples/ci/{name}", DKV_ENV="")
    assert "--env\na b\n" in sh(project, f"examples/ci/{name}", DKV_ENV="a b")


def committed(project: Path, text: str) -> None:
    """A commit of the configuration; the first one is what is compared with."""
    (project / "dkv.yaml").write_text(text)
    author = "-c user.name=ci -c user.email=ci@test"
    sh(project, f"git init -q; git add dkv.yaml; git {author} commit -q -m change; git tag base 2>/dev/null || true")


def test_a_change_is_checked_without_any_right(project: Path) -> None:
    jobs = read("gitlab/.gitlab-ci.yml")
    (script,) = jobs["check"]["script"]
    variables = {"DKV_BASE": "base", "DKV_OUT": "dkv-out"}
    assert [step["script"] for step in read("azure-pipelines/azure-pipelines.yml")["jobs"][0]["steps"][3:]] == [script]
    (project / "dkv.yaml").write_text(YAML)
    sh(project, "dkv fmt")
    formed = (project / "dkv.yaml").read_text()
    committed(project, formed)
    committed(project, formed.replace("team: app", "team: other"))
    told = sh(project, script, **variables)
    assert "1 to change" in told
    assert "tags.team" in (project / jobs["check"]["artifacts"]["paths"][0]).read_text()
    committed(project, formed.replace("location: westeurope", "location:    westeurope"))
    assert "westeurope" in sh(project, script, 2, **variables)
    committed(project, formed.replace("    tags:", "    purge_protection: true\n    tags:"))
    assert "irreversible" in sh(project, script, 3, **variables)
    committed(project, formed.replace("access: policies", "access: all"))
    assert "error[not-one-of]" in sh(project, script, 1, **variables)


@pytest.mark.parametrize(("given", "code"), [(0, 0), (2, 0), (1, 1), (3, 3), (4, 4)])
def test_changes_are_no_failure_of_the_plan_job(project: Path, given: int, code: int) -> None:
    (project / "bin/dkv").write_text(f"#!/bin/sh\nexit {given}\n")
    sh(project, "examples/ci/plan.sh", code)
