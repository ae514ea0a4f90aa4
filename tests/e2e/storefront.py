"""The API Store beside the gateway of a market, and browsers without script that visit it."""

import contextlib
import re
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import Answer, Gateway
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
        return Shopper(self.portal, dict(self.sessions[user]) if user else {})

    def subscriber(self) -> "Shopper":
        """A new user's browser."""
        return self.visitor(self.market.user())

    def admin_name(self) -> str:
        """The name of a new user with the role admin."""
        name = self.market.user()
        self.market.changer("set_roles", name=name, roles=["admin"])
        return name

    def admin(self) -> "Shopper":
        """The browser of a new user with the role admin."""
        return self.visitor(self.admin_name())


class Shopper(Visitor):
    """A person's browser at the API Store."""

    def log_in(self, user: str, password: str | None = None, path="/store/login") -> Answer:
        """Log in as a user whose password is the name backwards."""
        self.visit(path)
        password = user.rpartition("/")[2][::-1] if password is None else password
        return self.send("/store/login", username=user, password=password)

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

    def secrets(self) -> list[str]:
        """Every key, secret and token that the page shows, each once, in order."""
        return list(dict.fromkeys(re.findall(r"\bapim_[A-Za-z0-9_-]+", self.answer.body.decode())))


@contextlib.contextmanager
def running_portal(market: Market, *arguments) -> Iterator[Storefront]:
    """Serve the API Store on a free port; end it as an operator would, and check that."""
    cli = market.cli
    stderr_path = cli.home / f"portal-{len(list(cli.home.glob('portal-*')))}.log"
    with (
        stderr_path.open("w") as stderr,
        cli.start(
            *("portal", "serve", "--http", "--port", "0", *arguments), stderr=stderr
        ) as process,
    ):
        try:
            for _ in range(TIMEOUT_SECONDS * 20):
                found = re.search(
                    r"^API Store +(\S+)/store$", stderr_path.read_text(), re.MULTILINE
                )
                if found:
                    break
                assert process.poll() is None, stderr_path.read_text()
                select.select([], [], [], 0.05)
            yield Storefront(market, Gateway(found[1], process, stderr_path))
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(TIMEOUT_SECONDS) == 0
        finally:
            if process.poll() is None:
                process.kill()
    assert "Traceback" not in stderr_path.read_text(), stderr_path.read_text()
