"""Findings of lint as text: a block a rule, a line each, and the closing line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from declarative_kv.model.lint import Finding, Rule, Tool, Weight
from declarative_kv.render.lint.told import by_rule, of_lint
from declarative_kv.render.paint import PLAIN, Paint
from declarative_kv.render.safe import safe

_STYLES: Final[Mapping[Weight, str]] = MappingProxyType(
    {Weight.BLOCK: "red", Weight.WARNING: "yellow", Weight.NOTE: "cyan"}
)


def lint_text(found: Iterable[Finding], paint: Paint = PLAIN) -> str:
    """Everything that is not ignored; what is, is counted."""
    found = tuple(found)
    lines = [line for rule, group in by_rule(found).items() for line in _block(rule, group, paint)]
    return "\n".join([*lines, *(paint("bold", line) for line in of_lint(found).lines)])


def _block(rule: Rule, group: Sequence[Finding], paint: Paint) -> Iterator[str]:
    twins = [f"{twin.tool} {twin.id}" for twin in rule.twins if twin.tool is not Tool.POLICY]
    yield paint("bold", f"{rule.id}: {rule.title}") + (f"  ({', '.join(twins)})" if twins else "")
    for finding in group:
        weight = paint(_STYLES[finding.weight], f"{finding.weight.value:<7}")
        where = f"  {safe(str(finding.span))}" if finding.span else ""
        yield f"  {weight}  {safe(str(finding.address))}  {safe(finding.text)}{where}"
    yield f"  {paint('cyan', 'fix:')} {rule.fix}"
    yield ""
