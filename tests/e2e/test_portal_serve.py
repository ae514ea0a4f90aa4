"""`apimctl portal serve` as an operator meets it: how it begins, what it survives, how it ends."""

import contextlib
import os
import shlex
import signal
import socket
import ssl
from pathlib import Path

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.load import connections
from tests.e2e.storefront import OverTls, Shopper, serving_portal
from tests.e2e.tls import own_certificate, write_pair
from tests.e2e.waiting import until
from tests.e2e.wire import Peer

LOG_IN = "/store/login"


@pytest.fixture
def alice(cli):
    cli.ok("user", "create", "alice", "--password-stdin", stdin="ecila")
    return "alice"


def line(portal, beginning):
    (found,) = [said for said in portal.log.splitlines() if said.startswith(beginning)]
    return found.removeprefix(beginning).strip()


def begin_sending(portal, path=LOG_IN):
    """Return a connection on which a form is under way: its last byte is missing."""
    connection = portal.connection()
    connection.connect()
    client = connection.sock
    client.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n".encode()
        + b"Content-Type: application/x-www-form-urlencoded\r\n\r\na=b"
    )
    # The connection is known to the portal once a later one is answered.
    assert portal.get(LOG_IN).status == 200
    return client


def test_it_speaks_tls_and_says_how_to_begin(cli):
    with serving_portal(cli) as portal:
        assert portal.url.startswith("https://127.0.0.1:")
        assert line(portal, "API Store") == f"{portal.url}/store"
        assert line(portal, "certificate").startswith(f"{own_certificate(cli)}, self-signed")
        assert line(portal, "store") == str(cli.store)
        _, command = line(portal, "log in").split(": ")
        assert shlex.split(command) == ["apimctl", "user", "password", "admin"]
        cli.ok(*shlex.split(command)[1:], "--password-stdin", stdin="nimda")
        shopper = Shopper(OverTls(portal, own_certificate(cli)))
        assert shopper.log_in("admin").status == 200
        assert shopper.address == "/store/apis"
        assert list(shopper.cookies) == ["__Host-apimctl"]
        context = ssl.create_default_context(cafile=own_certificate(cli))
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            pytest.raises((ssl.SSLError, ConnectionResetError)),
            socket.create_connection(("127.0.0.1", portal.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            pass
    assert "stopped" in portal.log
    with serving_portal(cli) as portal:
        assert line(portal, "log in").startswith("as a user with a password")


def test_a_hang_up_exchanges_the_certificate(cli, tmp_path):
    certificate, key = write_pair(tmp_path)
    with serving_portal(cli, "--cert", certificate, "--key", key) as portal:
        assert "self-signed" not in portal.log
        assert OverTls(portal, certificate).get(LOG_IN).status == 200
        write_pair(tmp_path)
        portal.process.send_signal(signal.SIGHUP)
        until(lambda: is_trusted(portal, certificate))
        key.write_text("no key")
        portal.process.send_signal(signal.SIGHUP)
        until(lambda: "the certificate stays as it is" in portal.log)
        assert is_trusted(portal, certificate)


def is_trusted(portal, certificate) -> bool:
    try:
        return OverTls(portal, certificate).get(LOG_IN).status == 200
    except ssl.SSLCertVerificationError:
        return False


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--port", "99999"], 6),
        (["--host", "no such host"], 6),
        (["--host", "host.invalid"], 6),
        (["--host", "192.0.2.1"], 6),
        (["--cert", "a.pem"], 2),
        (["--cert", "a.pem", "--key", "a.key"], 6),
        (["--http", "--cert", "a.pem", "--key", "a.key"], 2),
        (["--http", "--host", "0.0.0.0"], 2),
        (["--http", "--host", "::"], 2),
        (["--http", "--host", "host.invalid"], 6),
    ],
)
def test_what_cannot_be_is_refused_before_anything_listens(cli, arguments, code):
    result = cli("portal", "serve", "--port", "0", *arguments, "--json")
    assert (result.code, result.stdout) == (code, "")
    assert result.error["hint"]
    assert "listening" not in result.stderr


def test_a_port_in_use_is_a_conflict(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = cli("portal", "serve", "--port", port, "--json")
    assert (result.code, result.error["code"]) == (5, "conflict")
    assert str(port) in result.error["message"]


def test_a_store_that_is_none_is_refused(cli, tmp_path):
    (tmp_path / "text").write_text("not a database, though long enough to look at" * 100)
    for path in (tmp_path, tmp_path / "text"):
        result = cli("--db", path, "portal", "serve", "--port", "0")
        assert (result.code, result.stdout) == (7, "")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_plain_http_is_for_this_machine_by_any_name(cli, host):
    with serving_portal(cli, "--http", "--host", host) as portal:
        assert portal.url.startswith("http://")
        assert line(portal, "listening on").endswith("(plain HTTP, this machine only)")


def test_a_form_under_way_is_finished(cli):
    with serving_portal(cli, "--http") as portal, begin_sending(portal) as client:
        finish_amid(portal, client, signal.SIGTERM)


def test_a_form_under_way_is_finished_over_tls(cli):
    with serving_portal(cli) as plain:
        portal = OverTls(plain, own_certificate(cli))
        with begin_sending(portal) as client:
            finish_amid(portal, client, signal.SIGINT)


def finish_amid(portal, client, number):
    portal.process.send_signal(number)
    until(lambda: is_refused(portal))
    client.sendall(b"c")
    assert Peer(client).read_head()[0] == b"HTTP/1.1 403 Forbidden"
    assert portal.process.wait(TIMEOUT_SECONDS) == 0
    assert "stopped" in portal.log


def test_who_has_connected_when_the_port_closes_is_answered(cli):
    with serving_portal(cli, "--http") as portal:
        portal.process.send_signal(signal.SIGSTOP)
        with connections(portal, 50) as clients:
            for client in clients:
                client.sendall(b"GET /store/login HTTP/1.1\r\nHost: x\r\n\r\n")
            portal.process.send_signal(signal.SIGTERM)
            portal.process.send_signal(signal.SIGCONT)
            for client in clients:
                assert b"200 OK" in client.recv(65536)
        assert portal.process.wait(TIMEOUT_SECONDS) == 0


def test_a_second_signal_ends_it_at_once(cli):
    cli.ok("config", "set", "gateway.drain", "1h")
    with serving_portal(cli, "--http") as portal, begin_sending(portal) as client:
        portal.process.send_signal(signal.SIGTERM)
        until(lambda: is_refused(portal))
        portal.process.send_signal(signal.SIGTERM)
        assert Peer(client).read_to_end() == b""
        assert portal.process.wait(TIMEOUT_SECONDS) == 0


def is_refused(portal) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", portal.port), timeout=TIMEOUT_SECONDS):
            return False
    except ConnectionRefusedError:
        return True


def test_the_service_manager_is_told(cli, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(TIMEOUT_SECONDS)
        cli.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        with serving_portal(cli, "--http") as portal:
            assert manager.recv(1000) == b"READY=1"
            portal.process.send_signal(signal.SIGHUP)
            assert manager.recv(1000).startswith(b"RELOADING=1\n")
            assert manager.recv(1000) == b"READY=1"
            assert portal.get(LOG_IN).status == 200
        assert manager.recv(1000) == b"STOPPING=1"


def test_changed_settings_are_obeyed_by_the_next_request_and_broken_ones_are_not(cli):
    with serving_portal(cli, "--http") as portal:
        assert is_secure(portal) is False
        cli.ok("config", "set", "portal.url", "https://store.example")
        assert is_secure(portal) is True
        cli.config.write_text("[portal\n")
        assert is_secure(portal) is True
        assert portal.log.count("the settings stay as they are") == 1
        portal.process.send_signal(signal.SIGHUP)
        until(lambda: portal.log.count("the settings stay as they are") == 2)
        cli.config.unlink()
        assert is_secure(portal) is False


def is_secure(portal) -> bool:
    return portal.get(LOG_IN).headers["Set-Cookie"].endswith("; Secure")


def test_a_store_that_is_away_is_said_and_obeyed_again_once_it_is_back(cli, alice):
    with serving_portal(cli, "--http") as portal:
        shopper = Shopper(portal)
        shopper.log_in(alice)
        store, away = cli.store, cli.store.with_name("away.db")
        store.rename(away)
        refused = shopper.visit("/store/apis")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert "The store cannot be used right now" in shopper.page
        assert Shopper(portal).visit(LOG_IN).status == 503
        assert portal.log.count(f"{store} cannot be opened") == 1
        away.rename(store)
        assert shopper.visit("/store/apis").status == 200
        assert Shopper(portal).log_in(alice).status == 200
        # Another store in its place, as one that is restored: who was logged in is nobody there.
        for file in store.parent.glob(f"{store.name}*"):
            if file.is_file():
                file.rename(file.with_name(f"old-{file.name}"))
        cli.ok("app", "list")
        assert shopper.visit("/store/apis").status == 200
        assert shopper.address == LOG_IN


def test_whatever_comes_it_stays_as_small_as_it_was(cli, alice):
    with serving_portal(cli, "--http") as portal:
        shopper = Shopper(portal)
        shopper.log_in(alice)
        ask_much(portal, shopper)
        descriptors, threads, memory = occupied(portal)
        for _ in range(5):
            ask_much(portal, shopper)
        until(lambda: occupied(portal)[0] <= descriptors)
        assert occupied(portal)[1] == threads
        assert occupied(portal)[2] - memory < 16 << 20
        assert "ERROR" not in portal.log


def ask_much(portal, shopper):
    """Ask for pages, send what is no request, and leave in the midst of one, many times each."""
    for _ in range(40):
        assert shopper.visit("/store/subscriptions").status == 200
        assert shopper.visit("/store/nothing").status == 404
        assert portal.send("POST", LOG_IN, body=b"x" * 100).status == 400
        for sent in (
            b"\0\1\2\r\n\r\n",
            b"GET /store HTTP/1.1\r\nHost: x\r\n",
            b"GET / HTTP/1.1\r\n",
        ):
            with contextlib.closing(
                socket.create_connection(("127.0.0.1", portal.port), timeout=TIMEOUT_SECONDS)
            ) as client:
                client.sendall(sent)


def occupied(portal) -> tuple[int, int, int]:
    """Return descriptors, threads and resident bytes of the portal's process."""
    process = Path(f"/proc/{portal.process.pid}")
    pages = int((process / "statm").read_text().split()[1])
    return (
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
        pages * os.sysconf("SC_PAGE_SIZE"),
    )
