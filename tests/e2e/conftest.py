"""The installed binary in a home of its own, real backends, real gateways, real sockets."""

import base64
import contextlib
import http.client
import json
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlencode, urlsplit

import pytest

from tests.binary import TIMEOUT_SECONDS, Cli

FREE_PORTS = ("--port", "0", "--admin-port", "0")
ECHO_BACKEND = Path(__file__).parent / "echo_backend.py"


@dataclass
class Answer:
    """A response, read whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def fault(self) -> int:
        return self.json["fault"]["code"]


@dataclass
class Gateway:
    """A running gateway, spoken to over real sockets, one connection per request."""

    url: str
    process: subprocess.Popen
    stderr_path: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port

    @property
    def admin(self) -> "Gateway":
        """The admin port, spoken to in the same way."""
        line = re.search(r"^admin +(http://\S+)/-/metrics$", self.log, re.MULTILINE)
        return Gateway(line[1], self.process, self.stderr_path)

    @property
    def log(self) -> str:
        return self.stderr_path.read_text()

    def connection(self) -> http.client.HTTPConnection:
        """A connection of its own, opened with the first request."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)

    def send(self, method, path, *, token=None, headers=(), body=None) -> Answer:
        with contextlib.closing(self.connection()) as connection:
            connection.putrequest(method, path, skip_accept_encoding=True)
            if token is not None:
                connection.putheader("Authorization", f"Bearer {token}")
            for name, value in dict(headers).items() if isinstance(headers, dict) else headers:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path, *, token=None, headers=()) -> Answer:
        return self.send("GET", path, token=token, headers=headers)

    def form(self, path, fields, *, client=None, headers=()) -> Answer:
        """Post a form to the Login API; `client` is (consumer key, consumer secret) for Basic."""
        sent = [("Content-Type", "application/x-www-form-urlencoded"), *headers]
        if client is not None:
            pair = base64.b64encode(":".join(client).encode()).decode()
            sent.append(("Authorization", f"Basic {pair}"))
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        return self.send("POST", path, headers=sent, body=body)


@contextlib.contextmanager
def running_backend(name: str) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, ECHO_BACKEND, name], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


@pytest.fixture(scope="session")
def backend() -> Iterator[str]:
    with running_backend("production") as url:
        yield url


@pytest.fixture(scope="session")
def sandbox_backend() -> Iterator[str]:
    with running_backend("sandbox") as url:
        yield url


@contextlib.contextmanager
def running_gateway(
    cli: Cli, *arguments, stdout: int | IO = subprocess.DEVNULL
) -> Iterator[Gateway]:
    """Serve the store of `cli` on a free port; end it as an operator would, and check that."""
    stderr_path = cli.home / f"gateway-{len(list(cli.home.glob('gateway-*')))}.log"
    with (
        stderr_path.open("w") as stderr,
        cli.start(
            *("gateway", "serve", *FREE_PORTS, *arguments), stderr=stderr, stdout=stdout
        ) as process,
    ):
        try:
            url = listening_url(process, stderr_path)
            yield Gateway(url, process, stderr_path)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(TIMEOUT_SECONDS) == 0
        finally:
            if process.poll() is None:
                process.kill()
    assert "Traceback" not in stderr_path.read_text(), stderr_path.read_text()


def listening_url(process: subprocess.Popen, stderr_path: Path) -> str:
    """Wait for the start-up line, as a person at the terminal would."""
    for _ in range(TIMEOUT_SECONDS * 20):
        for line in stderr_path.read_text().splitlines():
            if line.startswith("listening on"):
                return line.split()[2]
        assert process.poll() is None, stderr_path.read_text()
        select.select([], [], [], 0.05)
    raise AssertionError(stderr_path.read_text())


@dataclass
class Shop:
    """An API `twitter` 1.0.0 with both backends, subscribed to, with both keys."""

    cli: Cli
    gateway: Gateway
    production: dict
    sandbox: dict

    @property
    def client(self) -> tuple[str, str]:
        """Consumer key and secret of the production key."""
        return self.production["consumer_key"], self.production["consumer_secret"]

    def call(self, token, *, headers=()) -> Answer:
        return self.gateway.get("/twitter/1.0.0/search.atom?q=cat", token=token, headers=headers)


def publish(cli: Cli, production_url: str | None, sandbox_url: str | None = None, name="twitter"):
    """Publish an API under its name and subscribe the default application."""
    urls = [] if production_url is None else ["--production-url", production_url]
    urls += [] if sandbox_url is None else ["--sandbox-url", sandbox_url]
    cli.ok("api", "create", name, "--context", f"/{name}", "--version", "1.0.0", *urls, "--publish")
    cli.ok("subscription", "create", "--app", "DefaultApplication", "--api", name)


@pytest.fixture
def gateway(cli) -> Iterator[Gateway]:
    with running_gateway(cli) as running:
        yield running


@pytest.fixture
def shop(cli, backend, sandbox_backend) -> Iterator[Shop]:
    publish(cli, backend, sandbox_backend)
    production = cli.data("key", "generate", "--production")
    sandbox = cli.data("key", "generate", "--sandbox")
    with running_gateway(cli) as gateway:
        yield Shop(cli, gateway, production, sandbox)


@pytest.fixture(scope="module")
def market(tmp_path_factory, backend, sandbox_backend):
    """Give one gateway to all tests of a module; each makes its own stall."""
    from tests.e2e.market import running_market  # noqa: PLC0415 - it is built on this module

    home = tmp_path_factory.mktemp("market")
    with running_market(Cli(home), backend, sandbox_backend) as running:
        yield running


@pytest.fixture
def own_market(cli, backend, sandbox_backend):
    """Give a gateway to one test, which may do to it and its store what it likes."""
    from tests.e2e.market import running_market  # noqa: PLC0415 - it is built on this module

    with running_market(cli, backend, sandbox_backend) as running:
        yield running


@pytest.fixture(scope="module")
def storefront(market):
    """Give the API Store beside the market's gateway to all tests of a module."""
    from tests.e2e.storefront import running_portal  # noqa: PLC0415 - it is built on this module

    with running_portal(market) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    """Give one Chromium to all tests of a module; each opens a window of its own."""
    from tests.e2e.browsing import running_browser  # noqa: PLC0415 - it needs Chromium

    with running_browser() as running:
        yield running


@pytest.fixture
def wire(market):
    """Let a test speak as the client and as the backend of the shared gateway."""
    from tests.e2e.wire import wired  # noqa: PLC0415 - it is built on this module

    with wired(market) as both_sides:
        yield both_sides
