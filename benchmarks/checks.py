"""What the checks of one request cost, step by step: ``python -m benchmarks.checks``.

In one process, without a socket: CPU microseconds of each step of the way, best of many rounds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apimctl.domain.admission import Admitted, decide
from apimctl.edge import rate_limit
from apimctl.edge.counters import Counters, counters_path
from apimctl.edge.read_model import ReadModel
from benchmarks.stores import DOMAIN, PATH, make_store

CALLS = 1000


def steps(
    model: ReadModel, counters: Counters, access_token: str
) -> dict[str, Callable[[], object]]:
    """Return the steps of one request, in their order, each ready to be called by itself."""
    authorization = (f"Bearer {access_token}",)

    def facts() -> object:
        return model.facts(
            PATH,
            "GET",
            authorization=authorization,
            client_domains=(DOMAIN,),
            now=time.time(),
        )

    model.refresh()
    known = facts()
    admitted = decide(known)
    if not isinstance(admitted, Admitted):
        raise TypeError(admitted)
    limits = model.limits(admitted, client_address="")
    verdict = counters.take(limits)
    return {
        "refresh": model.refresh,
        "facts": facts,
        "decide": lambda: decide(known),
        "limits": lambda: model.limits(admitted, client_address=""),
        "take": lambda: counters.take(limits),
        "headers": lambda: rate_limit.relayed(verdict),
    }


def measure(step: Callable[[], object], rounds: int) -> float:
    """Return the CPU microseconds of one call."""
    best = float("inf")
    for _ in range(rounds):
        start = time.thread_time_ns()
        for _ in range(CALLS):
            step()
        best = min(best, time.thread_time_ns() - start)
    return best / CALLS / 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name:
        path = Path(name) / "apimctl.db"
        store = make_store(path, backend="http://127.0.0.1:1", count=1000)
        with (
            closing(ReadModel(path, on_settings_changed=lambda: None)) as model,
            closing(Counters(counters_path(path))) as counters,
        ):
            found = {
                step: measure(call, chosen.rounds)
                for step, call in steps(model, counters, store.access_tokens[0]).items()
            }
    table = Table(title="CPU microseconds of a request's checks")
    table.add_column("step")
    table.add_column("us", justify="right")
    for step, cost in [*found.items(), ("all", sum(found.values()))]:
        table.add_row(step, f"{cost:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
