"""Where secret values come from, and everything that keeps one from being had."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from declarative_kv.model.errors import ValueMissing
from declarative_kv.model.secret import Sensitive
from declarative_kv.model.source import ALPHABETS, CommandSource, EnvSource, FileSource, GenerateSource, Kept, Source
from declarative_kv.values import Sources, allowed, read
from declarative_kv.values.check import LIMIT
from declarative_kv.values.command import read_command

CANARY = "canary-4711-wörd"
ALLOWED = {"DKV_ALLOW": "cloud, command", "PATH": os.environ["PATH"]}


async def refusal(source: Source, environ: dict[str, str]) -> str:
    """Why a source gives nothing; whatever it says, it does not say the value."""
    with pytest.raises(ValueMissing) as caught:
        await Sources(environ).read(source)
    said = f"{caught.value} {caught.value.diagnostics} {caught.value.__cause__!r}"
    assert "canary" not in said
    return caught.value.diagnostics[0].detail


def python(folder: Path, code: str) -> CommandSource:
    return CommandSource((sys.executable, "-c", code), str(folder))


async def test_a_variable_is_taken_as_it_is() -> None:
    assert await Sources({"PW": f"{CANARY}\n"}).read(EnvSource("PW")) == Sensitive(f"{CANARY}\n")


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "PW is not set"),
        ({"PW": ""}, "PW is empty"),
        ({"PW": "canary\udcff"}, "PW is not UTF-8 text"),
        ({"PW": "ä" * (LIMIT // 2) + "b"}, f"PW has {LIMIT + 1} bytes, over Key Vault's {LIMIT}"),
    ],
)
async def test_a_variable_that_gives_no_value_says_why(environ: dict[str, str], why: str) -> None:
    assert await refusal(EnvSource("PW"), environ) == why


async def test_a_value_of_exactly_the_limit_is_sent() -> None:
    assert (await Sources({"PW": "ä" * (LIMIT // 2)}).read(EnvSource("PW"))).size == LIMIT


@pytest.mark.parametrize("prefix", ["AZURE_", "ARM_", "VAULT_", "GITHUB_", "SYSTEM_", "azure_"])
async def test_variables_that_sign_in_to_something_are_never_a_source(prefix: str) -> None:
    name = f"{prefix}TOKEN"
    assert await refusal(EnvSource(name), {name: CANARY}) == f"{name} may hold a credential and is never a source"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (f"{CANARY}\n".encode(), CANARY),
        (f"{CANARY}\r\n".encode(), CANARY),
        (f"{CANARY}\n\n".encode(), f"{CANARY}\n"),
        (f" {CANARY}".encode(), f" {CANARY}"),
        (b"x" * LIMIT + b"\r\n", "x" * LIMIT),
    ],
    ids=["newline", "windows newline", "two newlines", "none", "the limit"],
)
async def test_a_file_gives_its_text_without_the_last_newline(tmp_path: Path, data: bytes, value: str) -> None:
    (tmp_path / "secret").write_bytes(data)
    assert await Sources({}).read(FileSource(str(tmp_path / "secret"), "secret")) == Sensitive(value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "file secret is empty"),
        (b"\n", "file secret is empty"),
        (b"canary\xff", "file secret is not UTF-8 text"),
        (b"x" * (LIMIT + 1), f"file secret has {LIMIT + 1} bytes, over Key Vault's {LIMIT}"),
        (b"x" * (LIMIT + 3), f"file secret has over {LIMIT} bytes, more than Key Vault takes"),
    ],
    ids=["empty", "newline only", "binary", "one byte over", "far over"],
)
async def test_a_file_that_gives_no_value_says_why(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "secret").write_bytes(data)
    assert await refusal(FileSource(str(tmp_path / "secret"), "secret"), {}) == why


async def test_a_missing_file_is_named_as_the_yaml_names_it(tmp_path: Path) -> None:
    why = await refusal(FileSource(str(tmp_path / "no/where"), "no/where"), {})
    assert why == "file no/where does not exist"


async def test_a_path_through_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    why = await refusal(FileSource(str(tmp_path / "file" / "below"), "file/below"), {})
    assert why == "file file/below cannot be read: not a directory"


async def test_a_path_with_a_null_character_cannot_be_read() -> None:
    assert await refusal(FileSource("/a\0b", "odd"), {}) == "file odd cannot be read: the path is not a file name"


@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/zero", "/sys/kernel/uevent_seqnum", "/"])
async def test_what_is_no_file_of_the_team_is_refused(path: str) -> None:
    assert await refusal(FileSource(path, path), {}) == f"file {path} is not an ordinary file"


async def test_a_link_does_not_lead_to_another_process_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").symlink_to("/proc/self/environ")
    why = await refusal(FileSource(str(tmp_path / "secret"), "secret"), {})
    assert why == "file secret is not an ordinary file"


async def test_a_command_runs_in_its_folder_without_a_shell(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), sys.argv[1], repr(sys.stdin.read()))"
    source = CommandSource((sys.executable, "-c", code, "$HOME; id"), str(tmp_path))
    value = await Sources(ALLOWED).read(source)
    assert value.reveal() == f"{tmp_path} $HOME; id ''"


async def test_a_command_is_not_run_unless_the_operator_allows_it(tmp_path: Path) -> None:
    source = python(tmp_path, "open('ran', 'w')")
    for environ in ({}, {"DKV_ALLOW": "cloud"}, {"DKV_ALLOW": "commands"}):
        assert await refusal(source, environ) == f"command {sys.executable} is not allowed to run"
    assert not (tmp_path / "ran").exists()


async def test_a_failed_command_tells_its_exit_code_and_nothing_that_it_printed(tmp_path: Path) -> None:
    code = "import sys; print('canary'); print('canary', file=sys.stderr); sys.exit(7)"
    assert await refusal(python(tmp_path, code), ALLOWED) == f"command {sys.executable} ended with exit code 7"


async def test_a_command_that_does_not_start_says_so(tmp_path: Path) -> None:
    why = await refusal(CommandSource(("no-such-program-4711",), str(tmp_path)), ALLOWED)
    assert why == "command no-such-program-4711 did not start: no such file or directory"
    why = await refusal(CommandSource((sys.executable, "a\0b"), str(tmp_path)), ALLOWED)
    assert why == f"command {sys.executable} did not start: its arguments are not valid"


async def test_a_command_that_leaves_its_output_open_is_not_waited_for_without_end(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        "start_new_session=True); open('pid', 'w').write(str(child.pid)); print('canary')"
    )
    with pytest.raises(ValueMissing, match="value-missing"):
        await read_command(python(tmp_path, code), ALLOWED, frozenset({"command"}), seconds=1.0)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


async def test_a_command_that_prints_without_end_is_stopped(tmp_path: Path) -> None:
    why = await refusal(python(tmp_path, "while True: print('canary' * 1000)"), ALLOWED)
    assert why == f"command {sys.executable} printed over {LIMIT} bytes, more than Key Vault takes"


async def test_a_slow_command_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "open('pid', 'w').write(str(child.pid)); time.sleep(60)"
    )
    with pytest.raises(ValueMissing) as caught:
        await read_command(python(tmp_path, code), ALLOWED, frozenset({"command"}), seconds=1.0)
    assert caught.value.diagnostics[0].detail == f"command {sys.executable} did not end within 1 seconds"
    pid = int((tmp_path / "pid").read_text())
    assert await becomes(lambda: ended(pid))


async def test_a_cancelled_command_is_stopped(tmp_path: Path) -> None:
    code = "import os, time; open('pid.new', 'w').write(str(os.getpid())); os.rename('pid.new', 'pid'); time.sleep(60)"
    task = asyncio.create_task(read(python(tmp_path, code), ALLOWED, allowed(ALLOWED)))
    assert await becomes((tmp_path / "pid").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pid = int((tmp_path / "pid").read_text())
    assert await becomes(lambda: ended(pid))


def ended(pid: int) -> bool:
    """Whether a process has ended; a zombie that nobody has waited for has."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


async def becomes(true: Callable[[], bool]) -> bool:
    """Whether something comes true within ten seconds."""
    for _ in range(500):
        if true():
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_command_runs_once_a_run_however_often_it_is_asked(tmp_path: Path) -> None:
    source = python(tmp_path, "print('x', file=open('ran', 'a')); print('value')")
    sources = Sources(ALLOWED)
    values = [*await asyncio.gather(sources.read(source), sources.read(source)), await sources.read(source)]
    assert values == [Sensitive("value")] * 3
    assert (tmp_path / "ran").read_text() == "x\n"


@pytest.mark.parametrize("alphabet", sorted(ALPHABETS))
async def test_a_generated_value_has_its_length_and_alphabet(alphabet: str) -> None:
    value = (await Sources({}).read(GenerateSource(200, alphabet))).reveal()
    assert len(value) == 200
    assert set(value) <= set(ALPHABETS[alphabet])


async def test_two_generated_values_differ() -> None:
    sources = Sources({})
    assert await sources.read(GenerateSource()) != await sources.read(GenerateSource())


async def test_a_kept_value_is_never_read() -> None:
    with pytest.raises(ValueError, match="never read"):
        await Sources({}).read(Kept())
