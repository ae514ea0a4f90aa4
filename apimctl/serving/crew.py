"""The workers of one supervisor: as many as are wanted, started again when they fall."""

import itertools
import logging
import selectors
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from apimctl.errors import ApimctlError
from apimctl.serving.backoff import Backoff
from apimctl.serving.channel import Command
from apimctl.serving.child import Child, Closeable, Work, describe_end

MARGIN_SECONDS = 5.0
"""How long a worker may take to end behind its drain, before it is killed."""

log = logging.getLogger("apimctl.gateway")


@dataclass(slots=True)
class _Place:
    """Where one worker is to be. `due_at` is when it is filled again, if it is empty."""

    child: Child | None = None
    due_at: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(slots=True)
class _Leaver:
    """A worker that was told to end. If it has not by `ends_at`, it is killed; None: it was."""

    child: Child
    ends_at: float | None


@dataclass(frozen=True, slots=True)
class Fall:
    """The end of a worker that was to serve on: what happened to it, and its last words."""

    process_id: int
    how: str
    error: ApimctlError | None
    pause_seconds: float


class Crew:
    """The workers. Its times are those of the monotonic clock, in seconds."""

    def __init__(
        self,
        work: Work,
        selector: selectors.BaseSelector,
        *,
        inherited: Callable[[], Sequence[Closeable]],
        on_end: Callable[[int], None],
    ) -> None:
        """`inherited` returns what a worker closes first, the selector and other workers aside.

        `on_end` is told the number of each worker that has ended.
        """
        self._work = work
        self._on_end = on_end
        self._selector = selector
        self._inherited = inherited
        self._places: list[_Place] = []
        self._leavers: list[_Leaver] = []

    @property
    def is_serving(self) -> bool:
        """Whether every worker that is wanted serves."""
        return all(place.child is not None and place.child.is_serving for place in self._places)

    @property
    def is_gone(self) -> bool:
        """Whether no worker is left."""
        return not any(True for _ in self._children())

    @property
    def due_at(self) -> float | None:
        """When there is something to do, even if nothing is heard of."""
        times = [leaver.ends_at for leaver in self._leavers if leaver.ends_at is not None]
        times += [place.due_at for place in self._places if place.child is None]
        return min(times, default=None)

    def resize(self, count: int, *, drain_seconds: float) -> None:
        """Want so many workers: `fill` starts those that are missing, the surplus drains."""
        self._resize(count, Command.DRAIN, drain_seconds)

    def end(self, command: Command, *, drain_seconds: float) -> None:
        """Want no workers any more: all are told to finish what they do, by STOP or DRAIN."""
        self._resize(0, command, drain_seconds)

    def _resize(self, count: int, command: Command, drain_seconds: float) -> None:
        while len(self._places) < count:
            self._places.append(_Place())
        # The lowest numbers stay: worker 0 has duties that the others have not.
        self._places.sort(key=lambda place: place.child.number if place.child else sys.maxsize)
        surplus, self._places = self._places[count:], self._places[:count]
        for place in surplus:
            if place.child is not None:
                place.child.tell(command)
                ends_at = time.monotonic() + drain_seconds + MARGIN_SECONDS
                self._leavers.append(_Leaver(place.child, ends_at))

    def hurry(self) -> None:
        """Let those that drain end at once."""
        for leaver in self._leavers:
            leaver.child.tell(Command.HURRY)
            if leaver.ends_at is not None:
                leaver.ends_at = min(leaver.ends_at, time.monotonic() + MARGIN_SECONDS)

    def tell(self, command: Command) -> None:
        """Say something to all workers that are to serve on."""
        for place in self._places:
            if place.child is not None:
                place.child.tell(command)

    def listen(self) -> None:
        """Take in what the workers report."""
        for child in self._children():
            if not child.listen():
                self._stop_listening(child)

    def fallen(self) -> list[Fall]:
        """Return the workers that have ended since, but for those that were told to."""
        now = time.monotonic()
        self._leavers = [leaver for leaver in self._leavers if self._reap(leaver.child) is None]
        falls = []
        for place in self._places:
            child = place.child
            if child is None or (code := self._reap(child)) is None:
                continue
            pause = place.backoff.pause(served_seconds=child.served_seconds)
            place.child, place.due_at = None, now + pause
            falls.append(Fall(child.process_id, describe_end(code), child.error, pause))
        return falls

    def fill(self) -> None:
        """Start the workers that are missing and due; what prevents it is logged."""
        for place in self._places:
            if place.child is not None or place.due_at > time.monotonic():
                continue
            others = [child.connection for child in self._children()]
            inherited: list[Closeable] = [self._selector, *others, *self._inherited()]
            try:
                place.child = Child.fork(
                    self._work, number=self._free_number(), inherited=inherited
                )
            except OSError as error:
                place.due_at = time.monotonic() + place.backoff.pause(served_seconds=0.0)
                log.warning("no worker can be started: %s", error.strerror)
            else:
                self._selector.register(place.child.connection, selectors.EVENT_READ)

    def kill_late(self) -> None:
        """Kill the workers that take too long to end."""
        for leaver in self._leavers:
            if leaver.ends_at is not None and leaver.ends_at <= time.monotonic():
                log.warning("worker %d did not end in time: killed", leaver.child.process_id)
                leaver.child.kill()
                leaver.ends_at = None

    def _free_number(self) -> int:
        taken = {child.number for child in self._children()}
        return next(number for number in itertools.count() if number not in taken)

    def _children(self) -> Iterator[Child]:
        yield from (place.child for place in self._places if place.child is not None)
        yield from (leaver.child for leaver in self._leavers)

    def _reap(self, child: Child) -> int | None:
        """Return its exit code if it has ended; then it is forgotten."""
        code = child.reap()
        if code is not None:
            self._stop_listening(child)
            child.connection.close()
            self._on_end(child.number)
        return code

    def _stop_listening(self, child: Child) -> None:
        if child.connection in self._selector.get_map():
            self._selector.unregister(child.connection)
