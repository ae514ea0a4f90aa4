"""What ten minutes of everything do to a gateway: ``python -m benchmarks.soak [--json FILE]``.

Two workers under a mixed load that leaves the machine room, while settings change, metrics are
read, and one worker is killed. What counts is whether memory, descriptors and the WAL stay what
they are. What grows for a reason: the store with each token that is issued, and the memory of a
worker with each token that it sees, by some 700 bytes, up to 100,000 tokens.
"""

import argparse
import contextlib
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from apimctl.services import users
from apimctl.store import open_store
from benchmarks import report
from benchmarks.calls import Call, ask
from benchmarks.footprint import MIB, Footprint, footprint
from benchmarks.processes import LOAD_CORE, PEER_CORE, family, free_port, running
from benchmarks.stores import BenchStore, make_store
from benchmarks.visitors import PASSWORD, ROLES, USER, Tally, visiting

TOKENS_IN_STORE = 100_000
TOKENS_IN_USE = 1_000
PARTS = 10
"""Of these the first is the warm-up; the figures are medians of the second, fifth and last."""
SAMPLE_SECONDS = 5
OPERATOR_SECONDS = 15
GROWTH = 0.05
GROWTH_MIB = 4.0
TOKEN_MIB = 700 / MIB
"""What a worker remembers of a token: measured, with tracemalloc."""

SHOWN = 20
BOTH_CORES = f"{PEER_CORE},{LOAD_CORE}"

console = Console(stderr=True)


@dataclass(frozen=True)
class Gateway:
    """A running gateway with two workers, and how to run commands on its store."""

    port: int
    admin_port: int
    process_id: int
    environ: Mapping[str, str]

    def configure(self, key: str, value: str) -> None:
        """Change a setting, as an operator would. Raises CalledProcessError."""
        command = [sys.executable, "-m", "apimctl", "config", "set", key, value]
        subprocess.run(command, env={**os.environ, **self.environ}, check=True, capture_output=True)


@dataclass(frozen=True)
class Sample:
    """What the gateway occupied so many seconds after the start; what it had done by then."""

    at_seconds: float
    answered: int
    issued: int
    access_log_mib: float
    footprint: Footprint


MEMORY = "memory, MiB"
FIGURES: Mapping[str, Callable[[Footprint], float]] = {
    MEMORY: lambda found: found.memory_mib,
    "descriptors": lambda found: found.descriptors,
    "threads": lambda found: found.threads,
    "processes": lambda found: found.processes,
    "WAL, MiB": lambda found: found.wal_mib,
    "store, MiB": lambda found: found.store_mib,
}
FLAT = (MEMORY, "descriptors", "threads", "processes", "WAL, MiB")
"""The store is not among them: each token that is issued makes it longer."""


@contextlib.contextmanager
def serving(folder: Path, store: BenchStore) -> Iterator[Gateway]:
    """Run a gateway with all that it can do on."""
    port, admin_port = free_port(), free_port()
    environ = {"APIMCTL_DB": str(store.path), "APIMCTL_CONFIG": str(folder / "soak.toml")}
    command = [
        *(sys.executable, "-m", "apimctl", "gateway", "serve", "--workers", "2", "--quiet"),
        *("--port", str(port), "--admin-port", str(admin_port)),
        *("--access-log", "json", "--access-log-file", folder / "access.log"),
    ]
    with running(command, port, core=BOTH_CORES, environ=environ) as process_id:
        yield Gateway(port, admin_port, process_id, environ)


@contextlib.contextmanager
def backend() -> Iterator[str]:
    """Run the backend; give its URL."""
    port = free_port()
    script = Path(__file__).with_name("reading_backend.py")
    with running([sys.executable, script, str(port)], port, core=BOTH_CORES):
        yield f"http://127.0.0.1:{port}"


def operate(gateway: Gateway, is_over: threading.Event) -> None:
    """Change a setting now and then, and let the files be read anew."""
    turn = 0
    while not is_over.wait(OPERATOR_SECONDS):
        turn += 1
        gateway.configure("tokens.application_validity", str(3600 + turn))
        if turn % 2:
            os.kill(gateway.process_id, signal.SIGHUP)


def watch(gateway: Gateway, is_over: threading.Event) -> None:
    """Read metrics and health every second."""
    while not is_over.wait(1):
        for path in ("metrics", "healthz", "readyz"):
            ask(Call(f"http://127.0.0.1:{gateway.admin_port}/-/{path}"))


@contextlib.contextmanager
def operating(gateway: Gateway, tally: Tally) -> Iterator[None]:
    """Do what operators do, until the block ends; what fails is unexpected."""
    is_over = threading.Event()

    def do(work: Callable[[Gateway, threading.Event], None]) -> None:
        try:
            work(gateway, is_over)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has failed
            tally.unexpected.append(f"{work.__name__}: {error!r}")

    threads = [threading.Thread(target=do, args=(work,)) for work in (operate, watch)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def run(*, seconds: float, is_worker_killed: bool) -> tuple[list[Sample], Tally]:
    """Return what was seen every few seconds, and what came of the requests."""
    with tempfile.TemporaryDirectory(prefix="apimctl-soak-") as name, contextlib.ExitStack() as up:
        folder = Path(name)
        store = make_store(
            folder / "soak.db",
            backend=up.enter_context(backend()),
            count=TOKENS_IN_STORE,
            known=TOKENS_IN_USE,
        )
        _add_user(store)
        gateway = up.enter_context(serving(folder, store))
        tally = up.enter_context(visiting(gateway.port, store))
        up.enter_context(operating(gateway, tally))
        samples = []
        for sample in _samples(gateway, folder, store, tally, seconds=seconds):
            samples.append(sample)
            console.print(
                f"{sample.at_seconds:4.0f} s: {sample.answered:,} answers,"
                f" {sample.footprint.memory_mib:.1f} MiB, {sample.footprint.descriptors}"
                f" descriptors, WAL {sample.footprint.wal_mib:.1f} MiB"
            )
            if is_worker_killed and sample.at_seconds > seconds / 2:
                is_worker_killed = False
                os.kill(family(gateway.process_id)[-1], signal.SIGKILL)
    return samples, tally


def surprises(tally: Tally, *, is_worker_killed: bool) -> list[str]:
    """Return what should not have happened: a killed worker may take its connections with it."""
    clients = sum(role.clients for role in ROLES)
    allowed = clients if is_worker_killed else 0
    return [*tally.unexpected, *(tally.broken if len(tally.broken) > allowed else ())]


def part(samples: Sequence[Sample], number: int) -> list[Sample]:
    """Return the samples of one of the PARTS of a run, counted from 0."""
    length = samples[-1].at_seconds / PARTS
    start, end = number * length, (number + 1) * length
    return [sample for sample in samples if start <= sample.at_seconds <= end]


def verdict(name: str, samples: Sequence[Sample]) -> str:
    """Return in words whether a figure stayed what it was after the warm-up."""
    first, last = part(samples, 1), part(samples, PARTS - 1)
    after, end = _median(name, first), _median(name, last)
    issued = last[-1].issued - first[0].issued
    known = issued * TOKEN_MIB if name == MEMORY else 0.0
    grown = end - after - known
    is_flat = grown <= max(GROWTH_MIB if name.endswith("MiB") else 1, GROWTH * after)
    said = f"{name}: {'flat' if is_flat else 'GROWS'}, {after:.1f} -> {end:.1f} ({end - after:+.1f}"
    return f"{said}, {known:.1f} of it {issued:,} issued tokens)" if known else f"{said})"


def main() -> None:
    """Run, print, write JSON where it is wanted; exit with 1 after an unexpected answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--kill", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    chosen = parser.parse_args()
    where = report.machine()
    samples, tally = run(seconds=60 * chosen.minutes, is_worker_killed=chosen.kill)
    found = surprises(tally, is_worker_killed=chosen.kill)
    _show(samples, minutes=chosen.minutes, where=where)
    for line in [verdict(name, samples) for name in FLAT]:
        report.say(line)
    report.say(f"tokens issued: {tally.issued:,}")
    report.say(f"answers: {dict(sorted(tally.answers.items()))}")
    report.say(f"connections broken off: {len(tally.broken)}, unexpected: {len(found)}")
    for line in found[:SHOWN]:
        report.say(line)
    report.write(chosen.json, where, [_content(samples, tally)])
    sys.exit(1 if found else 0)


def _add_user(store: BenchStore) -> None:
    now = int(time.time())
    opened = open_store(store.path, now=now)
    with contextlib.closing(opened), opened.transaction() as db:
        digest = users.hash_password(PASSWORD)
        users.create(db, USER, password_hash=digest, now=now, random=secrets.token_bytes)


def _samples(
    gateway: Gateway, folder: Path, store: BenchStore, tally: Tally, *, seconds: float
) -> Iterator[Sample]:
    start, pause = time.monotonic(), threading.Event()
    while (at_seconds := time.monotonic() - start) <= seconds:
        yield Sample(
            at_seconds=at_seconds,
            answered=tally.answered,
            issued=tally.issued,
            access_log_mib=(folder / "access.log").stat().st_size / MIB,
            footprint=footprint(gateway.process_id, store.path),
        )
        pause.wait(min(SAMPLE_SECONDS, seconds / PARTS / 3))


def _median(name: str, samples: Sequence[Sample]) -> float:
    return statistics.median(FIGURES[name](sample.footprint) for sample in samples)


def _show(samples: Sequence[Sample], *, minutes: float, where: Mapping[str, Any]) -> None:
    table = Table(box=box.MARKDOWN)
    table.add_column(f"median of {minutes / PARTS:g} min")
    for column in ("after warm-up", "middle", "end", "highest of all"):
        table.add_column(column, justify="right")
    for name, figure in FIGURES.items():
        medians = [_median(name, part(samples, number)) for number in (1, PARTS // 2, PARTS - 1)]
        highest = max(figure(sample.footprint) for sample in samples)
        table.add_row(name, *(f"{value:,.1f}" for value in (*medians, highest)))
    last = samples[-1]
    report.say(
        f"\nSoak of {minutes:g} min, 2 workers, {last.answered / last.at_seconds:.0f} answers/s,"
        f" {where['cores']} cores of {where['processor']}, Python {where['python']},"
        f" load before {where['load_average_before']:.1f}"
    )
    Console(width=report.WIDTH).print(table)


def _content(samples: Sequence[Sample], tally: Tally) -> dict[str, Any]:
    return {
        "samples": [asdict(sample) for sample in samples],
        "answers": dict(sorted(tally.answers.items())),
        "issued": tally.issued,
        "broken": tally.broken,
        "unexpected": tally.unexpected,
    }


if __name__ == "__main__":
    main()
