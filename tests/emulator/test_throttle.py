"""`--throttle azure`: Key Vault's windows of ten seconds, and Resource Manager's token buckets.

Limits: https://learn.microsoft.com/azure/key-vault/general/service-limits and
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

import pytest

from declarative_kv.emulator.throttle import SECONDS, Limits, Window, cost_of
from tests.emulator.azure_support import ARM, GROUP, Azure
from tests.emulator.azure_support import VAULT as HOST

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"


def vault(number: int = 1, subscription: str = SUBSCRIPTION) -> dict[str, str]:
    return {"uid": f"v{number}", "id": f"/subscriptions/{subscription}/resourceGroups/rg/x/vaults/v{number}"}


def admitted(limits: Limits, action: str, key: tuple[bool, int] | None, tries: int, number: int = 1) -> int:
    cost = cost_of(action, key)
    return sum(limits.admit(vault(number), cost, 0.0) for _ in range(tries))


@pytest.mark.parametrize(
    ("action", "key", "limit"),
    [
        ("secrets/setSecret/action", None, 300),
        ("secrets/getSecret/action", None, 4000),
        ("keys/import/action", None, 300),
        ("keys/create/action", (False, 2048), 20),
        ("keys/create/action", (True, 2048), 10),
        ("keys/sign/action", (False, 2048), 4000),
        ("keys/sign/action", (False, 3072), 1000),
        ("keys/sign/action", (False, 4096), 500),
        ("keys/sign/action", (True, 2048), 2000),
        ("keys/sign/action", (True, 3072), 500),
        ("keys/sign/action", (True, 4096), 250),
    ],
)
def test_a_vault_takes_so_many_in_ten_seconds(action: str, key: tuple[bool, int] | None, limit: int) -> None:
    assert admitted(Limits(), action, key, limit + 5) == limit


def test_operations_on_keys_are_weighed_and_summed() -> None:
    limits = Limits()  # Microsoft's own example: 248 and 16 fill the window
    assert admitted(limits, "keys/sign/action", (True, 4096), 248) == 248
    assert admitted(limits, "keys/sign/action", (True, 2048), 20) == 16


def test_creating_secrets_and_importing_keys_share_a_limit() -> None:
    limits = Limits()
    assert admitted(limits, "secrets/setSecret/action", None, 290) == 290
    assert admitted(limits, "keys/import/action", None, 20) == 10


def test_a_subscription_takes_five_times_what_a_vault_does() -> None:
    limits = Limits()
    counts = [admitted(limits, "secrets/setSecret/action", None, 300, number) for number in range(6)]
    assert counts == [300] * 5 + [0]
    other = vault(7, "33333333-3333-3333-3333-333333333333")
    assert limits.admit(other, cost_of("secrets/setSecret/action", None), 0.0)


def test_the_window_slides() -> None:
    window = Window()
    for second in range(10):
        window.add(second, 1)
    assert not window.fits(9.5, 1, 10)
    assert window.fits(SECONDS, 1, 10)
    assert not window.fits(SECONDS, 2, 10)


def test_a_clock_that_is_moved_back_starts_the_window_anew() -> None:
    window = Window()
    window.add(100.0, 10)
    assert window.fits(50.0, 10, 10)


def throttled() -> Azure:
    azure = Azure()
    azure.make_vault()
    azure.world.settings.throttle = True
    return azure


def test_the_301st_secret_is_refused_until_the_window_has_moved_on() -> None:
    azure = throttled()
    for number in range(300):
        azure.set(f"s{number}")
    refused = azure.secret("PUT", "/secrets/one-more", {"value": "v"})
    assert refused.status == 429
    assert refused.error == {
        "code": "Throttled",
        "message": "Request was not processed because too many requests were received. Reason: "
        "VaultRequestTypeLimitReached",
    }
    assert "retry-after" not in refused.headers
    assert azure.secret("GET", "/secrets/s1").status == 200
    for _ in range(50):  # what is refused does not count, so it does not keep the window full
        assert azure.secret("PUT", "/secrets/one-more", {"value": "v"}).status == 429
    azure.world.clock.shift(10.5)
    assert azure.secret("PUT", "/secrets/one-more", {"value": "v"}).status == 200


def test_without_the_setting_nothing_is_refused() -> None:
    azure = Azure()
    azure.make_vault()
    assert all(azure.secret("PUT", "/secrets/s", {"value": "v"}).status == 200 for _ in range(310))


def test_a_request_without_a_token_is_challenged_and_not_counted() -> None:
    azure = throttled()
    for _ in range(5):
        assert azure.ask("GET", HOST, "/secrets/s?api-version=7.6", headers={"authorization": ""}).status == 401
    assert len(azure.world.limits._windows) == 0


def test_resource_manager_counts_down_and_says_when_to_come_back() -> None:
    azure = throttled()
    start = azure.world.clock.now()
    target = f"{GROUP}?api-version=2021-04-01"
    left = azure.ask("DELETE", ARM, target).headers
    assert left["x-ms-ratelimit-remaining-subscription-deletes"] == "199"
    assert left["x-ms-ratelimit-remaining-subscription-global-deletes"] == "2999"
    answers = [azure.ask("DELETE", ARM, target) for _ in range(260 + int(10 * (azure.world.clock.now() - start)))]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.error["code"] == "SubscriptionRequestsThrottled"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-ms-ratelimit-remaining-subscription-deletes"] == "0"
    assert azure.ask("GET", ARM, target).status == 404  # reads have a bucket of their own
    azure.world.clock.shift(60)
    assert azure.ask("DELETE", ARM, target).headers["x-ms-ratelimit-remaining-subscription-deletes"] == "199"


def test_principals_have_buckets_of_their_own_beside_the_subscriptions() -> None:
    azure = throttled()
    target = f"{GROUP}?api-version=2021-04-01"
    azure.assign(f"/subscriptions/{SUBSCRIPTION}", azure.norights, "acdd72a7-3385-48ef-bd42-f606fba81ae7")
    for _ in range(3):
        mine = azure.ask("GET", ARM, target).headers
    theirs = azure.ask("GET", ARM, target, as_=azure.norights).headers
    assert int(mine["x-ms-ratelimit-remaining-subscription-reads"]) < 249
    assert theirs["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert int(theirs["x-ms-ratelimit-remaining-subscription-global-reads"]) <= 3749
