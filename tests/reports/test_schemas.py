"""SARIF is what OASIS published the schema of."""

from __future__ import annotations

import json

import jsonschema

from declarative_kv.render.lint.reports import lint_sarif
from declarative_kv.render.places import Tree
from declarative_kv.render.sarif import drift_sarif
from tests.unit.render.test_drift_reports import EVERYTHING
from tests.unit.render.test_hostile import PIECES, hostile
from tests.unit.render.test_lint_reports import DOCUMENT, FOUND

from .programs import SARIF_SCHEMA, needs_sarif
from .sample import clean_plan, sample_drift

TREE = Tree("/repo", "/repo/infra")


@needs_sarif
def test_every_drift_and_every_lint_is_valid_sarif() -> None:
    schema = json.loads(SARIF_SCHEMA.read_text(encoding="utf-8"))
    assert "oasis-tcs/sarif-spec" in schema["$id"]
    validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
    for plan in (EVERYTHING, sample_drift(), clean_plan(), *map(hostile, PIECES)):
        validator.validate(json.loads(json.dumps(drift_sarif(plan, TREE))))
    for found in (FOUND, ()):
        validator.validate(json.loads(json.dumps(lint_sarif(found, DOCUMENT, TREE))))
    wrong = drift_sarif(EVERYTHING, TREE)
    wrong["runs"][0]["results"][0]["level"] = "alarm"
    assert not validator.is_valid(wrong)
