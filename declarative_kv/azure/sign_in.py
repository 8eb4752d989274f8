"""Why nobody could be signed in, in a few lines where azure-identity fills a page."""

from __future__ import annotations

import re
from typing import Final

from declarative_kv.model.diagnostic import Diagnostic
from declarative_kv.model.errors import NotAuthenticated

_ATTEMPT: Final = re.compile(r"^\s*(\w+Credential): (.*)$")
_POINTER: Final = re.compile(
    r"(?:See the|(?:Please )?[Vv]isit|To mitigate this issue|You can locate)[^.]*?https?://.*$"
)
_NO_NETWORK: Final = ("cannot connect to host", "name or service not known", "timed out", "network is unreachable")

SIGN_IN: Final = "Sign in, for example with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential."
NO_NETWORK: Final = "The place to sign in could not be reached: check the network, and HTTPS_PROXY if there is one."


def reasons(message: str) -> str:
    """azure-identity's message: one line for each credential that it tried, without its pointers to the web."""
    attempts = []
    for line in message.splitlines():
        if (attempt := _ATTEMPT.match(line)) is not None:
            name, why = attempt.groups()
            attempts.append(f"  {name}: {_short(name, why)}")
    return "\n".join(["no credential gave a token.", *attempts]) if attempts else _short("", message)


def way_out(message: str) -> str:
    """What to do about it: a sign-in that never got through is a matter of the network."""
    return NO_NETWORK if any(words in message.lower() for words in _NO_NETWORK) else SIGN_IN


def unusable(why: str) -> NotAuthenticated:
    """The error for AZURE_* variables that azure-identity cannot even read."""
    detail = f"The AZURE_… variables of the environment make no credential: {_short('', why)}"
    hint = (
        "Correct AZURE_TENANT_ID, AZURE_CLIENT_ID and what goes with them, or unset them and sign in with `az login`."
    )
    diagnostic = Diagnostic("not-authenticated", "Azure does not know who is asking", detail, hint)
    return NotAuthenticated(diagnostic, operation="Signing in")


def _short(name: str, why: str) -> str:
    """The reason in one line, without what the line says already."""
    text = _POINTER.sub("", " ".join(why.split()))
    return text.removeprefix(f"{name} authentication unavailable. ").strip()
