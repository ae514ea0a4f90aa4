"""How long pages of the API Store take: ``python -m benchmarks.portal [--json FILE]``.

A user with many applications, each with both keys and subscriptions to several APIs. Each page is
measured in one process, the reads of the store and the template apart, and over a socket, in turn
with a page of the same server that asks the store for nothing.
"""

import argparse
import http.client
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from sqlite3 import Connection
from urllib.parse import urlsplit

from rich import box
from rich.table import Table

from apimctl import config
from apimctl.domain.models import ApiState, KeyType
from apimctl.pages.browser import COOKIE, Browser
from apimctl.portal import rendering
from apimctl.portal.pages import ROUTES
from apimctl.portal.replies import Page
from apimctl.portal.routes import Router
from apimctl.portal.visits import Person, Visit
from apimctl.services import apis, applications, keys, sessions, subscriptions, users
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from apimctl.store import open_store
from benchmarks import report
from benchmarks.processes import PEER_CORE, free_port, running
from benchmarks.stores import SETTINGS

APIS = 20
SUBSCRIPTIONS_EACH = 4
USER = "alice"
BARE_PATH = "/store/nothing"
PATHS = ("/store/apis", "/store/subscriptions")
WARM_UP = 20


@dataclass(frozen=True)
class Shop:
    """A store, and the secret of a browser in which its user is logged in."""

    path: Path
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Within:
    """What a page takes in one process: its statements, and the medians in milliseconds."""

    statements: int
    reads_ms: float
    template_ms: float


@dataclass(frozen=True)
class Figures:
    """A page, in medians; `ratio` is the whole request in terms of the bare page's."""

    within: Within
    request_ms: float
    ratio: float


def make_shop(path: Path, *, count: int) -> Shop:
    """Make a store in which a user has so many applications."""
    now = int(time.time())
    moment = {"now": now, "random": secrets.token_bytes}
    store = open_store(path, now=now)
    with store.transaction() as db:
        user = users.create(db, USER, password_hash=None, **moment)
        served = [
            apis.create(
                db,
                f"Api{number}",
                context=f"/api{number}",
                version="1",
                state=ApiState.PUBLISHED,
                form=ApiForm(production_url="http://127.0.0.1:9", description="An API"),
                **moment,
            )
            for number in range(APIS)
        ]
        for number in range(count):
            form = ApplicationForm(description="An application")
            made = applications.create(db, f"App{number}", owner=USER, form=form, **moment)
            for offset in range(SUBSCRIPTIONS_EACH):
                api = served[(number + offset) % APIS]
                subscriptions.create(db, made, api, tier="Gold", **moment)
            for key_type in KeyType:
                keys.generate(
                    db,
                    made,
                    key_type,
                    allowed_domains=("example.com",),
                    validity_seconds=None,
                    settings=SETTINGS,
                    **moment,
                )
        secret = sessions.begin(db, user, **moment)
    store.close()
    return Shop(path, secret)


def measure_within(shop: Shop, path: str, *, rounds: int) -> Within:
    """Show a page so many times in this process, on one connection to the store."""
    found = Router(ROUTES).find(path)
    assert found is not None
    assert found[0].show is not None
    show, places = found[0].show, found[1]
    visit = Visit(
        path=path,
        root=rendering.root_of(path),
        browser=Browser(shop.secret, is_secure=False),
        settings=config.load({"db": str(shop.path), "config": "none.toml"}, environ={}),
        now=int(time.time()),
        random=secrets.token_bytes,
        places=places,
    )

    def read(db: Connection) -> tuple[Visit, Page]:
        logged_in = sessions.find(db, shop.secret, now=visit.now)
        assert logged_in is not None
        person = Person(logged_in.user, frozenset(users.roles_of(db, logged_in.user)))
        entered = replace(visit, logged_in=logged_in, person=person)
        page = show(entered, db)
        assert isinstance(page, Page)
        return entered, page

    store = open_store(shop.path, now=visit.now)
    with store.reading() as db:
        statements: list[str] = []
        db.set_trace_callback(statements.append)
        entered, page = read(db)
        db.set_trace_callback(None)
        reads, templates = [], []
        for _ in range(rounds):
            begun_at = time.perf_counter()
            entered, page = read(db)
            read_at = time.perf_counter()
            rendering.render(entered, page)
            templates.append(time.perf_counter() - read_at)
            reads.append(read_at - begun_at)
    store.close()
    return Within(len(statements), _median_ms(reads), _median_ms(templates))


def measure_requests(shop: Shop, paths: Sequence[str], *, rounds: int) -> dict[str, float]:
    """Ask for these pages in turn, over one connection; return the medians in milliseconds."""
    taken: dict[str, list[float]] = {path: [] for path in paths}
    with serving(shop) as url:
        address = urlsplit(url)
        client = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        for number in range(WARM_UP + rounds):
            for path, seconds in taken.items():
                begun_at = time.perf_counter()
                client.request("GET", path, headers={"Cookie": f"{COOKIE}={shop.secret}"})
                response = client.getresponse()
                response.read()
                ended_at = time.perf_counter()
                assert response.status == (404 if path == BARE_PATH else 200), response.status
                if number >= WARM_UP:
                    seconds.append(ended_at - begun_at)
        client.close()
    return {path: _median_ms(seconds) for path, seconds in taken.items()}


@contextmanager
def serving(shop: Shop) -> Iterator[str]:
    """Run the API Store over http; give its URL."""
    port = free_port()
    command = [sys.executable, "-m", "apimctl", "portal", "serve", "--http", "--port", str(port)]
    environ = {"APIMCTL_DB": str(shop.path), "APIMCTL_CONFIG": str(shop.path.with_suffix(".no"))}
    with running([*command, "--quiet"], port, core=PEER_CORE, environ=environ):
        yield f"http://127.0.0.1:{port}"


def measure(shop: Shop, *, rounds: int) -> dict[str, Figures]:
    """Return the figures of each page."""
    within = {path: measure_within(shop, path, rounds=rounds) for path in PATHS}
    requests = measure_requests(shop, (BARE_PATH, *PATHS), rounds=rounds)
    return {
        path: Figures(within[path], requests[path], requests[path] / requests[BARE_PATH])
        for path in PATHS
    }


def main() -> None:
    """Measure, print, and write JSON where it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applications", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    chosen = parser.parse_args()
    where = report.machine()
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name:
        shop = make_shop(Path(name) / "bench.db", count=chosen.applications)
        found = measure(shop, rounds=chosen.rounds)
    table = Table(box=box.MARKDOWN)
    for column in (
        "page",
        "statements",
        "reads, ms",
        "template, ms",
        "request, ms",
        "of a bare page",
    ):
        table.add_column(column, justify="left" if column == "page" else "right")
    for path, figures in found.items():
        within = figures.within
        table.add_row(
            path,
            str(within.statements),
            f"{within.reads_ms:.2f}",
            f"{within.template_ms:.2f}",
            f"{figures.request_ms:.2f}",
            f"{figures.ratio:.1f} x",
        )
    report.say(
        f"\nPages for a user with {chosen.applications} applications. Medians of {chosen.rounds},"
        f" {where['cores']} cores of {where['processor']}, Python {where['python']},"
        f" load before {where['load_average_before']:.1f}"
    )
    report.draw(table)
    report.write(chosen.json, where, [{path: asdict(figures) for path, figures in found.items()}])


def _median_ms(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    main()
