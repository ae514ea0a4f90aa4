"""Odd requests and things that go wrong at the API Store, on real sockets."""

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from apimctl import config
from apimctl.edge.connection import Server
from apimctl.errors import NotFoundError, UserStoreError
from apimctl.pages.browser import Browser
from apimctl.portal.forms import Problem
from apimctl.portal.pages import ROUTES
from apimctl.portal.replies import Page, Redirect
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.site import PAGES_AT_ONCE, Site
from apimctl.services import users
from apimctl.serving.live_settings import LiveSettings
from apimctl.store import open_store
from tests.binary import TIMEOUT_SECONDS
from tests.conftest import NOW

SECRET = "0123456789abcdef" * 4
FEW_WAITING = 6
COOKIE = f"Cookie: apimctl={SECRET}\r\n"
FORM_TOKEN = Browser(SECRET, is_secure=False).form_token()


def show(visit, db):
    problem = visit.refused.problem if visit.refused else Problem("This is a page")
    return Page("trouble.html", {"problem": problem})


def fail(visit, db):
    password = "hunter2"
    raise RuntimeError(password)


def find_nothing(visit, db):
    raise NotFoundError("there is no such thing")


def cannot_ask(visit, db):
    raise UserStoreError("the directory does not answer", hint="Later.")


class Slow:
    """A form that is prepared until it is let go on, and then makes a user."""

    def __init__(self):
        self.has_begun = threading.Event()
        self.goes_on = threading.Event()
        self.is_done = threading.Event()

    async def prepare(self, tools, visit):
        self.has_begun.set()
        await asyncio.to_thread(self.goes_on.wait, TIMEOUT_SECONDS)

    def act(self, visit, db):
        users.create(db, "made", password_hash=None, **visit.moment)
        self.is_done.set()
        return Redirect("/store/login")


class Heavy:
    """A page that takes the reader's time until it is let go on; `shown_to` are who got it."""

    def __init__(self):
        self.has_begun = threading.Event()
        self.goes_on = threading.Event()
        self.shown_to = []

    def show(self, visit, db):
        self.has_begun.set()
        assert self.goes_on.wait(TIMEOUT_SECONDS)
        self.shown_to.append(visit.address)
        return show(visit, db)


@dataclass
class Heard:
    """An answer, and whether the connection ends with it."""

    status: int
    head: str
    body: str

    @property
    def is_page(self):
        return (
            "text/html" in self.head and "Content-Security-Policy: default-src 'none'" in self.head
        )

    @property
    def is_end(self):
        return "\r\nConnection: close\r\n" in self.head


@dataclass
class House:
    """A site on a port."""

    port: int
    folder: Path
    slow: Slow
    heavy: Heavy

    def connect(self, client="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS, (client, 0))

    def ask(self, request: bytes) -> Heard:
        with self.connect() as client, client.makefile("rb") as answer:
            client.sendall(request)
            lines = list(iter(answer.readline, b"\r\n"))
            head = b"".join(lines).decode()
            length = int(head.lower().partition("content-length: ")[2].split()[0])
            body = b"" if request.startswith(b"HEAD") else answer.read(length)
            return Heard(int(head.split()[1]), head, body.decode())

    def get(self, target: bytes | str, *, more="", method="GET") -> Heard:
        target = target.encode() if isinstance(target, str) else target
        return self.ask(
            b"%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (method.encode(), target, more.encode())
        )

    def form(self, target, **fields) -> bytes:
        body = urlencode({"form_token": FORM_TOKEN, **fields})
        return (
            f"POST {target} HTTP/1.1\r\nHost: x\r\n{COOKIE}Content-Length: {len(body)}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
        ).encode()

    def post(self, target, **fields) -> Heard:
        return self.ask(self.form(target, **fields))


@contextlib.contextmanager
def housed(folder: Path):
    """Serve a site, with some odd pages, from a thread."""
    slow, heavy = Slow(), Heavy()
    odd = (
        Route("/store/odd/heavy", Access.ANYBODY, show=heavy.show),
        Route("/store/odd/fails", Access.ANYBODY, show=fail, post=Post(fail, again=show)),
        Route("/store/odd/nothing", Access.ANYBODY, post=Post(find_nothing, again=show)),
        Route("/store/odd/directory", Access.ANYBODY, post=Post(cannot_ask, again=show)),
        Route(
            "/store/odd/elsewhere",
            Access.ANYBODY,
            post=Post(find_nothing, again=lambda *_: Redirect("/store/login")),
        ),
        Route(
            "/store/odd/slow", Access.ANYBODY, post=Post(slow.act, again=show, prepare=slow.prepare)
        ),
    )
    flags = {"db": str(folder / "x.db"), "config": str(folder / "config.toml")}
    open_store(folder / "x.db", now=NOW).close()
    is_ready, ends = threading.Event(), asyncio.Event()
    port = 0

    async def serve():
        nonlocal port
        site = Site(LiveSettings(lambda: config.load(flags, environ={})), (*ROUTES, *odd))
        server = Server(site.handle, header_timeout_seconds=15)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(server, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        is_ready.set()
        await ends.wait()
        listener.close()
        await server.drain(0)
        await listener.wait_closed()
        await site.close()

    with asyncio.Runner() as runner:
        thread = threading.Thread(target=runner.run, args=(serve(),))
        loop = runner.get_loop()
        thread.start()
        try:
            assert is_ready.wait(TIMEOUT_SECONDS)
            yield House(port, folder, slow, heavy)
        finally:
            loop.call_soon_threadsafe(ends.set)
            thread.join()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with housed(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def own_house(tmp_path):
    with housed(tmp_path) as running:
        yield running


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_defect_is_told_without_its_values(house, caplog, method):
    if method == "POST":
        answer = house.post("/store/odd/fails")
    else:
        answer = house.get("/store/odd/fails", method=method)
    assert answer.status == 500
    assert answer.is_page
    assert answer.is_end
    assert "hunter2" not in answer.body + caplog.text
    assert method == "HEAD" or "Something went wrong here" in answer.body
    assert "RuntimeError at test_site.py:" in caplog.text


@pytest.mark.parametrize(
    "target",
    [
        *("*", "store/login", "ftp://x/store", "http:///store", "http://a b/", "http://a@b/store"),
        *("/store/../store/login", "/store/%2e%2e/login", "/store/apis/..", "/./store"),
        *("/store/%00", "/store/login#x", "/store/login?x#y"),
        *(b"/store/\xff", "/store/\u00e9".encode(), b"/store/apis/\xc3\x28/1"),
    ],
)
def test_a_target_that_is_none_is_refused(house, target):
    answer = house.get(target)
    assert answer.status == 400
    assert answer.is_end


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /store/login HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 400),
        (b"GET /store/login HTTP/1.0\r\n\r\n", 200),
        (b"GET http://x/store/login HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET HTTPS://x HTTP/1.1\r\nHost: x\r\n\r\n", 303),
        (b"OPTIONS /store/login HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"TRACE /store/login HTTP/1.1\r\nHost: x\r\nCookie: apimctl=x\r\n\r\n", 405),
        (b"DELETE /store/odd/fails HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET /store/odd/slow HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ],
)
def test_only_what_is_clear_is_answered(house, head, status):
    answer = house.ask(head)
    assert answer.status == status
    assert answer.is_page or status == 303
    assert status != 405 or "\r\nAllow: " in answer.head


@pytest.mark.parametrize(
    "target",
    [
        *("/store/%zz", "/store/%", "/store/%ff", "/store/login/", "/STORE/login"),
        *("//store/login", "/store/%6cogin", "/" + "x/" * 8000, "/store/apis/%ed%a0%80"),
    ],
)
def test_a_page_that_is_not_there_is_not_there(house, target):
    answer = house.get(target)
    assert answer.status == 404
    assert answer.is_page
    assert len(answer.body) < 4000


@pytest.mark.parametrize("query", ["x=%ff", "x=1&x=2", "x=%00", b"x=\xff".decode("latin-1")])
def test_a_query_that_cannot_be_read_is_refused(house, query):
    assert house.get(f"/store/login?{query}".encode("latin-1")).status == 400


def test_a_head_is_as_that_of_the_page(house):
    answer = house.get("/store/login", method="HEAD")
    assert answer.status == 200
    assert answer.is_page
    assert "Set-Cookie: apimctl=" in answer.head


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/x-www-form-urlencoded", b"username=%ff"),
        ("application/x-www-form-urlencoded", b"a=1&a=2"),
        ("application/x-www-form-urlencoded", b"username=a%00b"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(101))),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 64 * 1024),
    ],
)
def test_a_body_that_is_no_form_is_refused(house, content_type, body):
    answer = house.ask(
        b"POST /store/login HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (content_type.encode(), len(body), body)
    )
    assert answer.status == 400
    assert answer.is_page


def test_a_body_that_never_ends_is_cut_off(house):
    head = b"POST /store/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with house.connect() as client:
        client.sendall(head + b"10000\r\n" + b"x" * 0x10000 + b"\r\n10000\r\n" + b"x" * 0x10000)
        assert b" 400 " in client.recv(65536)


def test_what_an_act_finds_missing_has_the_status_of_that(house):
    answer = house.post("/store/odd/nothing")
    assert answer.status == 404
    assert "There is no such thing" in answer.body


def test_a_directory_that_is_away_is_the_forms_trouble(house):
    answer = house.post("/store/odd/directory")
    assert answer.status == 503
    assert "The directory does not answer" in answer.body


def test_a_form_that_cannot_be_shown_again_leads_elsewhere(house):
    answer = house.post("/store/odd/elsewhere")
    assert answer.status == 303
    assert "\r\nLocation: ../../store/login\r\n" in answer.head


def test_a_store_that_cannot_be_read_is_told_and_comes_back(own_house, caplog):
    path = own_house.folder / "x.db"
    kept = path.rename(path.with_name("kept"))
    path.write_bytes(b"no store" * 1000)
    for answer in (own_house.get("/store/login"), own_house.post("/store/odd/fails")):
        assert answer.status == 503
        assert "\r\nRetry-After: 1\r\n" in answer.head
        assert str(path) not in answer.body
    assert len(caplog.records) == 1
    kept.rename(path)
    assert own_house.get("/store/login").status == 200


def test_a_settings_file_that_breaks_is_no_visitors_trouble(own_house, caplog):
    file = own_house.folder / "config.toml"
    file.write_text('[portal]\nsign_up = "on"\n')
    assert own_house.get("/store/sign-up").status == 200
    file.write_text('[portal]\nsign_up = "perhaps"\n')
    assert own_house.get("/store/sign-up").status == 200
    assert str(file) in caplog.text


def test_a_form_is_acted_on_to_its_end_if_the_browser_leaves(own_house):
    slow = own_house.slow
    form = own_house.form("/store/odd/slow", once="1")
    with own_house.connect() as client:
        client.sendall(form)
        assert slow.has_begun.wait(TIMEOUT_SECONDS)
    slow.goes_on.set()
    assert slow.is_done.wait(TIMEOUT_SECONDS)
    # The second click gets what the first one came to; a second user could not be made.
    assert own_house.ask(form).status == 303


@pytest.fixture
def small_house(tmp_path, monkeypatch):
    monkeypatch.setattr("apimctl.portal.site.MOST_WAITING", FEW_WAITING)
    with housed(tmp_path) as running:
        yield running


def test_who_asks_for_many_pages_waits_for_them_and_nobody_else_does(small_house):
    request = b"GET /store/odd/heavy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    greedy, other = "127.0.0.1", "127.0.0.9"
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(small_house.connect(client))
            for client in [*[greedy] * (PAGES_AT_ONCE + FEW_WAITING + 1), other]
        ]
        for client in clients:
            client.sendall(request)
        assert small_house.heavy.has_begun.wait(TIMEOUT_SECONDS)
        # What needs no reader is answered meanwhile, behind all that came before.
        assert small_house.get("/").status == 303
        small_house.heavy.goes_on.set()
        statuses = []
        for client in clients:
            with client.makefile("rb") as answer:
                statuses.append(int(answer.read().split()[1]))
    assert small_house.heavy.shown_to.index(other) <= PAGES_AT_ONCE + 1
    # One is turned away as there is no room, and one makes room for somebody else.
    assert statuses.count(503) == 2
    assert statuses.pop() == 200
