"""A review as JSON, for tools of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from declarative_kv.model.lint import Finding
from declarative_kv.model.plan import Action, Change
from declarative_kv.model.review import Comparison, Review, Risk
from declarative_kv.render.facts import Json, access_facts, guard_facts, where_facts
from declarative_kv.render.review_words import of_review
from declarative_kv.render.values import plain

FORMAT: Final = "dkv-review/1"


def review_json(compared: Comparison, *, detailed: bool = False) -> Json:
    """What changes by address, what it risks, and who gains or loses access; no secret value is in it."""
    summary = of_review(compared, detailed=detailed)
    return {
        "format": FORMAT,
        "base": compared.base,
        "head": compared.head,
        "reviews": [{"environments": list(one.environments), **review_facts(one.review)} for one in compared.reviews],
        "blocked": compared.blocked,
        "differs": compared.differs,
        "exit_code": summary.code,
        "summary": list(summary.lines),
    }


def review_facts(review: Review) -> Json:
    """One review; two of equal facts are the same to who reads them."""
    plan = review.plan
    return {
        "access": [access_facts(line) for line in plan.access],
        "guards": [guard_facts(block) for block in plan.blocks],
        "irreversible": [
            {"address": str(one.address), "detail": one.detail, **where_facts(one.span)} for one in plan.irreversible
        ],
        "changes": [_change(change, review.risks[change.address]) for change in review.differences],
        "forgotten": [str(change.address) for change in plan.changes if change.action is Action.FORGET],
        "moves": [{"from": str(move.source), "to": str(move.target)} for move in plan.moves],
        "no_longer_managed": [
            {"address": str(one.address), "attributes": list(one.attributes)} for one in plan.unwritten
        ],
        "rules": [{"subject": one.subject, "text": one.text, **where_facts(one.span)} for one in review.settings],
        "lint": [_finding(one) for one in review.findings],
        "notes": list(plan.notes),
    }


def _change(change: Change, risks: Sequence[Risk]) -> Json:
    verdict = {"value": change.verdict.why} if change.verdict is not None and change.verdict.why else {}
    return {
        "address": str(change.address),
        "action": change.action.value,
        "reason": change.reason.value,
        "risks": [{"class": one.risk.value, "until": one.until.isoformat() if one.until else None} for one in risks],
        "differences": [
            {"path": list(one.path), "before": plain(one.before), "after": plain(one.after)} for one in change.diff
        ],
        **verdict,
        **where_facts(change.span),
    }


def _finding(finding: Finding) -> Json:
    return {
        "rule": finding.rule.id,
        "weight": finding.weight.value,
        "address": str(finding.address),
        "text": finding.text,
        "fix": finding.rule.fix,
        **where_facts(finding.span),
    }
