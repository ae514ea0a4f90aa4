"""A worker's counters in a process of their own.

``python counting_process.py FILE`` opens the file with the first line it reads. Each line is a
list of requests, and how often to ask for all of them in turn; the answer is how often each was
admitted. With ``hold``, it stops in the middle of the next request, all its locks taken.
"""

import json
import sys
import time
from pathlib import Path

from apimctl.domain.quota import Limit, Scope
from apimctl.edge.counters import Counters


def stop() -> int:
    say("holding")
    sys.stdin.readline()
    return time.monotonic_ns()


def say(what) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def main(path):
    say("ready")
    counters = None
    for line in sys.stdin:
        command = json.loads(line)
        if counters is None:
            clock = stop if "hold" in command else time.monotonic_ns
            counters = Counters(path, clock=clock)
        requests = [
            [Limit(Scope(scope), *rest) for scope, *rest in request]
            for request in command["requests"]
        ]
        admitted = [0] * len(requests)
        for _ in range(command["times"]):
            for number, limits in enumerate(requests):
                admitted[number] += counters.take(limits).is_admitted
        say(admitted)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
