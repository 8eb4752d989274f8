"""Hold a running emulator, a process of its own, to the specifications as the tests' own process is held to them.

Python runs the module `sitecustomize` of a folder on PYTHONPATH before anything else. The one written here listens to
the answers of a server, and writes down what is wrong with them: never a value, which may be a secret.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from declarative_kv.emulator.app import ANSWERED
from tests.specs.check import available, violations

SERVER: Final = "declarative_kv.emulator.host.serve"
ROOT: Final = Path(__file__).resolve().parents[2]
ENTRY: Final = """import sys

if {server!r} in sys.orig_argv:
    sys.path.append({root!r})
    from tests.specs.remote import listen

    listen({folder!r})
"""


@contextmanager
def watched(folder: Path) -> Iterator[Mapping[str, str]]:
    """The variables for processes that start emulators; at the end `AssertionError` for every broken specification.

    Where the specifications are absent there are no variables, and nothing is checked.
    """
    if not available():
        yield {}
        return
    site = folder / "site"
    site.mkdir(parents=True)
    (site / "sitecustomize.py").write_text(ENTRY.format(server=SERVER, root=str(ROOT), folder=str(folder)))
    yield {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))}
    assert count(folder), "no answer of a running emulator was checked"
    assert not found(folder), "a running emulator broke a specification:\n" + "\n".join(found(folder)[:20])


def listen(folder: str) -> None:
    """Take notice of every answer of this process."""
    answers, problems = Path(folder) / "answers", Path(folder) / "problems"

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == ANSWERED:
            _append(answers, ".")
            for problem in violations(*arguments):
                _append(problems, f"{problem}\n")

    sys.addaudithook(hear)


def count(folder: Path) -> int:
    """How many answers were checked."""
    answers = folder / "answers"
    return answers.stat().st_size if answers.exists() else 0


def found(folder: Path) -> list[str]:
    """What was wrong, each once."""
    problems = folder / "problems"
    return list(dict.fromkeys(problems.read_text().splitlines())) if problems.exists() else []


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
