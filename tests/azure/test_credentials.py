"""One token a scope for all clients, and who it stands for."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo

from declarative_kv.azure.credentials import SharedCredential, read_identity, shared_credential
from declarative_kv.azure.pacing import Pace
from declarative_kv.azure.patience import Clock
from declarative_kv.model.document import Cloud


class Issuer:
    """Gives numbered tokens and remembers what was asked."""

    def __init__(self, life: float = 3600) -> None:
        self.asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self.closed = False
        self._life = life

    async def get_token_info(self, *scopes: str, options: dict[str, Any]) -> AccessTokenInfo:
        self.asked.append((scopes, options))
        await asyncio.sleep(0)
        return AccessTokenInfo(f"token {len(self.asked)}", int(time.time() + self._life))

    async def close(self) -> None:
        self.closed = True


class OldIssuer:
    """A credential of azure-core's older form."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(f"old {options['tenant_id']}", int(time.time() + 3600))


async def test_many_that_ask_at_once_cause_one_request() -> None:
    issuer = Issuer()
    shared = SharedCredential(issuer, "tenant", None)
    tokens = await asyncio.gather(*(shared.get_token_info("scope") for _ in range(20)))

    assert {token.token for token in tokens} == {"token 1"}
    assert issuer.asked == [(("scope",), {"tenant_id": "tenant"})]
    assert (await shared.get_token("scope")).token == "token 1"


async def test_another_scope_tenant_or_claim_is_asked_for() -> None:
    issuer = Issuer()
    shared = SharedCredential(issuer, "tenant", None)
    await shared.get_token_info("scope")
    await shared.get_token_info("other")
    await shared.get_token_info("scope", options={"tenant_id": "elsewhere"})
    await shared.get_token_info("scope", options={"claims": "c"})
    await shared.get_token_info("scope", options={"enable_cae": True})

    assert len(issuer.asked) == 5


async def test_a_token_near_its_end_is_asked_for_again() -> None:
    issuer = Issuer(life=200)
    shared = SharedCredential(issuer, None, None)
    await shared.get_token_info("scope")
    await shared.get_token_info("scope")

    assert [options for _, options in issuer.asked] == [{}, {}]


async def test_an_older_credential_works_too_and_closing_closes_what_can_be() -> None:
    old, issuer = SharedCredential(OldIssuer(), "t", None), Issuer()
    async with SharedCredential(issuer, None, None), old:
        assert (await old.get_token_info("scope")).token == "old t"

    assert issuer.closed


def test_the_credential_that_spoke_is_named() -> None:
    class AzureCliCredential:
        pass

    class Chain:
        _successful_credential = AzureCliCredential()

    assert SharedCredential(Chain(), None, None).source == "Azure CLI"
    assert SharedCredential(OldIssuer(), None, None).source == "OldIssuer"
    assert SharedCredential(Chain(), None, "emulator").source == "emulator"


async def test_without_a_credential_azure_identitys_chain_is_asked() -> None:
    cloud = Cloud("public")
    pace = Pace(Clock(asyncio.sleep), cloud.resource_manager, limited=True)
    shared = shared_credential(None, cloud, "11111111-1111-1111-1111-111111111111", None, pace)

    assert shared.source == "DefaultAzureCredential"
    await shared.close()


def jwt(claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)]
    return ".".join([*parts, "signature"])


@pytest.mark.parametrize(
    ("claims", "name", "app_id", "user"),
    [
        ({"upn": "alice@contoso.example", "appid": "cli"}, "alice@contoso.example", None, True),
        ({"idtyp": "user", "unique_name": "bob"}, "bob", None, True),
        ({"appid": "AB", "app_displayname": "kv-plan"}, "kv-plan", "ab", False),
        ({"azp": "AB"}, "AB", "ab", False),
        ({}, "OID", None, False),
    ],
)
def test_an_identity_is_read_from_the_tokens_claims(
    claims: dict[str, Any], name: str, app_id: str | None, user: bool
) -> None:
    identity = read_identity(jwt({"oid": "OID", "tid": "TID", **claims}), "somewhere")

    assert (identity.object_id, identity.tenant, identity.source) == ("oid", "tid", "somewhere")
    assert (identity.name, identity.app_id, identity.user) == (name, app_id, user)


@pytest.mark.parametrize("token", ["opaque", jwt({}), jwt({"oid": "o"}), "a.b.c"])
def test_a_token_that_names_nobody_is_refused(token: str) -> None:
    with pytest.raises(ValueError):
        read_identity(token, "x")
