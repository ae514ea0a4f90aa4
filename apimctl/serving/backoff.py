"""How long a worker that falls again and again is waited with."""

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 30.0
STEADY_SECONDS = 10.0
"""Who served that long fell for a new reason."""


class Backoff:
    """The pauses of one worker's place: none at first, then longer and longer."""

    def __init__(self) -> None:
        self._next_seconds = 0.0

    def pause(self, *, served_seconds: float) -> float:
        """Return how many seconds to wait, after a worker that served so long has fallen."""
        if served_seconds >= STEADY_SECONDS:
            self._next_seconds = 0.0
        seconds = self._next_seconds
        self._next_seconds = min(max(2 * seconds, FIRST_SECONDS), LONGEST_SECONDS)
        return seconds
