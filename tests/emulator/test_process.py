"""The emulator's verbs: one server a data folder, commands on it whether it runs or not."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from declarative_kv.cli.emulator import app
from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.failure import EmulatorError
from declarative_kv.emulator.host.folder import default_folder, exclusive, read_contact
from declarative_kv.emulator.host.options import Options
from declarative_kv.emulator.host.private import open_private
from tests.emulator.reach import MANAGEMENT, Client

GROUPS = "/subscriptions/22222222-2222-2222-2222-222222222222/resourcegroups"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that no server is left in."""
    yield tmp_path / "data"
    process.stop(tmp_path / "data")


def dkv(folder: Path, *words: str, code: int = 0) -> str:
    """Run a verb and give its standard output."""
    done = CliRunner().invoke(app, [*words, "--data-dir", str(folder)])
    assert done.exit_code == code, done.output
    return done.stdout


def status(folder: Path) -> Any:
    return json.loads(dkv(folder, "status", "--json"))


def test_start_is_a_no_op_where_it_runs(folder: Path) -> None:
    dkv(folder, "start")
    first = status(folder)
    dkv(folder, "start")
    assert status(folder)["pid"] == first["pid"]
    assert first["running"] is True


def test_two_starts_at_once_make_one_server(folder: Path) -> None:
    pids: list[int] = []
    starts = [threading.Thread(target=lambda: pids.append(process.start(folder, Options()).pid)) for _ in range(3)]
    for one in starts:
        one.start()
    for one in starts:
        one.join()
    assert len(pids) == 3
    assert len(set(pids)) == 1


def test_start_leaves_the_callers_streams(folder: Path) -> None:
    command = [sys.executable, "-c", "from declarative_kv.cli.emulator import app; app()", "start"]
    done = subprocess.run(
        [*command, "--data-dir", str(folder)], capture_output=True, text=True, timeout=30, check=True
    )  # returns only when nobody holds the pipes any more
    assert done.stdout == ""
    assert status(folder)["running"] is True


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_start_needs_no_streams_at_all(folder: Path, closed: str) -> None:
    script = f'"$0" -m declarative_kv emulator start --data-dir "$1" {closed}'
    done = subprocess.run(["bash", "-c", script, sys.executable, str(folder)], timeout=30, check=False)
    assert done.returncode == 0
    assert status(folder)["running"] is True


def test_stop_without_a_server_is_no_error(folder: Path) -> None:
    dkv(folder, "stop")
    assert status(folder)["running"] is False
    dkv(folder, "start")
    dkv(folder, "stop")
    assert status(folder)["running"] is False
    dkv(folder, "stop")


def test_the_data_folder_is_its_owners_alone(folder: Path) -> None:
    dkv(folder, "start")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("server.json", "ca-key.pem", "world.db", "server.log"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_the_server_does_not_inherit_the_starters_variables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "hunter2")
    pid = process.start(folder, Options()).pid
    if not Path("/proc/self/environ").exists():
        pytest.skip("only Linux shows a process's variables there")
    assert b"hunter2" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_port_that_is_taken_is_an_error_that_says_so(folder: Path, tmp_path: Path) -> None:
    port = process.start(folder, Options()).port
    done = CliRunner().invoke(app, ["start", "--data-dir", str(tmp_path / "b"), "--port", str(port)])
    assert done.exit_code == 1
    assert f"Port {port} cannot be had" in done.stderr
    assert process.running(tmp_path / "b") is None


def test_a_stale_contact_is_recognised(folder: Path) -> None:
    dkv(folder, "start")
    left_behind = (folder / "server.json").read_text()
    dkv(folder, "stop")
    (folder / "server.json").write_text(left_behind)
    assert status(folder)["running"] is False
    dkv(folder, "start")
    assert status(folder)["running"] is True


def test_commands_need_an_emulator(folder: Path) -> None:
    done = CliRunner().invoke(app, ["reset", "--data-dir", str(folder)])
    assert done.exit_code == 1
    assert "There is no emulator" in done.stderr
    assert "dkv emulator start" in done.stderr


@pytest.mark.parametrize("runs", [True, False])
def test_reset_keeps_identities_and_empties_the_rest(folder: Path, runs: bool) -> None:
    dkv(folder, "start")
    with Client(folder) as client:
        client.make_vault("kv-reset")
        token = client.token(MANAGEMENT)
        dkv(folder, "clock", "+1h")
        dkv(folder, "fault", "add", "--method", "PATCH", "--path", "*", "--status", "500")
        pid = status(folder)["pid"]
        if not runs:
            dkv(folder, "stop")
        dkv(folder, "reset")
        dkv(folder, "start")
        assert not runs or status(folder)["pid"] == pid
    found = status(folder)
    assert (found["written"], found["vaults"], found["faults"], found["throttle"]) == (False, 0, 0, False)
    with Client(folder) as after:
        assert after.variables == client.variables
        headers = {"Authorization": f"Bearer {token}"}
        answer = after.send("GET", MANAGEMENT, f"{GROUPS}?api-version=2021-04-01", headers=headers)
        assert (answer.status, answer.json()["value"]) == (200, [])


@pytest.mark.parametrize("runs", [True, False])
def test_a_snapshot_goes_to_another_emulator(folder: Path, tmp_path: Path, runs: bool) -> None:
    dkv(folder, "start", "--time-scale", "0")
    with Client(folder) as client:
        client.make_vault("kv-moved")
        client.set_secret("kv-moved", "db", "carried along")
    if not runs:
        dkv(folder, "stop")
    dkv(folder, "snapshot", str(tmp_path / "world.json"))
    text = (tmp_path / "world.json").read_text()
    assert client.variables["AZURE_CLIENT_SECRET"] not in text
    assert "PRIVATE KEY" not in text

    other = tmp_path / "other"
    dkv(other, "start")
    before = process.exported(other)
    dkv(other, "load", str(tmp_path / "world.json"))
    with Client(other) as loaded:
        assert loaded.variables == before
        assert loaded.get_secret("kv-moved", "db").json()["value"] == "carried along"
    dkv(other, "stop")


def test_loading_what_is_no_snapshot_changes_nothing(folder: Path, tmp_path: Path) -> None:
    dkv(folder, "start")
    with Client(folder) as client:
        client.make_vault("kv-still")
    (tmp_path / "a.json").write_text('{"format": "dkv-emulator/9", "tables": {}}')
    (tmp_path / "b.json").write_text("not json")
    dkv(folder, "load", str(tmp_path / "a.json"), code=1)
    dkv(folder, "load", str(tmp_path / "b.json"), code=1)
    dkv(folder, "load", str(tmp_path / "absent.json"), code=1)
    assert status(folder)["vaults"] == 1


def test_an_unasked_load_leaves_a_written_world_alone(folder: Path) -> None:
    process.start(folder, Options())
    content = process.command(folder, "snapshot")
    assert process.load(folder, content, only_unwritten=True) is True
    with Client(folder) as client:
        client.make_vault("kv-mine")
    assert process.load(folder, content, only_unwritten=True) is False
    assert status(folder)["vaults"] == 1


def test_the_clock_moves_both_ways_and_outlives_a_restart(folder: Path) -> None:
    dkv(folder, "start")
    now = time.time()
    moved = dkv(folder, "clock", "+90d").strip()
    assert abs(_epoch(moved) - now - 90 * 86400) < 60
    dkv(folder, "stop")
    dkv(folder, "clock", "-1.5h")
    dkv(folder, "start")
    assert abs(_epoch(dkv(folder, "clock").strip()) - now - 90 * 86400 + 5400) < 60


@pytest.mark.parametrize(
    "words", [("clock", "90"), ("clock", "+1y"), ("fault", "add", "--method", "GET", "--path", "*")]
)
def test_a_mistyped_verb_is_wrong_usage(folder: Path, words: tuple[str, ...]) -> None:
    dkv(folder, *words, code=2)  # what typer calls wrong usage; `dkv` itself makes it 64


def test_faults_are_arranged_and_cleared(folder: Path) -> None:
    dkv(folder, "start")
    dkv(
        folder,
        "fault",
        "add",
        "--method",
        "GET",
        "--path",
        "/subscriptions*",
        "--status",
        "503",
        "--times",
        "2",
    )
    with Client(folder) as client:
        asked = [client.ask("GET", MANAGEMENT, f"{GROUPS}?api-version=2021-04-01").status for _ in range(3)]
        dkv(folder, "fault", "add", "--method", "*", "--path", "*", "--delay", "150")
        started = time.perf_counter()
        client.ask("GET", MANAGEMENT, f"{GROUPS}?api-version=2021-04-01")
        assert time.perf_counter() - started >= 0.15
    assert asked == [503, 503, 200]
    assert status(folder)["faults"] == 1
    dkv(folder, "fault", "clear")
    assert status(folder)["faults"] == 0


def test_a_private_emulators_folder_can_be_served_later(folder: Path) -> None:
    with open_private(folder) as private:
        identity = private.identity()
    process.start(folder, Options())
    assert process.exported(folder)["AZURE_CLIENT_SECRET"] == identity["client_secret"]


def test_a_folder_in_use_is_waited_for_and_then_an_error(folder: Path) -> None:
    in_use = pytest.raises(EmulatorError, match="in use by another process")
    with exclusive(folder, 0), in_use, exclusive(folder, 0.05):
        pass


@pytest.mark.parametrize("verb", ["start", "reset"])
def test_damaged_data_is_an_error_that_names_the_folder(folder: Path, verb: str) -> None:
    folder.mkdir()
    (folder / "world.db").write_bytes(b"this is no database, " * 100)
    done = CliRunner().invoke(app, [verb, "--data-dir", str(folder)])
    assert done.exit_code == 1
    assert f"The emulator's data in {folder} cannot be read." in done.stderr
    assert "Traceback" not in done.output


def test_foreground_serves_until_it_is_told_to_stop(folder: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from declarative_kv.cli.emulator import app; app()",
        "start",
        "--foreground",
    ]
    with subprocess.Popen([*command, "--data-dir", str(folder)], stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert "answers on port" in server.stderr.readline()
        assert status(folder)["pid"] == server.pid
        server.terminate()
        assert server.wait(20) == 0
    assert read_contact(folder) is None


def test_foreground_leaves_a_running_one_alone(folder: Path) -> None:
    dkv(folder, "start")
    before = status(folder)
    dkv(folder, "start", "--foreground")
    assert status(folder)["pid"] == before["pid"]


def test_the_default_folder_follows_the_environment() -> None:
    assert default_folder({"DKV_EMULATOR": "/a/b"}) == Path("/a/b")
    assert default_folder({"XDG_STATE_HOME": "/state"}) == Path("/state/dkv/emulator")
    assert default_folder({}) == Path(os.path.expanduser("~/.local/state/dkv/emulator"))


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
