"""Access tokens: issued to a directory object for one audience, and verified again by each service."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

import jwt

from declarative_kv.emulator.directory import find
from declarative_kv.emulator.world import World

LIFETIME = 3599


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: `kind` is "app" or "user"; `app_id` is the client id of the application or user agent."""

    object_id: str
    app_id: str
    tenant: str
    kind: str


class TokenError(Exception):
    """A token that is refused: `reason` is malformed, expired or audience; `found` the audience it was for."""

    def __init__(self, reason: str, found: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.found = found


# What the Azure CLI is known as in every tenant: users' tokens of this emulator come from it.
USER_AGENT_APP = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def issuer(tenant: str) -> str:
    """The issuer of version 1 tokens, which is what Key Vault and Resource Manager receive."""
    return f"https://sts.windows.net/{tenant}/"


def issue(world: World, object_id: str, audience: str) -> str:
    """A signed token for a service principal or a user of the directory; raises `LookupError` if there is none."""
    record = find(world, object_id, "servicePrincipal", "user")
    if record is None:
        raise LookupError(f"no service principal and no user has the id {object_id}")
    now = int(world.clock.now())
    tenant = record["tenant"]
    claims = {
        "aud": audience,
        "iss": issuer(tenant),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME + 1,
        "appid": record.get("appId", USER_AGENT_APP),
        "appidacr": "1",
        "idp": issuer(tenant),
        "idtyp": "user" if record["kind"] == "user" else "app",
        "oid": record["id"],
        "sub": record["id"],
        "tid": tenant,
        "uti": uuid.uuid4().hex,
        "ver": "1.0",
    }
    if record["kind"] == "user":
        claims |= {
            "upn": record["userPrincipalName"],
            "name": record["displayName"],
            "scp": "user_impersonation",
        }
    return world.keyring.sign(claims)


def verify(world: World, token: str, audiences: Collection[str], *, exact: bool = False) -> Caller:
    """Who the token speaks for; raises `TokenError` for a wrong signature, issuer, time or audience.

    Audiences are compared without regard to a closing slash and to case, unless `exact`, as Key Vault does (quoted);
    whose tenant it is, is the caller's to check.
    """
    try:
        claims = world.keyring.claims(token)
        tenant, audience = claims["tid"], claims["aud"]
        caller = Caller(claims["oid"], claims["appid"], tenant, claims["idtyp"])
        until = claims["exp"]
    except (jwt.InvalidTokenError, KeyError) as error:
        raise TokenError("malformed") from error
    if claims.get("iss") != issuer(tenant):
        raise TokenError("malformed")
    if until <= world.clock.now():
        raise TokenError("expired", audience)
    known = audience in audiences
    if not known and (exact or audience.rstrip("/").lower() not in {a.rstrip("/") for a in audiences}):
        raise TokenError("audience", audience)
    return caller


def bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header; None where there is none."""
    if authorization is None or authorization[:7].lower() != "bearer ":
        return None
    return authorization[7:].strip()
