"""Azure's figures, and that the windows of both sides agree wherever Azure begins its own."""

from __future__ import annotations

import heapq
import random
from math import inf

import pytest

from declarative_kv.azure.answers import asked_to_wait
from declarative_kv.azure.limits import (
    ALLOWANCE,
    RATES,
    SECONDS,
    Bucket,
    Cost,
    Window,
    manager_bucket,
    remaining,
    vault_cost,
)
from declarative_kv.emulator.dataplane.operations import operation_at
from declarative_kv.emulator.throttle import RATES as PUBLISHED
from declarative_kv.emulator.throttle import cost_of

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"


def url(path: str) -> str:
    return f"https://kv.vault.azure.net{path}?api-version=2025-07-01"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/secrets/db"),
        ("GET", "/secrets/db"),
        ("GET", "/secrets/db/0123"),
        ("GET", "/secrets"),
        ("GET", "/secrets/db/versions"),
        ("PATCH", "/secrets/db"),
        ("DELETE", "/secrets/db"),
        ("GET", "/deletedsecrets"),
        ("POST", "/deletedsecrets/db/recover"),
        ("PUT", "/keys/k"),
        ("POST", "/keys/k/create"),
        ("POST", "/keys/k/rotate"),
        ("GET", "/keys"),
        ("POST", "/keys/k/0123/sign"),
        ("GET", "/deletedkeys/k"),
    ],
)
def test_a_request_costs_what_it_costs_the_emulator_with_the_dearest_key(method: str, path: str) -> None:
    operation = operation_at(method, tuple(part for part in path.split("/") if part))
    assert operation is not None
    is_key = operation.action.startswith("keys/") and "import" not in operation.action
    theirs, ours = cost_of(operation.action, (True, 4096) if is_key else None), vault_cost(method, url(path))
    assert (ours.limit, ours.weight) == (theirs.limit, theirs.weight)


def test_the_buckets_are_the_published_ones() -> None:
    assert {kind: (rate.size, rate.refill) for kind, rate in RATES.items()} == {
        kind: (rate.size, rate.refill) for kind, rate in PUBLISHED.items()
    }


def test_what_weighs_the_same_but_lies_in_another_window_is_counted_apart() -> None:
    assert vault_cost("PUT", url("/secrets/db")) == vault_cost("PUT", url("/KEYS/k")) == Cost("creations", 300)
    assert len({vault_cost(*one).window for one in (("PUT", url("/secrets/a")), ("GET", url("/secrets/a")))}) == 2


def test_a_place_in_a_window_is_taken_until_ten_seconds_after_the_answer() -> None:
    window = Window(2)
    window.begin(0.0, 1)
    window.begin(0.0, 1)
    assert window.wait(50.0, 1) == inf, "Azure may not have counted them yet"
    window.end(50.0, 1, counted=True)
    assert window.wait(50.0, 1) == pytest.approx(SECONDS + ALLOWANCE)
    assert window.wait(55.0, 1) == pytest.approx(5 + ALLOWANCE)
    assert window.wait(60.0 + ALLOWANCE, 1) == 0.0


def test_what_was_refused_for_too_many_requests_takes_no_place() -> None:
    window = Window(1)
    window.begin(0.0, 1)
    window.end(1.0, 1, counted=False)
    assert window.wait(1.0, 1) == 0.0


def test_a_heavy_request_waits_for_as_many_light_ones_as_it_weighs() -> None:
    window = Window(20)
    for second in range(4):
        window.begin(second, 5)
        window.end(second, 5, counted=True)
    assert window.wait(4.0, 10) == pytest.approx(1 + SECONDS + ALLOWANCE - 4.0)


def test_a_bucket_gives_what_is_in_it_and_then_what_comes_back() -> None:
    bucket = Bucket(RATES["writes"], 0.0)
    for _ in range(200):
        assert bucket.wait(0.0, 1) == 0.0
        bucket.begin(0.0, 1)
    assert bucket.wait(0.0, 1) == pytest.approx(0.1)
    assert bucket.wait(0.1, 1) == pytest.approx(0.0)
    assert bucket.wait(1000.0, 200) == 0.0
    assert bucket.wait(1000.0, 201) > 0.0, "it holds no more than its size"


def test_what_azure_says_is_left_beats_the_published_figure() -> None:
    bucket = Bucket(RATES["reads"], 0.0)
    number = bucket.begin(0.0, 1)
    bucket.begin(0.0, 1)
    bucket.end(0.0, 1, counted=True)
    bucket.heard(number, 4)
    assert bucket.wait(0.0, 3) == 0.0, "one more is under way, and may be in what Azure says or not"
    assert bucket.wait(0.0, 4) > 0.0
    bucket.heard(bucket.begin(0.0, 1), 1099)
    assert bucket.wait(0.0, 1000) == 0.0, "this subscription has larger buckets"


def test_answers_that_overtook_each_other_do_not_raise_what_is_left() -> None:
    bucket = Bucket(RATES["reads"], 0.0)
    first, second = bucket.begin(0.0, 1), bucket.begin(0.0, 1)
    bucket.end(0.0, 1, counted=True)
    bucket.heard(second, 10)
    bucket.end(0.0, 1, counted=True)
    bucket.heard(first, 11)
    assert bucket.wait(0.0, 10) > 0.0


def test_a_refused_request_gives_its_token_back() -> None:
    bucket = Bucket(RATES["writes"], 0.0)
    bucket.begin(0.0, 1)
    bucket.end(0.0, 1, counted=False)
    assert bucket.wait(0.0, 200) == 0.0


@pytest.mark.parametrize(
    ("method", "path", "bucket"),
    [
        ("GET", f"/subscriptions/{SUBSCRIPTION.upper()}/resourceGroups/rg", (SUBSCRIPTION, "reads")),
        ("HEAD", f"/subscriptions/{SUBSCRIPTION}", (SUBSCRIPTION, "reads")),
        ("PATCH", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg", (SUBSCRIPTION, "writes")),
        ("DELETE", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg", (SUBSCRIPTION, "deletes")),
        ("GET", "/subscriptions", ("tenant", "reads")),
        ("PUT", "/providers/Microsoft.Management/managementGroups/mg", ("tenant", "writes")),
    ],
)
def test_resource_manager_has_a_bucket_for_each_subscription_and_verb(
    method: str, path: str, bucket: tuple[str, str]
) -> None:
    assert manager_bucket(method, f"https://management.azure.com{path}") == bucket


def test_what_is_left_to_all_together_counts_where_it_is_less() -> None:
    headers = {
        "x-ms-ratelimit-remaining-subscription-reads": "249",
        "x-ms-ratelimit-remaining-subscription-global-reads": "12",
        "x-ms-ratelimit-remaining-tenant-writes": "7",
        "x-ms-ratelimit-remaining-subscription-deletes": "many",
    }
    assert remaining(headers, SUBSCRIPTION, "reads") == 12
    assert remaining(headers, "tenant", "writes") == 7
    assert remaining(headers, SUBSCRIPTION, "deletes") is None


WORDS = "Number of requests for subscription 's' and operation 'GET' exceeded. Please try again after '6' seconds."


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({"retry-after": "17"}, "", 17.0),
        ({"retry-after": " 0.5 "}, "", 0.5),
        ({"retry-after": "0"}, WORDS, 0.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, "", 0.25),
        ({"x-ms-retry-after-ms": "1500"}, "", 1.5),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, "", 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:01:00 GMT"}, "", 0.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:30 GMT"}, "", 0.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:30 -0000", "date": "soon"}, "", 0.0),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "-3"}, "", None),
        ({"retry-after": "nan"}, "", None),
        ({}, WORDS, 6.0),
        ({}, "Please try again after '123456' seconds.", None),
        ({}, "Please try again later.", None),
    ],
)
def test_an_answer_says_when_to_come_back(headers: dict[str, str], text: str, seconds: float | None) -> None:
    assert asked_to_wait(headers, text) == seconds


@pytest.mark.parametrize("seed", range(20))
def test_whenever_azure_counts_a_request_its_own_window_never_holds_too_many(seed: int) -> None:
    """32 workers, answers that take anything up to eight seconds, each request counted somewhere in between."""
    chance, window, limit = random.Random(seed), Window(30), 30
    slowest = chance.choice([0.01, 1.0, 8.0])
    now, counted = 0.0, list[float]()
    under_way: list[float] = []
    while len(counted) < 300:
        if len(under_way) < 32 and (wait := window.wait(now, 1)) <= 0:
            window.begin(now, 1)
            answered = now + chance.uniform(0, slowest)
            counted.append(chance.uniform(now, answered))
            heapq.heappush(under_way, answered)
            continue
        free = now + wait if len(under_way) < 32 else inf
        if under_way and under_way[0] <= free:
            now = heapq.heappop(under_way)
            window.end(now, 1, counted=True)
        else:
            now = free
    counted.sort()
    assert all(later - first >= SECONDS for first, later in zip(counted, counted[limit:], strict=False))
