"""Circuits: a backend that refuses connections is left alone for a while (fault 303001)."""

from dataclasses import dataclass


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    opened_at: float | None = None


class Circuits:
    """One circuit per backend. Times are monotonic seconds.

    `failures` in a row open a circuit, for `open_seconds`. When its time is over, one request is
    let through (half open): it closes the circuit, or opens it for as long again.
    """

    def __init__(self, *, failures: int = 5, open_seconds: int = 5) -> None:
        self.failures = failures
        self.open_seconds = open_seconds
        self._circuits: dict[str, _Circuit] = {}

    def wait_seconds(self, backend: str, *, now: float) -> float:
        """Return for how long requests are kept from the backend; 0 lets this one through."""
        circuit = self._circuits.get(backend)
        if circuit is None or circuit.opened_at is None:
            return 0.0
        left = circuit.opened_at + self.open_seconds - now
        if left > 0:
            return left
        circuit.opened_at = now
        return 0.0

    def succeeded(self, backend: str) -> None:
        """Note that the backend accepted a connection."""
        if self._circuits:
            self._circuits.pop(backend, None)

    def failed(self, backend: str, *, now: float) -> None:
        """Note that the backend refused a connection."""
        circuit = self._circuits.setdefault(backend, _Circuit())
        circuit.failures += 1
        if circuit.failures >= self.failures:
            circuit.opened_at = now
