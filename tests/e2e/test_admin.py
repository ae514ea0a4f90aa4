"""What a gateway says of itself on its admin port, and to nobody else."""

import signal

import pytest

from tests.e2e.waiting import until
from tests.e2e.wire import wired

PATHS = ("/-/healthz", "/-/readyz", "/-/metrics")


@pytest.fixture
def admin(market):
    return market.gateway.admin


@pytest.mark.parametrize("path", PATHS)
def test_it_answers_get_and_head_and_nothing_else(admin, path):
    answer = admin.get(path)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers
    head = admin.send("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == answer.headers["Content-Type"]
    refused = admin.send("POST", path, body=b"x")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert refused.headers["Cache-Control"] == "no-store"


def test_health_and_readiness_are_json(admin):
    assert admin.get("/-/healthz?x=1").json == {"status": "ok"}
    assert admin.get("/-/readyz").json == {"status": "ready"}


@pytest.mark.parametrize("path", ["/", "/-/", "/-/healthz/", "/token", "/twitter/1.0.0/x"])
def test_any_other_path_is_not_there(admin, path):
    answer = admin.get(path)
    assert answer.status == 404
    assert "/-/readyz" in answer.json["error"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_of_it_is_on_the_port_for_clients(market, path):
    answer = market.gateway.get(path)
    assert (answer.status, answer.fault) == (404, 900906)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.8.8.8:80", "[::1]"])
def test_names_and_addresses_of_this_machine_are_answered(wire, host):
    assert said_to(wire, host) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "host",
    ["example.com", "localhost.example.com", "192.0.2.1:8281", "[2001:db8::1]", "0.0.0.0", "", "["],
)
def test_a_page_whose_name_was_pointed_here_is_told_nothing(wire, host):
    assert said_to(wire, host) == b"HTTP/1.1 421 Misdirected Request"


def said_to(wire, host):
    wire.market.gateway, public = wire.market.gateway.admin, wire.market.gateway
    try:
        client = wire.connect()
    finally:
        wire.market.gateway = public
    client.send(b"GET /-/healthz HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
    return client.read_head()[0]


def test_a_gateway_without_its_store_lives_but_is_not_ready(own_market):
    admin = own_market.gateway.admin
    store, away = own_market.cli.store, own_market.cli.store.with_name("away.db")
    store.rename(away)
    refused = admin.get("/-/readyz")
    assert refused.status == 503
    assert refused.json["status"] == "not ready"
    assert "is not there" in refused.json["reason"]
    assert admin.get("/-/healthz").status == 200
    assert admin.get("/-/metrics").status == 200
    away.rename(store)
    assert admin.get("/-/readyz").status == 200


def test_a_gateway_that_is_told_to_stop_is_not_ready_while_it_finishes(own_market):
    gateway = own_market.gateway
    with wired(own_market) as wire:
        idle = wire.connect()
        client, backend = wire.request()
        backend.read_head()
        gateway.process.send_signal(signal.SIGTERM)
        assert idle.read_to_end() == b""
        refused = gateway.admin.get("/-/readyz")
        assert (refused.status, refused.json["reason"]) == (503, "the gateway is told to stop")
        assert gateway.admin.get("/-/healthz").status == 200
        backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        client.read_head()


def test_a_port_that_is_taken_is_said_with_the_flag_that_names_it(cli, market):
    port = market.gateway.admin.port
    result = cli("gateway", "serve", "--port", "0", "--admin-port", port, "--json")
    assert result.code == 5
    assert f"port {port}" in result.error["message"]
    assert "--admin-port" in result.error["hint"]


def test_a_store_that_is_gone_is_counted(own_market):
    stall = own_market.stall()
    own_market.cli.store.rename(own_market.cli.store.with_name("away.db"))
    until(lambda: stall.call(stall.token).status == 503)
    shown = own_market.gateway.admin.get("/-/metrics").body.decode()
    assert "\napimctl_store_errors_total 0.0\n" not in shown
    own_market.cli.store.with_name("away.db").rename(own_market.cli.store)
