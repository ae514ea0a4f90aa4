"""Clients of every kind, each in a thread: what they ask, and what they have to be answered."""

import base64
import contextlib
import http.client
import itertools
import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import KeyType
from benchmarks.stores import DOMAIN, PATH, BenchStore

SMALL = b"x" * 100
LARGE = b"x" * (1 << 20)
USER, PASSWORD = "soak", "correct horse battery staple"
PART = 100_000
TURNS_PER_PASSWORD = 20


@dataclass
class Tally:
    """What came of the requests so far: answers, tokens, broken connections, surprises."""

    answers: Counter[int] = field(default_factory=Counter)
    issued: int = 0
    broken: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def answered(self) -> int:
        """Return how many answers there were."""
        return sum(self.answers.copy().values())

    def note(self, status: int, *, expected: int, what: str) -> None:
        """Count an answer."""
        with self.lock:
            self.answers[status] += 1
            if status != expected:
                self.unexpected.append(f"{what}: {status} where {expected} was expected")

    def note_issued(self) -> None:
        """Count a token."""
        with self.lock:
            self.issued += 1


@dataclass
class Visitor:
    """A client with a connection of its own, kept until it is closed."""

    port: int
    store: BenchStore
    tally: Tally
    turn: int = 0
    refresh_token: str | None = field(default=None, repr=False)
    _connection: http.client.HTTPConnection | None = None

    def leave(self) -> None:
        """Close the connection, whatever is under way on it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def connection(self) -> http.client.HTTPConnection:
        """Return the connection that is kept, or else a new one."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return self._connection

    def open(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        body: bytes | Iterator[bytes] | None = None,
    ) -> http.client.HTTPResponse:
        """Send a request, and return its answer unread. Raises OSError, HTTPException."""
        connection = self.connection()
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        body: bytes | Iterator[bytes] | None = None,
        expected: int = 200,
    ) -> bytes:
        """Send a request, count its answer, and return the body. Raises as `open`."""
        response = self.open(method, path, headers=headers, body=body)
        content = response.read()
        self.tally.note(response.status, expected=expected, what=f"{method} {path}")
        return content

    def next_token(self) -> str:
        """Return the next of the store's tokens, in turn."""
        self.turn += 1
        return self.store.access_tokens[self.turn % len(self.store.access_tokens)]

    def form(self, path: str, **fields: str) -> dict[str, Any]:
        """Post a form to the Login API as the store's client. Raises as `open`."""
        pair = f"{self.store.consumer_key}:{self.store.consumer_secret}".encode()
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self.ask("POST", path, headers=headers, body=urlencode(fields).encode())
        content: dict[str, Any] = json.loads(answer)
        return content


def bearing(token: str, domain: str = DOMAIN) -> dict[str, str]:
    """Return the headers of a request with this token."""
    return {"Authorization": f"Bearer {token}", "domain": domain}


def read(visitor: Visitor) -> None:
    """Ask for something with the next token."""
    visitor.ask("GET", PATH, headers=bearing(visitor.next_token()))


def look_in(visitor: Visitor) -> None:
    """Ask once, on a connection of its own."""
    read(visitor)
    visitor.leave()


def post(visitor: Visitor) -> None:
    """Send a small body, a large one, and one in chunks: the backend has to get them whole."""
    for body in (SMALL, LARGE, None):
        sent = itertools.repeat(SMALL, 50) if body is None else body
        said = visitor.ask("POST", PATH, headers=bearing(visitor.next_token()), body=sent)
        length = 50 * len(SMALL) if body is None else len(body)
        if said != str(length).encode():
            visitor.tally.unexpected.append(f"{said[:80]!r} came of {length} bytes")


def intrude(visitor: Visitor) -> None:
    """Be refused: with no token, with an unknown one, from another domain."""
    visitor.ask("GET", PATH, headers={}, expected=401)
    unknown = credentials.encode(
        Kind.ACCESS_TOKEN, KeyType.PRODUCTION, secrets.token_bytes(credentials.RANDOM_BYTES)
    )
    visitor.ask("GET", PATH, headers=bearing(unknown), expected=401)
    elsewhere = bearing(visitor.next_token(), "elsewhere.example")
    visitor.ask("GET", PATH, headers=elsewhere, expected=403)


def break_off(visitor: Visitor) -> None:
    """Leave in the middle of an answer, then in the middle of a request."""
    headers = bearing(visitor.next_token())
    visitor.open("GET", f"{PATH}endless", headers=headers).read(PART)
    visitor.leave()
    connection = visitor.connection()
    connection.putrequest("POST", PATH)
    for name, value in {**headers, "Content-Length": str(len(LARGE))}.items():
        connection.putheader(name, value)
    connection.endheaders(LARGE[:PART])
    visitor.leave()


def log_in(visitor: Visitor) -> None:
    """Get tokens by each grant, use them, and revoke some: the very next request is refused."""
    visitor.turn += 1
    spent, visitor.refresh_token = visitor.refresh_token, None
    if spent is not None:
        granted = visitor.form("/token", grant_type="refresh_token", refresh_token=spent)
    elif visitor.turn % TURNS_PER_PASSWORD == 0:
        granted = visitor.form("/token", grant_type="password", username=USER, password=PASSWORD)
        visitor.refresh_token = granted["refresh_token"]
    else:
        granted = visitor.form("/token", grant_type="client_credentials")
    visitor.tally.note_issued()
    headers = bearing(granted["access_token"])
    visitor.ask("GET", PATH, headers=headers)
    if visitor.turn % 2:
        visitor.form("/revoke", token=granted["access_token"])
        visitor.ask("GET", PATH, headers=headers, expected=401)


@dataclass(frozen=True)
class Role:
    """So many clients that do something, each again after a pause."""

    name: str
    act: Callable[[Visitor], None]
    clients: int
    pause_seconds: float


ROLES = (
    Role("kept connections", read, clients=8, pause_seconds=0.1),
    Role("short connections", look_in, clients=2, pause_seconds=0.1),
    Role("bodies", post, clients=2, pause_seconds=0.5),
    Role("refused", intrude, clients=1, pause_seconds=0.2),
    Role("leaving", break_off, clients=2, pause_seconds=0.5),
    Role("tokens", log_in, clients=2, pause_seconds=0.2),
)


@contextlib.contextmanager
def visiting(port: int, store: BenchStore, roles: Sequence[Role] = ROLES) -> Iterator[Tally]:
    """Let clients of all roles ask, until the block ends."""
    tally, is_over = Tally(), threading.Event()

    def visit(role: Role) -> None:
        visitor = Visitor(port, store, tally)
        while not is_over.wait(role.pause_seconds):
            try:
                role.act(visitor)
            except (OSError, http.client.HTTPException) as error:
                tally.broken.append(f"{role.name}: {error!r}")
                visitor.leave()
            except (KeyError, ValueError) as error:
                tally.unexpected.append(f"{role.name}: {error!r}")
        visitor.leave()

    threads = [
        threading.Thread(target=visit, args=(role,)) for role in roles for _ in range(role.clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
