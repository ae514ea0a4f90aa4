"""One request and its response, on one connection to a backend, streamed both ways.

A connection goes back to be used again only if exactly the declared body of the request was sent
and the response was read to its end. Otherwise the next request on it could be taken for the rest
of this one.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator
from http import HTTPStatus

from aiohttp import hdrs
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

from apimctl.config import GatewaySettings
from apimctl.edge.heads import (
    LAST_CHUNK,
    Framing,
    OwnHeaders,
    choose_framing,
    chunk_frame,
    response_head,
)
from apimctl.edge.request import BadBodyError, Request
from apimctl.edge.tunnel import Pipe, join
from apimctl.edge.upstream import Backend, BrokenResponseError, Connection, Response

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Idempotent methods (RFC 9110 section 9.2.2), sent again if a kept connection turns out dead."""

MOST_INTERIM_RESPONSES = 16

# As numbers: looking a member up costs more than comparing two.
_CONTINUE, _SWITCHING_PROTOCOLS, _OK = (
    status.value for status in (HTTPStatus.CONTINUE, HTTPStatus.SWITCHING_PROTOCOLS, HTTPStatus.OK)
)


class BodyTooLongError(Exception):
    """The client's body is longer than the gateway lets through."""


class BodyTooSlowError(Exception):
    """The client stopped sending its body."""


class Sent:
    """A response whose bytes are on their way already."""

    __slots__ = ("keep_alive", "status")

    def __init__(self, status: int, *, keep_alive: bool) -> None:
        self.status = status
        self.keep_alive = keep_alive


class Exchange:
    """One request, to be sent to one backend. `head` is what the backend gets of it first."""

    def __init__(
        self,
        request: Request,
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
        self._body_bytes = 0

    async def connect(self) -> None:
        """Get a connection. Raises OSError, TimeoutError."""
        kept = self._backend.take()
        self._is_reused = kept is not None
        self._connection = kept or await self._connect()

    async def _connect(self) -> Connection:
        timeout_seconds = self._settings.connect_timeout_seconds
        return await self._backend.connect(timeout_seconds=timeout_seconds)

    async def run(self) -> Sent:
        """Send the request and relay the response.

        Raises BadBodyError, BodyTooLongError and BodyTooSlowError for the client's faults;
        BrokenResponseError, OSError and TimeoutError for the backend's. All only as long as
        nothing of the response was sent.
        """
        request, observation = self._request, self._request.observation
        is_over = False
        sending = None
        try:
            request.ask_for_body()
            self._send_head()
            if self._has_body:
                sending = asyncio.ensure_future(self._send_body())
            sent_at = time.perf_counter()
            message, payload = await self._response()
            observation.backend_seconds = time.perf_counter() - sent_at
            observation.status = message.code
            if message.code == _SWITCHING_PROTOCOLS:
                return await self._tunnel(message)
            framing = choose_framing(request, message)
            # An answer that comes before the request was sent whole leaves both sides useless.
            keep_alive = self._is_sent and framing is not Framing.UNTIL_CLOSE and request.keep_alive
            head = response_head(
                request, message, framing, self._own_headers, keeps_alive=keep_alive
            )
            is_over = await self._relay(head, payload, framing) and self._is_sent
            return Sent(message.code, keep_alive=keep_alive and is_over)
        finally:
            if observation.status:
                observation.body_bytes = self._body_bytes
            if sending is not None and not sending.done():
                sending.cancel()
                await asyncio.wait([sending])  # until then, the body is in its hands
            self._backend.give_back(self._connection, is_over=is_over)

    def _send_head(self) -> None:
        self._connection.expect_response(to_head=self._request.method == hdrs.METH_HEAD)
        self._connection.write(self._head)
        if not self._has_body:
            self._connection.start_clock()

    async def _send_body(self) -> None:
        """Pass the client's body on, framed as it came, no faster than the backend takes it."""
        connection = self._connection
        is_chunked = self._request.message.chunked
        try:
            async for chunk in self._chunks():
                connection.write(chunk_frame(chunk) if is_chunked else chunk)
                if connection.writing_paused:
                    await self._drain_backend()
            if is_chunked:
                connection.write(LAST_CHUNK)
        except (ConnectionError, TimeoutError):
            return  # what the backend answered before it left is still to be read
        except (BadBodyError, BodyTooLongError, BodyTooSlowError) as error:
            self._clients_fault = error
            connection.abort()
            connection.fail(ConnectionResetError("the client's body is at fault"))
            return
        self._is_sent = True
        connection.start_clock()

    async def _drain_backend(self) -> None:
        """Wait until the backend has taken most of what was written; give up one that does not.

        Raises ConnectionError, TimeoutError.
        """
        connection = self._connection
        try:
            async with asyncio.timeout(self._settings.backend_timeout_seconds):
                await connection.drain()
        except TimeoutError as error:
            connection.fail(error)
            connection.abort()
            raise

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

    async def _response(self) -> Response:
        try:
            return await self._final_response()
        except ConnectionError as error:
            if self._clients_fault is not None:
                raise self._clients_fault from error
            if not self._may_repeat():
                raise
        self._backend.give_back(self._connection, is_over=False)
        self._is_reused = False
        self._connection = await self._connect()
        self._send_head()
        return await self._final_response()

    async def _final_response(self) -> Response:
        """Return the response behind all interim ones (RFC 9110 section 15.2)."""
        for _ in range(MOST_INTERIM_RESPONSES):
            message, payload = await self._connection.response()
            if message.code == _SWITCHING_PROTOCOLS and message.upgrade and self._is_websocket:
                return message, payload
            if message.code == _SWITCHING_PROTOCOLS or message.code < _CONTINUE:
                raise BrokenResponseError("the backend switched protocols unasked")
            if message.code >= _OK:
                if hdrs.TRANSFER_ENCODING in message.headers and not _is_chunked(message):
                    raise BrokenResponseError("the backend used an unknown transfer coding")
                return message, payload
        raise BrokenResponseError("the backend sends nothing but interim responses")

    def _may_repeat(self) -> bool:
        """Return whether a kept connection was closed by the backend before it saw the request."""
        return self._is_reused and not self._has_body and self._request.method in SAFE_TO_REPEAT

    async def _relay(self, head: bytes, payload: StreamReader, framing: Framing) -> bool:
        """Send the response on and return whether it was whole.

        Once its head is on its way, only a cut connection says that the body is not.
        """
        client = self._request.client
        is_chunked = framing is Framing.CHUNKED
        try:
            # What has come already goes out with the head, in one packet.
            if not payload.is_eof():
                await self._stream(head, payload, is_chunked=is_chunked)
                head = b""
            rest = payload.read_nowait()
            self._body_bytes += len(rest)
            if is_chunked:
                rest = chunk_frame(rest) + LAST_CHUNK if rest else LAST_CHUNK
            if head or rest:
                client.write(head + rest)
            if client.writing_paused:
                await client.drain()
        except (BrokenResponseError, OSError):
            if framing is Framing.UNTIL_CLOSE and client.transport is not None:
                _reset(client.transport)  # an orderly end would be the end of the body
            return False
        return True

    async def _stream(self, head: bytes, payload: StreamReader, *, is_chunked: bool) -> None:
        """Send the head and what comes of the body, as it comes, no faster than it is taken."""
        client = self._request.client
        if not payload.total_bytes:
            client.write(head)
            head = b""
        while not payload.is_eof():
            chunk = await payload.readany()
            self._body_bytes += len(chunk)
            if chunk:
                client.write(head + (chunk_frame(chunk) if is_chunked else chunk))
                head = b""
            if client.writing_paused:
                await client.drain()

    async def _tunnel(self, message: RawResponseMessage) -> Sent:
        """Let both sides speak WebSocket to each other until one of them leaves."""
        client, backend = self._request.client, self._connection
        if client.transport is None or backend.transport is None:
            raise ConnectionResetError("a side left before the tunnel was open")
        head = response_head(
            self._request, message, Framing.AS_DECLARED, self._own_headers, keeps_alive=True
        )
        client.write(head)
        to_client, to_backend = Pipe(backend.transport), Pipe(client.transport)
        backend.tunnel_to(to_client)
        client.tunnel_to(to_backend)
        await join(
            to_client.pump(client.write, client.drain),
            to_backend.pump(backend.write, self._drain_backend),
        )
        if backend.transport is not None and backend.is_open():
            backend.transport.set_write_buffer_limits(0)
            with contextlib.suppress(ConnectionError, TimeoutError):  # it left, or takes no more
                await self._drain_backend()
        backend.close()
        return Sent(message.code, keep_alive=False)


def _is_chunked(message: RawResponseMessage) -> bool:
    """Return whether chunked is the only transfer coding: then the parser has undone it."""
    codings = message.headers.getall(hdrs.TRANSFER_ENCODING)
    return all(coding.lower() == "chunked" for coding in codings)


def _reset(transport: asyncio.Transport) -> None:
    """Break a connection off, so that the other side sees an error and no end."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
