"""The examples of many machines: their commands, run as they stand, do together what one run does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
KUBERNETES = EXAMPLES / "scale" / "kubernetes.yaml"
WORKFLOW = EXAMPLES / "scale" / "github-actions.yaml"


def containers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each Job with its container."""
    jobs = list(yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8")))
    return [(job["spec"], job["spec"]["template"]["spec"]["containers"][0]) for job in jobs]


def pods() -> list[tuple[list[str], dict[str, str]]]:
    """The commands of all pods in the order in which they may run, each with its environment."""
    found = []
    for spec, container in containers():
        given = {one["name"]: one["value"] for one in container["env"]}
        for index in range(spec.get("completions", 1)):
            found.append((container["command"], {**given, "JOB_COMPLETION_INDEX": str(index)}))
    return found


def steps() -> list[str]:
    """The commands of the workflow's jobs, the matrix filled in."""
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    (first,) = (step["run"] for step in workflow["jobs"]["first"]["steps"] if "--shard" in step.get("run", ""))
    others = workflow["jobs"]["others"]
    assert others["needs"] == "first"
    (step,) = (step["run"] for step in others["steps"] if "--shard" in step.get("run", ""))
    shards = [step.replace("${{ matrix.shard }}", str(number)) for number in others["strategy"]["matrix"]["shard"]]
    return [text.replace("$SHARDS", workflow["env"]["SHARDS"]) for text in (first, *shards)]


def test_the_pods_apply_the_whole_estate(tmp_path: Path) -> None:
    project = tmp_path / "platform"
    shutil.copytree(EXAMPLES / "platform", project, ignore=shutil.ignore_patterns("state", ".env"))
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "dkv"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m declarative_kv "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    plain = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    plain |= {name: text for name, text in os.environ.items() if name.startswith("COV")}
    plain |= {"PATH": f"{program.parent}:/usr/bin:/bin", "DKV_EMULATOR": str(tmp_path / "none")}

    def run(command: list[str], environ: dict[str, str]) -> str:
        script = 'set -a; . ./.env.example; set +a; exec "$@"'
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *command],
            cwd=project,
            env={**plain, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    told = [run(command, environ) for command, environ in pods()]
    assert [f"shard {number}/4 · " in text for number, text in enumerate(told, 1)] == [True] * 4
    shards = [run(["dkv", "plan", "--detailed-exitcode", "--shard", f"{number}/4"], {}) for number in (1, 2, 3, 4)]
    assert all("No changes." in text for text in shards)


def test_the_workflow_runs_every_shard_once_and_the_first_one_first() -> None:
    assert steps() == [f'dkv apply --auto-approve --shard "{number}/4"' for number in (1, 2, 3, 4)]
