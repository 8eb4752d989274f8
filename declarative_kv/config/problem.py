"""Mistakes in the configuration, kept as data until every file has been read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from declarative_kv.config.source import Sources
from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Diagnostic, Severity

SUMMARIES = {
    "alias-bomb": "Aliases expand to too much",
    "binary-file": "The file is not text",
    "cloud-not-allowed": "A custom cloud is not allowed here",
    "dates-order": "The dates are in the wrong order",
    "duplicate-address": "Two entries have the same address",
    "duplicate-grant": "The same grant is declared twice",
    "duplicate-key": "A key is set twice",
    "duplicate-name": "Two entries have the same name in Azure",
    "empty-file": "The file is empty",
    "empty-policy": "The access policy grants nothing",
    "environment-required": "An environment must be chosen",
    "existing-only": "The setting is only for existing entries",
    "existing-source": "An existing secret has no source",
    "file-missing": "The file does not exist",
    "file-too-large": "The file is too large",
    "file-unreadable": "The file cannot be read",
    "forbidden-variable": "The variable may not be a source",
    "include-missing": "An included file does not exist",
    "include-outside": "An included file lies outside the root file's folder",
    "invalid-address": "The address is not valid",
    "invalid-date": "The date is not valid",
    "invalid-environment": "The operator's environment has an unknown value",
    "invalid-id": "The identifier is not valid",
    "invalid-ip": "The address range is not valid",
    "invalid-key": "The key is not valid",
    "invalid-move": "The move is not possible",
    "invalid-removal": "The entry cannot be forgotten",
    "invalid-name": "The name is not valid",
    "invalid-scope": "The scope is not valid",
    "invalid-state": "The state's location is not valid",
    "invalid-tag": "The tag is not valid",
    "invariant-claim": "An invariant makes one claim",
    "invalid-url": "The URL is not valid",
    "key-not-text": "A key must be text",
    "merge-key": "The merge key takes a map",
    "missing-setting": "A required setting is missing",
    "moved-nowhere": "A move leads to nothing that is declared",
    "misplaced-setting": "The setting does not belong here",
    "not-one-of": "The value is not one of those allowed",
    "not-formatted": "The file's layout cannot be changed",
    "nothing-included": "An include matches no file",
    "nothing-removed": "A null removes nothing",
    "out-of-range": "The number is out of range",
    "policy-on-rbac-vault": "An access policy on a vault that uses roles",
    "principal-selector": "A principal needs exactly one way to find it",
    "principal-type": "The principal's type contradicts how it is found",
    "reader-role-writes": "A reader role must not write or read values",
    "recursive-alias": "An alias contains itself",
    "reserved-name": "The name is reserved",
    "reserved-tag": "The tag is reserved",
    "role-on-policy-vault": "A role on a secret of a vault that uses access policies",
    "several-documents": "The file holds more than one document",
    "shared-state": "All environments share one state",
    "subscription-mismatch": "The vault and its group are in different subscriptions",
    "syntax": "The file is not valid YAML",
    "too-deep": "The file is nested too deeply",
    "too-many-problems": "Too many mistakes to list",
    "too-many-tags": "Too many tags",
    "unknown-alias": "The alias has no anchor",
    "unknown-environment": "The environment is not declared",
    "unknown-key": "The key is not known",
    "unknown-reference": "The reference leads nowhere",
    "unknown-variable": "The variable is not known",
    "unsupported-tag": "The YAML tag is not supported",
    "value-in-yaml": "A secret's value does not belong in the YAML",
    "value-source": "A secret needs exactly one source of its value",
    "unused-variable": "A variable is given and not used",
    "variable-cycle": "Variables need each other in a circle",
    "variable-syntax": "The variable is not closed",
    "wrong-encoding": "The file is not UTF-8",
    "wrong-type": "The value has the wrong type",
}
"""The fixed words of every code that loading a configuration can give."""

MAX_PROBLEMS = 1000
"""How many mistakes are listed; a file with more is not a configuration."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `mark` is a packed place (`config.source`), or None where there is none."""

    code: str
    detail: str
    hint: str
    mark: int | None = None
    address: Address | None = None
    severity: Severity = Severity.ERROR


class Unparsable(Exception):
    """A file that cannot be read any further: the one problem that ended it, and below which keys the reader stood."""

    def __init__(self, problem: Problem, path: tuple[str | None, ...] = ()) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.path = path


def diagnostic(problem: Problem, sources: Sources) -> Diagnostic:
    """The problem as people see it, its source line included."""
    span = None if problem.mark is None else sources.span(problem.mark)
    return Diagnostic(
        problem.code,
        SUMMARIES[problem.code],
        problem.detail,
        problem.hint,
        span,
        problem.address,
        problem.severity,
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be; None where none is close."""
    by_fold = {name.lower().replace("-", "_"): name for name in sorted(known)}
    found = get_close_matches(word.lower().replace("-", "_"), by_fold, n=1, cutoff=0.72)
    return by_fold[found[0]] if found else None


def choices(word: str, known: Iterable[str], *, what: str) -> str:
    """A hint: the nearest known word, else all of them (at most 20), else that there are none."""
    names = sorted(set(known))
    if not names:
        return f"There are no {what} yet; declare it first."
    # Comparing a word with very many takes longer than anybody waits for a hint.
    close = nearest(word, names) if len(names) <= 2000 else None
    if close is not None:
        return f"Did you mean `{close}`?"
    shown = ", ".join(f"`{name}`" for name in names[:20])
    return f"Known {what}: {shown}{', …' if len(names) > 20 else ''}."
