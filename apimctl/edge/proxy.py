"""Forwarding an admitted request to its backend.

What the client sent is what the backend gets, and the other way round: the bytes of path, query
and headers, in their order, with their repeats, and the framing of the bodies.
"""

import time

from aiohttp import hdrs

from apimctl.config import GatewaySettings
from apimctl.domain import faults
from apimctl.domain.admission import Admitted
from apimctl.domain.faults import Fault
from apimctl.edge import answers
from apimctl.edge.circuit import Circuits
from apimctl.edge.connection import Response
from apimctl.edge.exchange import BodyTooLongError, BodyTooSlowError, Exchange
from apimctl.edge.forwarded import forwarding_headers
from apimctl.edge.heads import OwnHeaders, request_head
from apimctl.edge.request import BadBodyError, Request
from apimctl.edge.upstream import Backend, BrokenResponseError

REFUSED = "The backend refused the connection."
BROKEN = "The backend closed the connection or sent garbage."
RESTS = "The backend refused connections and is left alone for a while."


class Proxy:
    """Keeps connections and circuits to the backends of one gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._circuits = Circuits()
        self._backends: dict[str, Backend] = {}
        self.obey(settings)

    def obey(self, settings: GatewaySettings) -> None:
        """Take these settings from the next request on."""
        self._settings = settings
        self._circuits.failures = settings.circuit_failures
        self._circuits.open_seconds = settings.circuit_open_seconds

    def check(self) -> None:
        """Give up silent backends, and forget those without connections; for every second."""
        for endpoint, backend in list(self._backends.items()):
            if not backend.check(silence_seconds=self._settings.backend_timeout_seconds):
                del self._backends[endpoint]

    async def close(self) -> None:
        """Close the idle connections to the backends."""
        for backend in self._backends.values():
            backend.close()

    async def forward(
        self,
        request: Request,
        admitted: Admitted,
        query: str,
        *,
        keeps_token: bool,
        own_headers: OwnHeaders = (),
    ) -> Response:
        """Return the backend's response, sent; or a fault, if nothing of one was sent yet.

        `query` is raw, with its question mark, or empty. `own_headers` are added to the response;
        the backend's of the same names do not get through.
        """
        limit = self._settings.request_body_limit
        if limit and request.body_exists and request.content_length > limit:
            return self._fault(request, faults.BODY_TOO_LONG, _too_long(limit))
        endpoint = admitted.endpoint
        if wait := self._circuits.wait_seconds(endpoint, now=time.monotonic()):
            retry_after = {"Retry-After": str(int(wait) + 1)}
            return answers.fault_for(request, faults.CIRCUIT_OPEN, RESTS, retry_after)
        backend = self._backends.get(endpoint)
        if backend is None:
            backend = self._backends[endpoint] = Backend(endpoint)
        exchange = self._exchange(
            request, backend, admitted.rest, query, own_headers, keeps_token=keeps_token
        )
        try:
            await exchange.connect()
        except (OSError, TimeoutError):
            self._circuits.failed(endpoint, now=time.monotonic())
            return answers.fault_for(request, faults.BACKEND_FAILED, REFUSED)
        self._circuits.succeeded(endpoint)
        return await self._run(request, exchange)

    def _exchange(
        self,
        request: Request,
        backend: Backend,
        rest: str,
        query: str,
        own_headers: OwnHeaders,
        *,
        keeps_token: bool,
    ) -> Exchange:
        path = backend.base_path.removesuffix("/") + rest if rest else backend.base_path
        is_websocket = request.wants_websocket and request.method == hdrs.METH_GET
        own = forwarding_headers(request, self._settings.trusted_proxies)
        if request.id.own_header is not None:
            own = (*own, request.id.own_header)
        head = request_head(
            request.message,
            f"{path or '/'}{query}",
            backend.host_header,
            own,
            keeps_token=keeps_token,
            is_websocket=is_websocket,
        )
        return Exchange(
            request, backend, head, self._settings, own_headers, is_websocket=is_websocket
        )

    async def _run(self, request: Request, exchange: Exchange) -> Response:
        try:
            return await exchange.run()
        except TimeoutError:
            return answers.fault_for(
                request, faults.BACKEND_TIMED_OUT, "The backend did not answer."
            )
        except BodyTooLongError:
            description = _too_long(self._settings.request_body_limit)
            return self._fault(request, faults.BODY_TOO_LONG, description)
        except BodyTooSlowError:
            return self._fault(request, faults.BODY_TOO_SLOW, "The body stopped coming.")
        except BadBodyError:
            return self._fault(request, faults.BAD_REQUEST, "The body cannot be read.")
        except (BrokenResponseError, OSError):
            return answers.fault_for(request, faults.BACKEND_FAILED, BROKEN)

    @staticmethod
    def _fault(request: Request, fault: Fault, description: str) -> Response:
        """Return a fault of the client's body, whose rest nobody will read."""
        response = answers.fault_for(request, fault, description)
        response.force_close()
        return response


def _too_long(limit: int) -> str:
    return f"The body is longer than {limit} bytes."
