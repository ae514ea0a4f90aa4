"""One request and its response, on one connection to a backend, streamed both ways.

A connection goes back to be used again only if exactly the declared body of the request was sent
and the response was read to its end. Otherwise the next request on it could be taken for the rest
of this one.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
from aiohttp import SocketTimeoutError, hdrs, web
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from apimctl.config import GatewaySettings
from apimctl.edge.connection import ask_for_body
from apimctl.edge.heads import (
    LAST_CHUNK,
    Framing,
    OwnHeaders,
    choose_framing,
    chunk_frame,
    response_head,
)
from apimctl.edge.tunnel import Pipe, join
from apimctl.edge.upstream import Backend, expect_response

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Idempotent methods (RFC 9110 section 9.2.2), sent again if a kept connection turns out dead."""

MOST_INTERIM_RESPONSES = 16

_Response = tuple[RawResponseMessage, StreamReader]


class BadBodyError(Exception):
    """The client's body breaks the rules of its own framing."""


class BodyTooLongError(Exception):
    """The client's body is longer than the gateway lets through."""


class BodyTooSlowError(Exception):
    """The client stopped sending its body."""


class Sent:
    """A response whose bytes are on their way already: aiohttp has nothing left to send.

    It is all that aiohttp's server asks of a response.
    """

    def __init__(self, status: int, *, keeps_alive: bool) -> None:
        self.status = status
        self.keep_alive = keeps_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: it was sent."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: it was sent."""


class Exchange:
    """One request, to be sent to one backend. `head` is what the backend gets of it first."""

    def __init__(
        self,
        request: web.BaseRequest,
        backend: Backend,
        head: bytes,
        settings: GatewaySettings,
        own_headers: OwnHeaders,
        *,
        is_websocket: bool,
    ) -> None:
        self._request = request
        self._backend = backend
        self._head = head
        self._settings = settings
        self._own_headers = own_headers
        self._is_websocket = is_websocket
        self._has_body = request.body_exists
        self._is_sent = not self._has_body
        self._clients_fault: Exception | None = None

    async def connect(self) -> None:
        """Get a connection. Raises OSError, TimeoutError."""
        self._connection, self._is_reused = await self._backend.borrow(
            timeout_seconds=self._settings.connect_timeout_seconds
        )

    async def run(self) -> Sent:
        """Send the request and relay the response.

        Raises BadBodyError, BodyTooLongError and BodyTooSlowError for the client's faults;
        aiohttp.ClientError, HttpProcessingError, ConnectionError and TimeoutError for the
        backend's. All only as long as nothing of the response was sent.
        """
        is_over = False
        sending = None
        try:
            await ask_for_body(self._request)
            self._send_head()
            if self._has_body:
                sending = asyncio.ensure_future(self._send_body())
            message, payload = await self._response()
            if message.code == HTTPStatus.SWITCHING_PROTOCOLS:
                return await self._tunnel(message)
            framing = choose_framing(self._request, message)
            # An answer that comes before the request was sent whole leaves both sides useless.
            keeps_alive = (
                self._is_sent
                and framing is not Framing.UNTIL_CLOSE
                and bool(self._request.keep_alive)
            )
            head = response_head(
                self._request, message, framing, self._own_headers, keeps_alive=keeps_alive
            )
            is_over = await self._relay(head, payload, framing) and self._is_sent
            return Sent(message.code, keeps_alive=keeps_alive and is_over)
        finally:
            if sending is not None:
                sending.cancel()
            if is_over:
                self._backend.give_back(self._connection)
            else:
                self._connection.abort()

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
        connection = self._connection
        is_chunked = self._request._message.chunked  # noqa: SLF001 - nothing else says so
        try:
            async for chunk in self._chunks():
                connection.write(chunk_frame(chunk) if is_chunked else chunk)
                if connection.writing_paused:
                    async with asyncio.timeout(self._settings.backend_timeout_seconds):
                        await connection.drain()
            if is_chunked:
                connection.write(LAST_CHUNK)
        except (ConnectionError, aiohttp.ClientConnectionError):
            return  # what the backend answered before it left is still to be read
        except TimeoutError:
            connection.set_exception(SocketTimeoutError("the backend does not read"))
            return
        except (BodyTooLongError, BodyTooSlowError) as error:
            self._clients_fault = error
        except (aiohttp.ClientError, HttpProcessingError, web.RequestPayloadError):
            self._clients_fault = BadBodyError()
        else:
            self._is_sent = True
            connection.start_timeout()
            return
        connection.abort()
        connection.set_exception(ConnectionResetError("the client's body is at fault"))

    async def _chunks(self) -> AsyncIterator[bytes]:
        """Yield the client's body, no more and no slower than the settings allow."""
        content, limit = self._request.content, self._settings.request_body_limit
        received = 0
        while True:
            try:
                async with asyncio.timeout(self._settings.body_timeout_seconds):
                    chunk = await content.readany()
            except TimeoutError:
                raise BodyTooSlowError from None
            if not chunk:
                return
            received += len(chunk)
            if limit and received > limit:
                raise BodyTooLongError
            yield chunk

    async def _response(self) -> _Response:
        try:
            return await self._final_response()
        except (aiohttp.ClientConnectionError, ConnectionError) as error:
            if self._clients_fault is not None:
                raise self._clients_fault from error
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
        for _ in range(MOST_INTERIM_RESPONSES):
            message, payload = await self._connection.read()
            if message.code == HTTPStatus.SWITCHING_PROTOCOLS and self._is_websocket:
                return message, payload
            if message.code == HTTPStatus.SWITCHING_PROTOCOLS or message.code < HTTPStatus.CONTINUE:
                raise aiohttp.ClientPayloadError("the backend switched protocols unasked")
            if message.code >= HTTPStatus.OK:
                if message.headers.get(hdrs.TRANSFER_ENCODING, "chunked").lower() != "chunked":
                    raise aiohttp.ClientPayloadError("the backend used an unknown transfer coding")
                return message, payload
            if self._is_sent:  # aiohttp stops the clock with every message
                self._connection.start_timeout()
        raise aiohttp.ClientPayloadError("the backend sends nothing but interim responses")

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
                framed = chunk_frame(chunk) if framing is Framing.CHUNKED else chunk
                transport.write(head + framed)
                head = b""
                if request.protocol.writing_paused:
                    await request.writer.drain()
            if framing is Framing.CHUNKED:
                head += LAST_CHUNK
            if head:
                transport.write(head)
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError):
            if framing is Framing.UNTIL_CLOSE:
                _reset(transport)  # an orderly end would be the end of the body
            request.protocol.force_close()
            return False
        return True

    async def _tunnel(self, message: RawResponseMessage) -> Sent:
        """Let both sides speak WebSocket to each other until one of them leaves."""
        client, backend = self._request.transport, self._connection.transport
        if client is None or backend is None:
            raise ConnectionResetError("a side left before the tunnel was open")
        head = response_head(
            self._request, message, Framing.AS_DECLARED, self._own_headers, keeps_alive=True
        )
        client.write(head)
        self._connection.read_timeout = None
        to_client, to_backend = Pipe(backend), Pipe(client)
        self._connection.set_parser(to_client, None)
        self._request.protocol.set_parser(to_backend)  # type: ignore[arg-type] # feeds it bytes
        await join(
            to_client.pump(client.write, self._request.writer.drain),
            to_backend.pump(self._connection.write, self._connection.drain),
        )
        return Sent(message.code, keeps_alive=False)


def _reset(transport: asyncio.Transport) -> None:
    """Break a connection off, so that the other side sees an error and no end."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
