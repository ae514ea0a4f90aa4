"""A worker's metrics in a process of their own.

``python -m tests.edge.metric_process FOLDER WORKER STORE`` counts the requests of each line it
reads, a list of changes to `observed`, and says so when others can see them. ``metrics`` shows all
there are, an empty line ends it.
"""

import asyncio
import json
import sys
from pathlib import Path

from apimctl.edge.application_names import ApplicationNames
from apimctl.edge.metrics import Metrics
from tests.edge.observations import observed


def say(what) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


async def run(folder, worker, store):
    metrics = Metrics(
        Path(folder),
        worker=int(worker),
        names=ApplicationNames(Path(store)),
        count_connections=lambda: 3,
    )
    say("ready")
    while (line := sys.stdin.readline().strip()) and line:
        if line == "metrics":
            say((await metrics.render(as_openmetrics=False)).decode())
            continue
        for changes in json.loads(line):
            metrics.count(observed(**changes))
        await metrics.flush()
        say("counted")
    await metrics.close()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
