"""Signals that end the demo, obeyed only while it waits.

Between two waits a signal is noted and nothing more: no process is half-started and no clean-up is
cut short by one, whenever it comes.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Self

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Holds the ending signals of this process while it is entered.

    Leaving it raises KeyboardInterrupt or SystemExit for a signal that ended no wait.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        self._is_waiting = False
        self._is_raised = False
        self._before = {
            number: handler
            for number in ENDING_SIGNALS
            # Whoever started us may have said that a signal does not concern us: nohup does.
            if (handler := signal.getsignal(number)) is not signal.SIG_IGN
        }

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if error is None:
            self._raise_received()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Let a signal end this block: SIGINT by KeyboardInterrupt, others by SystemExit."""
        self._is_waiting = True
        try:
            self._raise_received()
            yield
        finally:
            self._is_waiting = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._received is None:
            self._received = signal.Signals(number)
        if self._is_waiting:
            self._raise_received()

    def _raise_received(self) -> None:
        """Raise once; the clean-up that follows is not disturbed by a second signal."""
        if self._received is None or self._is_raised:
            return
        self._is_raised = True
        if self._received is signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self._received)
