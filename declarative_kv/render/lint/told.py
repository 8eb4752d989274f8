"""What all forms of lint have in common: how the run ends, and findings as the reports of drift have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from declarative_kv.model.lint import RULES, Finding, Rule, Weight
from declarative_kv.render import findings
from declarative_kv.render.annotations import Annotation, Severe
from declarative_kv.render.findings import Level
from declarative_kv.render.safe import safe
from declarative_kv.render.summary import Summary

_LEVELS: Final[Mapping[Weight, Level]] = MappingProxyType(
    {Weight.BLOCK: Level.ALARM, Weight.WARNING: Level.WARNING, Weight.NOTE: Level.NOTE}
)
_SEVERE: Final[Mapping[Weight, Severe]] = MappingProxyType(
    {Weight.BLOCK: Severe.ERROR, Weight.WARNING: Severe.WARNING, Weight.NOTE: Severe.NOTICE}
)
_ORDER: Final[Mapping[str, int]] = MappingProxyType({name: number for number, name in enumerate(RULES)})


def of_lint(found: Iterable[Finding]) -> Summary:
    """How lint ends: 3 where something blocks, else 0."""
    counts = Counter("ignored" if finding.ignored else finding.weight.value for finding in found)
    blocking, ignored = counts[Weight.BLOCK], counts["ignored"]
    parts = [_many(counts[weight], weight.value) for weight in (Weight.WARNING, Weight.NOTE) if counts[weight]]
    parts = [f"{blocking} blocking"] * bool(blocking) + parts + [f"{ignored} ignored"] * bool(ignored)
    return Summary(3 if blocking else 0, (f"Lint: {', '.join(parts)}." if parts else "Lint: nothing found.",))


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def by_rule(found: Iterable[Finding]) -> Mapping[Rule, Sequence[Finding]]:
    """What is not ignored, by its rule, in the order of the table."""
    groups: dict[Rule, list[Finding]] = {}
    for finding in found:
        if not finding.ignored:
            groups.setdefault(finding.rule, []).append(finding)
    return dict(sorted(groups.items(), key=lambda group: _ORDER[group[0].id]))


def told(finding: Finding) -> findings.Finding:
    """A finding as the reports of drift have it."""
    level = Level.NOTE if finding.ignored else _LEVELS[finding.weight]
    text = safe(finding.text)
    return findings.Finding(shared(finding.rule), level, finding.address, text, (), "", finding.span)


def shared(rule: Rule) -> findings.Rule:
    """A rule as the reports of drift have it."""
    twins = ", ".join(f"{twin.tool} {twin.id}" for twin in rule.twins)
    return findings.Rule(rule.id, rule.title, f"{rule.why} ({twins})" if twins else rule.why, rule.fix)


def remarks(found: Iterable[Finding]) -> tuple[Annotation, ...]:
    """One remark a finding that is not ignored."""
    return tuple(
        Annotation(
            _SEVERE[one.weight],
            f"{one.rule.title} [{one.rule.id}]",
            safe(f"{one.address}: {one.text} {one.rule.fix}"),
            one.span,
        )
        for one in found
        if not one.ignored
    )
