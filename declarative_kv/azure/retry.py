"""How often and how long a request is tried again, in every pipeline of a run."""

from __future__ import annotations

from math import inf
from typing import Any, Final

from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import AsyncHTTPPolicy

from declarative_kv.azure.answers import asked_to_wait
from declarative_kv.azure.paced import NotSent
from declarative_kv.azure.pacing import Pace
from declarative_kv.azure.patience import Budget, OutOfTime, budget, spread
from declarative_kv.azure.transport import was_reached

_WORTH_IT: Final = frozenset({408, 429, 500, 502, 503, 504})
_SURELY_NOT_DONE: Final = frozenset({429})
"""The one answer that says the request was not carried out; others, and silence, leave it open."""
_FIRST: Final = 0.8
_LONGEST: Final = 30.0


class PatientRetry(AsyncHTTPPolicy[Any, Any]):
    """Tries again until a request's, or its change's, time is over, with exponential waits that are spread at random.

    Every request of ours may be repeated but the one that sets a secret, since a second would make a second version: it
    is sent with the option `once=True`, and repeated only where Azure surely did not carry it out. What a 429 asks for
    is waited for together with everybody else that it concerns (`Pace`).
    """

    def __init__(self, pace: Pace, **_: Any) -> None:  # azure-identity hands over all of its own settings
        self._pace = pace

    async def send(self, request: Any) -> Any:
        """The answer, or what the last try raised."""
        once = _taken(request.context.options)
        effort = _Effort(self._pace, once=once)
        while True:
            try:
                response = await self.next.send(request)
            except (NotSent, ClientAuthenticationError):
                raise
            except SdkError as error:
                wait = effort.after_error(error)
                if wait is None or not await effort.pause(wait):
                    raise
            else:
                wait = effort.after_answer(request.http_request, response.http_response)
                if wait is None or not await effort.pause(wait):
                    return response


class _Effort:
    """One request, from its first try to its last."""

    def __init__(self, pace: Pace, *, once: bool) -> None:
        self._pace = pace
        self._once = once
        self._tries = 0
        self._began: float | None = None
        self._counted = 0.0

    def after_error(self, error: SdkError) -> float | None:
        """Seconds until the next try after no answer came; None where there is none."""
        reached = was_reached(error)
        if self._once and reached:
            return None
        patience = self._pace.patience
        return self._affordable(self._backoff(), patience.request if reached else patience.connect)

    def after_answer(self, request: Any, answer: Any) -> float | None:
        """Seconds until the next try; None for an answer that is final."""
        status = answer.status_code
        if status not in (_SURELY_NOT_DONE if self._once else _WORTH_IT):
            return None
        if status == 429:
            wait = self._affordable(self._pace.closed_for(request.method, request.url), self._pace.patience.request)
            return None if wait is None else 0.0  # the gate is where it waits
        asked = asked_to_wait(answer.headers)
        return self._affordable(self._backoff() if asked is None else asked, self._pace.patience.request)

    async def pause(self, seconds: float) -> bool:
        """Wait; false where the run is stopped."""
        try:
            if seconds > 0:
                await self._pace.clock.sleep(seconds)
        except OutOfTime:
            return False
        return not self._pace.clock.stop.is_set()

    def _backoff(self) -> float:
        return spread(min(_LONGEST, _FIRST * 2**self._tries), 0.5, 1.0)

    def _affordable(self, wait: float, patience: float) -> float | None:
        """The wait, if what is left of the time allows it; it comes off the change's."""
        now, change = self._pace.clock.now(), budget() or Budget(inf)
        if self._began is None:
            self._began = self._counted = now
        change.left -= now - self._counted
        self._counted = now
        if wait > min(patience - (now - self._began), change.left):
            return None
        change.left -= wait
        self._counted += wait
        self._tries += 1
        return wait


def _taken(options: dict[str, Any]) -> bool:
    """Take out of a request's options what is meant for a retry policy: our own `once`, and azure-core's."""
    for name in [name for name in options if name.startswith("retry_")]:
        options.pop(name)
    options.pop("timeout", None)
    return bool(options.pop("once", False))
