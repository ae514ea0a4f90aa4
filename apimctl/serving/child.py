"""A worker as its supervisor sees it: a process that was forked, is spoken to, and ends."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import NoReturn, Protocol

from apimctl.errors import ApimctlError
from apimctl.serving import signals
from apimctl.serving.channel import Command, Reports

Work = Callable[[socket.socket, int], int]
"""What a worker does, with its end of the channel and its number; returns its exit code."""


class Closeable(Protocol):
    """Something that holds a descriptor."""

    def close(self) -> None:
        """Close it, in this process alone."""


class Child:
    """One forked worker. Its times are those of the monotonic clock, in seconds.

    `number` is one that no other living worker has.
    """

    def __init__(self, process_id: int, connection: socket.socket, *, number: int) -> None:
        self.process_id = process_id
        self.number = number
        self.connection = connection
        self.served_since: float | None = None
        self.error: ApimctlError | None = None
        self._reports = Reports(connection)

    @classmethod
    def fork(cls, work: Work, *, number: int, inherited: Iterable[Closeable]) -> "Child":
        """Start a worker, which first closes what it inherits and is not to have.

        Raises OSError if the system has no room for another process.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        # What is not written yet would be written by both.
        sys.stdout.flush()
        sys.stderr.flush()
        with theirs, signals.held_back():
            try:
                process_id = os.fork()
            except OSError:
                ours.close()
                raise
            if process_id == 0:
                _become_worker(lambda: work(theirs, number), [ours, *inherited])
        return cls(process_id, ours, number=number)

    @property
    def is_serving(self) -> bool:
        """Whether it has said so."""
        return self.served_since is not None

    @property
    def served_seconds(self) -> float:
        """How long it serves by now."""
        return 0.0 if self.served_since is None else time.monotonic() - self.served_since

    def listen(self) -> bool:
        """Take in what it reports; return whether more may come."""
        for report in self._reports.read():
            if report.error is not None:
                self.error = report.error
            else:
                self.served_since = time.monotonic()
        return not self._reports.is_over

    def tell(self, command: Command) -> None:
        """Say something to it, if it can still hear it."""
        try:
            self.connection.send(command.value)
        except (ConnectionError, BlockingIOError):
            return  # it has ended, or hangs; either is noticed elsewhere

    def reap(self) -> int | None:
        """Return its exit code if it has ended, once; minus the number of a signal that did it."""
        process_id, status = os.waitpid(self.process_id, os.WNOHANG)
        if not process_id:
            return None
        self.listen()
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """End it at once. It still has to be reaped."""
        os.kill(self.process_id, signal.SIGKILL)


def describe_end(code: int) -> str:
    """Return in words how a process ended, from its exit code."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _become_worker(work: Callable[[], int], inherited: Iterable[Closeable]) -> NoReturn:
    """Work, and never return into the supervisor's part of the program."""
    code = 1
    try:
        for thing in inherited:
            thing.close()
        signals.leave_to_supervisor()
        code = work()
    finally:
        os._exit(code)
