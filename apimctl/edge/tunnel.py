"""Two connections that have become one stream of bytes each way (WebSocket, RFC 6455)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

MOST_WAITING_BYTES = 256 * 1024


class Pipe:
    """One way of a tunnel: what a protocol receives, on its way to the other side.

    The source is paused while the other side does not take what waits.
    """

    def __init__(self, source: asyncio.Transport) -> None:
        self._source = source
        self._chunks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_paused = False
        self._has_ended = False
        self._changed = asyncio.Event()

    def feed_data(self, data: bytes) -> None:
        """Take what came."""
        self._chunks.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > MOST_WAITING_BYTES and not self._is_paused:
            self._is_paused = True
            self._source.pause_reading()
        self._changed.set()

    def feed_eof(self) -> None:
        """Note that nothing more will come."""
        self._has_ended = True
        self._changed.set()

    async def pump(
        self, write: Callable[[bytes], object], drain: Callable[[], Awaitable[object]]
    ) -> None:
        """Pass everything on until the source ends. Raises ConnectionError if the target does."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._waiting_bytes -= len(chunk)
                write(chunk)
                await drain()
            if self._is_paused and not self._source.is_closing():
                self._is_paused = False
                self._source.resume_reading()
            if self._has_ended:
                return
            self._changed.clear()
            await self._changed.wait()


async def join(one: Awaitable[None], other: Awaitable[None]) -> None:
    """Run both ways of a tunnel until one has passed everything on.

    A way that fails has lost its target, which is the source of the other way: that one ends too,
    once it has passed on what the source said before it left.
    """
    ways = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    pending = set(ways)
    try:
        while pending and not _is_one_through(ways):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


def _is_one_through(ways: Sequence[asyncio.Future[None]]) -> bool:
    return any(way.done() and way.exception() is None for way in ways)
