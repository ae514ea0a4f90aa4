"""A gateway that many tests share, each with an API, an application and keys of its own."""

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.binary import Cli
from tests.e2e.conftest import Answer, Gateway, running_gateway

CHANGER = Path(__file__).parent / "changer.py"


@dataclass
class Changer:
    """Another process that changes the store; a call returns after the commit."""

    process: subprocess.Popen

    def __call__(self, verb, **arguments):
        self.process.stdin.write(json.dumps({"verb": verb, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{verb} failed"
        return json.loads(answer)


@contextlib.contextmanager
def running_changer(cli: Cli) -> Iterator[Changer]:
    with subprocess.Popen(
        [sys.executable, CHANGER, cli.store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=cli.environ(),
        text=True,
    ) as process:
        yield Changer(process)
        process.stdin.close()


@dataclass
class Stall:
    """One application that has subscribed to one API, with both keys."""

    market: "Market"
    name: str
    production: dict
    sandbox: dict

    @property
    def token(self) -> str:
        """The production key's first access token."""
        return self.production["access_token"]

    @property
    def client(self) -> tuple[str, str]:
        """Consumer key and secret of the production key."""
        return self.production["consumer_key"], self.production["consumer_secret"]

    def change(self, verb, **arguments):
        """Change what belongs to the stall: its API and application bear its name."""
        return self.market.changer(verb, **arguments)

    def call(self, token=None, *, headers=(), rest="/search.atom?q=cat") -> Answer:
        path = f"/{self.name}/1.0.0{rest}"
        return self.market.gateway.get(path, token=token, headers=headers)

    def ask(self, *, path="/token", client=None, **fields) -> Answer:
        """Ask the Login API, as the production key unless another client is named."""
        return self.market.gateway.form(path, fields, client=client or self.client)

    def log_in(self, user: str, **fields) -> dict:
        """Return the tokens of a user whose password is the name backwards."""
        answer = self.ask(grant_type="password", username=user, password=user[::-1], **fields)
        assert answer.status == 200, answer.body
        return answer.json

    def refresh(self, refresh_token: str, **fields) -> Answer:
        return self.ask(grant_type="refresh_token", refresh_token=refresh_token, **fields)


@dataclass
class Market:
    """A gateway, and another process that changes its store."""

    cli: Cli
    gateway: Gateway
    changer: Changer
    production_url: str
    sandbox_url: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def name(self) -> str:
        """Return a name that nothing in the store has."""
        return f"stall{next(self._numbers)}"

    def user(self, userstore: str = "PRIMARY") -> str:
        """Return the qualified name of a new user, whose password is that backwards."""
        name = f"user{next(self._numbers)}"
        name = name if userstore == "PRIMARY" else f"{userstore}/{name}"
        self.changer("create_user", name=name, password=name[::-1])
        return name

    def stall(self, *, domains="", **form) -> Stall:
        """Return a new application, subscribed to a new API; `form` is more about the API."""
        name = self.name()
        urls = {"production_url": self.production_url, "sandbox_url": self.sandbox_url}
        self.changer("create_api", name=name, **(urls | form))
        self.changer("create_app", name=name)
        self.changer("subscribe", app=name, api=name)
        production = self.changer("generate", app=name, domains=domains)
        sandbox = self.changer("generate", app=name, key_type="SANDBOX", domains=domains)
        return Stall(self, name, production, sandbox)


@contextlib.contextmanager
def running_market(cli: Cli, production_url: str, sandbox_url: str, *arguments) -> Iterator[Market]:
    with running_changer(cli) as changer:
        # An answer says that the store is there: the gateway opens it, and does not race for it.
        changer("create_tier", name="OnePerMinute")
        with running_gateway(cli, *arguments) as gateway:
            yield Market(cli, gateway, changer, production_url, sandbox_url)
