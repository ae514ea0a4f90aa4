"""A client's connection: HTTP/1.1 (RFC 9112) as a gateway speaks it.

aiohttp's C parser reads what comes. The requests of one connection are answered one after the
other, each by one call of the server's handler.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpParser
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from apimctl.edge import answers
from apimctl.edge.answers import Answer
from apimctl.edge.redaction import place_of
from apimctl.edge.request import BadBodyError, Request, Tunnelled
from apimctl.edge.request_parser import (
    MOST_AT_ONCE,
    answer_unreadable,
    is_between_requests,
    new_parser,
)

MOST_WAITING = MOST_AT_ONCE - 1
"""How many requests may wait for the answer to an earlier one: with it, the parser's limit."""

LINGER_SECONDS = 2.0
"""How long a refused body is still read, so that the client gets to read the refusal."""

KEEP_ALIVE_SECONDS = 75.0
"""How long a client may keep a connection without a request."""

STALL_SECONDS = 60.0
"""How long a client may take nothing of what it is sent."""

HALF_CLOSE_SECONDS = 0.5
"""How soon behind its request a client that still listens says that it has no other one.

On the wire, a client that leaves looks the same; but it leaves because an answer takes too long,
or in the middle of one.
"""

LAST_CHANCE_SECONDS = 1.0
"""How long a connection without a request stays open when the gateway ends."""

log = logging.getLogger("apimctl.gateway")


class Response(Protocol):
    """What a handler returns: an `Answer`, still to be sent, or whatever was sent already."""

    status: int
    keep_alive: bool


Handler = Callable[[Request], Awaitable[Response]]


class Connection(BaseProtocol):
    """One connection of a client; it is the `Client` of its requests."""

    def __init__(self, server: "Server", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop, new_parser(self, loop))
        self.remote = ""
        self.scheme = "http"
        self._server = server
        self._waiting: deque[Request | HttpProcessingError] = deque()
        self._task: asyncio.Task[None] | None = None
        self._content: StreamReader = EMPTY_PAYLOAD
        self._tunnel: Tunnelled | None = None
        self._tail = b""
        self._is_chunked = False
        self._takes_no_more = False
        self._is_answering = False
        self._is_fresh = True
        self._has_begun = False
        self._since = self._heard_at = loop.time()
        self._unsent = 0
        self._unsent_since: float | None = None

    @property
    def may_go_on(self) -> bool:
        """Whether another request may follow the one that is answered now."""
        return not self._server.is_draining and (not self._takes_no_more or bool(self._waiting))

    def write(self, data: bytes) -> None:
        """Send bytes of an answer. Raises ConnectionError for a client that is gone."""
        if self.transport is None:
            raise ConnectionResetError("the client left")
        self._is_answering = True
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was sent. Raises ConnectionError."""
        await self._drain_helper()

    def tunnel_to(self, tunnel: Tunnelled) -> None:
        """Hand over everything that comes from now on."""
        self._tunnel = tunnel
        if self._tail:
            tunnel.feed_data(self._tail)
            self._tail = b""
        self._resume_reading_for_buffer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect the head of a request from now on."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.remote = str(peer[0])
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = "https"
        opened = transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._server.made(self)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Take what comes again; aiohttp says so at every turn, paused or not."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of everything: nobody is there to be answered."""
        super().connection_lost(exc)
        self._server.lost(self)
        self._parser = None
        self._waiting.clear()
        if not self._content.is_eof():
            self._content.set_exception(BadBodyError("the client left"))
        if self._tunnel is not None:
            self._tunnel.feed_eof()  # what came before that is still to be passed on
        elif self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        """Return whether to go on answering, as the client may still listen (RFC 9112 9.6)."""
        is_soon = self._loop.time() - self._heard_at < HALF_CLOSE_SECONDS
        if self._tunnel is not None or self.scheme == "https" or self._task is None:
            return False
        goes_on = is_soon and not self._is_answering and self._content.is_eof()
        self._takes_no_more = self._takes_no_more or goes_on
        return goes_on

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        self._heard_at = self._loop.time()
        if self._tunnel is not None:
            self._tunnel.feed_data(data)
        elif self._upgraded:
            self._tail += data
        elif self._parser is not None:
            try:
                messages, upgraded, self._tail = self._parser.feed_data(data)
            except HttpProcessingError as error:
                self._break_off(error)
            else:
                for message, content in messages:
                    if self._is_chunked:
                        self._take_no_more()
                        break
                    self._waiting.append(Request(self, message, content))
                    self._content = content
                    self._is_chunked = message.chunked
                else:
                    if self._is_chunked and self._content.is_eof() and not upgraded:
                        self._forget_trailers(self._parser)
                self._limit(upgraded=upgraded)
            self._answer_waiting()

    def _forget_trailers(self, parser: HttpParser[Any]) -> None:
        """Let nothing behind a body in chunks be read by the parser that read the body.

        For aiohttp's (3.14), the last trailer is a header of the next request, which may be that of
        somebody else behind a proxy. What is there already is left to the client, to be sent again.
        """
        if len(self._waiting) < MOST_WAITING and is_between_requests(parser):
            self._parser = new_parser(self, self._loop)
            self._is_chunked = False
        else:
            self._take_no_more()

    def _take_no_more(self) -> None:
        """Read nothing more: the connection ends with the answers to what waits."""
        self._parser = None
        self._takes_no_more = True

    def _limit(self, *, upgraded: bool) -> None:
        """Let no more come than may wait."""
        if upgraded:
            self._upgraded = True
            self._pause_reading_for_buffer()  # what comes now is for a tunnel, or is early
        elif len(self._waiting) >= MOST_WAITING and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def _answer_waiting(self) -> None:
        if self._task is not None:
            return
        if self._waiting:
            self._task = self._loop.create_task(self._answer_all())
        elif not self._has_begun:
            self._has_begun = True
            self._since = self._heard_at

    def _break_off(self, error: HttpProcessingError) -> None:
        """Answer a request that cannot be read, or whose body cannot, and read nothing more."""
        self._parser = None
        if self._content.is_eof():
            self._waiting.append(error)
        else:
            self._content.set_exception(BadBodyError(type(error).__name__))

    async def _answer_all(self) -> None:
        """Answer what waits, in order, until nothing does or the connection is at its end."""
        goes_on = True
        try:
            while goes_on and self._waiting:
                asked = self._waiting.popleft()
                self._is_answering = False
                if isinstance(asked, HttpProcessingError):
                    answer = answer_unreadable(asked)
                    self._send(answer, None, keeps_alive=False)
                    self._server.note_unreadable(answer, self.remote)
                    goes_on = False
                else:
                    goes_on = False  # if it fails
                    goes_on = await self._answer(asked)
                    if self.writing_paused and self.transport is not None:
                        await self.drain()  # who takes no answers may ask for no more
                    self._make_room()
        finally:
            self._task = None
            self._is_fresh = self._has_begun = False
            self._since = self._loop.time()
            if self.transport is not None and (not goes_on or self._takes_no_more):
                self.transport.close()

    async def _answer(self, request: Request) -> bool:
        """Answer one request; return whether the connection can go on."""
        try:
            response = await self._server.handler(request)
        except ConnectionError:
            return False  # there is nobody to answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is to be told
            # Without the traceback: its values may be secrets.
            log.error("a request failed: %s at %s", type(error).__name__, place_of(error))  # noqa: TRY400
            response = answers.defect()
        goes_on = response.keep_alive
        if isinstance(response, Answer):
            goes_on = goes_on and request.keep_alive
            self._send(response, request, keeps_alive=goes_on)
        if request.content.is_eof():
            return goes_on
        return await self._read_rest(request.content) and goes_on

    def _send(self, answer: Answer, request: Request | None, *, keeps_alive: bool) -> None:
        if self.transport is not None:
            self.write(answer.encode(request, keeps_alive=keeps_alive))

    async def _read_rest(self, content: StreamReader) -> bool:
        """Read what is left of a body that nobody wants; return whether that was its end."""
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not content.is_eof():
                    await content.readany()
        except (BadBodyError, TimeoutError):
            return False
        return True

    def _make_room(self) -> None:
        """Let more requests come, now that one is answered, also such as came too early."""
        parser = self._parser
        if parser is None:
            return
        parser.message_consumed()
        if self._upgraded:
            if self._tunnel is None and not self._waiting:
                parser.set_upgraded(False)
                self._upgraded = False
                early, self._tail = self._tail, b""
                self._resume_reading_for_buffer()
                self.data_received(early)  # which may pause it again, here as below
        elif self._buffer_paused and len(self._waiting) <= MOST_WAITING // 2:
            self._resume_reading_for_buffer()
            self.data_received(b"")

    def check(self, now: float, *, header_seconds: float) -> None:
        """End a connection whose client is late. To be called every second."""
        transport = self.transport
        if transport is None:
            return
        unsent = transport.get_write_buffer_size()
        if unsent != self._unsent or not unsent:
            self._unsent, self._unsent_since = unsent, now
        elif self._unsent_since is not None and now - self._unsent_since >= STALL_SECONDS:
            transport.abort()
            return
        owes_head = self._is_fresh or self._has_begun
        patience = header_seconds if owes_head else KEEP_ALIVE_SECONDS
        if self._task is None and patience and now - self._since >= patience:
            transport.close()

    def close_if_idle(self, *, since: float) -> None:
        """Close a connection on which nothing has been under way since then."""
        is_idle = self._task is None and not self._has_begun and self._since <= since
        if is_idle and self.transport is not None:
            self.transport.close()

    def cut(self) -> asyncio.Task[None] | None:
        """End everything at once; return what is still to be awaited."""
        task = self._task
        if task is not None:
            task.cancel()
        if self.transport is not None:
            self.transport.abort()
        return task


class Server:
    """The connections of all clients; it is the protocol factory of a listening socket."""

    def __init__(
        self,
        handler: Handler,
        *,
        header_timeout_seconds: float,
        note_unreadable: Callable[[Answer, str], None] = lambda _answer, _remote: None,
    ) -> None:
        """`header_timeout_seconds` is how long a client may take for a head, 0 for any time.

        `note_unreadable` is told of each answer to what is no request, and of the address.
        """
        self.handler = handler
        self.note_unreadable = note_unreadable
        self.connections: set[Connection] = set()
        self.is_draining = False
        self._header_seconds = header_timeout_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._ends = asyncio.Event()

    def __call__(self) -> Connection:
        """Return the protocol of a new connection."""
        return Connection(self, asyncio.get_running_loop())

    def made(self, connection: Connection) -> None:
        """Look after a connection from now on: behind the handshake, if it is one of TLS."""
        self.connections.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(1, self._check)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self.connections.discard(connection)
        if self.is_draining and not self.connections:
            self._ends.set()

    async def drain(self, seconds: float) -> None:
        """Let what is under way end, for so long, and cut the rest.

        Each answer from now on is the last one of its connection, and says so. A connection
        without a request gets a moment for one that is on its way.
        """
        self.is_draining = True
        loop = asyncio.get_running_loop()
        begun_at = now = loop.time()
        while self.connections and not self._ends.is_set() and now < begun_at + seconds:
            await self._wait(min(LAST_CHANCE_SECONDS / 4, begun_at + seconds - now))
            now = loop.time()
            if now >= begun_at + LAST_CHANCE_SECONDS:
                for connection in list(self.connections):
                    connection.close_if_idle(since=now - LAST_CHANCE_SECONDS)
        cut = [connection.cut() for connection in list(self.connections)]
        await asyncio.gather(*(task for task in cut if task), return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()

    def hurry(self) -> None:
        """Cut what a drain still waits for."""
        self._ends.set()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ends.wait()
        except TimeoutError:
            return

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self.connections):
            connection.check(now, header_seconds=self._header_seconds)
        self._timer = loop.call_later(1, self._check) if self.connections else None
