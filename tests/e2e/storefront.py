"""The API Store beside the gateway of a market, and browsers without script that visit it."""

import contextlib
import http.client
import re
import signal
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urljoin

from tests.binary import TIMEOUT_SECONDS, Cli
from tests.e2e.conftest import Answer, Gateway, listening_url
from tests.e2e.market import Market
from tests.e2e.visitor import Visitor


@dataclass
class Storefront:
    """A running portal. Users are made by the market; a password is the name backwards."""

    market: Market
    portal: Gateway
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    """The cookies of users who are logged in: checking a password is slow."""

    def visitor(self, user: str | None = None) -> "Shopper":
        """A browser, in which that user is logged in."""
        if user is not None and user not in self.sessions:
            shopper = Shopper(self.portal)
            shopper.log_in(user)
            self.sessions[user] = shopper.cookies
        return Shopper(self.portal, dict(self.sessions[user]) if user else {}, user=user)

    def subscriber(self) -> "Shopper":
        """A new user's browser."""
        return self.visitor(self.market.user())

    def admin(self) -> "Shopper":
        """The browser of a new user with the role admin."""
        name = self.market.user()
        self.market.changer("set_roles", name=name, roles=["admin"])
        return self.visitor(name)


@dataclass
class Shopper(Visitor):
    """A person's browser at the API Store; `user` is whoever was logged in from the start."""

    user: str | None = None

    def log_in(
        self, user: str, password: str | None = None, path="/store/login", headers=()
    ) -> Answer:
        """Log in as a user whose password is the name backwards."""
        self.visit(path)
        password = user.rpartition("/")[2][::-1] if password is None else password
        return self.send("/store/login", headers=headers, username=user, password=password)

    @property
    def page(self) -> str:
        """What the page says, without its marks; white space is one space."""
        body = re.sub(r"<(script|style)\b.*?</\1>", "", self.answer.body.decode(), flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())

    @property
    def notices(self) -> list[str]:
        """What the page says in its alerts."""
        found = re.findall(r'role="alert">(.*?)</p>', self.answer.body.decode(), re.DOTALL)
        return [unescape(re.sub(r"<[^>]*>", "", text)).strip() for text in found]

    def complaint(self, label_id: str) -> str:
        """What the page says beside the field of that id; empty for nothing."""
        found = re.search(
            f'id="{label_id}-problem">(.*?)</p>', self.answer.body.decode(), re.DOTALL
        )
        return unescape(found[1]).strip() if found else ""

    @property
    def links(self) -> list[str]:
        """Where the page's links lead, as addresses of the portal."""
        found = re.findall(r'<a [^>]*?href="([^"]*)"', self.answer.body.decode())
        return [urljoin(self.address, unescape(link)) for link in found]

    def post(self, path: str, fields) -> Answer:
        """Send a form again, as it was: what a second click does, or a page that is stale."""
        return self.visit(path, method="POST", body=urlencode(fields).encode())

    def secrets(self) -> list[str]:
        """Every key, secret and token that the page shows, each once, in order."""
        return list(dict.fromkeys(re.findall(r"\bapim_[A-Za-z0-9_-]+", self.answer.body.decode())))


@contextlib.contextmanager
def running_portal(market: Market, *arguments) -> Iterator[Storefront]:
    """Serve the API Store of a market over http."""
    with serving_portal(market.cli, "--http", *arguments) as portal:
        yield Storefront(market, portal)


@contextlib.contextmanager
def serving_portal(cli: Cli, *arguments) -> Iterator[Gateway]:
    """Serve the API Store on a free port; end it as an operator would, and check that."""
    stderr_path = cli.home / f"portal-{len(list(cli.home.glob('portal-*')))}.log"
    with (
        stderr_path.open("w") as stderr,
        cli.start("portal", "serve", "--port", "0", *arguments, stderr=stderr) as process,
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


class OverTls(Gateway):
    """A server that is spoken to over TLS, by a client that trusts its certificate alone."""

    def __init__(self, plain: Gateway, certificate: Path) -> None:
        super().__init__(plain.url, plain.process, plain.stderr_path)
        self.context = ssl.create_default_context(cafile=certificate)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=TIMEOUT_SECONDS, context=self.context
        )
