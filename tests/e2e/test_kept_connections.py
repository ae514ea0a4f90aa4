"""Connections to a backend are kept and shared by clients: what one sends never reaches another."""

import pytest

from tests.e2e.test_proxy_failures import EMPTY, fault_of

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED)
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
NO_TUNNELS = {
    "CONNECT with a length": (b"CONNECT", LENGTH),
    "CONNECT with chunks": (b"CONNECT", CHUNKS),
    "CONNECT with an empty body": (b"CONNECT", b"Content-Length: 0\r\n\r\n" + SMUGGLED),
    "CONNECT": (b"CONNECT", b"\r\n" + SMUGGLED),
    "an upgrade with a length": (b"POST", WEBSOCKET + LENGTH),
    "an upgrade with chunks": (b"GET", WEBSOCKET + CHUNKS),
}


@pytest.fixture
def kept(wire):
    """Return the backend's side of a connection that the gateway keeps."""
    client, backend = wire.request(b"Connection: close")
    backend.read_head()
    backend.send(EMPTY)
    assert client.read_to_end().startswith(b"HTTP/1.1 200 OK")
    return backend


def is_intact(wire, backend=None) -> bool:
    """Return whether the next thing that a backend sees is another client's request.

    That is one on this connection, else on a new one.
    """
    other = wire.connect()
    other.send(wire.head(rest=b"/intact"))
    backend = backend or wire.accept()
    assert backend.read_head()[0] == b"GET /intact HTTP/1.1"
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert other.read_head()[0] == b"HTTP/1.1 200 OK"
    return other.read(2) == b"ok"


@pytest.mark.parametrize(("method", "rest"), NO_TUNNELS.values(), ids=NO_TUNNELS)
def test_what_might_hide_another_request_is_refused_and_cut(wire, kept, method, rest):
    client = wire.connect()
    client.send(wire.head(method=method).removesuffix(b"\r\n") + rest)
    assert fault_of(client) == (b"400", 400)
    assert client.read_to_end() == b""
    assert is_intact(wire, kept)


def test_a_tunnel_to_another_host_is_refused_and_cut(wire, kept):
    client = wire.connect()
    client.send(wire.head(method=b"CONNECT", target=b"example.com:443") + SMUGGLED)
    assert fault_of(client) == (b"400", 400)
    assert client.read_to_end() == b""
    assert is_intact(wire, kept)


EARLY = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
UPLOADS = {
    "with a length": (b"Content-Length: %d" % (5 + len(SMUGGLED)), b"start", SMUGGLED),
    "chunked": (b"Transfer-Encoding: chunked", b"5\r\nstart\r\n", SMUGGLED),
}


@pytest.mark.parametrize(("line", "start", "rest"), UPLOADS.values(), ids=UPLOADS)
def test_after_an_early_answer_the_rest_of_the_body_begins_no_request(wire, line, start, rest):
    client, backend = wire.request(line, method=b"POST", body=start)
    backend.read_head()
    assert backend.read(len(start)) == start
    backend.send(EARLY)
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 413 Too Large"
    assert dict(headers)[b"connection"] == b"close"
    client.send(rest)
    assert backend.read_to_end() in {b"", rest}
    assert is_intact(wire)


@pytest.mark.parametrize(("line", "start", "rest"), UPLOADS.values(), ids=UPLOADS)
def test_after_an_upload_that_is_broken_off_the_connection_is_not_kept(wire, line, start, rest):
    client, backend = wire.request(line, method=b"POST", body=start)
    backend.read_head()
    client.close()
    assert backend.read_to_end() == start
    assert is_intact(wire)


CUT = {
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
def test_a_client_that_leaves_in_the_middle_of_a_response_is_no_error(wire, answer):
    client, backend = wire.request()
    backend.read_head()
    backend.send(answer)
    client.read_until(b"part")
    client.close()
    assert backend.read_to_end() == b""
    assert is_intact(wire)
    assert "ERROR" not in wire.market.gateway.log


def test_a_client_that_leaves_while_much_comes_down_is_no_error(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    client.read_head()
    client.close()
    with pytest.raises(ConnectionError):
        backend.send(b"x" * 100_000_000)
    assert is_intact(wire)
    assert "ERROR" not in wire.market.gateway.log


BEHIND = {
    "another answer": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    "garbage": b"garbage",
    "half another answer": b"HTTP/1.1 200 OK\r\nX-Poison: ",
    "a byte": b"H",
}


@pytest.mark.parametrize("more", BEHIND.values(), ids=BEHIND)
def test_what_comes_behind_an_answer_is_given_to_nobody(wire, more):
    client, backend = wire.request(b"Connection: close")
    backend.read_head()
    backend.send(EMPTY + more)
    assert backend.read_to_end() == b""
    assert b"poison" not in client.read_to_end()
    assert is_intact(wire)


UNASKED = {
    "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: ",
    "garbage": b"poison",
}


@pytest.mark.parametrize("sent", UNASKED.values(), ids=UNASKED)
def test_what_an_idle_backend_sends_unasked_is_given_to_nobody(wire, kept, sent):
    kept.send(sent)
    assert kept.read_to_end() == b""
    assert is_intact(wire)
