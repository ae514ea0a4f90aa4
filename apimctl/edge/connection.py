"""A client's connection: HTTP/1.1 as aiohttp speaks it, where that is not what a gateway needs."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion11
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from apimctl.domain import faults
from apimctl.edge import answers

LONGEST_LINE_BYTES = 32 * 1024
MOST_HEADERS = 256
LINGER_SECONDS = 2.0
"""How long a refused body is still read, so that the client gets to read the refusal."""

KEEP_ALIVE_SECONDS = 75.0
"""How long a client may keep a connection without a request."""

DRAIN_LINGER_SECONDS = 1.0
"""How long an idle connection has for one more request once a drain begins."""

SHORTEST_SECONDS = 0.01
"""aiohttp takes 0 for ever."""

log = logging.getLogger("apimctl.gateway")

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Connection(RequestHandler):
    """A connection whose refusals are ours, and whose uploads outlive the start of a shutdown."""

    header_timeout_seconds = 0.0
    _head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect the head of a request from now on."""
        super().connection_made(transport)
        self._watch_head(is_incomplete=True)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self._watch_head(is_incomplete=False)
        super().connection_lost(exc)

    def _watch_head(self, *, is_incomplete: bool) -> None:
        """Close the connection of a client that takes too long for the head of a request."""
        if is_incomplete and self._head_deadline is None and self.header_timeout_seconds:
            self._head_deadline = asyncio.get_running_loop().call_later(
                self.header_timeout_seconds, self.force_close
            )
        elif not is_incomplete and self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def data_received(self, data: bytes) -> None:
        """Take what the client sends.

        When a shutdown begins, aiohttp stops listening: a request under way would wait for the
        rest of its body until the drain is over. Another request does stay unanswered.
        """
        request = self._current_request
        if request is None or request.content.is_eof():
            super().data_received(data)
            is_idle = self._current_request is None and not self._messages
            if is_idle or self._head_deadline is not None:
                self._watch_head(is_incomplete=is_idle and self._payload_parser is None)
            return
        ending = self._close, self._force_close
        self._close = self._force_close = False
        try:
            super().data_received(data)
        finally:
            self._close, self._force_close = ending

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - what it holds is not repeated
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - may quote the request, and so a token
    ) -> web.StreamResponse:
        """Answer a request that cannot be parsed, or that met a defect of ours.

        Raises ConnectionError for a client that left: there is nobody to answer.
        """
        if isinstance(exc, ConnectionError):
            raise exc
        if isinstance(exc, LineTooLong):
            fault = faults.Fault(431, "Request Header Fields Too Large", 431)
            response = answers.fault(fault, f"A line is longer than {LONGEST_LINE_BYTES} bytes.")
        elif status < 500:  # noqa: PLR2004
            fault = faults.Fault(status, "Bad Request", status)
            response = answers.fault(fault, "The request is not HTTP as RFC 9112 has it.")
        else:
            log.error("a request failed: %s at %s", type(exc).__name__, _place(exc))
            fault = faults.Fault(status, "Internal Server Error", status)
            response = answers.fault(fault, "The gateway failed; its log says more.")
        response.force_close()
        return response


def _place(error: BaseException | None) -> str:
    """Return where an error was raised, without its values: they may be secrets."""
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


class Server(web.Server):
    """Speaks HTTP/1.1 to the clients and hands each request to one handler."""

    def __init__(self, handler: Handler, *, header_timeout_seconds: float) -> None:
        super().__init__(handler, request_factory=self._request, handler_cancellation=True)
        self._header_timeout_seconds = header_timeout_seconds
        self._is_draining = False
        self._hurry = asyncio.Event()

    async def drain(self, seconds: float) -> None:
        """Finish what is under way, for at most so long; from now on responses say so.

        Idle connections have a moment for one more request.
        """
        self._is_draining = True
        hurrying = asyncio.create_task(self._hurry.wait())
        linger = min(DRAIN_LINGER_SECONDS, seconds) if self.connections else 0.0
        await asyncio.wait([hurrying], timeout=linger)
        self.pre_shutdown()
        finishing = asyncio.create_task(self.shutdown(max(seconds - linger, SHORTEST_SECONDS)))
        await asyncio.wait([hurrying, finishing], return_when=asyncio.FIRST_COMPLETED)
        for task in (hurrying, finishing):
            task.cancel()
        await self.shutdown(SHORTEST_SECONDS)

    def hurry(self) -> None:
        """End a drain at once."""
        self._hurry.set()

    def _request(
        self,
        message: Any,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        if self._is_draining:
            message = message._replace(should_close=True)
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop)

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        # Compressed bodies are the backend's to unpack.
        connection = _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,
            max_line_size=LONGEST_LINE_BYTES,
            max_field_size=LONGEST_LINE_BYTES,
            max_headers=MOST_HEADERS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
        )
        connection.header_timeout_seconds = self._header_timeout_seconds
        return connection


async def ask_for_body(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send its body (RFC 9110 section 10.1.1)."""
    if (
        request.version >= HttpVersion11
        and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
    ):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # That was no part of the response.
        request.writer.output_size = 0
