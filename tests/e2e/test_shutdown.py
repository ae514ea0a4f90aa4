"""How a gateway begins and ends."""

import contextlib
import os
import signal
import socket

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import FREE_PORTS, running_gateway
from tests.e2e.load import connections
from tests.e2e.processes import sockets, workers
from tests.e2e.waiting import until
from tests.e2e.wire import wired


@pytest.fixture
def wire(own_market):
    with wired(own_market) as both_sides:
        yield both_sides


def stops(process) -> bool:
    return process.wait(TIMEOUT_SECONDS) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_finished(wire, number):
    gateway = wire.market.gateway
    idle = wire.connect()
    client, backend = wire.request()
    backend.read_head()
    gateway.process.send_signal(number)
    # An idle connection is closed at once: the signal has arrived.
    assert idle.read_to_end() == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", gateway.port))
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfirst")
    client.read_head()
    assert client.read(5) == b"first"
    backend.send(b"end")
    assert client.read_to_end() == b"end"
    assert stops(gateway.process)
    with socket.create_server(("127.0.0.1", gateway.port)):
        pass
    assert "stopped" in gateway.log
    assert wire.market.cli("gateway", "status", "--json").json == []


def test_a_token_request_under_way_is_finished(wire):
    gateway = wire.market.gateway
    idle = wire.connect()
    client = wire.connect()
    lines = (b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 29")
    body = b"grant_type=client_credentials"
    client.send(wire.head(*lines, method=b"POST", target=b"/token") + body[:-1])
    # The connection is known to the gateway once a later one is answered.
    assert gateway.get("/").status == 404
    gateway.process.send_signal(signal.SIGTERM)
    assert idle.read_to_end() == b""
    client.send(body[-1:])
    assert client.read_head()[0] == b"HTTP/1.1 401 Unauthorized"
    assert stops(gateway.process)


def test_who_has_connected_when_the_port_closes_is_answered(own_market):
    stall, gateway = own_market.stall(), own_market.gateway
    (worker,) = workers(gateway.process.pid)
    listening = sockets(gateway.process.pid)
    lines = f"GET /{stall.name}/1.0.0/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stall.token}"
    # Like a worker that is busy: they wait to be accepted.
    os.kill(worker, signal.SIGSTOP)
    with connections(gateway, 100) as clients:
        for client in clients:
            client.sendall(f"{lines}\r\n\r\n".encode())
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: sockets(gateway.process.pid) < listening)
        os.kill(worker, signal.SIGCONT)
        for client in clients:
            assert b"200 OK" in client.recv(65536)
    assert stops(gateway.process)


def test_a_request_that_takes_longer_than_the_drain_is_cut(cli, backend):
    cli.ok("config", "set", "gateway.drain", "1s")
    cli.ok("api", "create", "x", "--context", "/x", "--version", "1", "--production-url", backend)
    with (
        running_gateway(cli) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port), timeout=TIMEOUT_SECONDS) as client,
    ):
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"
        client.sendall(b"POST /token HTTP/1.1\r\nHost: x\r\n" + form + b"never")
        assert gateway.get("/").status == 404
        gateway.process.send_signal(signal.SIGTERM)
        assert client.recv(65536) == b""
        assert stops(gateway.process)


def test_a_port_in_use_is_a_conflict(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = cli("gateway", "serve", "--port", port, "--json")
    assert (result.code, result.error["code"]) == (5, "conflict")
    assert str(port) in result.error["message"]
    assert "--port" in result.error["hint"]
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--port", "99999"], 6),
        (["--port", "http"], 6),
        (["--port", "-1"], 6),
        (["--port", ""], 6),
        (["--host", "no such host"], 6),
        (["--host", "192.0.2.1", "--port", "0"], 6),
    ],
)
def test_an_address_that_cannot_be_is_refused(cli, arguments, code):
    result = cli("gateway", "serve", *arguments, "--json")
    assert (result.code, result.stdout) == (code, "")
    assert result.error["hint"]


def test_a_store_that_is_none_is_refused(cli, tmp_path):
    (tmp_path / "text").write_text("not a database, though long enough to look at" * 100)
    for path in (tmp_path, tmp_path / "text"):
        result = cli("--db", path, "gateway", "serve", *FREE_PORTS)
        assert (result.code, result.stdout) == (7, "")


def test_two_gateways_serve_one_store(own_market):
    stall = own_market.stall()
    with running_gateway(own_market.cli) as second:
        path = f"/{stall.name}/1.0.0/x"
        assert second.get(path, token=stall.token).status == 200
        assert stall.call(stall.token).status == 200
        token = stall.ask(grant_type="client_credentials").json["access_token"]
        assert second.get(path, token=token).status == 200
        revoked = second.form("/revoke", {"token": token}, client=stall.client)
        assert revoked.status == 200
        assert stall.call(token).fault == 900904
        serving = own_market.cli.data("gateway", "status")
        assert {row["url"] for row in serving} == {own_market.gateway.url, second.url}


def test_a_hang_up_reads_the_settings_anew(own_market):
    stall = own_market.stall(domains="example.com")
    own_market.cli.config.parent.mkdir(parents=True, exist_ok=True)
    own_market.cli.config.write_text('[gateway]\nclient_domain_header = "x-from"\n')
    own_market.gateway.process.send_signal(signal.SIGHUP)
    with contextlib.suppress(ConnectionError):
        for _ in range(1000):
            if stall.call(stall.token, headers={"x-from": "example.com"}).status == 200:
                break
    assert stall.call(stall.token, headers={"domain": "example.com"}).fault == 900908


def test_settings_that_cannot_be_leave_the_old_ones(own_market):
    stall = own_market.stall(domains="example.com")
    own_market.cli.config.parent.mkdir(parents=True, exist_ok=True)
    own_market.cli.config.write_text("[gateway\n")
    own_market.gateway.process.send_signal(signal.SIGHUP)
    assert stall.call(stall.token, headers={"domain": "example.com"}).status == 200
    own_market.cli.config.unlink()
