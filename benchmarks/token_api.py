"""Tokens a second from ``/token``: ``python -m benchmarks.token_api [--json FILE]``.

apimctl with one worker and 1,000,000 tokens in the store, every answer after the commit that makes
its token durable; beside it npm's oidc-provider, whose tokens live in memory.
"""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.load import Run
from benchmarks.peers import TOKENS_IN_STORE
from benchmarks.rounds import Plan, measure, start_all
from benchmarks.stores import count_tokens, make_store
from benchmarks.token_peers import OURS, login_api, oidc_provider

CONNECTIONS = (32, 128)
UNUSED_URL = "http://127.0.0.1:9"


class LostTokenError(Exception):
    """Fewer tokens are in the store than were answered."""


def run(plans: Sequence[Plan]) -> list[dict[str, list[Run]]]:
    """Return the runs of the peers that this machine has, by each plan. Raises LostTokenError."""
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name, contextlib.ExitStack() as up:
        folder = Path(name)
        store = make_store(folder / "bench.db", backend=UNUSED_URL, count=TOKENS_IN_STORE)
        ours = up.enter_context(login_api(store))
        others = start_all(up, [oidc_provider(folder)])
        results = [measure([ours, *others], plan) for plan in plans]
        answered = sum(run.requests for runs in results for run in runs[OURS])
        issued = count_tokens(store.path) - TOKENS_IN_STORE
        if issued < answered:
            raise LostTokenError(f"{answered} tokens were answered, {issued} are in the store")
    return results


def main() -> None:
    """Measure, print, and write JSON where it is wanted."""
    chosen = report.options(__doc__, rounds=5, seconds=4).parse_args()
    where = report.machine()
    plans = [Plan(chosen.rounds, chosen.seconds, connections) for connections in CONNECTIONS]
    contents = []
    for plan, runs in zip(plans, run(plans), strict=True):
        rows = report.beside_peers(runs, ours=OURS)
        heading = report.heading("POST /token, client_credentials", plan, where)
        report.show(heading, report.PEER_COLUMNS, rows)
        contents.append(report.content(plan, rows))
    report.write(chosen.json, where, contents)


if __name__ == "__main__":
    main()
