"""How often and how long a request is tried again: azure-core's policy, more patient and with jitter."""

from __future__ import annotations

import random
from typing import Any, Final

from azure.core.pipeline.policies import AsyncRetryPolicy

_SURELY_NOT_DONE: Final = frozenset({429, 503})
"""Answers that say the request was not carried out; others, and silence, leave it open."""
_NEVER: Final = 0


class PatientRetry(AsyncRetryPolicy[Any, Any]):
    """azure-core's retry, with every method of Key Vault, Resource Manager and Graph counted as safe to repeat.

    Key Vault's 429 has no Retry-After, and by default azure-core repeats no PATCH or POST then; ours are idempotent.
    The one request that is not, setting a secret, is sent with the option `once=True`: it is repeated only where Azure
    surely did not carry it out, since a second one would make a second version.
    """

    def __init__(self) -> None:
        super().__init__(
            retry_total=12,
            retry_connect=6,
            retry_read=4,
            retry_status=8,
            retry_backoff_factor=0.8,
            retry_backoff_max=30,
        )

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        """The settings of one request, with our `once` taken out of its options."""
        once = bool(options.pop("once", False))
        settings = super().configure_retries(options)
        settings["methods"] = frozenset({"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "POST"})
        settings["once"] = once
        if once:
            settings["connect"] = settings["read"] = _NEVER
        return settings

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """Whether an answer is worth another try."""
        if settings["once"] and response.http_response.status_code not in _SURELY_NOT_DONE:
            return False
        return bool(super().is_retry(settings, response))

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Seconds to wait where Azure does not say: exponential, spread by up to a half so that clients part ways."""
        waits = len(settings["history"]) - 1
        base = min(settings["max_backoff"], settings["backoff"] * 2 ** max(waits, 0))
        return float(base * random.uniform(0.5, 1.0))  # noqa: S311 - spreads requests, guards nothing
