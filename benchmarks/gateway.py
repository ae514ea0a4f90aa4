"""apimctl's gateway side by side with its peers: ``python -m benchmarks.gateway [--json FILE]``.

All in one run, in rotation, since these machines are noisy: what counts are the ratios. wrk and the
backend (nginx) have one core, each peer in its turn the other one.
"""

import contextlib
import tempfile
from pathlib import Path

from benchmarks import peers, report
from benchmarks.envoy import envoy
from benchmarks.express_gateway import express_gateway
from benchmarks.load import Run
from benchmarks.rounds import Plan, measure, start_all

CONNECTIONS = 32
OTHERS = (peers.aiohttp_passthrough, peers.nginx_proxy, envoy, express_gateway)


def run(plan: Plan) -> dict[str, list[Run]]:
    """Return the runs of all peers that this machine has."""
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name, contextlib.ExitStack() as up:
        folder = Path(name)
        backend_url = up.enter_context(peers.backend(folder))
        ours = up.enter_context(peers.apimctl(folder, backend_url))
        others = start_all(up, [start(folder, backend_url) for start in OTHERS])
        return measure([ours, *others], plan)


def main() -> None:
    """Measure, print, and write JSON where it is wanted."""
    chosen = report.options(__doc__, rounds=5, seconds=4).parse_args()
    plan, where = Plan(chosen.rounds, chosen.seconds, CONNECTIONS), report.machine()
    rows = report.beside_peers(run(plan), ours=peers.OURS)
    heading = report.heading("Gateways, one core each", plan, where)
    report.show(heading, report.PEER_COLUMNS, rows)
    report.write(chosen.json, where, [report.content(plan, rows)])


if __name__ == "__main__":
    main()
