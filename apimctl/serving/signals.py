"""Signals, as something that can be waited for beside other things.

A handler runs between any two steps of the program; here it does nothing, and what came is read
where the supervisor is ready for it.
"""

import contextlib
import signal
import socket
from collections.abc import Iterator
from types import FrameType
from typing import Self

HANDLED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD})
_ENOUGH_BYTES = 4096


class Signals:
    """The signals that came to this process and were not read yet; none ends it any more."""

    def __enter__(self) -> Self:
        self._reading, self._writing = socket.socketpair()
        for end in (self._reading, self._writing):
            end.setblocking(False)
        # One that does not fit into the socket is one more of many.
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in HANDLED:
            signal.signal(number, _ignore)
        return self

    def __exit__(self, *_: object) -> None:
        # The process is about to end; one more Ctrl-C does not change how.
        for number in HANDLED - {signal.SIGCHLD}:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        self.close()

    def fileno(self) -> int:
        """Return what becomes readable when a signal comes."""
        return self._reading.fileno()

    def read(self) -> list[signal.Signals]:
        """Return what came since, in order; nothing if nothing did."""
        try:
            return [signal.Signals(number) for number in self._reading.recv(_ENOUGH_BYTES)]
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Close the descriptors, in this process alone."""
        self._reading.close()
        self._writing.close()


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let no signal through until the block ends."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def leave_to_supervisor() -> None:
    """In a new worker, whose signals are held back: let go of what was inherited.

    Ctrl-C and a hang-up reach the whole group of processes, and are the supervisor's to obey.
    SIGTERM stays held back until the worker can obey it.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED - {signal.SIGTERM})


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the byte that is to be read was written before."""
