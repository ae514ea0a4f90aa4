"""Forwarding an admitted request to its backend, streaming both ways.

Hop-by-hop headers go (RFC 9110 section 7.6.1), everything else stays as it came: order, repeats,
compressed bodies, the path and query as they were sent.
"""

import time
from collections.abc import Iterator

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from apimctl.config import GatewaySettings
from apimctl.domain import faults
from apimctl.domain.admission import Admitted
from apimctl.edge import answers
from apimctl.edge.circuit import Circuits

CHUNK_BYTES = 64 * 1024
KEEP_ALIVE_SECONDS = 4
"""Shorter than common servers' own, so that they seldom close what we are about to use."""

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NOT_FORWARDED = _HOP_BY_HOP | {"host", "expect"}
_NEVER_NAMED_AWAY = frozenset({"host", "content-length", "authorization"})
_ADDED_BY_CLIENT = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)


class Proxy:
    """Keeps connections to the backends of one gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._circuits = Circuits()
        self.obey(settings)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_ADDED_BY_CLIENT,
            read_bufsize=CHUNK_BYTES,
        )

    def obey(self, settings: GatewaySettings) -> None:
        """Take these settings from the next request on."""
        self._circuits.failures = settings.circuit_failures
        self._circuits.open_seconds = settings.circuit_open_seconds
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=settings.connect_timeout_seconds,
            sock_read=settings.backend_timeout_seconds,
        )

    async def close(self) -> None:
        """Close the connections to the backends."""
        await self._session.close()

    async def forward(
        self, request: web.BaseRequest, admitted: Admitted, query: str, *, keeps_token: bool
    ) -> web.StreamResponse:
        """Return the backend's response, sent; or a fault, if nothing of one was sent yet.

        `query` is raw, with its question mark, or empty.
        """
        backend = admitted.endpoint
        if wait := self._circuits.wait_seconds(backend, now=time.monotonic()):
            return self._fault(
                request,
                faults.CIRCUIT_OPEN,
                "The backend refused connections and is left alone for a while.",
                {hdrs.RETRY_AFTER: str(int(wait) + 1)},
            )
        try:
            upstream = await self._session.request(
                request.method,
                URL(_target(admitted, query), encoded=True),
                headers=_request_headers(request.headers, keeps_token=keeps_token),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
                timeout=self._timeout,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            self._circuits.failed(backend, now=time.monotonic())
            return self._fault(
                request, faults.BACKEND_FAILED, "The backend refused the connection."
            )
        except TimeoutError:
            return self._fault(request, faults.BACKEND_TIMED_OUT, "The backend did not answer.")
        except aiohttp.ClientError:
            return self._fault(
                request, faults.BACKEND_FAILED, "The backend closed the connection or sent garbage."
            )
        self._circuits.succeeded(backend)
        async with upstream:
            return await _relay(request, upstream)

    @staticmethod
    def _fault(
        request: web.BaseRequest,
        fault: faults.Fault,
        description: str,
        headers: dict[str, str] | None = None,
    ) -> web.StreamResponse:
        accept = request.headers.get(hdrs.ACCEPT, "")
        return answers.fault(fault, description, accept=accept, headers=headers)


async def _relay(request: web.BaseRequest, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = answers.Relay(
        status=upstream.status,
        reason=upstream.reason,
        headers=CIMultiDict(_end_to_end(upstream.headers, without=_HOP_BY_HOP)),
    )
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
    except (aiohttp.ClientError, TimeoutError):
        # The status is on its way: only a cut connection says that the body is not whole.
        request.protocol.force_close()
        return response
    await response.write_eof()
    return response


def _target(admitted: Admitted, query: str) -> str:
    base = admitted.endpoint
    if admitted.rest:
        base = base.removesuffix("/") + admitted.rest
    return base + query


def _request_headers(headers: CIMultiDictProxy[str], *, keeps_token: bool) -> CIMultiDict[str]:
    without = _NOT_FORWARDED if keeps_token else _NOT_FORWARDED | {"authorization"}
    return CIMultiDict(_end_to_end(headers, without=without))


def _end_to_end(
    headers: CIMultiDictProxy[str], *, without: frozenset[str]
) -> Iterator[tuple[str, str]]:
    named = {
        name.strip().lower()
        for value in headers.getall(hdrs.CONNECTION, ())
        for name in value.split(",")
    }
    without = without | (named - _NEVER_NAMED_AWAY)
    for name, value in headers.items():
        if name.lower() not in without:
            yield name, value if value.isascii() else _as_utf8(value)


def _as_utf8(value: str) -> str:
    """Return a header value whose bytes were no UTF-8 as the Latin-1 that they then are.

    aiohttp sends UTF-8 only, and would leave such bytes out without a word.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value
