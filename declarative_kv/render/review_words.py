"""What all forms of a review say alike: risks in words, the closing lines, the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from declarative_kv.model.address import Address
from declarative_kv.model.lint import Finding
from declarative_kv.model.review import Comparison, Review, Reviewed, Risk, RiskClass, is_unknown
from declarative_kv.render.rows import place
from declarative_kv.render.safe import safe
from declarative_kv.render.summary import Summary

NO_CHANGES: Final = "No changes. Both mean the same."


def tags(review: Review) -> dict[Address, str]:
    """The risks of each difference that has any, to put beside it."""
    return {at: risk_words(risks) for at, risks in review.risks.items() if risks[0].risk is not RiskClass.SAFE}


def risk_words(risks: Sequence[Risk]) -> str:
    """The classes in one line, gravest first."""
    return ", ".join(map(risk_word, risks))


def risk_word(risk: Risk) -> str:
    """`recoverable until 2027-02-20`; where no file says for how long, the bounds that Azure has."""
    if risk.risk is not RiskClass.RECOVERABLE:
        return risk.risk.value
    return f"recoverable until {risk.until}" if risk.until else "recoverable for 7 to 90 days"


def title(one: Reviewed) -> str:
    """Which environments a review is of; empty where there are none."""
    return ", ".join(map(safe, one.environments))


def finding_words(finding: Finding) -> str:
    """A finding of lint in one line."""
    where = f"  {place(finding.span)}" if finding.span else ""
    return f"{finding.rule.id}  {safe(str(finding.address))}  {safe(finding.text)}{where}"


def closing(review: Review) -> tuple[str, ...]:
    """The last lines of one review: how much changes, and what it risks."""
    if not review.differs:
        return (NO_CHANGES,)
    counts = review.plan.counts()
    imported = f"{counts.imported} to take over, " if counts.imported else ""
    numbers = f"{counts.added} to add, {counts.changed} to change, {counts.destroyed} to destroy"
    moved = sum(1 for change in review.differences if is_unknown(change))
    values = f"; {moved} {'value' if moved == 1 else 'values'} not known from here" if moved else ""
    risks = _risks(review.risks)
    return (f"Review: {imported}{numbers}{values}.", *([f"Risk: {risks}."] if risks else []))


def _risks(risks: Mapping[Address, Sequence[Risk]]) -> str:
    """How many differences have which class as their gravest."""
    found = Counter(each[0].risk for each in risks.values())
    return ", ".join(f"{found[risk]} {risk}" for risk in RiskClass if risk in found)


def of_review(compared: Comparison, *, detailed: bool = False) -> Summary:
    """How `review` ends: blocked (3) beats differences (2, only if `detailed`)."""
    code = 3 if compared.blocked else 2 if detailed and compared.differs else 0
    lines = []
    for one in compared.reviews:
        head = f"{title(one)}: " if one.environments else ""
        lines += [f"{head}{line}" for line in closing(one.review)]
    return Summary(code, tuple(lines))
