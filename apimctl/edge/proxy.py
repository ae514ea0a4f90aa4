"""Forwarding an admitted request to its backend, streaming both ways.

What the client sent is what the backend gets, and the other way round: the bytes of path, query
and headers, in their order, with their repeats, and the framing of the bodies.
"""

import asyncio
import time
from collections.abc import Sequence
from enum import Enum, auto
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion10, HttpVersion11, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from apimctl.config import GatewaySettings
from apimctl.domain import faults
from apimctl.domain.admission import Admitted
from apimctl.edge import answers
from apimctl.edge.circuit import Circuits
from apimctl.edge.headers import (
    HOP_BY_HOP,
    NOT_TO_BACKEND,
    NOT_TO_BACKEND_WITH_TOKEN,
    end_to_end,
)
from apimctl.edge.upstream import Backend, expect_response

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Idempotent methods (RFC 9110 section 9.2.2), sent again if a kept connection turns out dead."""

_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

LAST_CHUNK = b"0\r\n\r\n"
_AS_IT_CAME = "surrogateescape"
"""How aiohttp decodes bytes that are no UTF-8, and so how they become those bytes again."""

OwnHeaders = Sequence[tuple[bytes, bytes]]
"""Header lines of the gateway's own, for a response."""

_Response = tuple[RawResponseMessage, StreamReader]


class Framing(Enum):
    """How a body is told from what follows it."""

    AS_DECLARED = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


class BadBodyError(Exception):
    """The client's body breaks the rules of its own framing."""


class Sent(web.StreamResponse):
    """A response whose bytes are on their way already: aiohttp has nothing left to send."""

    def __init__(self, status: int, *, keeps_alive: bool) -> None:
        super().__init__(status=status)
        self._keep_alive = keeps_alive
        self._eof_sent = True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: it was sent."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: it was sent."""


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

    async def close(self) -> None:
        """Close the idle connections to the backends."""
        for backend in self._backends.values():
            backend.close()

    async def forward(
        self,
        request: web.BaseRequest,
        admitted: Admitted,
        query: str,
        *,
        keeps_token: bool,
        own_headers: OwnHeaders = (),
    ) -> web.StreamResponse:
        """Return the backend's response, sent; or a fault, if nothing of one was sent yet.

        `query` is raw, with its question mark, or empty. `own_headers` are added to the response;
        the backend's of the same names do not get through.
        """
        endpoint = admitted.endpoint
        if wait := self._circuits.wait_seconds(endpoint, now=time.monotonic()):
            return answers.fault_for(
                request,
                faults.CIRCUIT_OPEN,
                "The backend refused connections and is left alone for a while.",
                {hdrs.RETRY_AFTER: str(int(wait) + 1)},
            )
        backend = self._backends.get(endpoint)
        if backend is None:
            backend = self._backends[endpoint] = Backend(endpoint)
        head = _request_head(request, backend, admitted.rest, query, keeps_token=keeps_token)
        exchange = _Exchange(request, backend, head, self._settings, own_headers)
        try:
            await exchange.connect()
        except (OSError, TimeoutError):
            self._circuits.failed(endpoint, now=time.monotonic())
            fault, description = faults.BACKEND_FAILED, "The backend refused the connection."
        else:
            self._circuits.succeeded(endpoint)
            try:
                return await exchange.run()
            except TimeoutError:
                fault, description = faults.BACKEND_TIMED_OUT, "The backend did not answer."
            except BadBodyError:
                fault, description = faults.BAD_REQUEST, "The body of the request cannot be read."
            except (aiohttp.ClientError, HttpProcessingError, ConnectionError):
                fault = faults.BACKEND_FAILED
                description = "The backend closed the connection or sent garbage."
        return answers.fault_for(request, fault, description)


class _Exchange:
    """One request and its response, on one connection to the backend."""

    def __init__(
        self,
        request: web.BaseRequest,
        backend: Backend,
        head: bytes,
        settings: GatewaySettings,
        own_headers: OwnHeaders,
    ) -> None:
        self._own_headers = own_headers
        self._request = request
        self._backend = backend
        self._head = head
        self._settings = settings
        self._has_body = request.body_exists
        self._client_failed = False

    async def connect(self) -> None:
        """Get a connection. Raises OSError, TimeoutError."""
        self._connection, self._is_reused = await self._backend.borrow(
            timeout_seconds=self._settings.connect_timeout_seconds
        )

    async def run(self) -> web.StreamResponse:
        """Send the request and relay the response.

        Raises BadBodyError if the client's body cannot be read; aiohttp.ClientError,
        HttpProcessingError, ConnectionError and TimeoutError for the backend's faults. All only
        as long as nothing of the response was sent.
        """
        is_over = False
        sending = None
        try:
            self._send_head()
            if self._has_body:
                sending = asyncio.ensure_future(self._send_body())
            message, payload = await self._response()
            # An answer that comes before the request was sent whole leaves both sides useless.
            is_sent = sending is None or sending.done()
            framing = _framing(self._request, message)
            keeps_alive = (
                is_sent and framing is not Framing.UNTIL_CLOSE and bool(self._request.keep_alive)
            )
            head = _response_head(
                self._request, message, framing, self._own_headers, keeps_alive=keeps_alive
            )
            is_over = await self._relay(head, payload, framing) and is_sent
            return Sent(message.code, keeps_alive=keeps_alive and is_over)
        finally:
            if sending is not None:
                sending.cancel()
            if is_over:
                self._backend.give_back(self._connection)
            else:
                self._connection.close()

    def _send_head(self) -> None:
        expect_response(
            self._connection,
            to_head=self._request.method == hdrs.METH_HEAD,
            read_timeout_seconds=self._settings.backend_timeout_seconds,
        )
        self._connection.write(self._head)
        if not self._has_body:
            self._connection.start_timeout()

    async def _send_body(self) -> None:
        """Pass the client's body on, framed as it came, no faster than the backend takes it."""
        connection, content = self._connection, self._request.content
        is_chunked = self._request._message.chunked  # noqa: SLF001 - the one place that says so
        try:
            while chunk := await content.readany():
                connection.write(_framed(chunk) if is_chunked else chunk)
                if connection.writing_paused:
                    await connection.drain()
        except ConnectionError:
            return  # what the backend answered before it left is still to be read
        except (aiohttp.ClientError, HttpProcessingError, web.RequestPayloadError):
            self._client_failed = True
            connection.abort()
            return
        if is_chunked:
            connection.write(LAST_CHUNK)
        connection.start_timeout()

    async def _response(self) -> _Response:
        try:
            return await self._final_response()
        except (aiohttp.ClientConnectionError, ConnectionError) as error:
            if self._client_failed:
                raise BadBodyError from error
            if not self._may_repeat(error):
                raise
        self._connection.close()
        self._is_reused = False
        self._connection = await self._backend.connect(
            timeout_seconds=self._settings.connect_timeout_seconds
        )
        self._send_head()
        return await self._final_response()

    async def _final_response(self) -> _Response:
        """Return the response behind all interim ones (RFC 9110 section 15.2)."""
        while True:
            message, payload = await self._connection.read()
            if message.code >= HTTPStatus.OK:
                return message, payload
            if message.code == HTTPStatus.SWITCHING_PROTOCOLS:
                raise aiohttp.ClientPayloadError("the backend switched protocols unasked")

    def _may_repeat(self, error: Exception) -> bool:
        """Return whether a kept connection was closed by the backend before it saw the request."""
        return (
            self._is_reused
            and not self._has_body
            and not isinstance(error, TimeoutError)
            and self._request.method in SAFE_TO_REPEAT
        )

    async def _relay(self, head: bytes, payload: StreamReader, framing: Framing) -> bool:
        """Send the response on and return whether it was whole.

        Once its head is on its way, only a cut connection says that the body is not.
        """
        request = self._request
        transport = request.transport
        if transport is None:
            return False
        try:
            # What has come already goes out with the head, in one packet.
            is_waiting = not payload.total_bytes and not payload.is_eof()
            if is_waiting:
                transport.write(head)
                head = b""
            while chunk := await payload.readany():
                transport.write(head + (_framed(chunk) if framing is Framing.CHUNKED else chunk))
                head = b""
                if request.protocol.writing_paused:
                    await request.writer.drain()
            if framing is Framing.CHUNKED:
                head += LAST_CHUNK
            if head:
                transport.write(head)
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError):
            request.protocol.force_close()
            return False
        return True


def _request_head(
    request: web.BaseRequest, backend: Backend, rest: str, query: str, *, keeps_token: bool
) -> bytes:
    path = backend.base_path
    if rest:
        path = path.removesuffix("/") + rest
    without = NOT_TO_BACKEND if keeps_token else NOT_TO_BACKEND_WITH_TOKEN
    message = request._message  # noqa: SLF001 - the one place that knows of chunks
    pieces = [
        f"{message.method} {path or '/'}{query} HTTP/1.1\r\nHost: ".encode("utf-8", _AS_IT_CAME),
        backend.host_header,
        b"\r\n",
        *end_to_end(message.raw_headers, without=without),
        b"Transfer-Encoding: chunked\r\n\r\n" if message.chunked else b"\r\n",
    ]
    return b"".join(pieces)


def _response_head(
    request: web.BaseRequest,
    message: RawResponseMessage,
    framing: Framing,
    own_headers: OwnHeaders,
    *,
    keeps_alive: bool,
) -> bytes:
    reason = message.reason.encode("utf-8", _AS_IT_CAME)
    pieces = [
        b"HTTP/1.1 %d %b\r\n" % (message.code, reason),
        *end_to_end(message.raw_headers, without=_without(own_headers)),
    ]
    for name, value in own_headers:
        pieces += (name, b": ", value, b"\r\n")
    if hdrs.DATE not in message.headers:  # whoever forwards adds it (RFC 9110 section 6.6.1)
        pieces.append(b"Date: %b\r\n" % rfc822_formatted_time().encode())
    if framing is Framing.CHUNKED:
        pieces.append(b"Transfer-Encoding: chunked\r\n")
    if not keeps_alive:
        pieces.append(b"Connection: close\r\n")
    elif request.version == HttpVersion10:
        pieces.append(b"Connection: keep-alive\r\n")
    pieces.append(b"\r\n")
    return b"".join(pieces)


def _without(own_headers: OwnHeaders) -> frozenset[bytes]:
    return HOP_BY_HOP | {name.lower() for name, _ in own_headers} if own_headers else HOP_BY_HOP


def _framing(request: web.BaseRequest, message: RawResponseMessage) -> Framing:
    """Return how the client learns where the body ends (RFC 9112 section 6.3)."""
    is_bodiless = request.method == hdrs.METH_HEAD or message.code in _BODILESS
    if is_bodiless or (hdrs.CONTENT_LENGTH in message.headers and not message.chunked):
        return Framing.AS_DECLARED
    return Framing.UNTIL_CLOSE if request.version < HttpVersion11 else Framing.CHUNKED


def _framed(chunk: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)
