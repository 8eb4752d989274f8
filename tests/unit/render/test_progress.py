"""Progress is plain lines where nobody watches, and a live view on a terminal."""

from __future__ import annotations

import io

from declarative_kv.engine.events import Failed, Finished, Note, Skipped, Started
from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.render.progress import reporting

from .plans import POLICY_GROWS, SECRET_IS_NEW, at

EVENTS = (
    Started(SECRET_IS_NEW),
    Finished(SECRET_IS_NEW, 0.25),
    Started(POLICY_GROWS),
    Failed(POLICY_GROWS, (Diagnostic("forbidden", "Azure refused the operation"),)),
    Skipped(SECRET_IS_NEW, at("vault.payments")),
    Note("waiting for the grant"),
)


def test_plain_lines_say_what_begins_and_how_it_ends() -> None:
    stream = io.StringIO()
    with reporting(stream, 3, live=False) as report:
        for event in EVENTS:
            report(event)
    assert stream.getvalue().splitlines() == [
        "secret.payments/session-key: creating...",
        "secret.payments/session-key: created after 0.2s",
        "access_policy.payments/ci: updating...",
        "access_policy.payments/ci: failed (Azure refused the operation)",
        "secret.payments/session-key: skipped, because vault.payments failed",
        "waiting for the grant",
    ]


def test_a_live_view_keeps_the_finished_lines() -> None:
    stream = io.StringIO()
    with reporting(stream, 3, live=True) as report:
        for event in EVENTS:
            report(event)
    text = stream.getvalue()
    assert "secret.payments/session-key: created after 0.2s" in text
    assert "skipped, because vault.payments failed" in text
