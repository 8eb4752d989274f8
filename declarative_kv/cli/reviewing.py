"""From the two names on the command line of `dkv review` to what was compared."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from declarative_kv.cli.documents import warn
from declarative_kv.cli.options import Common, usage, variables
from declarative_kv.cli.revisions import TOP, Repository, Revision, repository
from declarative_kv.config.files import ROOT_NAME
from declarative_kv.config.loading import Request, environments, load
from declarative_kv.config.reading import DISK, Files
from declarative_kv.engine.review import nothing, review
from declarative_kv.kinds import registry
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.document import Document
from declarative_kv.model.errors import ConfigError, DkvError
from declarative_kv.model.review import Comparison, Review, Reviewed
from declarative_kv.render.review_json import review_facts

WORKING_TREE: Final = "working tree"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what it is called, the files, and where the root file would be among them.

    `prefix` stands before the names of its files.
    """

    name: str
    files: Files
    folder: Path
    root: Path
    prefix: str = ""

    @property
    def exists(self) -> bool:
        """Whether the root file is there."""
        path = self.folder / self.root
        return self.files.is_file(path / ROOT_NAME if self.files.is_folder(path) else path)

    def request(self, common: Common, environment: str | None) -> Request:
        """What to load."""
        given, environ = variables(common.variables), os.environ
        return Request(
            self.root, environment, given, None, environ, self.folder, disk=self.files, prefix=self.prefix
        )  # fmt: skip

    def environments(self, common: Common) -> tuple[str, ...]:
        """The environments that it declares."""
        return environments(self.request(common, None)) if self.exists else ()


def compared(common: Common, base: str, head: str | None, allow: Sequence[str]) -> Comparison:
    """Load both sides and review each environment; raises `ConfigError` with what is wrong in one of them."""
    with ExitStack() as stack:
        before, after = _sides(common, base, head, stack)
        reviews: list[tuple[str | None, Review]] = []
        warnings: dict[Diagnostic, None] = {}
        known = before.environments(common), after.environments(common)
        for name in _chosen(common, *known):
            old, new = _documents(common, before, after, name, known)
            warnings |= dict.fromkeys(new.warnings)
            reviews.append((name, review(registry(), old, new, datetime.now(UTC).date(), tuple(allow))))
    warn(warnings, no_color=common.no_color)
    return Comparison(before.name, after.name, tuple(_folded(reviews)))


def _chosen(common: Common, before: tuple[str, ...], after: tuple[str, ...]) -> Sequence[str | None]:
    """The environments to review: the one that is asked for, else all; None where the files have none."""
    if common.environment is not None:
        return (common.environment,)
    return sorted({*before, *after}) or (None,)


def _documents(
    common: Common,
    before: Side,
    after: Side,
    environment: str | None,
    known: tuple[tuple[str, ...], tuple[str, ...]],
) -> tuple[Document, Document]:
    """Both documents; where one side has no root file, or not that environment, it declares nothing."""
    has_old, has_new = (
        side.exists and (environment in names or not names) for side, names in zip((before, after), known, strict=True)
    )
    new = load(after.request(common, environment if known[1] else None)) if has_new or not has_old else None
    old = _of_base(before, before.request(common, environment if known[0] else None)) if has_old else None
    some = new or old
    assert some is not None, "one of the two was loaded, or the load has raised"
    return old or nothing(some), new or nothing(some)


def _of_base(side: Side, request: Request) -> Document:
    """BASE's document; its mistakes are told apart from those that the change makes."""
    try:
        return load(request)
    except ConfigError as error:
        count = len(error.diagnostics)
        told = Diagnostic(
            "review-base-invalid",
            "BASE is no valid configuration",
            f"{side.name} has {count} {'mistake' if count == 1 else 'mistakes'} of its own, so nothing can be compared "
            "with it. They are not mistakes of the change.",
            "Compare with a revision that is valid:\n    dkv review REVISION",
        )
        raise ConfigError(*error.diagnostics, told) from error


def _folded(reviews: Sequence[tuple[str | None, Review]]) -> Iterator[Reviewed]:
    """The reviews, those that say the same in one, in order of the first environment of each."""
    if len(reviews) == 1:
        name, one = reviews[0]
        return iter((Reviewed((name,) if name else (), one),))
    found: list[tuple[Mapping[str, Any], list[str], Review]] = []
    for name, one in reviews:
        facts = review_facts(one)
        same = next((names for known, names, _ in found if known == facts), None)
        if same is None:
            found.append((facts, [name] if name else [], one))
        elif name:
            same.append(name)
    return (Reviewed(tuple(names), one) for _, names, one in found)


def _sides(common: Common, base: str, head: str | None, stack: ExitStack) -> tuple[Side, Side]:
    here = Path.cwd()
    place = (here / common.file).parent
    found = repository(place if place.is_dir() else here)
    before = _side(common, base, found, stack, prefix=f"{base}:")
    if head is not None:
        return before, _side(common, head, found, stack)
    if found is None or isinstance(before.files, type(DISK)):
        return before, Side(WORKING_TREE, DISK, here, common.file)
    return before, Side(WORKING_TREE, DISK, found.top, _inside(common, found))


def _side(common: Common, text: str, found: Repository | None, stack: ExitStack, prefix: str = "") -> Side:
    """What an operand means: a revision, else a folder or file; what begins as a path does is one."""
    path = Path(text)
    if not text.startswith(("/", "./", "../")) and text not in (".", "..") and found is not None:
        tree = found.tree(text)
        if tree is not None or (text == "HEAD" and found.is_empty()):
            files = stack.enter_context(closing(found.files(tree) if tree else Revision(found.folder, {})))
            return Side(text, files, TOP, _inside(common, found), prefix)
    if path.is_file():
        return Side(text, DISK, Path.cwd() / path.parent, Path(path.name), _before(path.parent))
    if path.is_dir():
        if common.file.is_absolute():
            raise usage("--file is a path inside the folders that are compared, so it cannot be absolute.")
        return Side(text, DISK, Path.cwd() / path, common.file, _before(path))
    where = "a revision of this repository, " if found is not None else ""
    detail = f"{text} is neither {where}a folder nor a file."
    if found is None:
        detail += " Revisions are known only inside a git repository, and where git is installed."
    hint = "Name what to compare with, as in:\n    dkv review origin/main"
    raise DkvError(Diagnostic("review-unknown", "There is nothing of that name to compare", detail, hint))


def _before(folder: Path) -> str:
    """What stands before the names of a folder's files."""
    return "" if folder == Path() else f"{folder}/"


def _inside(common: Common, found: Repository) -> Path:
    """The root file's path in the repository."""
    whole = Path.cwd() / common.file
    whole = Path(os.path.realpath(whole.parent)) / whole.name if whole.name != ".." else Path(os.path.realpath(whole))
    top = Path(os.path.realpath(found.top))
    if not whole.is_relative_to(top):
        raise usage(f"--file {common.file} lies outside the repository {found.top}.")
    return whole.relative_to(top)
