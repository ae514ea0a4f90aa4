"""What a flood of log-ins costs everybody else: ``python -m benchmarks.password_flood``.

apimctl with one worker, asked for tokens and for an API, alone and amid 50 clients that log in all
the time, each time as another user, and that wait where they are told to. All on one core.
"""

import contextlib
import http.client
import itertools
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

from benchmarks import report
from benchmarks.calls import Call, ask
from benchmarks.load import Run, put_load
from benchmarks.peers import backend, serving
from benchmarks.processes import LOAD_CORE
from benchmarks.report import Row
from benchmarks.rounds import WARM_UP_SECONDS, Plan, compare
from benchmarks.stores import DOMAIN, PATH, BenchStore, make_store
from benchmarks.token_peers import client_credentials

CONNECTIONS = 32
FLOODING_CLIENTS = 50
TOKENS_IN_STORE = 1000


class Flood:
    """Clients that log in, with a wrong password, and wait as long as they are told."""

    def __init__(self, call: Call) -> None:
        self.answers: Counter[int] = Counter()
        self._call = call
        self._is_over = threading.Event()
        self._numbers = itertools.count()
        self._clients = [threading.Thread(target=self._log_in) for _ in range(FLOODING_CLIENTS)]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for client in self._clients:
            client.join()

    def _log_in(self) -> None:
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        url = urlsplit(self._call.url)
        with contextlib.closing(http.client.HTTPConnection(url.netloc, timeout=60)) as connection:
            while not self._is_over.is_set():
                name = f"nobody{next(self._numbers)}"
                form = {"grant_type": "password", "username": name, "password": "wrong"}
                connection.request("POST", url.path, urlencode(form), self._call.headers)
                response = connection.getresponse()
                response.read()
                self.answers[response.status] += 1
                self._is_over.wait(float(response.headers.get("Retry-After", 0)))


def run(plan: Plan) -> tuple[dict[str, list[Run]], dict[str, list[Run]], float]:
    """Return the runs of each call, alone and amid the flood, and how many log-ins a second."""
    alone: dict[str, list[Run]] = {}
    amid: dict[str, list[Run]] = {}
    checked, seconds = 0, 0.0
    with _served() as (store, url, process_id):
        calls = _calls(store, url)
        tokens = calls["POST /token, client_credentials"]
        for call in calls.values():
            ask(call)
            put_load(
                call, process_id=process_id, seconds=WARM_UP_SECONDS, connections=plan.connections
            )
        load = {
            "process_id": process_id,
            "seconds": plan.seconds,
            "connections": plan.connections,
        }
        for _, (name, call) in itertools.product(range(plan.rounds), calls.items()):
            alone.setdefault(name, []).append(put_load(call, **load))
            began = time.monotonic()
            with Flood(tokens) as flood:
                amid.setdefault(name, []).append(put_load(call, **load))
            checked += flood.answers[http.HTTPStatus.BAD_REQUEST]
            seconds += time.monotonic() - began
    return alone, amid, checked / seconds


@contextlib.contextmanager
def _served() -> Iterator[tuple[BenchStore, str, int]]:
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name, contextlib.ExitStack() as up:
        folder = Path(name)
        url = up.enter_context(backend(folder))
        store = make_store(folder / "bench.db", backend=url, count=TOKENS_IN_STORE)
        yield store, *up.enter_context(serving(store))


def _calls(store: BenchStore, url: str) -> dict[str, Call]:
    headers = {"Authorization": f"Bearer {store.access_tokens[0]}", "domain": DOMAIN}
    return {
        "GET, through the gateway": Call(f"{url}{PATH}", headers),
        "POST /token, client_credentials": client_credentials(
            f"{url}/token", store.consumer_key, store.consumer_secret
        ),
    }


def _rows(alone: dict[str, list[Run]], amid: dict[str, list[Run]]) -> Sequence[Row]:
    return [
        row
        for name in alone
        for row in (
            Row(name, alone[name], None),
            Row(f"{name}, amid log-ins", amid[name], compare(amid[name], alone[name])),
        )
    ]


def main() -> None:
    """Measure, print, and write JSON where it is wanted."""
    chosen = report.options(__doc__, rounds=3, seconds=4).parse_args()
    where = report.machine()
    plan = Plan(chosen.rounds, chosen.seconds, CONNECTIONS)
    alone, amid, log_ins = run(plan)
    rows = _rows(alone, amid)
    heading = report.heading(f"{FLOODING_CLIENTS} clients that log in", plan, where)
    report.show(heading, ("call", "requests/s", "CPU, with that of hashing"), rows)
    report.say(f"Meanwhile {log_ins:.1f} passwords a second were checked.")
    report.write(chosen.json, where, [report.content(plan, rows)])


if __name__ == "__main__":
    main()
