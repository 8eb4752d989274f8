"""The rate limit headers of Resource Manager, and with `--throttle azure` its refusals."""

from __future__ import annotations

from typing import Final

from declarative_kv.emulator.arm.call import GATEWAY, Call
from declarative_kv.emulator.era import since
from declarative_kv.emulator.errors import AzureFault
from declarative_kv.emulator.throttle import GLOBAL_FACTOR, HOURLY, RATES, Left

_BUCKETS_SINCE: Final = "2024-05-01"
_DELETES_SINCE: Final = "2018-07-01"
_REFUSED: Final = (
    "Number of requests for subscription '{owner}' and operation '{kind}' exceeded the limit. Please try again after "
    "'{wait}' seconds."
)


def counters(call: Call) -> dict[str, str]:
    """What the caller may still ask, as headers; counted down only with `throttle` set.

    Raises 429 with Retry-After for a request beyond the limit. Its code is recorded, of a limit behind the front; the
    text for this limit is unverified.
    """
    kind = _kind(call)
    parts = call.path.lower().split("/")
    subscription = parts[2] if parts[1:2] == ["subscriptions"] and len(parts) > 2 else None
    scope, owner = ("tenant", call.caller.tenant) if subscription is None else ("subscription", subscription)
    left = _left(call, owner, kind)
    own = {f"x-ms-ratelimit-remaining-{scope}-{kind}": str(left.own)}
    shared = {f"x-ms-ratelimit-remaining-{scope}-global-{kind}": str(left.shared)}
    headers = own | shared if since(call.world, _BUCKETS_SINCE) else own
    if left.wait:
        text = _REFUSED.format(owner=owner, kind=kind, wait=left.wait)
        patience = {"retry-after": str(left.wait)}
        raise AzureFault(429, f"{scope.title()}RequestsThrottled", text, headers=headers | GATEWAY | patience)
    return headers


def _left(call: Call, owner: str, kind: str) -> Left:
    rate = (RATES if since(call.world, _BUCKETS_SINCE) else HOURLY)[kind]
    if call.world.settings.throttle:
        return call.world.limits.take(owner, call.caller.object_id.lower(), kind, rate, call.now())
    return Left(rate.size - 1, rate.size * GLOBAL_FACTOR - 1)


def _kind(call: Call) -> str:
    """What bucket the request takes from (recorded, also that a name check counts as a read)."""
    if call.path.lower().endswith("/checknameavailability"):
        return "reads"
    kind = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(call.request.method, "writes")
    return "writes" if kind == "deletes" and not since(call.world, _DELETES_SINCE) else kind
