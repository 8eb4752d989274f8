"""What an answer of Azure's says about when to ask again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_AFTER: Final = re.compile(r"try again after '?(\d{1,5})'? seconds", re.IGNORECASE)


def asked_to_wait(headers: Mapping[str, str], text: str = "") -> float | None:
    """Seconds that the answer asks for: by Retry-After, in milliseconds, or in words; None where it does not say."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (milliseconds := _number(headers.get(name))) is not None:
            return milliseconds / 1000
    said = headers.get("retry-after")
    if said is None:
        found = _AFTER.search(text)
        return float(found[1]) if found else None
    seconds = _number(said)
    return seconds if seconds is not None else _until(said, headers.get("date"))


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else None


def _until(date: str, said_at: str | None) -> float | None:
    """Seconds until an HTTP date, by Azure's own clock where the answer has it: ours may be wrong."""
    until = _date(date)
    if until is None:
        return None
    now = (_date(said_at) if said_at else None) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
