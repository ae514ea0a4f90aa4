"""Warnings that every request might give: each is said at once, and then once a minute."""

import logging
import time
from collections.abc import Callable

AGAIN_SECONDS = 60.0
MOST_REMEMBERED = 100

log = logging.getLogger("apimctl.gateway")


class Complaints:
    """What one worker has complained of lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds, of any clock that does not go back."""
        self._clock = clock
        self._made_at: dict[str, float] = {}

    def make(self, message: str) -> None:
        """Log the warning, unless this very one was logged less than a minute ago."""
        now = self._clock()
        if now - self._made_at.get(message, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return
        if len(self._made_at) >= MOST_REMEMBERED:
            self._made_at.clear()
        self._made_at[message] = now
        log.warning("%s", message)
