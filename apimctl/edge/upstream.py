"""Connections to backends: kept open, lent to one exchange at a time, not lent again in doubt.

aiohttp parses what a backend answers (its C parser); what is sent are the bytes we were given.
"""

import asyncio
import ssl
from functools import cached_property
from urllib.parse import urlsplit

from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL
from aiohttp.http_exceptions import HttpProcessingError

KEEP_ALIVE_SECONDS = 4.0
"""Shorter than common servers' own, so that they seldom close what we are about to use."""

BUFFER_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 64 * 1024
MOST_HEADERS = 512


class Connection(ResponseHandler):
    """A connection to a backend."""

    returned_at = 0.0

    def write(self, data: bytes) -> None:
        """Send bytes. Raises ConnectionError if the connection is gone."""
        if self.transport is None:
            raise ConnectionResetError("the backend closed the connection")
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the backend has taken most of what was written. Raises ConnectionError."""
        await self._drain_helper()

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """Fail whoever waits for a response, or for the rest of one that cannot be read.

        aiohttp's parser drops a body that it finds a fault in: its reader would wait for ever.
        """
        super().set_exception(exc, exc_cause)
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(exc, exc_cause)

    def rest(self) -> bool:
        """Parse nothing until the next response is expected; return whether none has begun.

        What comes meanwhile was asked for by nobody: it is kept unread and makes `should_close`
        true, so that not even the beginning of a response waits for the next request.
        """
        parser, self._parser = self._parser, None
        try:
            return parser is None or parser.feed_eof() is None
        except HttpProcessingError:
            return False


class Backend:
    """One endpoint of an API: its address, and the connections to it that are idle."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self.base_path = parts.path
        self.host_header = parts.netloc.encode()
        self._host = parts.hostname or ""
        self._is_tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._is_tls else 80)
        self._idle: list[Connection] = []

    async def borrow(self, *, timeout_seconds: float) -> tuple[Connection, bool]:
        """Return a connection, and whether it was used before.

        Raises OSError if the backend refuses one, TimeoutError.
        """
        loop = asyncio.get_running_loop()
        oldest = loop.time() - KEEP_ALIVE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.returned_at > oldest and not connection.should_close:
                return connection, True
            connection.close()
        return await self.connect(timeout_seconds=timeout_seconds), False

    async def connect(self, *, timeout_seconds: float) -> Connection:
        """Return a new connection. Raises OSError, TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout_seconds):
            _, connection = await loop.create_connection(
                lambda: Connection(loop),
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._is_tls else None,
            )
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose exchange is over, if it may serve another one."""
        is_clean = connection.is_connected() and not connection.should_close
        if not is_clean or not connection.rest():
            connection.close()
        else:
            connection.returned_at = asyncio.get_running_loop().time()
            self._idle.append(connection)

    def close_idle(self) -> int:
        """Close the connections whose time is over and return how many are left."""
        oldest = asyncio.get_running_loop().time() - KEEP_ALIVE_SECONDS
        idle, self._idle = self._idle, []
        for connection in idle:
            if connection.returned_at > oldest and not connection.should_close:
                self._idle.append(connection)
            else:
                connection.close()
        return len(self._idle)

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context() if self._is_tls else None


def expect_response(connection: Connection, *, to_head: bool, read_timeout_seconds: float) -> None:
    """Make the connection ready to parse the response to the request that is sent next."""
    connection.set_response_params(
        skip_payload=to_head,
        read_until_eof=True,
        auto_decompress=False,
        read_timeout=read_timeout_seconds,
        read_bufsize=BUFFER_BYTES,
        max_line_size=LONGEST_LINE_BYTES,
        max_field_size=LONGEST_LINE_BYTES,
        max_headers=MOST_HEADERS,
    )
