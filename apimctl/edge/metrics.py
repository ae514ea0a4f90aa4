"""What the gateway counts, for Prometheus.

A request costs a few additions in memory. Once a second, before a scrape and at the end they go
to the worker's files (`metric_files`), in a thread; there the ids of applications become names.

No label value comes from a client. Names come from the store and statuses from backends; a worker
that has seen `MOST_SERIES` of them together counts all further ones as ``other``.
"""

import asyncio
import itertools
import os
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from apimctl import __version__
from apimctl.edge import metric_files
from apimctl.edge.application_names import ApplicationNames
from apimctl.edge.metric_files import Kind, Metric, MetricFiles
from apimctl.edge.observation import Observation

MOST_SERIES = 10_000
OTHER = "other"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper bounds of the histograms' buckets, in seconds; the last bucket has none."""

REQUESTS = Metric(
    "apimctl_requests",
    Kind.COUNTER,
    "Requests answered, by API, application, its owner, and status.",
    ("api", "application", "owner", "status"),
)
REFUSALS = Metric(
    "apimctl_refusals",
    Kind.COUNTER,
    "Requests that the gateway answered with a fault of its own, by the code of the fault.",
    ("code",),
)
REQUEST_SECONDS = Metric(
    "apimctl_request_seconds",
    Kind.HISTOGRAM,
    "Time from the head of a request until its answer was sent. Without WebSockets.",
    ("api",),
)
BACKEND_SECONDS = Metric(
    "apimctl_backend_seconds",
    Kind.HISTOGRAM,
    "Time from the head of a request to the backend until the head of its response.",
    ("api",),
)
STORE_ERRORS = Metric(
    "apimctl_store_errors", Kind.COUNTER, "Times the store could not be used when it was needed."
)
LOST_LINES = Metric(
    "apimctl_access_log_lost_lines", Kind.COUNTER, "Requests whose line in the access log is lost."
)
CONNECTIONS = Metric(
    "apimctl_connections", Kind.SUM_OF_LIVING, "Connections of clients that are open."
)
WORKERS = Metric("apimctl_workers", Kind.SUM_OF_LIVING, "Workers that are running.")
BUILD = Metric("apimctl_build_info", Kind.MOST, "The version of apimctl.", ("version",))
CPU = Metric("process_cpu_seconds", Kind.COUNTER, "CPU time of all workers, user and system.")
MEMORY = Metric(
    "process_resident_memory_bytes",
    Kind.SUM_OF_LIVING,
    "Resident memory of all workers; what they share counts for each.",
)
DESCRIPTORS = Metric("process_open_fds", Kind.SUM_OF_LIVING, "Open files of all workers.")
START = Metric(
    "process_start_time_seconds", Kind.LEAST, "When the oldest worker started, since the epoch."
)
ALWAYS_THERE = (STORE_ERRORS, LOST_LINES)
"""Counters that are shown from the start, as 0: what never happened can be told from no answer."""

_PROC = Path("/proc/self")
_Timings = defaultdict[str, list[float]]
"""By API: a count per bucket, then the sum."""


def _timings() -> _Timings:
    return defaultdict(lambda: [0] * (len(BOUNDS) + 2))


@dataclass(slots=True)
class _Counts:
    """What was counted since the last flush."""

    requests: defaultdict[tuple[str | None, str | None, int], int] = field(
        default_factory=lambda: defaultdict(int)
    )
    refusals: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    request_seconds: _Timings = field(default_factory=_timings)
    backend_seconds: _Timings = field(default_factory=_timings)
    store_errors: int = 0
    lost_lines: int = 0
    connections: int = 0


class Metrics:
    """Counts the requests of one worker, and shows those of all."""

    def __init__(
        self,
        folder: Path,
        *,
        worker: int,
        names: ApplicationNames,
        count_connections: Callable[[], int],
        most_series: int = MOST_SERIES,
    ) -> None:
        """Go on from what a worker of this number has left in the folder.

        `names` is closed with it. `count_connections` is asked on the event loop.
        """
        self._folder = folder
        self._names = names
        self._count_connections = count_connections
        self._most_series = most_series
        self._counts = _Counts()
        self._files = MetricFiles(folder, worker=worker)
        self._seen: set[tuple[str, ...]] = set()
        self._cpu_seconds = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="apimctl-metrics")
        self._begin()

    def count(self, observation: Observation) -> None:
        """Count a request that was answered."""
        counts = self._counts
        api = observation.api
        status = observation.status
        counts.requests[api, observation.application_id, status] += 1
        if observation.fault is not None:
            counts.refusals[observation.fault] += 1
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            seconds = observation.seconds
            timing = counts.request_seconds[api or ""]
            timing[bisect_left(BOUNDS, seconds)] += 1
            timing[-1] += seconds
        seconds_of_backend = observation.backend_seconds
        if seconds_of_backend is not None:
            timing = counts.backend_seconds[api or ""]
            timing[bisect_left(BOUNDS, seconds_of_backend)] += 1
            timing[-1] += seconds_of_backend

    def count_store_error(self) -> None:
        """Count that the store could not be used."""
        self._counts.store_errors += 1

    def count_lost_lines(self, lines: int) -> None:
        """Count lines that the access log has dropped."""
        self._counts.lost_lines += lines

    async def flush(self) -> None:
        """Write what was counted to the files. Raises OSError."""
        counts, self._counts = self._counts, _Counts()
        counts.connections = self._count_connections()
        loop = asyncio.get_running_loop()
        # What was taken is written, whoever gives up waiting for it.
        await asyncio.shield(loop.run_in_executor(self._thread, self._write, counts))

    async def render(self, *, as_openmetrics: bool) -> bytes:
        """Return the metrics of all workers, this one's up to now. Raises OSError."""
        await self.flush()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, lambda: metric_files.render(self._folder, as_openmetrics=as_openmetrics)
        )

    async def close(self) -> None:
        """Write what is left. The worker is no longer among the living. Raises OSError."""
        self._count_connections = lambda: 0
        try:
            await self.flush()
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
            self._thread.shutdown()

    def _begin(self) -> None:
        files = self._files
        files.set(BUILD, (__version__,), 1)
        files.set(WORKERS, (), 1)
        files.set(START, (), time.time())
        for metric in ALWAYS_THERE:
            files.add(metric, (), 0)

    def _end(self) -> None:
        self._files.set(WORKERS, (), 0)
        for metric in (MEMORY, DESCRIPTORS):
            self._files.set(metric, (), 0)
        self._files.close()
        self._names.close()

    def _write(self, counts: _Counts) -> None:
        files = self._files
        self._names.refresh()
        for (api, application_id, status), count in counts.requests.items():
            name, owner = self._names.find(application_id) if application_id else ("", "")
            values = self._bounded(api or "", name, owner, str(status))
            files.add(REQUESTS, values, count)
        for code, count in counts.refusals.items():
            files.add(REFUSALS, self._bounded(str(code)), count)
        self._write_timings(REQUEST_SECONDS, counts.request_seconds)
        self._write_timings(BACKEND_SECONDS, counts.backend_seconds)
        files.add(STORE_ERRORS, (), counts.store_errors)
        files.add(LOST_LINES, (), counts.lost_lines)
        files.set(CONNECTIONS, (), counts.connections)
        self._write_process()

    def _write_timings(self, metric: Metric, timings: _Timings) -> None:
        for api, timing in timings.items():
            values = self._bounded(api)
            for bound, count in zip(itertools.chain(BOUNDS, ("+Inf",)), timing[:-1], strict=True):
                self._files.add_bucket(metric, values, str(bound), int(count))
            self._files.add_sum(metric, values, timing[-1])

    def _write_process(self) -> None:
        cpu_seconds = time.process_time()
        self._files.add(CPU, (), cpu_seconds - self._cpu_seconds)
        self._cpu_seconds = cpu_seconds
        if _PROC.exists():
            pages = int((_PROC / "statm").read_text().split()[1])
            self._files.set(MEMORY, (), pages * os.sysconf("SC_PAGE_SIZE"))
            self._files.set(DESCRIPTORS, (), len([*(_PROC / "fd").iterdir()]))

    def _bounded(self, *values: str) -> tuple[str, ...]:
        """Return label values, or those of all that are too many."""
        if values not in self._seen:
            if len(self._seen) >= self._most_series:
                return (OTHER,) * len(values)
            self._seen.add(values)
        return values
