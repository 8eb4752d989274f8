"""The emulator answers recorded requests as Azure did; how many entries of each endpoint is in the documentation."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.recordings.__main__ import counts, main
from tests.recordings.compare import Correspondence, differences
from tests.recordings.load import Entry, scenarios
from tests.recordings.replay import Answer, Outcome, Replay

RECORDINGS = Path(os.environ.get("DKV_SHARED", Path(__file__).parents[3] / "shared")) / "recordings"
NEEDS_RECORDINGS = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"the recorded traffic is not there: {RECORDINGS} (set DKV_SHARED to its parent)"
)
WANTED = 0.95


def entry(answer: object, status: int = 200, **more: object) -> Entry:
    """A recorded entry with this answer."""
    fields: dict[str, object] = {
        "id": "s#000",
        "service": "kv-secrets",
        "endpoint": "GET /secrets/{name}",
        "method": "GET",
        "host": "v.vault.azure.net",
        "path": "/secrets/s",
        "query": {},
        "headers": {},
        "body": None,
        "status": status,
        "answer_headers": {},
        "answer": answer,
        "date": 1_700_000_000.0,
        "is_quote": False,
        "meta": {},
        **more,
    }
    return Entry(**fields)  # type: ignore[arg-type]


@NEEDS_RECORDINGS
def test_nearly_all_of_the_recorded_answers_are_the_emulators_too() -> None:
    outcomes: list[Outcome] = []
    for scenario in scenarios(RECORDINGS):
        outcomes += Replay(scenario).run()
    total = counts(outcomes)["total"]
    assert isinstance(total, dict)
    assert sum(total.values()) > 2500
    assert total["equal"] / sum(total.values()) >= WANTED, total


def test_what_azure_made_up_may_differ_but_not_what_the_request_said() -> None:
    one, other = "0a" * 16, "0b" * 16
    recorded = {"id": f"https://v.vault.azure.net/secrets/s/{one}", "created": 1_600_000_000}
    answered = {"id": f"https://v.vault.azure.net/secrets/s/{other}", "created": 1_700_000_000}
    assert differences(entry(recorded), Answer(200, {}, answered), Correspondence()) == []
    said = Correspondence()
    said.fix([one, 1_600_000_000])
    assert len(differences(entry(recorded), Answer(200, {}, answered), said)) == 2


def test_one_made_up_id_stands_for_the_same_one_throughout() -> None:
    mapping = Correspondence()
    first, second = "0a" * 16, "0b" * 16
    assert differences(entry({"id": first}), Answer(200, {}, {"id": second}), mapping) == []
    assert differences(entry({"id": first}), Answer(200, {}, {"id": "0c" * 16}), mapping) != []


@pytest.mark.parametrize(
    "answered", [{"a": 1}, {"a": 1, "b": None, "c": 2}, {"a": "1", "b": None}, {"a": 1, "b": ""}, {"a": 2, "b": None}]
)
def test_a_missing_an_added_and_a_changed_member_are_all_differences(answered: object) -> None:
    assert differences(entry({"a": 1, "b": None}), Answer(200, {}, answered), Correspondence()) != []


def test_a_stand_in_is_held_to_status_code_and_message_alone() -> None:
    recorded = {"error": {"code": "Throttled", "message": "Too many."}}
    stand_in = entry(recorded, 429, is_quote=True)
    more = {"error": {"code": "Throttled", "message": "Too many.", "innererror": None}}
    assert differences(stand_in, Answer(429, {}, more), Correspondence()) == []
    assert differences(stand_in, Answer(403, {}, more), Correspondence()) != []
    less = {"error": {"code": "Throttled", "message": "Many."}}
    assert differences(stand_in, Answer(429, {}, less), Correspondence()) != []


def test_a_challenge_is_compared_in_both_directions() -> None:
    challenge = {"www-authenticate": 'Bearer authorization="https://login.example/t", resource="https://vault"'}
    asked = entry(None, 401, answer_headers=challenge)
    assert differences(asked, Answer(401, challenge, None), Correspondence()) == []
    assert differences(asked, Answer(401, {}, None), Correspondence()) != []
    assert differences(entry(None, 401), Answer(401, challenge, None), Correspondence()) != []


def test_the_command_ends_well_whatever_came_out_and_counts_what_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = {
        "id": "one#000",
        "service": "arm-keyvault",
        "endpoint": "GET /nowhere",
        "request": {"method": "GET", "host": "management.azure.com", "path": "/nowhere", "query": {}, "headers": {}},
        "response": {"status": 200, "headers": {}, "body": {}},
        "source": {"repo": "r", "path": "p", "commit": "c", "index": 0},
        "meta": {"date": "Tue, 25 Jul 2023 07:40:33 GMT"},
    }
    (tmp_path / "one.jsonl").write_text(json.dumps(raw) + "\n")
    (tmp_path / "other.bin").write_bytes(b"\xff\xfe not to be read")
    assert main([str(tmp_path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["total"] == {"equal": 0, "differs": 0, "unsupported": 1}
    assert shown["endpoints"] == {"arm-keyvault GET /nowhere": shown["total"]}
