"""Who runs this: the identity behind the credential, as its access token says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in principal.

    `object_id` and `tenant` are lower-case GUIDs; `name` is the user's principal name or the application's id, for
    people to read; `source` says in words which credential spoke (`workload identity`, `Azure CLI`, …); `app_id` is the
    application's id where an application signed in itself; `user` tells a person from an application.
    """

    object_id: str
    name: str
    tenant: str
    source: str
    app_id: str | None = None
    user: bool = False
