"""The access log: one line per request, written by a thread of its own.

The event loop only remembers what it saw; twenty times a second that goes to the thread in one
piece, which makes lines of it and writes them. Where they are not taken fast enough, a pipe that
nobody reads or a disk that is full, lines are dropped and counted: the gateway neither waits for
its log nor keeps it in memory without bound.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from apimctl.edge.application_names import ApplicationNames
from apimctl.edge.log_lines import Renderer
from apimctl.edge.log_sink import Sink
from apimctl.edge.observation import Observation

GATHER_SECONDS = 0.05
MOST_WAITING_BYTES = 8 * 1024 * 1024
OVERHEAD_BYTES = 1024
"""What an observation takes in memory, besides its long texts."""

CLOSE_SECONDS = 3.0
"""How long the last lines may take."""

WARN_AGAIN_SECONDS = 60.0
TOO_SLOW = "they are not taken fast enough"

log = logging.getLogger("apimctl.gateway")


class AccessLog:
    """Writes the requests of one worker, on behalf of the running event loop."""

    def __init__(
        self,
        sink: Sink,
        render: Renderer,
        names: ApplicationNames,
        *,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        """Start the thread. It closes `sink` and `names` when it ends."""
        self._close_seconds = close_seconds
        self._sink = sink
        self._render = render
        self._names = names
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Observation] = []
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Each number is written by one side only: the first two by the event loop.
        self._taken_bytes = self._refused = 0
        self._done_bytes = self._failed = 0
        self._trouble = ""
        self._told = 0
        self._tell_at = 0.0
        self._thread = threading.Thread(target=self._run, name="apimctl-access-log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many requests have no line, since the start."""
        return self._refused + self._failed

    def write(self, observation: Observation) -> None:
        """Remember a request for the log, or drop it if too many wait."""
        size = _size(observation)
        if self._taken_bytes - self._done_bytes + size > MOST_WAITING_BYTES:
            self._refused += 1
            return
        self._taken_bytes += size
        if not self._gathered:
            self._loop.call_later(GATHER_SECONDS, self._hand_over)
        self._gathered.append(observation)

    def reopen(self) -> None:
        """Write what is seen from now on to the file that stands at the path then."""
        self._hand_over()
        self._jobs.put(self._reopen)

    def tell(self, *, now: float) -> None:
        """Warn of dropped lines, once a minute; `now` is in seconds of any clock."""
        dropped = self.dropped
        if dropped > self._told and now >= self._tell_at:
            reason = self._trouble or TOO_SLOW
            lost = dropped - self._told
            lines = (
                "1 line of the access log is"
                if lost == 1
                else f"{lost} lines of the access log are"
            )
            log.warning("%s lost: %s", lines, reason)
            self._told = dropped
            self._tell_at = now + WARN_AGAIN_SECONDS

    async def close(self) -> None:
        """Write what is left, as far as it is taken in time, and end the thread."""
        self._hand_over()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, self._close_seconds)
        if self._thread.is_alive():
            log.warning("the last lines of the access log are lost: %s", TOO_SLOW)
        self.tell(now=self._tell_at)

    def _hand_over(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._jobs.put(lambda: self._write(gathered))

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._sink.close()
        self._names.close()

    def _write(self, observations: list[Observation]) -> None:
        self._names.refresh()
        lines = map(self._line, observations)
        for data in _pieces(lines, longest=self._sink.longest_write):
            try:
                self._sink.write(data)
                self._trouble = ""
            except OSError as error:
                self._failed += data.count(b"\n")
                self._trouble = (error.strerror or str(error)).lower()
        self._done_bytes += sum(map(_size, observations))

    def _line(self, observation: Observation) -> bytes:
        application_id = observation.application_id
        name = None if application_id is None else self._names.find(application_id)
        return self._render(observation, name)

    def _reopen(self) -> None:
        try:
            self._sink.reopen()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            log.warning("the access log stays in the old file: %s", reason)


def _size(observation: Observation) -> int:
    return (
        OVERHEAD_BYTES
        + len(observation.words.target)
        + len(observation.words.user_agent)
        + len(observation.words.referer)
        + len(observation.words.traceparent)
    )


def _pieces(lines: Iterable[bytes], *, longest: int) -> Iterator[bytes]:
    """Yield the lines joined, as many at a time as are not longer than `longest` together."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > longest:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield b"".join(piece)
