"""The leak law catches what it is there for: a planted value, in every form and at every place that it watches."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.laws.leaks import forms, leak_in, leaks_below, register, secret_value, source_file

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda value: value,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64, second of three places": lambda value: base64.b64encode(b"x" + value.encode()).decode(),
    "base64, third of three places": lambda value: base64.b64encode(b"xy" + value.encode()).decode(),
    "hex": lambda value: value.encode().hex(),
    "upper-case hex": lambda value: value.encode().hex().upper(),
    "URL": quote,
    "URL, slashes too": lambda value: quote(value, safe=""),
    "JSON": json.dumps,
    "JSON beyond ASCII": lambda value: json.dumps(value, ensure_ascii=False),
}
"""Ways to write a value."""

PLACES: dict[str, str] = {
    "output": "def test_it(capsys):\n    print({text!r})\n",
    "output that the test read": "def test_it(capsys):\n    print({text!r})\n    capsys.readouterr()\n",
    "errors": "import sys\ndef test_it():\n    print({text!r}, file=sys.stderr)\n",
    "a log": "import logging\ndef test_it():\n    logging.getLogger('azure').warning({text!r})\n",
    "a file": "def test_it(tmp_path):\n    (tmp_path / 'dkv.json').write_text({text!r})\n",
    "a shared folder": (
        "def test_it(tmp_path_factory):\n    (tmp_path_factory.mktemp('shared') / 'plan').write_text({text!r})\n"
    ),
    "a child's output": (
        "import subprocess, sys\ndef test_it():\n"
        "    subprocess.run([sys.executable, '-c', 'import sys; print(sys.stdin.read())'], input={text!r},"
        " capture_output=True, text=True, check=True)\n"
    ),
    "a child's arguments": (
        "import subprocess, sys\ndef test_it():\n"
        "    subprocess.run([sys.executable, '-c', 'pass', {text!r}], capture_output=True, check=True)\n"
    ),
    "the report of a failure": "def test_it():\n    assert {text!r} == 'something else'\n",
}
"""Tests that leak, by where."""
CLEAN = "def test_it(capsys, tmp_path):\n    print('nothing')\n    assert capsys.readouterr().out == 'nothing\\n'\n"


@pytest.mark.parametrize("form", FORMS)
def test_a_value_is_found_in_every_form(form: str) -> None:
    text = FORMS[form](secret_value())
    assert leak_in(f"before {text} after".encode()) is not None


def test_half_of_a_value_is_a_leak_too() -> None:
    value = secret_value()
    assert leak_in(value[: len(value) // 2].encode()) == "plain"
    assert leak_in(value[len(value) // 2 :].encode()) == "plain"


def test_a_value_that_another_made_is_found_once_it_is_known() -> None:
    value = "generated-0123456789-by-nobody"
    assert leak_in(value.encode()) is None
    assert leak_in(value.encode(), [value]) == "plain"
    register(value)
    assert leak_in(base64.b64encode(value.encode())) == "base64"


def test_what_is_no_value_is_none() -> None:
    assert leak_in(b"secret.payments/db-password  value not compared (PAYMENTS_DB_PASSWORD is not set)") is None


def test_every_form_of_the_mark_differs_from_the_others() -> None:
    found = [needle for needles in forms(secret_value()).values() for needle in needles]
    assert len(found) == len(set(found))


def test_sources_and_the_emulators_folder_may_hold_values_and_nothing_else_may(tmp_path: Path) -> None:
    value = secret_value()
    source_file(tmp_path / "secrets" / "db", value)
    (tmp_path / ".emulator").mkdir()
    for name in ("world.db", "world.db-wal"):
        (tmp_path / ".emulator" / name).write_text(value)
    (tmp_path / "snapshot.json").write_text(json.dumps({"format": "dkv-emulator/1", "secrets": [value]}))
    assert list(leaks_below(tmp_path)) == []
    planted = tmp_path / "state" / "dkv.json"
    planted.parent.mkdir()
    planted.write_text(json.dumps({"value": value}))
    assert list(leaks_below(tmp_path)) == ["state/dkv.json (JSON)"]
    planted.unlink()  # or the law would say so of this very test


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_test_that_leaks_fails_without_showing_the_value(workers: tuple[str, ...], tmp_path: Path) -> None:
    for number, (place, body) in enumerate(PLACES.items()):
        text = body.format(text=secret_value())
        (tmp_path / f"test_{number}.py").write_text(f"# Leaks into {place}.\n{text}", encoding="utf-8")
    (tmp_path / "test_clean.py").write_text(CLEAN)
    told = _run_pytest(tmp_path, *workers)
    for leftover in tmp_path.rglob("test_*.py"):
        leftover.unlink()  # or the law would say so of this very test
    shutil.rmtree(tmp_path / "base")
    blamed = {int(number) for number in re.findall(rb"^(?:FAILED|ERROR) .*/test_(\d+)\.py", told, re.MULTILINE)}
    assert [place for number, place in enumerate(PLACES) if number not in blamed] == []
    assert told.count(b"A secret value leaked into") == len(PLACES)
    assert leak_in(told) is None
    assert b" passed" in told


def _run_pytest(folder: Path, *workers: str) -> bytes:
    """What pytest says of the tests in a folder; not by `communicate`, which the law watches."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.leak_plugin", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    options = ["-c", "/dev/null", "--rootdir", str(folder), "--basetemp", str(folder / "base"), "-q", *workers]
    ran = subprocess.Popen(
        [*command, *options, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Where CI is set, pytest repeats the whole message in its summary.
        env={name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")},
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout is not None
    with ran:
        return ran.stdout.read()
