"""Bodies that are too long, and clients that take too long."""

import socket

import pytest

from tests.e2e.conftest import running_gateway
from tests.e2e.wire import Peer

CHUNKED = b"Transfer-Encoding: chunked"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def configured(wire):
    """Set a setting of the gateway for one test."""
    keys = []

    def configure(key, value):
        keys.append(key)
        wire.stall.change("configure", file=str(wire.market.cli.config), key=key, value=value)

    yield configure
    for key in keys:
        wire.stall.change("configure", file=str(wire.market.cli.config), key=key, value=None)


def refusal(client) -> bytes:
    """Return the status line of a refusal that ends the connection."""
    first, headers = client.read_head()
    assert dict(headers)[b"connection"] == b"close"
    client.read_to_end()
    return first


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent(wire, configured):
    configured("gateway.request_body_limit", "1KiB")
    client = wire.connect()
    client.send(wire.head(b"Content-Length: 1025", b"Expect: 100-continue", method=b"POST"))
    assert refusal(client) == b"HTTP/1.1 413 Request Entity Too Large"


def test_a_body_of_just_the_limit_goes_through(wire, configured):
    configured("gateway.request_body_limit", "1KiB")
    client, backend = wire.request(b"Content-Length: 1024", method=b"POST", body=b"x" * 1024)
    backend.read_head()
    assert backend.read(1024) == b"x" * 1024
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_long(wire, configured):
    configured("gateway.request_body_limit", "1KiB")
    client, backend = wire.request(CHUNKED, method=b"POST", body=b"400\r\n" + b"x" * 1024 + b"\r\n")
    backend.read_head()
    client.send(b"1\r\nx\r\n")
    assert refusal(client) == b"HTTP/1.1 413 Request Entity Too Large"
    assert not backend.read_to_end().endswith(b"0\r\n\r\n")


def test_no_limit_lets_everything_through(wire, configured):
    configured("gateway.request_body_limit", "0")
    client, backend = wire.request(b"Content-Length: 2000000", method=b"POST")
    client.send(b"x" * 2_000_000)
    backend.read_head()
    assert len(backend.read(2_000_000)) == 2_000_000
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_body_that_stops_coming_is_given_up(wire, configured):
    configured("gateway.body_timeout", "1s")
    client, backend = wire.request(b"Content-Length: 100", method=b"POST", body=b"only this")
    backend.read_head()
    assert refusal(client) == b"HTTP/1.1 408 Request Timeout"
    assert backend.read_to_end() == b"only this"


def test_a_head_that_stops_coming_ends_the_connection(own_market):
    own_market.cli.ok("config", "set", "gateway.header_timeout", "1s")
    with running_gateway(own_market.cli) as gateway:
        client = Peer(socket.create_connection(("127.0.0.1", gateway.port)))
        silent = Peer(socket.create_connection(("127.0.0.1", gateway.port)))
        client.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\nX-Slow: ")
        for peer in (client, silent):
            assert peer.read_to_end() == b""
            peer.close()
        kept = Peer(socket.create_connection(("127.0.0.1", gateway.port)))
        for _ in range(3):
            kept.send(b"GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
            _, headers = kept.read_head()
            kept.read(int(dict(headers)[b"content-length"]))
        kept.close()
