"""One run of wrk against one peer, and what came of it."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.processes import LOAD_CORE, cpu_seconds

CONNECTIONS = 32
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Run:
    """Requests a second, latencies in milliseconds, CPU microseconds of the peer per request."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    failed: int


def put_load(url: str, headers: Mapping[str, str], *, process_id: int, seconds: int) -> Run:
    """Load the peer from a core of its own. Raises CalledProcessError."""
    sent = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    before = cpu_seconds(process_id)
    done = subprocess.run(
        [
            *("taskset", "--cpu-list", LOAD_CORE, "wrk", "--latency", "--threads", "1"),
            *("--connections", str(CONNECTIONS), "--duration", f"{seconds}s", *sent, url),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    used = cpu_seconds(process_id) - before
    requests = int(_found(r"(\d+) requests in", done))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return Run(
        requests_per_second=float(_found(r"Requests/sec:\s+([\d.]+)", done)),
        p50_ms=_milliseconds(_found(r"50%\s+([\d.]+[a-z]+)", done)),
        p99_ms=_milliseconds(_found(r"99%\s+([\d.]+[a-z]+)", done)),
        cpu_us=1e6 * used / max(requests, 1),
        failed=int(failed[1]) if failed else 0,
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"wrk did not say {pattern}: {text}")
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS_MS[unit]
