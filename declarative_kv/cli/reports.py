"""Reports in files: in which form a file's name asks for, and how it is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from declarative_kv.cli.options import usage

if TYPE_CHECKING:
    from declarative_kv.render.places import Tree

Reports = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Also write a report, in the form that the file's name ends in; may be given several times.",
    ),
]


class PlanForm(StrEnum):
    """The forms of a plan on the command line."""

    TEXT = "text"
    AUTO = "auto"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class ApplyForm(StrEnum):
    """The forms of an apply on the command line."""

    TEXT = "text"
    AUTO = "auto"


PlanFormat = Annotated[PlanForm | None, typer.Option("--format", help="In which form, on standard output.")]
ApplyFormat = Annotated[ApplyForm, typer.Option("--format", help="`auto` also tells the CI that runs it.")]


class Form(StrEnum):
    """The forms of what a command finds. `auto` is text, and on a CI also what its platform shows."""

    TEXT = "text"
    AUTO = "auto"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    SARIF = "sarif"
    JUNIT = "junit"


SUFFIXES: Final[Mapping[str, Form]] = {
    ".txt": Form.TEXT,
    ".json": Form.JSON,
    ".md": Form.MARKDOWN,
    ".html": Form.HTML,
    ".sarif": Form.SARIF,
    ".xml": Form.JUNIT,
}
PLAN_FORMS: Final = tuple(Form(one.value) for one in PlanForm)
Renderers = Mapping[Form, Callable[[], str]]
_ROOTS: Final = ("GITHUB_WORKSPACE", "BUILD_SOURCESDIRECTORY", "CI_PROJECT_DIR")
"""Where GitHub Actions, Azure Pipelines and GitLab have checked the repository out."""


def chosen(form: PlanForm | None, *, as_json: bool, as_markdown: bool) -> Form:
    """The form that `--format` or one of its two short forms asks for; raises `UsageError` where they ask for two."""
    asked = [one for one, given in ((Form.JSON, as_json), (Form.MARKDOWN, as_markdown)) if given]
    asked += [Form(form.value)] if form is not None else []
    if len(set(asked)) > 1:
        raise usage("--format, --json and --markdown are forms of one output; choose one.")
    return asked[0] if asked else Form.TEXT


def forms(paths: Sequence[Path] | None, known: Sequence[Form]) -> dict[Path, Form]:
    """The form of each report; raises `UsageError` for a name that ends in none. Asked before anything is read."""
    found = {}
    for path in paths or ():
        form = SUFFIXES.get(path.suffix.lower())
        if form is None or form not in known:
            endings = ", ".join(suffix for suffix, one in SUFFIXES.items() if one in known)
            raise usage(f"--report {path} does not say in which form.", f"A report's name ends in one of {endings}.")
        found[path] = form
    return found


def write(reports: Mapping[Path, Form], renderers: Renderers) -> None:
    """Write every report; raises `DkvError` where a file cannot be written."""
    for path, form in reports.items():
        text = renderers[form]().rstrip("\n")
        with writing(path):
            path.write_bytes(f"{text}\n".encode("utf-8", "backslashreplace"))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into an error of ours."""
    from declarative_kv.model.diagnostic import Diagnostic
    from declarative_kv.model.errors import DkvError

    try:
        yield
    except OSError as error:
        detail = f"{path} cannot be written: {error.strerror}."
        raise DkvError(Diagnostic("not-writable", "The file cannot be written", detail)) from error


def tree_of(environ: Mapping[str, str] = os.environ) -> Tree:
    """The repository that the working folder lies in: where a CI has it, else where `.git` is, else that folder."""
    from declarative_kv.render.places import Tree

    folder = Path.cwd()
    named = (Path(environ[name]).resolve() for name in _ROOTS if environ.get(name))
    root = next((path for path in named if folder.is_relative_to(path)), None)
    root = root or next((path for path in (folder, *folder.parents) if (path / ".git").exists()), folder)
    return Tree(root.as_posix(), folder.as_posix())
