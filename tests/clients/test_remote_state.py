"""`dkv` with its state in a blob of Azurite: by key and by token, two runs at once, killed, moved about."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import trustme

from declarative_kv.engine.shard import number_of
from declarative_kv.model.address import Address
from tests.benchmarks.project import Emulator
from tests.cli.test_terminal import at_terminal
from tests.clients.azurite_server import ACCOUNT, CONTAINER, Azurite, azurite, needs_azurite

pytestmark = needs_azurite
DKV = (sys.executable, "-m", "declarative_kv")


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Project:
    """A folder with a YAML whose state is in a blob, and the environment that leads to Azure and to storage."""

    folder: Path
    environ: Mapping[str, str]
    name: str
    key: str

    @property
    def state(self) -> str:
        return f"azblob://{ACCOUNT}/{CONTAINER}/{self.key}"

    def write(self, *secrets: str, protect: str = "false") -> None:
        lines = "".join(f"      {name}: {{value_from: {{generate: {{length: 24}}}}}}\n" for name in secrets)
        head = f"version: 1\ncloud: emulator\nstate: {self.state}\nprincipals: {{me: {{current: true}}}}\n"
        (self.folder / "dkv.yaml").write_text(
            f"{head}"
            f"resource_groups: {{rg-{self.name}: {{location: westeurope, protect: false}}}}\n"
            "vaults:\n"
            f"  app:\n    name: kv-{self.name}\n    resource_group: rg-{self.name}\n    location: westeurope\n"
            f"    access: policies\n    protect: {protect}\n"
            "    access_policies: {me: {template: key-and-secret-management}}\n"
            f"    secrets:\n{lines}"
        )

    def __call__(self, *arguments: str) -> Said:
        done = subprocess.run(
            [*DKV, *arguments], cwd=self.folder, env=dict(self.environ), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that goes on while others run; its progress can be read."""
        return subprocess.Popen(
            [*DKV, *arguments], cwd=self.folder, env=dict(self.environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin_and_stop(self, *secrets: str) -> subprocess.Popen[str]:
        """An apply of these new secrets, one after the other, that stands still in the middle of the first."""
        self.write("db", *secrets)
        process = self.begin("apply", "--auto-approve", "--parallelism", "1")
        assert process.stderr is not None
        assert any("creating" in line for line in process.stderr), "the apply ended before it began"
        process.send_signal(signal.SIGSTOP)
        return process


Make = Callable[..., Project]


@pytest.fixture
def make(running: Emulator, server: Azurite, tmp_path: Path, place: Path) -> Make:
    def made(folder: str = "one", environ: Mapping[str, str] = server.environ, **settings: str) -> Project:
        where = tmp_path / folder
        where.mkdir()
        unique = uuid4().hex[:10]
        settings = {"name": unique, "key": f"teams/{unique}.json", **settings}
        reach = {**running.environ, **environ, "NO_PROXY": "127.0.0.1", "DKV_EMULATOR": str(place / "emulator")}
        reach |= {name: value for name, value in os.environ.items() if name.startswith("COV")}
        return Project(where, reach, settings["name"], settings["key"])

    return made


@pytest.fixture
def project(make: Make) -> Project:
    """One with a secret, applied."""
    one = make()
    one.write("db")
    done = one("apply", "--auto-approve")
    assert done.code == 0, done.err
    return one


def test_a_run_keeps_its_state_in_the_blob_and_the_key_to_itself(project: Project, server: Azurite) -> None:
    again = project("apply", "--auto-approve", "-v")
    assert again.code == 0
    assert "No changes" in again.out
    assert f"{server.endpoint}/{CONTAINER}/{project.key} -> 206" in again.err
    assert server.environ["AZURE_STORAGE_KEY"] not in again.err
    listed = project("state", "list")
    assert listed.out.splitlines() == [
        "access_policy.app/me",
        f"resource_group.rg-{project.name}",
        "secret.app/db",
        "vault.app",
    ]
    assert project("state", "list", "--state", project.state).out == listed.out
    assert not list(project.folder.glob("**/*.json*")), "nothing of the state lies on the disk"
    assert project("destroy", "--auto-approve").code == 0


def test_a_state_is_reached_with_the_tokens_of_the_run(make: Make, tmp_path: Path, running: Emulator) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key, bundle = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "bundle.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(key)
    bundle.write_bytes(authority.cert_pem.bytes() + Path(running.environ["SSL_CERT_FILE"]).read_bytes())
    with azurite(tmp_path, ["--oauth", "basic", "--cert", chain, "--key", key]) as server:
        server.make_container(verify=str(bundle))
        by_token = {"AZURE_STORAGE_SERVICE_ENDPOINT": server.endpoint, "REQUESTS_CA_BUNDLE": str(bundle)}
        one = make(environ=by_token)
        one.write("db")
        done = one("apply", "--auto-approve")
        assert done.code == 0, done.err
        assert "No changes" in one("plan").out
        assert "secret.app/db" in one("state", "list").out


def test_the_second_run_is_refused_by_name_or_waits_and_plans_on_the_new_state(
    project: Project, running: Emulator
) -> None:
    first = project.begin_and_stop("s1")
    refused = project("apply", "--auto-approve")
    assert refused.code == 1
    assert "error[state-locked]" in refused.err
    assert f"(process {first.pid}) runs `apply` since" in refused.err
    assert "--lock-timeout 60" in refused.err

    second = project.begin("apply", "--auto-approve", "--lock-timeout", "60")
    assert second.stderr is not None
    assert f"Waiting for the lock: {refused.err.splitlines()[2][:20]}" in second.stderr.readline()
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=60)
    second.communicate(timeout=60)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "No changes" in project("plan").out
    assert _puts(running, project.name) == 2, "the second run planned on the state that the first one left"


def test_a_lock_that_is_taken_stops_the_run_before_its_next_write(project: Project, running: Emulator) -> None:
    first = project.begin_and_stop("s1", "s2", "s3", "s4")
    unasked = project("state", "unlock")
    assert unasked.code == 1
    assert f"(process {first.pid}) runs `apply`" in unasked.err
    assert "--force" in unasked.err
    taken = project("state", "unlock", "--force")
    assert taken.code == 0, taken.err
    assert f"(process {first.pid}) runs `apply`" in taken.err

    first.send_signal(signal.SIGCONT)
    _, said = first.communicate(timeout=60)

    assert first.returncode in (1, 5)
    assert "error[state-lock-lost]" in said
    assert "Traceback" not in said
    assert _puts(running, project.name) <= 2, "the one of old, and the one that was in flight"
    # The next run finds out what became of that one, and goes on without a second version.
    done = project("apply", "--auto-approve")
    assert done.code == 0, done.err
    assert _puts(running, project.name) == 5
    assert "No changes" in project("plan").out


def _puts(running: Emulator, name: str) -> int:
    """How many versions of secrets were written to a vault, its fingerprint key aside."""
    paths = [
        str(one["path"]) for one in running.requests() if one["method"] == "PUT" and f"kv-{name}." in str(one["host"])
    ]
    return sum(path.startswith(("/secrets/db", "/secrets/s")) for path in paths)


def test_a_killed_run_names_itself_and_the_next_one_goes_on_at_once_where_the_lock_is_taken_from_it(
    project: Project,
) -> None:
    """That its lease ends by itself too is held in the tests of the store, with shorter ones."""
    first = project.begin_and_stop("s1", "s2")
    first.kill()
    first.communicate(timeout=60)

    locked = project("apply", "--auto-approve")
    assert locked.code == 1
    assert f"(process {first.pid}) runs `apply`" in locked.err
    code, screen = at_terminal(
        "state", "unlock", answers={"Enter a value:": "yes\n"}, folder=project.folder, **project.environ
    )
    assert code == 0, screen
    assert "Do you really want to take the lock?" in screen
    assert f"(process {first.pid}) runs `apply`" in screen.partition("Taken from")[2]
    resumed = project("apply", "--auto-approve")

    assert resumed.code == 0, resumed.err
    assert "No changes" in project("plan").out


def test_a_lock_that_is_taken_while_the_question_stands_is_told_before_anything_is_written(
    project: Project, running: Emulator
) -> None:
    def thief() -> str:
        assert project("state", "unlock", "--force").code == 0
        return "yes\n"

    project.write("db", "new")
    before = project("state", "pull").out
    code, screen = at_terminal(
        "apply", "--no-color", answers={"Enter a value:": thief}, folder=project.folder, **project.environ
    )
    assert code == 1, screen
    assert "error[state-lock-lost]" in screen
    assert "creating" not in screen
    assert _puts(running, project.name) == 1, "the one of old"
    assert project("state", "pull").out == before


def test_ctrl_c_at_the_question_gives_the_lock_back(project: Project) -> None:
    project.write("db", "new")
    code, screen = at_terminal("apply", interrupt_at="Enter a value:", folder=project.folder, **project.environ)
    assert code == 130, screen
    assert "Traceback" not in screen
    assert project("state", "unlock").err == "Nobody holds the lock.\n"


def test_shards_keep_their_blobs_and_no_other_division_begins_beside_them(make: Make) -> None:
    one = make()
    one.write("db")
    assert one("apply", "--auto-approve", "--shard", "1/3").code == 0
    number = f"{number_of(Address('vault', 'app'), (), 3)}/3"
    assert one("apply", "--auto-approve", "--shard", number).code == 0
    for other in ([], ["--shard", "2/2"], ["--shard", "4/4"]):
        refused = one("plan", *other)
        assert refused.code == 1, refused
        assert "error[shard-mismatch]" in refused.err
    assert "No changes" in one("plan", "--shard", number).out


def test_two_appliers_on_two_copies_see_each_others_writes(make: Make) -> None:
    one = make("one")
    one.write("db")
    assert one("apply", "--auto-approve").code == 0
    two = make("two", name=one.name)
    assert two("state", "push", "--from", one.state, "--state", two.state).code == 0
    two.write("db", "new")
    assert two("apply", "--auto-approve").code == 0
    one.write("db", "new")

    found = one("plan", "--json")
    assert found.code == 1 or "unmanaged-exists" in found.out + found.err
    assert "unmanaged-exists" in found.out + found.err
    assert "No changes" in two("plan").out


def test_a_state_moves_between_file_and_blob(project: Project) -> None:
    copy = project.folder / "copy.json"
    assert project("state", "pull", "--out", str(copy)).code == 0
    pulled = json.loads(copy.read_text())
    assert project("state", "push", "--from", project.state, "--state", "local.json").code == 0
    assert project("state", "list", "--state", "local.json").out == project("state", "list").out
    assert project("state", "rm", "secret.app/db").code == 0

    older = project("state", "push", str(copy))
    assert older.code == 1
    assert "error[state-conflict]" in older.err
    back = project("state", "pull", "--serial", str(pulled["serial"]))
    assert json.loads(back.out) == pulled
    assert project("state", "push", str(copy), "--force").code == 0
    assert "secret.app/db" in project("state", "list").out


def test_what_is_missing_or_refused_is_told(project: Project, make: Make) -> None:
    missing = project("state", "list", "--state", f"azblob://{ACCOUNT}/nowhere/a.json")
    assert missing.code == 1
    assert "error[state-container]" in missing.err
    wrong = make("wrong", {**project.environ, "AZURE_STORAGE_KEY": "d3Jvbmcga2V5"})
    refused = wrong("state", "list", "--state", project.state, "-v")
    assert refused.code == 1
    assert "error[state-access]" in refused.err
    assert "d3Jvbmcga2V5" not in refused.err
