"""Every finding of a document, in the order of its files."""

from __future__ import annotations

from collections.abc import Iterator

from declarative_kv.engine.lint.checks import CHECKS
from declarative_kv.model.address import Address
from declarative_kv.model.document import Document
from declarative_kv.model.lint import Finding, Lint, Weight


def findings(document: Document) -> tuple[Finding, ...]:
    """What the YAML does not say to ignore. Each has an identity that stays, and no two have the same."""
    return tuple(finding for finding in examined(document) if not finding.ignored)


def examined(document: Document) -> tuple[Finding, ...]:
    """All of them, those with a reason to be ignored too.

    What only exists and is never written is not looked at.
    """
    found = [
        _weighed(finding, document.lint)
        for resource in document.resources.values()
        if not resource.lifecycle.existing and resource.address.kind in CHECKS
        for finding in CHECKS[resource.address.kind](document, resource)
    ]
    return tuple(sorted(found, key=_place))


def _place(finding: Finding) -> tuple[str, int, Address, str]:
    span = finding.span
    return (span.file if span else "", span.line if span else 0, finding.address, finding.rule.id)


def _weighed(finding: Finding, lint: Lint) -> Finding:
    if finding.rule.id in lint.block:
        finding = finding.weighing(Weight.BLOCK)
    if not lint.ignored:
        return finding
    reasons = (lint.ignored.get(at, {}).get(finding.rule.id, "") for at in _above(finding.address))
    return finding.ignoring(next(filter(None, reasons), ""))


def _above(address: Address) -> Iterator[Address | None]:
    """The entry itself, the secret and the vault that it lies in or is for, and the file."""
    yield address
    inside = address.path.split("/")
    if address.kind == "role_assignment" and len(inside) > 3:
        yield Address("secret", "/".join(inside[:2]))
    if len(inside) > 1:
        yield Address("vault", inside[0])
    yield None
