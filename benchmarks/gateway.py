"""apimctl's gateway side by side with its peers: ``python -m benchmarks.gateway [--json FILE]``.

All in one run, in rotation, since these machines are noisy: what counts are the ratios. wrk and the
backend (nginx) have one core, each peer in its turn the other one.
"""

import argparse
import contextlib
import json
import platform
import statistics
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.load import Run, put_load
from benchmarks.peers import MissingPeerError, Peer

WARM_UP_SECONDS = 2
PEERS = (peers.aiohttp_passthrough, peers.apimctl, peers.nginx_proxy, peers.envoy)


def measure(rounds: int, seconds: int) -> dict[str, Run]:
    """Return the median run of each peer that this machine has."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name, contextlib.ExitStack() as up:
        folder = Path(name)
        backend_url = up.enter_context(peers.backend(folder))
        started: list[Peer] = []
        for start in PEERS:
            try:
                started.append(up.enter_context(start(folder, backend_url)))
            except MissingPeerError as missing:
                console.print(f"skipped: {missing}")
        runs: dict[str, list[Run]] = {peer.name: [] for peer in started}
        for peer in started:
            put_load(peer.url, peer.headers, process_id=peer.process_id, seconds=WARM_UP_SECONDS)
        for number in range(rounds):
            for peer in started:
                console.print(f"round {number + 1} of {rounds}: {peer.name}")
                run = put_load(peer.url, peer.headers, process_id=peer.process_id, seconds=seconds)
                runs[peer.name].append(run)
    return {name: median(of_peer) for name, of_peer in runs.items()}


def median(runs: list[Run]) -> Run:
    """Return the run whose every figure is the median of these; failures are added up."""
    figures = {
        name: statistics.median(getattr(run, name) for run in runs)
        for name in ("requests_per_second", "p50_ms", "p99_ms", "cpu_us")
    }
    return Run(**figures, failed=sum(run.failed for run in runs))


def ratios(results: dict[str, Run]) -> dict[str, float]:
    """Return apimctl's throughput in that of each peer."""
    ours = next(run for name, run in results.items() if name.startswith("apimctl"))
    return {
        name: ours.requests_per_second / run.requests_per_second
        for name, run in results.items()
        if run is not ours
    }


def show(results: dict[str, Run]) -> None:
    """Print the table."""
    against = ratios(results)
    table = Table(title=f"one core each, {platform.machine()}, Python {platform.python_version()}")
    for heading in ("peer", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "apimctl is"):
        table.add_column(heading, justify="left" if heading == "peer" else "right")
    for name, run in results.items():
        ratio = f"{against[name]:.2f} x" if name in against else "-"
        figures = (f"{run.requests_per_second:,.0f}", f"{run.p50_ms:.2f}", f"{run.p99_ms:.2f}")
        failed = f" ({run.failed} failed)" if run.failed else ""
        table.add_row(name + failed, *figures, f"{run.cpu_us:.0f}", ratio)
    Console().print(table)


def main() -> None:
    """Measure, print, and write JSON where it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    results = measure(chosen.rounds, chosen.seconds)
    show(results)
    if chosen.json:
        content = {
            "peers": {name: asdict(run) for name, run in results.items()},
            "ratios": ratios(results),
        }
        chosen.json.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
