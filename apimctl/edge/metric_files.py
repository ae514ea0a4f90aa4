"""The files in which the workers of a gateway keep their metrics: prometheus_client's own format.

Its multiprocess mode (``MultiProcessCollector``) adds up whatever lies in one folder, whoever
answers the scrape. A worker's files bear its number, not its process id: the one that takes the
place of a fallen worker goes on from what that one had written, and there are never more files.
Numbers are written in place, mapped into memory; nothing has to be saved before a worker dies.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.openmetrics import exposition as openmetrics

FIRST_BYTES = 64 * 1024
_PREFIX = "apimctl-metrics-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ENTRY_BYTES = 64
"""What a number takes in a file besides its key, and more."""


class Kind(StrEnum):
    """How the numbers of the workers become one; a file of that name per worker and kind."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUM_OF_LIVING = "gauge_livesum"
    LEAST = "gauge_min"
    MOST = "gauge_max"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured: its name (of a counter without ``_total``), its labels, its help."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


class MetricFiles:
    """The numbers of one worker, by metric and label values. For one thread at a time.

    Whatever writes raises OSError where there is no room for a number that is not there yet.
    """

    def __init__(self, folder: Path, *, worker: int) -> None:
        """Go on with what stands in the folder. No other process may have this worker number."""
        self._files = {kind: _File(folder / f"{kind}_{worker}.db") for kind in Kind}
        self._keys: dict[tuple[str, ...], str] = {}

    def add(self, metric: Metric, values: Sequence[str], amount: float) -> None:
        """Add to a counter."""
        self._add(metric, f"{metric.name}_total", metric.labels, values, amount)

    def add_bucket(self, metric: Metric, values: Sequence[str], bound: str, count: int) -> None:
        """Add to one bucket of a histogram, those below it not included."""
        self._add(metric, f"{metric.name}_bucket", (*metric.labels, "le"), (*values, bound), count)

    def add_sum(self, metric: Metric, values: Sequence[str], amount: float) -> None:
        """Add to the sum of a histogram."""
        self._add(metric, f"{metric.name}_sum", metric.labels, values, amount)

    def set(self, metric: Metric, values: Sequence[str], amount: float) -> None:
        """Set a gauge."""
        key = self._key(metric, metric.name, metric.labels, values)
        self._files[metric.kind].write_value(key, amount, 0.0)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Close the files; they stay."""
        for file in self._files.values():
            file.close()  # type: ignore[no-untyped-call]

    def _add(
        self,
        metric: Metric,
        sample: str,
        labels: Sequence[str],
        values: Sequence[str],
        amount: float,
    ) -> None:
        file = self._files[metric.kind]
        key = self._key(metric, sample, labels, values)
        before, _ = file.read_value(key)  # type: ignore[no-untyped-call]
        file.write_value(key, before + amount, 0.0)  # type: ignore[no-untyped-call]

    def _key(
        self, metric: Metric, sample: str, labels: Sequence[str], values: Sequence[str]
    ) -> str:
        short = (sample, *values)
        key = self._keys.get(short)
        if key is None:
            key = mmap_key(metric.name, sample, list(labels), list(values), metric.help)
            self._keys[short] = key
        return key


class _File(MmapedDict):
    """A file that has room on the disk for all of it.

    MmapedDict lengthens a file by a hole, which looks for its room when it is written to, and
    kills the process (SIGBUS) if there is none.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _fill(descriptor, FIRST_BYTES)
        finally:
            os.close(descriptor)
        super().__init__(str(path))  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        if self._used + len(key.encode()) + _ENTRY_BYTES > self._capacity:
            _fill(self._f.fileno(), 2 * self._capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _fill(descriptor: int, size: int) -> None:
    """Lengthen a file to so many bytes, by zeros that are written."""
    missing = size - os.fstat(descriptor).st_size
    if missing > 0:
        with open(descriptor, "ab", closefd=False) as file:
            file.write(bytes(missing))


@contextlib.contextmanager
def metrics_folder() -> Iterator[Path]:
    """Give a folder for the metrics of one gateway, its owner's alone; gone at the end.

    Folders that killed gateways have left are removed first. Processes forked meanwhile may leave
    the block, too: only the one that entered it removes the folder. Raises OSError.
    """
    owner = os.getpid()
    _remove_left_folders()
    folder, lock = _locked_folder()
    try:
        yield folder
    finally:
        os.close(lock)
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def _locked_folder() -> tuple[Path, int]:
    """Return a new folder and a descriptor that says it is in use, as long as a process has it.

    Neither another gateway nor systemd-tmpfiles (tmpfiles.d(5)) cleans up a folder that is locked.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with contextlib.suppress(FileNotFoundError):  # taken for one that was left
            lock = os.open(folder, _FOLDER)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove_left_folders() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder, _FOLDER)
        except OSError:  # somebody else's
            continue
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # in use
            continue
        finally:
            os.close(lock)


def forget_worker(folder: Path, worker: int) -> None:
    """Take the gauges of a worker that has ended out of the sums. What it counted stays."""
    mark_process_dead(worker, str(folder))  # type: ignore[no-untyped-call]


def render(folder: Path, *, as_openmetrics: bool) -> bytes:
    """Return the metrics of all workers, as OpenMetrics 1.0.0 or in the text format 0.0.4.

    Raises OSError if the folder is gone.
    """
    folder.stat()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    generate = openmetrics.generate_latest if as_openmetrics else generate_latest
    return bytes(generate(registry))
