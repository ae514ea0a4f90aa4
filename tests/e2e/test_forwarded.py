"""What the backend is told of the client, and whom the gateway believes."""

import pytest

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CLAIMED = (
    b"X-Forwarded-For: 203.0.113.7, 198.51.100.2",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: shop.example.com",
    b'Forwarded: for=203.0.113.7;proto=https, for="[2001:db8::1]"',
)


def told(wire, *lines) -> dict[bytes, bytes]:
    client, backend = wire.request(*lines)
    _, headers = backend.read_head()
    backend.send(EMPTY)
    client.read_head()
    return dict(headers)


@pytest.fixture
def trusting(wire):
    setting = {"file": str(wire.market.cli.config), "key": "gateway.trusted_proxies"}
    wire.stall.change("configure", **setting, value="127.0.0.0/8")
    yield wire
    wire.stall.change("configure", **setting, value=None)


@pytest.mark.parametrize("claims", [(), CLAIMED], ids=["says nothing", "says much"])
def test_a_stranger_is_not_believed(wire, claims):
    headers = told(wire, *claims)
    assert headers[b"x-forwarded-for"] == b"127.0.0.1"
    assert headers[b"x-forwarded-proto"] == b"http"
    assert headers[b"x-forwarded-host"] == b"gateway.test"
    assert headers[b"forwarded"] == b'for=127.0.0.1;host="gateway.test";proto=http'


def test_a_trusted_proxy_is_believed_and_continued(trusting):
    headers = told(trusting, *CLAIMED)
    assert headers[b"x-forwarded-for"] == b"203.0.113.7, 198.51.100.2, 127.0.0.1"
    assert headers[b"x-forwarded-proto"] == b"https"
    assert headers[b"x-forwarded-host"] == b"shop.example.com"
    assert headers[b"forwarded"] == (
        b"for=203.0.113.7, for=198.51.100.2;host=shop.example.com;proto=https, "
        b'for=127.0.0.1;host="gateway.test";proto=http'
    )


def test_connection_cannot_name_the_forwarding_headers_away(wire):
    headers = told(wire, b"Connection: X-Forwarded-For, Forwarded, Content-Length")
    assert headers[b"x-forwarded-for"] == b"127.0.0.1"
    assert b"forwarded" in headers


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"Host: one.test", b"Host: two.test"),
        (b"Host: user@gateway.test",),
        (b"Host: one.test, two.test",),
        (b"Host: gateway.test/path",),
        (b'Host: "gateway.test"',),
    ],
    ids=["none", "two", "userinfo", "comma", "path", "quotes"],
)
def test_a_request_has_one_host(wire, lines):
    client = wire.connect()
    client.send(b"\r\n".join([b"GET /x HTTP/1.1", *lines, b"", b""]))
    assert client.read_head()[0].startswith(b"HTTP/1.") is True
    assert b'"code": 400' in client.read_to_end()
