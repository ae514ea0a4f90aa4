"""What a growing store costs the gateway: ``python -m benchmarks.growth [--json FILE]``.

One gateway for each size of the store, loaded in rotation. Each is asked with one token, and with
many that take turns: a single hot token says little about a store.
"""

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers, report
from benchmarks.calls import Call
from benchmarks.load import Run
from benchmarks.peers import Peer
from benchmarks.processes import memory_mib
from benchmarks.report import Row
from benchmarks.rounds import Plan, compare, measure
from benchmarks.stores import DOMAIN, PATH, make_store

CONNECTIONS = 32
SIZES = (1_000, 100_000, 1_000_000)
IN_USE = (1, 1_000, 10_000)
"""How many tokens take turns; a store that has fewer is left out."""


@dataclass(frozen=True)
class Case:
    """So many tokens in the store, so many of them in use."""

    size: int
    in_use: int

    @property
    def name(self) -> str:
        """What the case is called in the table."""
        return f"{self.size:,} tokens, {self.in_use:,} in use"


CASES = tuple(Case(size, in_use) for in_use in IN_USE for size in SIZES if in_use <= size)


def smallest(case: Case) -> Case:
    """Return the case a case is compared with: the smallest store with as many in use."""
    return next(other for other in CASES if other.in_use == case.in_use)


def run(plan: Plan) -> tuple[dict[Case, list[Run]], dict[int, float]]:
    """Return the runs of each case, and after them the memory of each size's gateway in MiB."""
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name, contextlib.ExitStack() as up:
        folder = Path(name)
        backend_url = up.enter_context(peers.backend(folder))
        started: dict[Case, Peer] = {}
        for size in SIZES:
            cases = [case for case in CASES if case.size == size]
            store = make_store(
                folder / f"{size}.db",
                backend=backend_url,
                count=size,
                known=max(case.in_use for case in cases),
            )
            url, process_id = up.enter_context(peers.serving(store))
            for case in cases:
                tokens = store.access_tokens[: case.in_use]
                call = Call(f"{url}{PATH}", {"domain": DOMAIN}, tokens=tokens)
                started[case] = Peer(case.name, call, process_id)
        runs = measure(list(started.values()), plan)
        memory = {case.size: memory_mib(peer.process_id) for case, peer in started.items()}
    return {case: runs[case.name] for case in started}, memory


def main() -> None:
    """Measure, print, and write JSON where it is wanted."""
    chosen = report.options(__doc__, rounds=5, seconds=3).parse_args()
    plan, where = Plan(chosen.rounds, chosen.seconds, CONNECTIONS), report.machine()
    runs, memory = run(plan)
    rows = [_row(case, runs) for case in CASES]
    heading = report.heading("A growing store", plan, where)
    report.show(heading, ("in the store", "requests/s", "CPU"), rows)
    for size, mib in memory.items():
        report.say(f"{size:,} tokens: {mib:.0f} MiB of memory after that load")
    content = {**report.content(plan, rows), "memory_mib": memory}
    report.write(chosen.json, where, [content])


def _row(case: Case, runs: Mapping[Case, list[Run]]) -> Row:
    base = smallest(case)
    comparison = compare(runs[case], runs[base]) if case != base else None
    return Row(case.name, runs[case], comparison)


if __name__ == "__main__":
    main()
