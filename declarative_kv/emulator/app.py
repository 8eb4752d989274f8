"""The emulated Azure as one function of a request: faults first, then the service that the host name stands for."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import Final

from declarative_kv.emulator.arm.routes import answer_arm
from declarative_kv.emulator.dataplane.routes import answer_vault, refuse_vault
from declarative_kv.emulator.entra.login import answer_entra
from declarative_kv.emulator.errors import AzureFault, not_emulated
from declarative_kv.emulator.faults import Fault
from declarative_kv.emulator.front import answer_metadata, common_headers, resource_manager_caller
from declarative_kv.emulator.graph.routes import answer_graph, refuse_graph
from declarative_kv.emulator.hostnames import GRAPH, LOGIN, RESOURCE_MANAGER, vault_suffix
from declarative_kv.emulator.http import Request, Response, json_response
from declarative_kv.emulator.world import World

ANSWERED: Final = "declarative_kv.emulator.answered"
"""The audit event (PEP 578) of every answer, with the request and the response: for those who check or count them."""
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CODES: Final = {
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
# Key Vault's 429 has a code of its own and no Retry-After (quoted).
_THROTTLED: Final = AzureFault(
    429,
    "Throttled",
    "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
)


class Application:
    """Answers requests to Azure's hosts from one world. It keeps nothing of its own."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def answer(self, request: Request) -> Response:
        """The answer; one with `dropped` set means that the connection closes without one.

        Between the arranged delay, if any, and the answer nothing is awaited: a request is served whole or not at all.
        """
        response = await self._answer(request)
        sys.audit(ANSWERED, request, response)
        return response

    async def _answer(self, request: Request) -> Response:
        fault = self._fault(request)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.drop:
                return Response(0, dropped=True)
            if fault.status is not None:
                return self._injected(request, fault.status)
        before = self.world.store.changes
        try:
            response = self._serve(request)
        except RecursionError:  # brackets in brackets, in a body or a filter, deeper than anybody means them
            response = self._refused(request, AzureFault(400, "BadRequest", "The request is nested too deeply."))
        if request.method not in _READING and response.status < 400 and self.world.store.changes != before:
            self._note_written(request)
        return replace(response, body=b"") if request.method == "HEAD" else response

    def _fault(self, request: Request) -> Fault | None:
        with self.world.store.transaction():
            return self.world.faults.strike(request.method, request.path)

    def _serve(self, request: Request) -> Response:
        if vault_suffix(request.host) is not None:
            return answer_vault(self.world, request)
        if request.host in GRAPH:
            response = answer_graph(self.world, request)
            return replace(response, headers={**common_headers(request), **response.headers})
        try:
            with self.world.store.transaction():
                return self._route(request)
        except AzureFault as fault:
            response = fault.response()
            return replace(response, headers={**common_headers(request), **response.headers})

    def _route(self, request: Request) -> Response:
        if request.host in LOGIN:
            response = answer_entra(self.world, request)
        elif request.host in RESOURCE_MANAGER:
            response = self._resource_manager(request)
        else:
            raise not_emulated(request)
        return replace(response, headers={**common_headers(request), **response.headers})

    def _resource_manager(self, request: Request) -> Response:
        open_to_all = answer_metadata(request)
        if open_to_all is not None:
            return open_to_all
        return answer_arm(self.world, request, resource_manager_caller(self.world, request))

    def _injected(self, request: Request, status: int) -> Response:
        """An arranged error, in the shape of the service that it seems to come from."""
        text = f"The emulator was told to answer this request with {status}."
        fault = AzureFault(status, _CODES.get(status, "InjectedFault"), text)
        if vault_suffix(request.host) is not None and status == 429:
            fault = _THROTTLED
        return self._refused(request, fault)

    def _refused(self, request: Request, fault: AzureFault) -> Response:
        """A refusal that comes before the service has looked, in the shape of that service."""
        if vault_suffix(request.host) is not None:
            return refuse_vault(self.world, request, fault)
        if request.host in GRAPH:
            response = refuse_graph(self.world, request, fault)
        elif request.host in LOGIN:
            error = "invalid_request" if fault.status == 400 else "temporarily_unavailable"
            response = json_response(fault.status, {"error": error, "error_description": fault.message})
        else:
            response = fault.response()
        return replace(response, headers={**common_headers(request), **response.headers})

    def _note_written(self, request: Request) -> None:
        """Remember that a client changed something: such a world is no longer loaded over unasked."""
        record = self.world.store.get("meta", "world")
        if record is None or record.get("written") or request.host in LOGIN:
            return
        self.world.store.put("meta", "world", {**record, "written": True})
