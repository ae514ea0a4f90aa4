"""Connections to backends: kept open, lent to one exchange at a time, not lent again in doubt.

aiohttp's C parser reads what a backend answers; what is sent are the bytes we were given.
"""

import asyncio
import ssl
from collections import deque
from functools import cached_property
from urllib.parse import urlsplit

from aiohttp.base_protocol import BaseProtocol
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from apimctl.edge.request import Tunnelled

KEEP_ALIVE_SECONDS = 4.0
"""Shorter than common servers' own, so that they seldom close what we are about to use."""

BUFFER_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 64 * 1024
MOST_HEADERS = 512

Response = tuple[RawResponseMessage, StreamReader]


class BrokenResponseError(Exception):
    """What the backend sends is no response, or not a whole one."""


class Connection(BaseProtocol):
    """A connection to a backend.

    `returned_at` and `silent_since` are seconds of the event loop's clock: since when nobody uses
    it, and since when somebody waits for the backend, None for nobody. While reading is paused,
    the backend cannot be late.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.returned_at = 0.0
        self.silent_since: float | None = None
        self._responses: deque[Response] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._payload: StreamReader = EMPTY_PAYLOAD
        self._tunnel: Tunnelled | None = None
        self._tail = b""
        self._may_go_on = True

    def expect_response(self, *, to_head: bool) -> None:
        """Make ready to read the response to the request that is sent next."""
        self._payload = EMPTY_PAYLOAD
        self._parser = HttpResponseParser(
            self,
            self._loop,
            BUFFER_BYTES,
            payload_exception=BrokenResponseError,
            response_with_body=not to_head,
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=LONGEST_LINE_BYTES,
            max_field_size=LONGEST_LINE_BYTES,
            max_headers=MOST_HEADERS,
        )

    def write(self, data: bytes) -> None:
        """Send bytes. Raises ConnectionError if the connection is gone."""
        if self.transport is None:
            raise ConnectionResetError("the backend closed the connection")
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the backend has taken most of what was written. Raises ConnectionError."""
        await self._drain_helper()

    def start_clock(self) -> None:
        """Wait for the backend from now on: see `Backend.check`."""
        self.silent_since = self._loop.time()

    async def response(self) -> Response:
        """Return the next response, be it an interim one, and its body, which may still come.

        Raises BrokenResponseError, ConnectionError, and TimeoutError for a silent backend.
        """
        if not self._responses:
            if self._failure is not None:
                raise self._failure
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._responses.popleft()

    def tunnel_to(self, tunnel: Tunnelled) -> None:
        """Hand over everything that comes behind a response that switched protocols."""
        self.silent_since = None
        self._tunnel = tunnel
        if self._tail:
            tunnel.feed_data(self._tail)
            self._tail = b""
        self._resume_reading_for_buffer()

    def fail(self, error: Exception) -> None:
        """Let whoever waits for the backend have this error."""
        self._failure = self._failure or error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        if not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(error)

    def is_silent(self, *, since: float) -> bool:
        """Return whether somebody waits for the backend, and nothing has come since then."""
        if self._reading_paused or self.silent_since is None:
            return False
        return self.silent_since <= since

    def is_open(self) -> bool:
        """Return whether the connection is there still."""
        return self.transport is not None and not self.transport.is_closing()

    def is_whole(self) -> bool:
        """Return whether the last response was read to its end, with nothing behind it.

        Only then nothing that comes later can be taken for the answer to another request.
        """
        if not self._may_go_on or self._responses or not self._payload.is_eof():
            return False
        if self._parser is None or self._upgraded or self._failure is not None:
            return False
        try:
            return self._parser.feed_eof() is None  # what begins another response is in it
        except HttpProcessingError:
            return False

    def rest(self) -> None:
        """Expect nothing: a backend that says something now is not listened to again."""
        self._parser = None
        self.silent_since = None
        self.returned_at = self._loop.time()

    def close(self) -> None:
        """Close the connection, once everything is sent."""
        if self.transport is not None:
            self.transport.close()
            self.transport = None

    def abort(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = None

    def data_received(self, data: bytes) -> None:
        """Read what the backend sends."""
        if self._tunnel is not None:
            self._tunnel.feed_data(data)
            return
        if self._upgraded:
            self._tail += data
            return
        if self._parser is None:
            self.close()
            return
        if self.silent_since is not None:
            self.silent_since = self._loop.time()
        try:
            messages, upgraded, self._tail = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self.fail(BrokenResponseError(type(error).__name__))
            self.abort()  # it may never take the rest of the request
            return
        for message, payload in messages:
            self._may_go_on = self._may_go_on and not message.should_close
            self._payload = EMPTY_PAYLOAD if message.code in EMPTY_BODY_STATUS_CODES else payload
            self._responses.append((message, self._payload))
        if upgraded:
            self._pause_reading_for_buffer()  # until there is a tunnel
            self._upgraded = True
        if messages and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Take what comes again; aiohttp says so at every turn, paused or not."""
        was_paused = self._reading_paused
        if was_paused:
            super().resume_reading(resume_parser)
        if was_paused and not self._reading_paused:
            if self.silent_since is not None:
                self.start_clock()
            if self.transport is None:
                self._end()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever reads that nothing more will come, and whether that is an end or a cut."""
        super().connection_lost(exc)
        if exc is not None and not self._payload.is_eof():
            self._payload.set_exception(BrokenResponseError("the backend broke off"))
        if not self._reading_paused:
            self._end()

    def _end(self) -> None:
        if self._tunnel is not None:
            self._tunnel.feed_eof()
        parser, self._parser = self._parser, None
        payload = self._payload
        if parser is not None and not payload.is_eof() and payload.exception() is None:
            try:
                parser.feed_eof()
            except HttpProcessingError as error:
                payload.set_exception(BrokenResponseError(type(error).__name__))
        self.fail(ConnectionResetError("the backend closed the connection"))


class Backend:
    """One endpoint of an API: its address, and the connections to it."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self.base_path = parts.path
        self.host_header = parts.netloc.encode()
        self._host = parts.hostname or ""
        self._is_tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._is_tls else 80)
        self._idle: list[Connection] = []
        self._lent: set[Connection] = set()
        self._opening = 0

    def take(self) -> Connection | None:
        """Return a connection that was used before, None if there is none that still may be."""
        oldest = asyncio.get_running_loop().time() - KEEP_ALIVE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open() and connection.returned_at > oldest:
                self._lent.add(connection)
                return connection
            connection.close()
        return None

    async def connect(self, *, timeout_seconds: float) -> Connection:
        """Return a new connection. Raises OSError if the backend refuses one, TimeoutError."""
        loop = asyncio.get_running_loop()
        self._opening += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._is_tls else None,
                )
        finally:
            self._opening -= 1
        self._lent.add(connection)
        return connection

    def give_back(self, connection: Connection, *, is_over: bool) -> None:
        """Keep a connection whose exchange is over if it may serve another one, else close it."""
        self._lent.discard(connection)
        if is_over and connection.is_open() and connection.is_whole():
            connection.rest()
            self._idle.append(connection)
        else:
            connection.abort()

    def check(self, *, silence_seconds: float) -> bool:
        """Give up backends that are silent for too long, and connections that are idle for long.

        To be called every second. Return whether there are any connections left.
        """
        now = asyncio.get_running_loop().time()
        for connection in self._lent:
            if connection.is_silent(since=now - silence_seconds):
                connection.silent_since = None
                connection.fail(TimeoutError("the backend is silent"))
        idle, self._idle = self._idle, []
        for connection in idle:
            if connection.is_open() and connection.returned_at > now - KEEP_ALIVE_SECONDS:
                self._idle.append(connection)
            else:
                connection.close()
        return bool(self._idle or self._lent or self._opening)

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context() if self._is_tls else None
